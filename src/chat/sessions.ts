/** A room's sync sessions under way, whoever opened them and whether with a member or a keeper: what they share, and how they end. */
import { MAX_PASS_ON_BYTES, MAX_PASS_ON_RUNS, PASS_ON_AGE } from './constants.ts'
import type { Page } from './frontier.ts'
import type { Gate } from './gate.ts'
import type { Arrival, Log } from './log.ts'
import { Progress, type ProgressInit } from './progress.ts'
import type { Recent } from './recent.ts'
import { Reservations } from './reservations.ts'
import type { RoomKeys } from './room-keys.ts'
import type { Channel, Clock, Crypto, Network } from './seams.ts'
import { type Outcome, SyncSession } from './sync-session.ts'

export interface SessionsInit {
  network: Network
  log: Log
  keys: RoomKeys
  crypto: Crypto
  clock: Clock
  /** Passed before more history is fetched. */
  gate: Gate
  /** What is told of all of them together: see `Progress`. */
  onState: ProgressInit['onState']
  /** One came to its end, whether it moved anything or not. */
  onSynced: () => void
  onReject: (reason: string, peer: string) => void
  /** What is held here of the logs that others are asked about, at this moment. */
  own: () => Page[]
}

/** What differs from one partner to another. */
export interface Partner {
  /** What must be proved before anything is served or taken. Throws when it is not. */
  prove: () => Promise<void>
  /** Asks whether it may be sent this many bytes more. */
  allow: (bytes: number) => boolean
  /** What it says it holds of a log of `own`: all that it says, or with `first` false more than it said before. */
  onHeld: (page: Page, first: boolean) => void
  /** Nobody needs to be told of what it was served. @default false */
  quiet?: boolean
  /** Authors who have signed what does not open, where the partner cannot know of it. */
  unreadable?: Recent
}

export class Sessions {
  readonly #init: SessionsInit
  readonly #progress: Progress
  readonly #reserved: Reservations
  readonly #channels = new Set<Channel>()

  constructor(init: SessionsInit) {
    this.#init = init
    this.#progress = new Progress(init)
    this.#reserved = new Reservations(this.#progress.missing)
  }

  /** Events of one author, those of a run, are on disk that were not. */
  arrived(arrivals: readonly Arrival[]): void {
    this.#progress.missing.arrived(arrivals)
  }

  /** Ends all that are under way. */
  stop(): void {
    for (const channel of this.#channels) channel.abort(new Error('the room was closed'))
  }

  /** Holds a session to its end; when it breaks, so does the channel, and what broke it is thrown. */
  async converse(channel: Channel, { prove, allow, onHeld, quiet = false, unreadable }: Partner): Promise<Outcome> {
    const { log, crypto, clock, gate, own } = this.#init
    const session = new SyncSession({
      log,
      crypto,
      clock,
      gate,
      channel,
      allow,
      own,
      onHeld,
      unreadable,
      reserved: this.#reserved,
      onProgress: () => this.#progress.received(channel),
      onReject: (reason) => this.#init.onReject(reason, channel.peer),
      onFresh: this.#passOn(channel.peer),
    })
    this.#channels.add(channel)
    let moved = false
    try {
      await prove()
      const outcome = await session.converse()
      moved = outcome.received > 0 || (outcome.sent > 0 && !quiet)
      this.#init.onSynced()
      return outcome
    } catch (error) {
      channel.abort(error instanceof Error ? error : new Error('sync failed'))
      throw error
    } finally {
      this.#channels.delete(channel)
      this.#progress.ended(channel, moved)
    }
  }

  /** Tells the room of what was just written and came from `peer`: who missed it once is seldom the only one. */
  #passOn(peer: string): (run: Uint8Array, latest: number) => void {
    const { network, keys, clock } = this.#init
    let passedOn = 0
    return (run, latest) => {
      if (run.length > MAX_PASS_ON_BYTES || latest < clock.now() - PASS_ON_AGE || passedOn >= MAX_PASS_ON_RUNS) return
      if (network.mates(keys.topic).every((mate) => mate === peer)) return // nobody but the one it came from
      passedOn++
      network.publish(keys.topic, run)
    }
  }
}
