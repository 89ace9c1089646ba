/** What was sent, and what became of it: the promise is about what is written here. */

import { describe, type Incarnation, type Member } from './member.ts'
import { CANARY } from './scenario.ts'
import type { World } from './world.ts'

export interface Sent {
  text: string
  room: string
  member: Member
  /** The person as who it was sent, in hex. */
  account: string
  cid: string | undefined
  /** Known once `send` resolved, in a process that lived to see it. */
  id: string | undefined
  /** The disk was full: nothing of it may ever appear. */
  refused: boolean
  /** Processes that have not answered yet. */
  pending: Set<Incarnation>
  /** The only disk that had it was set back. */
  gone: boolean
}

/** Errors that a sender must reckon with. */
const EXPECTED = new Set(['StorageError', 'ClosedError', 'BusyError'])

export class Ledger {
  readonly #world: World
  readonly all: Sent[] = []
  readonly byText = new Map<string, Sent>()
  /** What hostile members write, and under which author key (hex). */
  readonly hostileTexts = new Map<string, string>()
  acknowledged = 0

  constructor(world: World) {
    this.#world = world
  }

  send(member: Member, room: string, { cid = false, long = false } = {}): void {
    const number = this.all.length
    const text = `${CANARY} ${number} from ${member.name}${long ? ' '.repeat(20_000) : ''}`
    const sent: Sent = {
      text,
      room,
      member,
      account: member.account,
      cid: cid ? `cid-${number}` : undefined,
      id: undefined,
      refused: false,
      pending: new Set(),
      gone: false,
    }
    this.all.push(sent)
    this.byText.set(text, sent)
    this.deliver(sent)
  }

  /** Sends, or sends again what has a cid. */
  deliver(sent: Sent): void {
    const incarnation = sent.member.now
    const room = sent.member.room(sent.room)
    if (incarnation === undefined || room === undefined) return
    this.#world.trace('send', sent.member.index, sent.text.slice(0, 40))
    sent.account = sent.member.account
    sent.pending.add(incarnation)
    const settle = (): boolean => {
      sent.pending.delete(incarnation)
      return incarnation.alive
    }
    room.send(sent.text, { cid: sent.cid }).then(
      ({ id }) => {
        if (!settle()) return
        this.#world.trace('acknowledged', sent.member.index, id)
        if (sent.id === undefined) this.acknowledged++
        else if (sent.id !== id) this.#world.violated(`${sent.text} was acknowledged as ${sent.id}, then as ${id}`)
        sent.id = id
        sent.refused = false
      },
      (error) => {
        if (!settle()) return
        this.#world.trace('refused', sent.member.index, describe(error))
        const { name, code } = error as { name?: string; code?: string }
        if (!EXPECTED.has(name ?? '')) this.#world.violated(`send fails: ${describe(error)}`, error)
        if (code === 'ENOSPC' && sent.cid === undefined) sent.refused = true
      },
    )
  }

  /** True while a living process has not answered yet. */
  get waiting(): boolean {
    return this.all.some(({ pending }) => [...pending].some(({ alive }) => alive))
  }
}
