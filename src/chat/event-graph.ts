/** How the readable events of a room follow each other: predecessors and named parents, as far as they are here. */
import { type LogEvent, prefixOf } from './author-log.ts'
import type { Body } from './body.ts'
import { bytesToHex } from './hex.ts'
import { Order } from './order.ts'

export class EventGraph {
  /** By the first 16 bytes of its id, in hex. */
  readonly #find: (prefix: string) => LogEvent | undefined
  /** Events that name a parent that is not here. */
  readonly #orphans = new Map<string, LogEvent[]>()
  readonly #heads = new Set<LogEvent>()
  readonly #order = new Order<LogEvent>(predecessorsOf)

  constructor(find: (prefix: string) => LogEvent | undefined) {
    this.#find = find
  }

  /** Notes what a body says of its event's place; false if it was noted before. */
  describe(event: LogEvent, body: Body): boolean {
    if (event.placed) return false
    event.hlc = body.hlc
    event.type = body.type
    for (const parent of body.parents) {
      const prefix = bytesToHex(parent)
      const known = this.#find(prefix)
      if (known?.placed === true) addParent(event, known)
      else {
        const waiting = this.#orphans.get(prefix)
        if (waiting === undefined) this.#orphans.set(prefix, [event])
        else waiting.push(event)
      }
    }
    return true
  }

  /** Places an event that was described. */
  add(event: LogEvent): void {
    this.#order.add(event, this.#link(event))
  }

  /** Places many at once, at the price of one sort at the next read. */
  addAll(events: readonly LogEvent[]): void {
    for (const event of events) this.#link(event)
    this.#order.addAll(events)
  }

  /** Ties an event to those before and after it; answers the ones after it. */
  #link(event: LogEvent): LogEvent[] {
    event.placed = true
    const dependants = event.author.at(event.seq + 1).filter((child) => child.prev === event && child.placed)
    const prefix = prefixOf(event.id)
    for (const orphan of this.#orphans.get(prefix) ?? []) {
      addParent(orphan, event)
      if (orphan.placed) dependants.push(orphan)
    }
    this.#orphans.delete(prefix)
    for (const earlier of predecessorsOf(event)) this.#heads.delete(earlier)
    if (dependants.length === 0) this.#heads.add(event)
    return dependants
  }

  /** The events that nothing follows yet, the latest first. */
  heads(): LogEvent[] {
    return [...this.#heads].sort((a, b) => b.hlc - a.hlc || (a.id < b.id ? -1 : 1))
  }

  /** Every placed event in the room's order. */
  all(): readonly LogEvent[] {
    return this.#order.all()
  }

  /** What stands behind `event` as far as the order was made: nothing is sorted for it. */
  after(event: LogEvent): LogEvent | undefined {
    return this.#order.after(event)
  }
}

/** The previous event of the same author and the named parents, as far as they are placed. */
function predecessorsOf({ prev, parents }: LogEvent): readonly LogEvent[] {
  if (prev?.placed !== true) return parents
  return parents.length === 0 ? [prev] : [prev, ...parents]
}

/** A list that grows by pushing takes 17 places at once, and there is one for each event. */
function addParent(event: LogEvent, parent: LogEvent): void {
  event.parents = event.parents.length === 0 ? [parent] : [...event.parents, parent]
}
