/**
 * The one order of a room's events, a pure function of the set: repeatedly take, among the events whose present predecessors
 * are all taken, the one with the smallest (hlc, author, seq, id). Predecessors are the previous event of the same author and
 * the named parents, as far as they are present. docs/PROTOCOL.md, "Order and digest".
 */

/** What the order looks at. `position` is written by `Order`: the index, or a negative number while the event is not placed. */
export interface Ordered {
  readonly hlc: number
  readonly author: { readonly name: string }
  readonly seq: number
  readonly id: string
  position: number
}

/** The events that must stand before `event`, as far as they are present. */
export type Predecessors<T> = (event: T) => readonly T[]

export function compareKeys(a: Ordered, b: Ordered): number {
  if (a.hlc !== b.hlc) return a.hlc - b.hlc
  if (a.author !== b.author && a.author.name !== b.author.name) return a.author.name < b.author.name ? -1 : 1
  if (a.seq !== b.seq) return a.seq - b.seq
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** Places over which every newcomer may be searched for its own, and newcomers that may be searched for further between two reads. */
const NEAR = 256
const MAX_FAR = 16

/**
 * Keeps events in order as they arrive. A newcomer that nothing present depends on goes before the first later-keyed event
 * after its last predecessor, which is where the full sort would put it; one that others depend on waits, with everything from
 * the first affected place on, for the next read. So does one whose place is far from the end, when there were many of them: a
 * history that arrives newest first would otherwise cost the square of its length.
 */
export class Order<T extends Ordered> {
  readonly #predecessors: Predecessors<T>
  #placed: T[] = []
  #waiting: T[] = []
  /** From this index on the order is to be made anew. */
  #sound = Number.POSITIVE_INFINITY
  /** Newcomers since the last read that were searched for further than `NEAR`. */
  #far = 0

  constructor(predecessors: Predecessors<T>) {
    this.#predecessors = predecessors
  }

  /** `dependants`: the present events of which `event` is a predecessor. */
  add(event: T, dependants: readonly T[]): void {
    for (const { position } of dependants) if (position >= 0) this.#sound = Math.min(this.#sound, position)
    let after = -1
    for (const predecessor of this.#predecessors(event)) {
      if (predecessor.position < 0) {
        this.#wait(event)
        return
      }
      after = Math.max(after, predecessor.position)
    }
    const at = this.#placeAfter(event, after)
    if (at === undefined || dependants.length > 0) this.#sound = Math.min(this.#sound, at ?? after + 1)
    if (at === undefined || at >= this.#sound) this.#wait(event)
    else this.#insert(event, at)
  }

  /** Many at once, at the price of one sort at the next read. */
  addAll(events: Iterable<T>): void {
    this.#sound = 0
    for (const event of events) this.#wait(event)
  }

  /**
   * The index of the first later-keyed event after index `after`: searched from the end, where newcomers belong. undefined where
   * that is too far.
   */
  #placeAfter(event: T, after: number): number | undefined {
    let at = this.#placed.length
    const near = at - NEAR
    if (after < near - 1 && ++this.#far > MAX_FAR) return undefined
    for (let i = at - 1; i > after; i--) if (compareKeys(this.#placed[i] as T, event) > 0) at = i
    return at
  }

  #wait(event: T): void {
    event.position = -1
    this.#waiting.push(event)
  }

  #insert(event: T, at: number): void {
    this.#placed.splice(at, 0, event)
    for (let i = at; i < this.#placed.length; i++) (this.#placed[i] as T).position = i
    this.#sound++
  }

  /** Every event, in order. The array is the order's own: read it, then let it go. */
  all(): readonly T[] {
    if (this.#waiting.length > 0) {
      const sound = Math.min(this.#sound, this.#placed.length)
      const tail = this.#placed.splice(sound).concat(this.#waiting)
      this.#waiting = []
      for (const event of sorted(tail, this.#predecessors)) {
        event.position = this.#placed.length
        this.#placed.push(event)
      }
    }
    this.#sound = Number.POSITIVE_INFINITY
    this.#far = 0
    return this.#placed
  }

  /** What stands behind a placed event at the moment; undefined while it waits. */
  after(event: T): T | undefined {
    return event.position < 0 ? undefined : this.#placed[event.position + 1]
  }
}

/**
 * Kahn's algorithm with a heap. Predecessors outside `events` count as taken. Counts and lists lie in arrays of numbers, and
 * meanwhile `position` says where in them (-2, -3, …): with maps the sort of a long history would take as much as its index.
 */
function* sorted<T extends Ordered>(events: T[], predecessors: Predecessors<T>): Generator<T> {
  events.forEach((event, i) => {
    event.position = -2 - i
  })
  /** Of each event: predecessors not yet taken, and where its followers begin. */
  const missing = new Uint32Array(events.length)
  const begin = new Uint32Array(events.length + 1)
  for (const [i, event] of events.entries()) {
    for (const { position } of predecessors(event)) {
      if (position > -2) continue
      add(missing, i, 1)
      add(begin, -2 - position, 1)
    }
  }
  for (let i = 0, sum = 0; i <= events.length; i++) {
    sum += begin[i] as number
    begin[i] = sum
  }
  const followers = new Uint32Array(begin[events.length] as number)
  for (const [i, event] of events.entries()) {
    for (const { position } of predecessors(event)) if (position <= -2) followers[add(begin, -2 - position, -1)] = i
  }
  const ready: T[] = []
  for (const [i, event] of events.entries()) if (missing[i] === 0) push(ready, event)
  for (let event = pop(ready); event !== undefined; event = pop(ready)) {
    const i = -2 - event.position
    yield event
    for (let at = begin[i] as number; at < (begin[i + 1] as number); at++) {
      const follower = followers[at] as number
      if (add(missing, follower, -1) === 0) push(ready, events[follower] as T)
    }
  }
}

function add(counts: Uint32Array, at: number, change: 1 | -1): number {
  const count = (counts[at] as number) + change
  counts[at] = count
  return count
}

function push<T extends Ordered>(heap: T[], event: T): void {
  let i = heap.length
  heap.push(event)
  while (i > 0) {
    const parent = (i - 1) >> 1
    const above = heap[parent] as T
    if (compareKeys(above, event) <= 0) break
    heap[i] = above
    i = parent
  }
  heap[i] = event
}

function pop<T extends Ordered>(heap: T[]): T | undefined {
  const top = heap[0]
  const last = heap.pop()
  if (top === undefined || last === undefined || heap.length === 0) return top
  let i = 0
  for (;;) {
    let child = 2 * i + 1
    if (child >= heap.length) break
    const right = heap[child + 1]
    if (right !== undefined && compareKeys(right, heap[child] as T) < 0) child++
    const below = heap[child] as T
    if (compareKeys(below, last) >= 0) break
    heap[i] = below
    i = child
  }
  heap[i] = last
  return top
}
