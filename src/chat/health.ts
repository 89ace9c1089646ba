/** How a room does, for whoever asks why nothing comes: its last sync, and how far the clocks of others are from ours. */
import type { LogEvent } from './author-log.ts'
import type { Clock } from './seams.ts'
import type { RoomFacts } from './types.ts'

/** Authors whose clocks are remembered. */
const MAX_AUTHORS = 64

export class Health {
  readonly #clock: Clock
  /** Milliseconds by which an author's clock is ahead of ours, when last heard. */
  readonly #ahead = new Map<string, number>()
  #syncedAt: number | undefined
  #problem: string | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A sync came to its end, or broke. */
  synced(error?: unknown): void {
    if (error === undefined) this.#syncedAt = this.#clock.monotonic()
    this.#problem = error === undefined ? undefined : error instanceof Error ? error.message : String(error)
  }

  /** What comes by gossip was written that moment: its clock is its author's. */
  arrived({ author, hlc, stored }: LogEvent): void {
    if (stored.via !== 'gossip') return
    this.#ahead.delete(author.name)
    this.#ahead.set(author.name, hlc - stored.receivedAt)
    if (this.#ahead.size > MAX_AUTHORS) this.#ahead.delete(this.#ahead.keys().next().value as string)
  }

  facts(): Pick<RoomFacts, 'syncedAgo' | 'syncProblem' | 'skew'> {
    return {
      syncedAgo: this.#syncedAt === undefined ? undefined : this.#clock.monotonic() - this.#syncedAt,
      syncProblem: this.#problem,
      skew: this.#median(),
    }
  }

  #median(): RoomFacts['skew'] {
    const sorted = [...this.#ahead.values()].sort((a, b) => a - b)
    const ahead = sorted[Math.floor(sorted.length / 2)]
    return ahead === undefined ? undefined : { ahead, of: sorted.length }
  }
}
