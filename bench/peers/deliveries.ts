/** What one process received: each message once, when the last one came, and how long they took. */
import { now, type Parsed } from './message.ts'

/** Nothing new for so long means that the rest is lost; and nothing takes longer than the second figure. Milliseconds. */
const SILENCE = 8_000
const PATIENCE = 240_000

export interface Delivered {
  unique: number
  /** Messages that came again: there must be none. */
  doubled: number
  /** CLOCK_MONOTONIC of the last new one, in milliseconds. */
  last: number
}

export class Deliveries {
  readonly #seen = new Map<number, Uint8Array>()
  readonly #perSender: number
  readonly #total: number
  readonly #begun = now()
  #unique = 0
  #doubled = 0
  #last = this.#begun
  #complete: (() => void) | undefined
  readonly latencies: number[] = []

  constructor(total: number, perSender: number) {
    this.#total = total
    this.#perSender = perSender
  }

  add({ sender, seq, sent }: Parsed): void {
    let seen = this.#seen.get(sender)
    if (seen === undefined) {
      seen = new Uint8Array(this.#perSender)
      this.#seen.set(sender, seen)
    }
    if (seen[seq] !== 0) {
      this.#doubled++
      return
    }
    seen[seq] = 1
    this.#last = now()
    this.latencies.push(this.#last - sent)
    if (++this.#unique === this.#total) this.#complete?.()
  }

  /** Resolves when all have come, or the rest does not come. */
  async wait(): Promise<Delivered> {
    const giveUp = setInterval(() => {
      const time = now()
      if (time - this.#last > SILENCE || time - this.#begun > PATIENCE) this.#complete?.()
    }, 100)
    if (this.#unique < this.#total)
      await new Promise<void>((resolve) => {
        this.#complete = resolve
      })
    clearInterval(giveUp)
    return { unique: this.#unique, doubled: this.#doubled, last: this.#last }
  }
}
