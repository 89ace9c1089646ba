/** The promise, as conditions on a world that was healed. */
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { bytesToHex } from '../../src/chat/hex.ts'
import type { Room } from '../../src/chat/room.ts'
import type { Message } from '../../src/chat/types.ts'
import { describe, type Member } from './member.ts'
import { MAIN_ROOM, SIDE_ROOM } from './scenario.ts'
import type { World } from './world.ts'

const ROOMS = [MAIN_ROOM, SIDE_ROOM]

/** Who is meant to be in a room. A device and its own copies alone cannot meet: they are one peer. */
export function membersOf(world: World, name: string): Member[] {
  const members = world.members.filter((member) => member.rooms.includes(name) && !member.gone)
  return new Set(members.map((member) => member.name)).size > 1 ? members : members.slice(0, 1)
}

/** What has to become equal: the digest, and who is called what. */
function viewOf(room: Room): string {
  const { count, digest } = room.digest()
  const people = room.people().map(({ account, name }) => `${account.slice(0, 8)}=${name}`)
  return `${count} ${digest} ${people.sort().join()}`
}

export function isConverged(world: World): boolean {
  if (world.ledger.waiting) return false
  for (const name of ROOMS) {
    let first: string | undefined
    for (const member of membersOf(world, name)) {
      const room = member.room(name)
      if (room === undefined) return false
      const view = viewOf(room)
      first ??= view
      if (view !== first) return false
    }
  }
  return true
}

export function checkConverged(world: World): void {
  if (world.ledger.waiting) world.violated('a send never came to an end')
  for (const name of ROOMS) {
    const views = membersOf(world, name).map((member) => {
      const room = member.room(name)
      return `${member.index}: ${room === undefined ? 'not there' : viewOf(room)}`
    })
    const distinct = new Set(views.map((view) => view.replace(/^\d+: /, '')))
    if (distinct.size > 1) world.violated(`diverged in ${name}:\n  ${views.join('\n  ')}`)
  }
}

/**
 * What is wrong with the histories. Whoever has the same digest shows the same messages: all are read where the scenario is
 * thorough, otherwise one history a room.
 */
export async function checkHistories(world: World): Promise<string[]> {
  const found: string[] = []
  for (const name of ROOMS) {
    const members = membersOf(world, name)
    for (const [i, member] of members.entries()) {
      const room = member.room(name)
      if (room === undefined) continue
      const violated = (what: string): number => found.push(`${member.name} in ${name}: ${what}`)
      checkTold(member, room, violated)
      if (i !== world.scenario.seed % members.length && !world.scenario.thorough) continue
      try {
        await checkHistory(world, room, violated)
      } catch (error) {
        violated(`cannot read the history: ${describe(error)}`)
      }
    }
  }
  return found
}

type Violated = (what: string) => void

/** What a process found on its disk and what it told of are, together, what it shows. */
function checkTold(member: Member, room: Room, violated: Violated): void {
  const told = member.now?.told.get(room)
  const { count } = room.digest()
  if (told?.loaded !== undefined && told.loaded + told.ids.size !== count)
    violated(`loaded ${told.loaded} messages, told of ${told.ids.size} and shows ${count}`)
}

async function checkHistory(world: World, room: Room, violated: Violated): Promise<void> {
  const { messages, more } = await room.page({ limit: 1000, forwards: true })
  if (more) violated('more messages than a run can have')
  const shown = messages.filter((message) => message.kind !== 'unknown')
  const ids = shown.map((message) => message.id)
  if (new Set(ids).size !== ids.length) violated('an id stands twice in the history')
  const { count, digest } = room.digest()
  if (count !== ids.length) violated(`counts ${count} messages and shows ${ids.length}`)
  if (digest !== bytesToHex(world.crypto.sha256(utf8ToBytes(ids.join('\n'))))) violated('the digest is not that of its history')
  checkTexts(world, room, shown, violated)
}

function checkTexts({ ledger }: World, room: Room, messages: Message[], violated: Violated): void {
  const seen = new Map<string, Message>()
  for (const message of messages) {
    const { text, author } = message
    const sent = ledger.byText.get(text)
    const account = sent === undefined ? ledger.hostileTexts.get(text) : sent.account
    if (account === undefined || (sent !== undefined && sent.room !== room.name))
      violated(`shows what nobody wrote there: ${text.slice(0, 60)}`)
    else if (author.account !== account && sent?.member.rewound !== true)
      violated(`shows under another name: ${text.slice(0, 60)}`)
    if (seen.has(text)) violated(`shows twice: ${text.trim()}`)
    if (sent?.refused === true) violated(`shows what was refused: ${text.trim()}`)
    seen.set(text, message)
  }
  for (const sent of ledger.all) {
    if (sent.id === undefined || sent.gone || sent.room !== room.name) continue
    const message = seen.get(sent.text)
    if (message === undefined) violated(`lost: ${sent.text.trim()}`)
    else if (message.id !== sent.id) violated(`${sent.text.trim()} has another id than was acknowledged`)
  }
}
