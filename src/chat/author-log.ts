/**
 * What is known of one author in one room: events by place, linked into chains. Usually one chain; a fork makes several.
 */
import type { Ordered } from './order.ts'
import { Places } from './places.ts'

/** Where the bytes of events lie: a stored run. */
export interface StoredRun {
  firstSeq: number
  count: number
  /** Tells runs at the same place apart in the store. */
  n: number
  /** Bytes of the encoded run. */
  size: number
  receivedAt: number
  via: 'self' | 'gossip' | 'sync'
}

/** Bits of what an event is: its kind, its type, and how far it has come. */
const KIND_BITS = 8
const TYPE_BITS = 16
const HAS_BODY = 1 << (KIND_BITS + TYPE_BITS)
const DURABLE = HAS_BODY << 1
const PLACED = DURABLE << 1

/** An event as the index knows it: everything but its body. There are many: what is small shares a word. */
export class LogEvent implements Ordered {
  readonly id: string
  readonly author: AuthorLog
  readonly seq: number
  prevId: string
  /** The predecessor in the chain, where it is known. */
  prev: LogEvent | undefined
  stored: StoredRun
  hlc = 0
  /** The events of others that it names as seen, as far as they are placed. */
  parents = NONE
  position = -1
  #bits: number

  constructor(author: AuthorLog, seq: number, id: string, prevId: string, kind: number, stored: StoredRun) {
    this.id = id
    this.author = author
    this.seq = seq
    this.prevId = prevId
    this.prev = undefined
    this.stored = stored
    this.#bits = kind
  }

  get kind(): number {
    return this.#bits % (1 << KIND_BITS)
  }

  get type(): number {
    return (this.#bits >> KIND_BITS) % (1 << TYPE_BITS)
  }

  set type(type: number) {
    this.#bits += (type - this.type) << KIND_BITS
  }

  /** The body is here, not only the header. */
  get hasBody(): boolean {
    return (this.#bits & HAS_BODY) !== 0
  }

  set hasBody(is: boolean) {
    this.#set(HAS_BODY, is)
  }

  /** It is on disk; before that it is in no frontier, order or history. */
  get durable(): boolean {
    return (this.#bits & DURABLE) !== 0
  }

  set durable(is: boolean) {
    this.#set(DURABLE, is)
  }

  /** In the room's order: durable, and its body opened. */
  get placed(): boolean {
    return (this.#bits & PLACED) !== 0
  }

  set placed(is: boolean) {
    this.#set(PLACED, is)
  }

  #set(bit: number, is: boolean): void {
    this.#bits = is ? this.#bits | bit : this.#bits & ~bit
  }
}

/** One for all events without parents. */
const NONE: readonly LogEvent[] = []

/** Consecutive events of one chain that are held: from `from` to `to`, the last having an id that begins with `end` (32 hex). */
export interface Segment {
  from: number
  to: number
  end: string
}

export const PREFIX_LENGTH = 32
export const prefixOf = (id: string): string => id.slice(0, PREFIX_LENGTH)

export class AuthorLog {
  /** The author key in hex, and its bytes. */
  readonly name: string
  readonly key: Uint8Array
  /** Two events at one place are known, be it that one of them is only named as a predecessor. */
  forked = false
  readonly #events = new Places<LogEvent>()
  readonly #twins = new Map<number, LogEvent[]>()
  /** undefined: to be computed, as it is for a log read from disk. */
  #segments: Segment[] | undefined
  /** Of a forked log: with what the branch begins that a held event is on. Made when it is asked for. */
  #branches: Map<LogEvent, LogEvent> | undefined
  #last: LogEvent | undefined

  constructor(name: string, key: Uint8Array) {
    this.name = name
    this.key = key
  }

  get size(): number {
    return this.#events.size
  }

  /** The event with the highest seq. */
  get last(): LogEvent | undefined {
    return this.#last
  }

  /** Every event at this place: more than one is a fork. */
  at(seq: number): LogEvent[] {
    const event = this.#events.get(seq)
    if (event === undefined) return []
    const twins = this.#twins.get(seq)
    return twins === undefined ? [event] : [event, ...twins]
  }

  *events(): Iterable<LogEvent> {
    yield* this.#events.values()
    for (const twins of this.#twins.values()) yield* twins
  }

  find(seq: number, id: string): LogEvent | undefined {
    const event = this.#events.get(seq)
    if (event === undefined || event.id === id) return event
    return this.#twins.get(seq)?.find((twin) => twin.id === id)
  }

  add(event: LogEvent): void {
    if (this.#events.get(event.seq) !== undefined) {
      this.forked = true
      const twins = this.#twins.get(event.seq)
      if (twins === undefined) this.#twins.set(event.seq, [event])
      else twins.push(event)
    } else this.#events.add(event.seq, event)
    event.prev = this.find(event.seq - 1, event.prevId)
    if (event.prev !== undefined) event.prevId = event.prev.id // one string in memory, not two that are equal
    for (const child of this.at(event.seq + 1)) if (child.prevId === event.id) child.prev = event
    this.forked ||= this.#isDisputed(event.seq) || this.#isDisputed(event.seq + 1)
    if (this.#last === undefined || event.seq > this.#last.seq) this.#last = event
  }

  /** An event at this place names a predecessor other than the one that is here. */
  #isDisputed(seq: number): boolean {
    return this.#events.get(seq - 1) !== undefined && this.at(seq).some((event) => event.prev === undefined)
  }

  /** Takes back what could not be stored. */
  remove(event: LogEvent): void {
    const twins = this.#twins.get(event.seq)?.filter((twin) => twin !== event)
    if (this.#events.get(event.seq) === event) this.#events.replace(event.seq, twins?.shift())
    if (twins === undefined || twins.length === 0) this.#twins.delete(event.seq)
    else this.#twins.set(event.seq, twins)
    for (const child of this.at(event.seq + 1)) if (child.prev === event) child.prev = undefined
    this.#reviewFork()
    this.#segments = undefined
    this.#branches = undefined
    if (this.#last === event) {
      this.#last = undefined
      for (const other of this.events()) if (this.#last === undefined || other.seq > this.#last.seq) this.#last = other
    }
  }

  /** Takes away everything up to `seq`, and answers it. */
  cut(seq: number): LogEvent[] {
    const gone = [...this.events()].filter((event) => event.seq <= seq)
    for (const event of gone) {
      this.#events.replace(event.seq, undefined)
      this.#twins.delete(event.seq)
    }
    for (const event of this.at(seq + 1)) event.prev = undefined
    this.#reviewFork()
    this.#segments = undefined
    this.#branches = undefined
    if (this.#last !== undefined && this.#last.seq <= seq) this.#last = undefined
    return gone
  }

  /** A fork of which one branch is gone is none. */
  #reviewFork(): void {
    if (this.forked) this.forked = this.#twins.size > 0 || [...this.#events.values()].some(({ seq }) => this.#isDisputed(seq))
  }

  /** Tells that `event` is now held: body here, on disk. */
  hold(event: LogEvent): void {
    this.#branches = undefined
    if (this.#segments === undefined) return
    const heldChild = this.at(event.seq + 1).some((child) => child.prev === event && isHeld(child))
    const heldPrev = event.prev !== undefined && isHeld(event.prev)
    const end = heldPrev ? prefixOf(event.prevId) : undefined
    const segment = end === undefined ? undefined : this.#segments.find((each) => each.end === end)
    if (heldChild || this.forked || (heldPrev && segment === undefined)) this.#segments = undefined
    else if (segment !== undefined) Object.assign(segment, { to: event.seq, end: prefixOf(event.id) })
    else this.#segments.push({ from: event.seq, to: event.seq, end: prefixOf(event.id) })
  }

  /** What is held, newest first: a function of the set of held events alone. */
  segments(): readonly Segment[] {
    this.#segments ??= this.#computeSegments()
    return this.#segments.sort((a, b) => b.to - a.to || (a.end < b.end ? -1 : 1))
  }

  #computeSegments(): Segment[] {
    return this.#computeBranches().map((branch) => {
      const [tip, first] = [branch[0] as LogEvent, branch[branch.length - 1] as LogEvent]
      return { from: first.seq, to: tip.seq, end: prefixOf(tip.id) }
    })
  }

  /** Every held event once, newest first, on the branch whose tip comes first. */
  #computeBranches(): LogEvent[][] {
    const inner = new Set<LogEvent>()
    for (const event of this.events()) if (isHeld(event) && event.prev !== undefined) inner.add(event.prev)
    const tips = [...this.events()].filter((event) => isHeld(event) && !inner.has(event))
    tips.sort((a, b) => b.seq - a.seq || (a.id < b.id ? -1 : 1))
    const counted = new Set<LogEvent>()
    return tips.map((tip) => {
      const branch: LogEvent[] = []
      for (
        let event: LogEvent | undefined = tip;
        event !== undefined && isHeld(event) && !counted.has(event);
        event = event.prev
      ) {
        counted.add(event)
        branch.push(event)
      }
      return branch
    })
  }

  /** True if `event` is on the chain that ends in `end` and all from the one to the other is held here. */
  leads(event: LogEvent, end: LogEvent): boolean {
    if (event.seq > end.seq) return false
    if (!this.forked) return this.segments().some(({ from, to }) => from <= event.seq && end.seq <= to)
    const firsts = this.#firsts()
    const first = firsts.get(event)
    for (let at: LogEvent | undefined = end; at !== undefined && at.seq >= event.seq; ) {
      const begin = firsts.get(at)
      if (begin === undefined) return false
      if (begin === first) return true
      at = begin.prev
    }
    return false
  }

  #firsts(): Map<LogEvent, LogEvent> {
    if (this.#branches === undefined) {
      this.#branches = new Map()
      for (const branch of this.#computeBranches())
        for (const event of branch) this.#branches.set(event, branch[branch.length - 1] as LogEvent)
    }
    return this.#branches
  }
}

/** On disk with its body: what a frontier may name. */
export const isHeld = (event: LogEvent): boolean => event.durable && event.hasBody
