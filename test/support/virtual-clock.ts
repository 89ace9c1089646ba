/** Stands still until a test moves it. The clock of the core, of the peer, and the timers of what is shown. */
import type { Clock } from '../../src/chat/seams.ts'
import type { After } from '../../src/view/timers.ts'

const EPOCH = 1_800_000_000_000

export class VirtualClock implements Clock {
  #now = 0
  #skew = 0
  #timers: { at: number; callback: () => void }[] = []

  now(): number {
    return EPOCH + this.#now + this.#skew
  }

  /** Somebody sets the clock: no time passes. */
  set(by: number): void {
    this.#skew += by
  }

  monotonic(): number {
    return this.#now
  }

  setTimeout(callback: () => void, milliseconds: number): () => void {
    const timer = { at: this.#now + milliseconds, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
  }

  /** The same, as views are handed it. */
  readonly after: After = (milliseconds, action) => this.setTimeout(action, milliseconds)

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.length
  }

  /** Runs what is due meanwhile, in order, and what that sets off in turn. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    while (this.#next(end));
    this.#now = end
  }

  /** The same; each timer has its effects, promises too, before the next. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    do await settled()
    while (this.#next(end))
    this.#now = end
  }

  /** Runs the first timer that is due by `end`; false if there is none. */
  #next(end: number): boolean {
    const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
    if (next === undefined) return false
    this.#timers = this.#timers.filter((each) => each !== next)
    this.#now = Math.max(this.#now, next.at)
    next.callback()
    return true
  }
}

/** When everything that waits for nothing outside is done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
