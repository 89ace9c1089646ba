/** The batch that each event not yet on disk is in. */
import type { LogEvent } from './author-log.ts'

const DONE = Promise.resolve()
/** Whoever waits for a write hears of its failure; the gossip door does not wait. */
const ignore = (): undefined => undefined

export class PendingWrites {
  readonly #writes = new Map<LogEvent, Promise<void>>()

  begin(event: LogEvent, write: Promise<void>): void {
    this.#writes.set(event, write)
  }

  end(event: LogEvent): void {
    this.#writes.delete(event)
  }

  of(event: LogEvent): Promise<void> | undefined {
    return this.#writes.get(event)
  }

  /** When those of these events that are under way are done; rejects if one fails. */
  settled(events: Iterable<LogEvent>): Promise<void> {
    const writes = new Set<Promise<void>>()
    for (const event of events) {
      const write = this.#writes.get(event)
      if (write !== undefined) writes.add(write)
    }
    if (writes.size === 0) return DONE
    const settled = Promise.all(writes).then(ignore)
    settled.catch(ignore)
    return settled
  }
}
