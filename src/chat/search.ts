/** Searches through the history of rooms, newest first, as far back as it takes. */
import { InvalidArgumentError } from '../errors.ts'
import { DEFAULT_HISTORY, MAX_HISTORY, SEARCH_SLICE } from './constants.ts'
import { parseQuery, type Query } from './query.ts'
import type { Found, Scan } from './scan.ts'
import type { Clock } from './seams.ts'
import { withinBytes } from './timeline.ts'
import type { Message } from './types.ts'

export interface SearchOptions {
  /** Of the newest matches. @default 50, at most 1,000 */
  limit?: number | undefined
  signal?: AbortSignal | undefined
}

/** Oldest first. `more`: there are older messages that were not looked at, or matches that had no place. */
export interface SearchResult {
  messages: Message[]
  more: boolean
}

export class Searches {
  readonly #clock: Clock
  /** One at a time: each takes all that the processor gives, and two at once would both be late. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @throws InvalidArgumentError, DamagedStoreError, ClosedError, the reason of `signal` */
  async search(
    rooms: readonly { scan(query: Query): Scan }[],
    text: string,
    { limit = DEFAULT_HISTORY, signal }: SearchOptions,
  ): Promise<SearchResult> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_HISTORY)
      throw new InvalidArgumentError('limit', `limit is 1 to ${MAX_HISTORY}`)
    const query = parseQuery(text)
    const result = this.#turn.then(() =>
      this.#merge(
        rooms.map((room) => room.scan(query)),
        limit,
        signal,
      ),
    )
    this.#turn = result.catch(() => undefined)
    return await result
  }

  /** Goes on wherever the newest is that was not looked at, so that no room is read further back than it takes. */
  async #merge(scans: readonly Scan[], limit: number, signal: AbortSignal | undefined): Promise<SearchResult> {
    const found: Found[] = []
    let more = false
    let since = this.#clock.monotonic()
    for (;;) {
      signal?.throwIfAborted()
      const scan = newest(scans)
      if (scan === undefined) break
      const last = found[limit - 1]
      if (last !== undefined && last.at >= scan.latest) {
        more = true
        break
      }
      for (const each of await scan.next()) found.push(each)
      found.sort((a, b) => b.at - a.at)
      more ||= found.length > limit
      found.length = Math.min(found.length, limit)
      if (this.#clock.monotonic() - since < SEARCH_SLICE) continue
      await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, 0))
      since = this.#clock.monotonic()
    }
    const messages = found.map(({ message }) => message)
    const fitting = withinBytes(messages)
    return { messages: fitting.reverse(), more: more || fitting.length < messages.length }
  }
}

function newest(scans: readonly Scan[]): Scan | undefined {
  let best: Scan | undefined
  for (const scan of scans) if (scan.latest > (best?.latest ?? Number.NEGATIVE_INFINITY)) best = scan
  return best
}
