/**
 * How many events a room's sessions have asked for that are not here. Counted by places in logs: two sessions that ask for one chain
 * under different ends ask for the same events. Of a forked log it is about right.
 */
import { type AuthorLog, type LogEvent, prefixOf } from './author-log.ts'
import type { Range, Want } from './frontier.ts'

interface Asked {
  wants: Set<Want>
  /** The places asked for, ascending, each in one range. */
  ranges: Range[]
  /** How many of them are empty here. */
  left: number
}

export class Missing {
  readonly #find: (author: string) => AuthorLog | undefined
  readonly #byAuthor = new Map<string, Asked>()
  #count = 0

  /** `find`: a log by the first 16 bytes of its author's key, in hex. */
  constructor(find: (author: string) => AuthorLog | undefined) {
    this.#find = find
  }

  /** What others claim to have is not checked before it comes: it may be any number. */
  get count(): number {
    return Math.min(this.#count, Number.MAX_SAFE_INTEGER)
  }

  add(wants: readonly Want[]): void {
    const changed = new Set<string>()
    for (const want of wants) {
      const asked = this.#byAuthor.get(want.author)
      if (asked === undefined) this.#byAuthor.set(want.author, { wants: new Set([want]), ranges: [], left: 0 })
      else asked.wants.add(want)
      changed.add(want.author)
    }
    for (const author of changed) this.#recount(author)
  }

  /** They came, or are not asked for any more. */
  remove(wants: readonly Want[]): void {
    const changed = new Set<string>()
    for (const want of wants) if (this.#byAuthor.get(want.author)?.wants.delete(want) === true) changed.add(want.author)
    for (const author of changed) this.#recount(author)
  }

  #recount(author: string): void {
    const asked = this.#byAuthor.get(author)
    if (asked === undefined) return
    this.#count -= asked.left
    if (asked.wants.size === 0) {
      this.#byAuthor.delete(author)
      return
    }
    asked.ranges = united(asked.wants)
    asked.left = lengthOf(asked.ranges) - overlap(asked.ranges, united(this.#find(author)?.segments() ?? []))
    this.#count += asked.left
  }

  /** Events of one author, those of a run, are here now that were not. */
  arrived(arrivals: readonly { readonly event: LogEvent }[]): void {
    const [first] = arrivals
    if (first === undefined || this.#byAuthor.size === 0) return
    const asked = this.#byAuthor.get(prefixOf(first.event.author.name))
    if (asked === undefined) return
    const before = asked.left
    for (const { event } of arrivals) if (asked.left > 0 && holds(asked.ranges, event.seq)) asked.left--
    this.#count -= before - asked.left
  }
}

/** The same places, ascending and each in one range. */
function united(ranges: Iterable<Range>): Range[] {
  const all: Range[] = []
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = all[all.length - 1]
    if (last === undefined || from > last.to + 1) all.push({ from, to })
    else last.to = Math.max(last.to, to)
  }
  return all
}

const lengthOf = (ranges: Range[]): number => ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)

/** How many places are in both. */
function overlap(a: Range[], b: Range[]): number {
  let sum = 0
  for (let i = 0, k = 0; i < a.length && k < b.length; ) {
    const [one, other] = [a[i] as Range, b[k] as Range]
    sum += Math.max(0, Math.min(one.to, other.to) - Math.max(one.from, other.from) + 1)
    if (one.to < other.to) i++
    else k++
  }
  return sum
}

function holds(ranges: Range[], seq: number): boolean {
  let [low, high] = [0, ranges.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const { from, to } = ranges[middle] as Range
    if (seq < from) high = middle - 1
    else if (seq > to) low = middle + 1
    else return true
  }
  return false
}
