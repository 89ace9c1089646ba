/**
 * When to visit the keepers of a room, and with what: at once when one is there, soon after something was written here, and now and then
 * for what others have brought it. Each visit renews the lease.
 */
import {
  KEEP_FLUSH,
  KEEP_INTERVAL,
  KEEP_INTERVAL_ALONE,
  KEEP_LATEST,
  KEEP_PAUSE,
  KEEP_REFUSAL_PAUSE,
  KEEP_SETTLE,
  LEASE_SECONDS,
  MAX_KEEP_REFUSAL_PAUSE,
  MAX_SYNC_PAUSE,
  MAX_UNREADABLE_AUTHORS,
  SYNC_PAUSE,
} from './constants.ts'
import type { Page } from './frontier.ts'
import { askToKeep, KeeperRefusal } from './keep-access.ts'
import { KEEP_PROTOCOL, Refusal } from './keep-codec.ts'
import type { KeeperTurns } from './keeper-turns.ts'
import { Recent } from './recent.ts'
import type { KeeperPeer } from './seams.ts'
import type { Sessions, SessionsInit } from './sessions.ts'

export interface KeepingInit extends Pick<SessionsInit, 'network' | 'keys' | 'crypto' | 'clock'> {
  sessions: Sessions
  /** Shared by the rooms of a device, so that they do not come to a keeper all at once. */
  turns: KeeperTurns
  /** Asks whether a peer may be sent this many bytes more. */
  allow: (peer: string, bytes: number) => boolean
  /** What a keeper says it holds of one of our own logs: all that it says, or with `first` false more than it said before. */
  onHeld: (page: Page, first: boolean, peer: string) => void
  /** It went, or refused: it is not known to hold anything any more. */
  onGone: (peer: string) => void
  /** Told once, until the reason is another or the keeper has agreed. */
  onRefused: (why: string, peer: string) => void
  onFailure: (error: unknown, peer: string) => void
}

/** What is known of one keeper while it is there. Times are those of the monotonic clock. */
interface Visited {
  keeper: KeeperPeer
  /** When it is visited at the latest. */
  due: number
  /** When the first was written that it has not been offered, and when to go with it. */
  written: { first: number; at: number } | undefined
  /** Not before. */
  next: number
  /** After the next failure. */
  pause: number
  refusalPause: number
  visit: Promise<void> | undefined
}

export class Keeping {
  readonly #init: KeepingInit
  readonly #keepers = new Map<string, Visited>()
  /** Why each keeper has refused, as far as that was told. */
  readonly #told = new Map<string, number>()
  /** Authors of whom keepers have what does not open. */
  readonly #unreadable = new Recent(MAX_UNREADABLE_AUTHORS)
  #timer: { at: number; cancel: () => void } | undefined
  #running = false

  constructor(init: KeepingInit) {
    this.#init = init
  }

  start(): void {
    this.#running = true
    for (const keeper of this.#init.network.keepers()) this.joined(keeper)
  }

  stop(): void {
    this.#running = false
    this.#timer?.cancel()
    this.#timer = undefined
    this.#keepers.clear()
  }

  joined(keeper: KeeperPeer): void {
    if (!this.#running || this.#keepers.has(keeper.peer)) return
    const now = this.#init.clock.monotonic()
    this.#keepers.set(keeper.peer, {
      keeper,
      due: now,
      written: undefined,
      next: now,
      pause: SYNC_PAUSE,
      refusalPause: KEEP_REFUSAL_PAUSE,
      visit: undefined,
    })
    this.#schedule()
  }

  left(peer: string): void {
    if (this.#keepers.delete(peer)) this.#init.onGone(peer)
  }

  /** Something was written here. */
  wrote(): void {
    const now = this.#init.clock.monotonic()
    for (const visited of this.#keepers.values()) {
      const first = visited.written?.first ?? now
      visited.written = { first, at: Math.min(now + KEEP_SETTLE, first + KEEP_LATEST) }
    }
    this.#schedule()
  }

  /** The last mate is gone: what is new comes by the keepers alone. */
  alone(): void {
    const due = this.#init.clock.monotonic() + this.#spread(KEEP_INTERVAL_ALONE)
    for (const visited of this.#keepers.values()) visited.due = Math.min(visited.due, due)
    this.#schedule()
  }

  /** Brings the keepers what they have not been offered; resolves when that is done, or has taken too long. */
  async flush(): Promise<void> {
    const unsettled = [...this.#keepers.values()].filter(({ written, visit }) => written !== undefined || visit !== undefined)
    if (unsettled.length === 0) return
    await new Promise<void>((resolve) => {
      const cancel = this.#init.clock.setTimeout(resolve, KEEP_FLUSH)
      void Promise.all(unsettled.map((visited) => this.#bring(visited))).finally(() => {
        cancel()
        resolve()
      })
    })
  }

  async #bring(visited: Visited): Promise<void> {
    while (this.#isHere(visited)) {
      if (visited.visit === undefined) {
        if (visited.written === undefined || isRefusing(visited)) return
        this.#visit(visited)
      }
      await visited.visit
    }
  }

  #isHere(visited: Visited): boolean {
    return this.#running && this.#keepers.get(visited.keeper.peer) === visited
  }

  #schedule(): void {
    if (!this.#running) return
    const now = this.#init.clock.monotonic()
    let earliest = Number.POSITIVE_INFINITY
    for (const visited of this.#keepers.values()) {
      if (visited.visit !== undefined) continue
      const at = Math.max(visited.next, Math.min(visited.due, visited.written?.at ?? visited.due))
      if (at <= now) this.#visit(visited)
      else earliest = Math.min(earliest, at)
    }
    if (earliest >= (this.#timer?.at ?? Number.POSITIVE_INFINITY)) return
    this.#timer?.cancel()
    const cancel = this.#init.clock.setTimeout(() => {
      this.#timer = undefined
      this.#schedule()
    }, earliest - now)
    this.#timer = { at: earliest, cancel }
  }

  #visit(visited: Visited): void {
    visited.written = undefined
    visited.visit = this.#converse(visited.keeper)
      .then(
        () => this.#agreed(visited),
        (error) => this.#failed(visited, error),
      )
      .finally(() => {
        visited.visit = undefined
        this.#schedule()
      })
  }

  async #converse({ peer, token }: KeeperPeer): Promise<void> {
    const { network, keys, crypto, clock, sessions, turns, onHeld } = this.#init
    const release = await turns.take(peer)
    try {
      if (!this.#running) return
      const channel = await network.open(peer, KEEP_PROTOCOL)
      let left = 0
      await sessions.converse(channel, {
        prove: async () => {
          const init = { channel, crypto, clock, self: network.self, keys, seconds: LEASE_SECONDS, token }
          left = (await askToKeep(init)).bytes
        },
        allow: (bytes) => {
          left -= bytes
          return left >= 0 && this.#init.allow(peer, bytes)
        },
        onHeld: (page, first) => {
          if (this.#keepers.has(peer)) onHeld(page, first, peer) // else it went meanwhile
        },
        quiet: true,
        unreadable: this.#unreadable,
      })
    } finally {
      release()
    }
  }

  #agreed(visited: Visited): void {
    const now = this.#init.clock.monotonic()
    const { network, keys } = this.#init
    const interval = network.mates(keys.topic).length === 0 ? KEEP_INTERVAL_ALONE : KEEP_INTERVAL
    this.#told.delete(visited.keeper.peer)
    Object.assign(visited, {
      due: now + this.#spread(interval),
      next: now + KEEP_PAUSE,
      pause: SYNC_PAUSE,
      refusalPause: KEEP_REFUSAL_PAUSE,
    })
  }

  /** It is tried again, after a pause that grows. */
  #failed(visited: Visited, error: unknown): void {
    const now = this.#init.clock.monotonic()
    visited.due = now
    if (!(error instanceof KeeperRefusal)) {
      visited.next = now + this.#spread(visited.pause)
      visited.pause = Math.min(2 * visited.pause, MAX_SYNC_PAUSE)
      if (this.#running) this.#init.onFailure(error, visited.keeper.peer)
      return
    }
    const asked = Math.min(1000 * error.seconds, MAX_KEEP_REFUSAL_PAUSE)
    const pause = Math.max(asked, error.reason === Refusal.busy ? SYNC_PAUSE : visited.refusalPause)
    visited.next = now + pause + this.#spread(pause / 8) // not earlier than asked, and not all at the same time
    if (error.reason === Refusal.busy) return
    this.#init.onGone(visited.keeper.peer)
    visited.refusalPause = Math.min(2 * visited.refusalPause, MAX_KEEP_REFUSAL_PAUSE)
    const { peer } = visited.keeper
    if (this.#told.get(peer) === error.reason) return
    this.#told.set(peer, error.reason)
    this.#init.onRefused(error.message, peer)
  }

  /** Plus or minus a quarter: those who were cut off together do not come back together. */
  #spread(milliseconds: number): number {
    return milliseconds * (0.75 + (this.#init.crypto.randomBytes(1)[0] ?? 0) / 512)
  }
}

/** It fails or refuses at the moment: what was not brought waits. */
const isRefusing = ({ pause, refusalPause }: Visited): boolean => pause > SYNC_PAUSE || refusalPause > KEEP_REFUSAL_PAUSE
