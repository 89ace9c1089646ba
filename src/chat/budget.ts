/** Token buckets, one a name: what each may spend at once (`burst`) and a second (`rate`). */
import type { Clock } from './seams.ts'

/** Names remembered; the longest unused go first, and come back with a full bucket. */
const MAX_NAMES = 1024

export class Budget {
  readonly #burst: number
  readonly #rate: number
  readonly #clock: Clock
  readonly #buckets = new Map<string, { left: number; at: number }>()

  constructor({ burst, rate }: { burst: number; rate: number }, clock: Clock) {
    this.#burst = burst
    this.#rate = rate
    this.#clock = clock
  }

  /** False, and nothing spent, when `name` has less than `amount` left. */
  spend(name: string, amount = 1): boolean {
    const now = this.#clock.monotonic()
    const bucket = this.#buckets.get(name) ?? { left: this.#burst, at: now }
    const left = Math.min(this.#burst, bucket.left + ((now - bucket.at) * this.#rate) / 1000)
    this.#buckets.delete(name)
    this.#buckets.set(name, { left: left < amount ? left : left - amount, at: now })
    if (this.#buckets.size > MAX_NAMES) this.#buckets.delete(this.#buckets.keys().next().value as string)
    return left >= amount
  }
}
