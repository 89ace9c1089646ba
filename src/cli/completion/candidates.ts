/** What can stand at a place of the command line. Names that others chose are offered only where they mean who bears them. */
import type { Member, Room } from '../../client/client.ts'
import { NameBook, skeleton } from '../../view/names.ts'
import { cleanName, oneLine } from '../../view/sanitize.ts'
import { LEVELS } from '../options.ts'
import { MAX_CANDIDATES } from './constants.ts'
import { type CommandLine, nameOf, type Place } from './place.ts'

/** The shells there is a script for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const

export type Shell = (typeof SHELLS)[number]

export interface Candidate {
  /** As the program is to get it: the shell's quotes are not on it. */
  readonly value: string
  readonly description: string
}

/** Who and what is known; it may be filled while candidates are asked for. */
export interface Known {
  rooms: readonly Room[]
  members: readonly Member[]
}

export interface Answer {
  readonly candidates: readonly Candidate[]
  /** The shell completes these itself. */
  readonly paths?: 'files' | 'dirs'
}

/** What the peer takes for the beginning of a fingerprint. */
const LIKE_FINGERPRINT = /^[0-9a-f]{4,}$/i
/** What is an option, a comment or no part of a name where it stands at the beginning. */
const MISREAD = /^[-#@]/

const MAX_DESCRIPTION = 120

/** Kinds of values that a peer has to be asked for. */
export const asksForRooms = ({ kinds }: Place): boolean => kinds.includes('room') || kinds.includes('who')
export const asksForPeople = ({ kinds }: Place): boolean => kinds.includes('who')

export function candidatesAt(place: Place, { commands }: CommandLine, known: Known): Answer {
  const { kinds, options, before, current, command, argument } = place
  const found: Candidate[] = argument === 0 ? words(command?.begins ?? []) : []
  for (const kind of kinds) {
    if (kind === 'command') found.push(...commands.map((each) => ({ value: nameOf(each), description: each.description })))
    else if (kind === 'option') found.push(...options.map(({ name, description }) => ({ value: name, description })))
    else if (kind === 'level') found.push(...words(LEVELS))
    else if (kind === 'shell') found.push(...words(SHELLS))
    else if (kind === 'room') found.push(...roomCandidates(known.rooms, command?.joins === true))
    else if (kind === 'who') found.push(...peopleCandidates(known))
  }
  const fitting = found.map((each) => ({ value: before + each.value, description: oneLine(each.description, MAX_DESCRIPTION) }))
  const [first, others] = [true, false].map((begins) => fitting.filter(({ value }) => value.startsWith(current) === begins))
  const candidates = [...(first ?? []), ...(others ?? [])].slice(0, MAX_CANDIDATES)
  if (kinds.includes('file')) return { candidates, paths: 'files' }
  return kinds.includes('dir') ? { candidates, paths: 'dirs' } : { candidates }
}

const words = (values: readonly string[]): Candidate[] => values.map((value) => ({ value, description: '' }))

/** By their names; by their ids where the name would not come through. */
function roomCandidates(rooms: readonly Room[], onlyNames: boolean): Candidate[] {
  return rooms.flatMap(({ id, name, kind, members }) => {
    const shown = cleanName(name)
    const description = `${kind} room, ${members} ${members === 1 ? 'member' : 'members'}`
    if (shown === name && !MISREAD.test(name)) return [{ value: name, description }]
    return onlyNames ? [] : [{ value: id, description: `${shown}, ${description}` }]
  })
}

/** By name, with the fingerprint beside it; by fingerprint where the name could mean somebody or something else. */
function peopleCandidates({ rooms, members }: Known): Candidate[] {
  const names = new NameBook()
  const people = new Map(members.map((member) => [member.account, member]))
  for (const person of people.values()) names.add(person)
  const roomNames = new Set(rooms.map(({ name }) => skeleton(name)))
  return [...people.values()]
    .filter(({ self }) => !self)
    .map((person) => {
      const { name, fingerprint } = person
      const shown = names.show(person)
      const plain =
        shown === name &&
        name !== 'unknown' &&
        !MISREAD.test(name) &&
        !LIKE_FINGERPRINT.test(name) &&
        !roomNames.has(skeleton(name))
      return plain ? { value: name, description: fingerprint } : { value: fingerprint, description: shown }
    })
}
