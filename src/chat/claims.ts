/**
 * What others say they hold of our logs: the last word of each. A claim is kept as ranges of chains whose ends are known here; what
 * is said of an end that we do not know counts for nothing, for we wrote the log, and its chain may be another than ours.
 */
import type { AuthorLog, LogEvent } from './author-log.ts'
import { MAX_CLAIMED_RANGES, MAX_PAGE_RANGES } from './constants.ts'
import type { Page } from './frontier.ts'

/** The events from `from` to `end` on the chain that ends in `end`. */
interface Range {
  from: number
  end: LogEvent
}

const NONE: readonly Range[] = []

export class Claim {
  /** When something was said last, by the clock that nobody sets. */
  at = 0
  readonly #ranges = new Map<AuthorLog, readonly Range[]>()
  #size = 0

  /** `first`: in place of all that was said of the log before; else besides. True if it changes anything. */
  note(log: AuthorLog, { segments }: Page, first: boolean, find: (prefix: string) => LogEvent | undefined): boolean {
    const before = this.#ranges.get(log)
    const kept = first ? NONE : (before ?? NONE)
    const said = segments.flatMap(({ from, to, end }): Range[] => {
      const event = find(end)
      return event?.author === log && event.seq === to ? [{ from, end: event }] : []
    })
    const room = MAX_CLAIMED_RANGES - this.#size + (before?.length ?? 0)
    const ranges = [...kept, ...said].slice(0, Math.min(room, MAX_PAGE_RANGES))
    this.#size += ranges.length - (before?.length ?? 0)
    this.#ranges.set(log, ranges)
    return before === undefined || !isSame(before, ranges)
  }

  /** Something was said of the log, be it that nothing of it is held. */
  speaksOf(log: AuthorLog): boolean {
    return this.#ranges.has(log)
  }

  covers(event: LogEvent): boolean {
    const ranges = this.#ranges.get(event.author) ?? NONE
    return ranges.some(({ from, end }) => from <= event.seq && event.author.leads(event, end))
  }

  /** True if the whole log up to `last` is held. */
  coversAll(last: LogEvent): boolean {
    return (this.#ranges.get(last.author) ?? NONE).some(({ from, end }) => from === 1 && last.author.leads(last, end))
  }
}

const isSame = (before: readonly Range[], after: readonly Range[]): boolean =>
  before.length === after.length && before.every(({ from, end }, i) => from === after[i]?.from && end === after[i]?.end)

export interface ClaimsInit {
  /** Claimants remembered. */
  limit: number
  /** When all places are taken, the claimant that was silent longest gives up its own, if it was silent for this long (milliseconds). */
  patience: number
  /** The clock that nobody sets. */
  now: () => number
}

/** Claimants by name, the one heard last at the end. */
export class Claims {
  readonly #init: ClaimsInit
  readonly #claims = new Map<string, Claim>()
  /** Somebody found no place. */
  full = false

  constructor(init: ClaimsInit) {
    this.#init = init
  }

  /** The claim of somebody who says something now; undefined where there is no place for it. */
  hear(name: string): Claim | undefined {
    return this.put(name, this.#claims.get(name) ?? new Claim(), this.#init.now())
  }

  /** Puts a claim in place of what that claimant said before, unless that was later. */
  put(name: string, claim: Claim, at: number = claim.at): Claim | undefined {
    const known = this.#claims.get(name)
    if (known !== undefined && known !== claim && known.at >= at) return known
    if (known === undefined && !this.#makeRoom()) return undefined
    this.#claims.delete(name)
    this.#claims.set(name, claim)
    claim.at = at
    return claim
  }

  #makeRoom(): boolean {
    const { limit, patience, now } = this.#init
    if (this.#claims.size < limit) return true
    const [[name, { at }]] = this.#claims as unknown as [[string, Claim]]
    if (now() - at < patience) {
      this.full = true
      return false
    }
    return this.#claims.delete(name)
  }

  get(name: string): Claim | undefined {
    return this.#claims.get(name)
  }

  /** Removes a claimant and answers what it said. */
  take(name: string): Claim | undefined {
    const claim = this.#claims.get(name)
    this.#claims.delete(name)
    return claim
  }

  [Symbol.iterator](): Iterator<[name: string, claim: Claim]> {
    return this.#claims[Symbol.iterator]()
  }
}
