/** How far others hold what this device wrote in a room, as far as they said so. */
import { prefixOf } from './author-log.ts'
import { covers, type Page } from './frontier.ts'
import type { Log } from './log.ts'

export class Held {
  readonly #log: Log
  /** The author key that `#seq` speaks of, in hex. */
  #author: string | undefined
  /** The highest own seq that somebody else is known to hold. */
  #seq = 0
  #waiters: (() => void)[] = []

  constructor(log: Log) {
    this.#log = log
  }

  /** Somebody else says that it holds these ranges. */
  note(page: Page): void {
    const own = this.#own()
    if (own === undefined || prefixOf(own.name) !== page.author) return
    for (let event = own.last; event !== undefined && event.seq > this.#seq; event = event.prev) {
      if (!covers(page, event, this.#log.find)) continue
      this.#seq = event.seq
      for (const waiter of this.#waiters.splice(0)) waiter()
    }
  }

  /** The log we write now; of one that was given up nothing counts for the next. */
  #own() {
    if (this.#author !== this.#log.ownAuthor) {
      this.#author = this.#log.ownAuthor
      this.#seq = 0
    }
    return this.#log.author(this.#author ?? '')
  }

  /** Resolves when another member holds everything written here; `ask` is called whenever it is worth asking them. */
  async all(ask: () => void, signal?: AbortSignal): Promise<void> {
    for (;;) {
      const last = this.#own()?.last
      if (last === undefined || last.seq <= this.#seq) return
      signal?.throwIfAborted()
      ask()
      await new Promise<void>((resolve, reject) => {
        this.#waiters.push(resolve)
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
    }
  }
}
