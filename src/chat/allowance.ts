/** What each peer has been sent within the hour, so that nobody has the same served without end. */
import { SYNC_ALLOWANCE, SYNC_ALLOWANCE_PERIOD } from './constants.ts'
import type { Clock } from './seams.ts'

export class Allowance {
  readonly #clock: Clock
  readonly #names: number
  readonly #spent = new Map<string, { since: number; bytes: number }>()

  /** `names` are remembered; the longest unused go first. */
  constructor(clock: Clock, names = 1024) {
    this.#clock = clock
    this.#names = names
  }

  /** False, and nothing spent, when `name` has had a room of `size` bytes and what is allowed beyond it. */
  spend(name: string, bytes: number, size: number): boolean {
    const now = this.#clock.monotonic()
    const spent = this.#spent.get(name)
    const current = spent === undefined || now - spent.since > SYNC_ALLOWANCE_PERIOD ? { since: now, bytes: 0 } : spent
    if (current.bytes + bytes > size + SYNC_ALLOWANCE) return false
    current.bytes += bytes
    this.#spent.delete(name)
    this.#spent.set(name, current)
    if (this.#spent.size > this.#names) this.#spent.delete(this.#spent.keys().next().value as string)
    return true
  }
}
