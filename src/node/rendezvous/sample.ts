/**
 * Which registrations come in which answer. An answer is a random sample, and the next one with its cookie goes on with what was
 * not in it, without anybody remembering what was: a cookie names an order of all registrations, and how far it went in it.
 */

/** Registrations are numbered from 1, in the order in which they came. */
export interface Numbered {
  number: number
}

/** Up to `from` all have been given; from there up to `to`, those whose place in the order is below `below`. */
export interface Cursor {
  /** The order: 32 bits. */
  salt: number
  from: number
  to: number
  /** 0 to 2^32. */
  below: number
}

/** Nothing was given yet. */
export function newCursor(salt: number): Cursor {
  return { salt: salt >>> 0, from: 0, to: 0, below: 0 }
}

/**
 * The next at most `limit` of `all`: those left of an earlier answer, then those that came since.
 *
 * @param last - the number given out last
 */
export function nextPage<T extends Numbered>(
  all: Iterable<T>,
  { salt, from, to, below }: Cursor,
  last: number,
  limit: number,
): { page: T[]; cursor: Cursor } {
  const left = new Lowest<T>(limit, salt)
  const since = new Lowest<T>(limit, salt)
  for (const each of all) {
    if (each.number > to) since.offer(each)
    else if (each.number > from && place(each, salt) >= below) left.offer(each)
  }
  if (left.offered > limit) return { page: left.values(limit), cursor: { salt, from, to, below: left.end(limit) } }
  const room = limit - left.offered
  const page = [...left.values(limit), ...since.values(room)]
  if (since.offered > room) return { page, cursor: { salt, from: to, to: last, below: since.end(room) } }
  return { page, cursor: { salt, from: last, to: last, below: 0 } }
}

/** The finaliser of MurmurHash3 over number and salt: as good as random, and no two numbers have one place. */
function place({ number }: Numbered, salt: number): number {
  let h = number ^ salt
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Keeps the first `limit` of what it is offered, in order: few of many are ever moved. */
class Lowest<T extends Numbered> {
  readonly #limit: number
  readonly #salt: number
  readonly #kept: { at: number; value: T }[] = []
  offered = 0

  constructor(limit: number, salt: number) {
    this.#limit = limit
    this.#salt = salt
  }

  offer(value: T): void {
    this.offered++
    const at = place(value, this.#salt)
    const kept = this.#kept
    if (kept.length === this.#limit && at > (kept.at(-1)?.at ?? 0)) return
    let index = kept.length
    while (index > 0 && (kept[index - 1]?.at ?? 0) > at) index--
    kept.splice(index, 0, { at, value })
    if (kept.length > this.#limit) kept.pop()
  }

  values(count: number): T[] {
    return this.#kept.slice(0, count).map(({ value }) => value)
  }

  /** Where the first `count` end. */
  end(count: number): number {
    const last = this.#kept[count - 1]
    return last === undefined ? 0 : last.at + 1
  }
}
