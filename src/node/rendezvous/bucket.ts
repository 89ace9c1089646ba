import type { Clock } from '../clock.ts'

/** A token bucket: what may be spent at once (`burst`) and a second (`rate`). */
export class Bucket {
  readonly #burst: number
  readonly #rate: number
  readonly #clock: Clock
  #left: number
  #at: number

  constructor({ burst, rate }: { burst: number; rate: number }, clock: Clock) {
    this.#burst = burst
    this.#rate = rate
    this.#clock = clock
    this.#left = burst
    this.#at = clock.monotonic()
  }

  /** False, and nothing spent, when there is none left. */
  spend(): boolean {
    const now = this.#clock.monotonic()
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) * this.#rate) / 1000)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
