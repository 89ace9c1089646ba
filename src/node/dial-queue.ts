import type { Target } from './targets.ts'

/** Who waits to be dialled while others are: so many at a time, and first those somebody asked for. */
export class DialQueue {
  readonly #max: number
  readonly #dial: (target: Target) => void
  #waiting: Target[] = []
  #dials = 0

  /** `dial` calls `begun` before it returns if it dials. */
  constructor(max: number, dial: (target: Target) => void) {
    this.#max = max
    this.#dial = dial
  }

  add(target: Target): void {
    if (!this.#waiting.includes(target)) this.#waiting.push(target)
    this.#next()
  }

  remove(target: Target): void {
    this.#waiting = this.#waiting.filter((other) => other !== target)
  }

  clear(): void {
    this.#waiting = []
  }

  begun(): void {
    this.#dials++
  }

  ended(): void {
    this.#dials--
    this.#next()
  }

  /** Those somebody asked for come before those that were merely heard of. */
  #next(): void {
    while (this.#dials < this.#max && this.#waiting.length > 0) {
      const asked = this.#waiting.findIndex(({ configured, kept }) => configured || kept)
      const [target] = this.#waiting.splice(Math.max(0, asked), 1)
      if (target !== undefined) this.#dial(target)
    }
  }
}
