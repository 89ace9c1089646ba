/** The hybrid clock of a room: never behind what was seen, and never pulled far into the future by it. docs/PROTOCOL.md, "Writing". */
import { MAX_CLOCK_PULL, MAX_FUTURE_CLOCKS } from './constants.ts'
import type { Clock } from './seams.ts'

export class HybridClock {
  readonly #clock: Clock
  #seen = 0
  /** Values that were too far ahead when they came. */
  #future: number[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(hlc: number): void {
    if (hlc <= this.#clock.now() + MAX_CLOCK_PULL) this.#seen = Math.max(this.#seen, hlc)
    else if (this.#future.length < MAX_FUTURE_CLOCKS) this.#future.push(hlc)
  }

  /** Later than everything seen, unless that is more than a minute in the future. */
  next(): number {
    const now = this.#clock.now()
    const past = this.#future.filter((hlc) => hlc <= now + MAX_CLOCK_PULL)
    if (past.length > 0) this.#future = this.#future.filter((hlc) => hlc > now + MAX_CLOCK_PULL)
    this.#seen = Math.max(now, 1 + Math.max(this.#seen, ...past))
    return this.#seen
  }
}
