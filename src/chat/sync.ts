/**
 * When to sync, and with whom. A new mate always permits a sync, and a session that broke is tried again once, soon; otherwise a
 * difference (a beacon that names another digest, a run whose predecessor is missing, a session that broke again) must last a few
 * seconds without arrivals, each mate has its pause, and the pause doubles while syncs with it bring nothing.
 */
import { StorageError } from '../errors.ts'
import { type AccessInit, answerAccess, openAccess } from './access.ts'
import { Allowance } from './allowance.ts'
import {
  MAX_REMEMBERED_MATES,
  MAX_SYNC_PAUSE,
  MAX_SYNCS_IN,
  MAX_SYNCS_OUT,
  SYNC_INTERVAL,
  SYNC_PAUSE,
  SYNC_RETRY,
  SYNC_SETTLE,
} from './constants.ts'
import type { Page } from './frontier.ts'
import type { KeeperTurns } from './keeper-turns.ts'
import { Keeping } from './keeping.ts'
import type { Arrival } from './log.ts'
import { isLocal } from './room-keys.ts'
import type { Channel, KeeperPeer } from './seams.ts'
import { Sessions, type SessionsInit } from './sessions.ts'
import { SYNC_PROTOCOL } from './sync-codec.ts'
import type { Outcome } from './sync-session.ts'

/** A mate with the larger peer id waits this long for the other to open the first session. */
const TIE_BREAK = 1000

export interface SyncInit extends SessionsInit {
  /** Shared by the rooms of a device: a place for each visit of a keeper. */
  turns: KeeperTurns
  /** What a peer says it holds of one of our own logs: all that it says, or with `first` false more than it said before. */
  onHeld: (page: Page, first: boolean, peer: string) => void
  /** The same of a keeper: a claim of somebody who is no member, to be counted apart. */
  onKeeperHeld: (page: Page, first: boolean, peer: string) => void
  /** A keeper went, or refused: it is not known to hold anything any more. */
  onKeeperGone: (peer: string) => void
  /** A keeper does not keep this room. */
  onRefused: (why: string, peer: string) => void
  onFailure: (error: unknown, peer: string) => void
}

interface Mate {
  /** Not before this time, in milliseconds. */
  next: number
  pause: number
  /** Sessions with it under way. */
  busy: number
  /** It has shown that it knows the room's secret. */
  proven: boolean
  /** It may be synced with although no difference is known: it is a new mate, say. */
  fresh: boolean
  /** The last session that was opened to it broke, and was tried again at once. */
  retried: boolean
}

export class Sync {
  readonly #init: SyncInit
  readonly #mates = new Map<string, Mate>()
  /** Grown pauses of strangers that left: subscribing to the topic anew does not end them. */
  readonly #pauses = new Map<string, number>()
  readonly #sessions: Sessions
  readonly #allowance: Allowance
  readonly #keeping: Keeping
  #out = 0
  /** Peers whose sessions are under way. */
  readonly #in = new Set<string>()
  /** A difference was noticed, at this time. */
  #wanted: number | undefined
  /** It is time to ask one mate anyhow: whoever waits for quiet in a room that has none waits for ever. */
  #due = false
  #lastArrival = Number.NEGATIVE_INFINITY
  #timer: { at: number; cancel: () => void } | undefined
  #periodic: (() => void) | undefined
  #running = false

  constructor(init: SyncInit) {
    this.#init = init
    this.#sessions = new Sessions(init)
    this.#allowance = new Allowance(init.clock)
    this.#keeping = new Keeping({
      ...init,
      sessions: this.#sessions,
      allow: (peer, bytes) => this.#allowance.spend(peer, bytes, init.log.bytes),
      onHeld: init.onKeeperHeld,
      onGone: init.onKeeperGone,
    })
  }

  start(): void {
    this.#running = true
    for (const peer of this.#init.network.mates(this.#init.keys.topic)) this.joined(peer)
    if (!isLocal(this.#init.keys, this.#init.crypto)) this.#keeping.start()
    this.#repeat()
  }

  #repeat(): void {
    const spread = 0.75 + (this.#init.crypto.randomBytes(1)[0] ?? 0) / 512
    this.#periodic = this.#init.clock.setTimeout(() => {
      if (!this.#running) return
      this.#due = true
      this.#schedule()
      this.#repeat()
    }, SYNC_INTERVAL * spread)
  }

  stop(): void {
    this.#running = false
    this.#periodic?.()
    this.#timer?.cancel()
    this.#timer = undefined
    this.#keeping.stop()
    this.#sessions.stop()
    this.#mates.clear()
  }

  joined(peer: string): void {
    if (!this.#running || this.#mates.has(peer)) return
    const wait = this.#init.network.self < peer ? 0 : TIE_BREAK
    const pause = this.#pauses.get(peer) ?? SYNC_PAUSE
    const since = pause > SYNC_PAUSE ? pause : wait
    this.#mates.set(peer, {
      next: this.#init.clock.monotonic() + since,
      pause,
      busy: 0,
      fresh: true,
      retried: false,
      proven: false,
    })
    this.#schedule()
  }

  left(peer: string): void {
    const mate = this.#mates.get(peer)
    if (this.#mates.delete(peer) && this.#mates.size === 0) this.#keeping.alone()
    this.#pauses.delete(peer)
    if (mate !== undefined && !mate.proven && mate.pause > SYNC_PAUSE) this.#pauses.set(peer, mate.pause)
    if (this.#pauses.size > MAX_REMEMBERED_MATES) this.#pauses.delete(this.#pauses.keys().next().value as string)
  }

  /** A keeper came or went. */
  keeper(keeper: KeeperPeer, change: 'joined' | 'left'): void {
    if (change === 'joined') this.#keeping.joined(keeper)
    else this.#keeping.left(keeper.peer)
  }

  /** Something was written here. */
  wrote(): void {
    this.#keeping.wrote()
  }

  /** Resolves when the keepers have what was written here, or have taken too long. */
  flush(): Promise<void> {
    return this.#keeping.flush()
  }

  /** Events of one author, those of a run, are on disk that were not. */
  stored(arrivals: readonly Arrival[]): void {
    this.#sessions.arrived(arrivals)
  }

  /** Something arrived: what differs now may settle by itself. */
  arrived(): void {
    this.#lastArrival = this.#init.clock.monotonic()
  }

  /** A difference to somebody was noticed. */
  want(): void {
    this.#wanted ??= this.#init.clock.monotonic()
    this.#schedule()
  }

  /** Somebody needs to know now who holds what: each mate may be synced with once, at once. */
  ask(): void {
    for (const mate of this.#mates.values())
      if (mate.busy === 0) Object.assign(mate, { fresh: true, next: this.#init.clock.monotonic() })
    this.#schedule()
  }

  /** Somebody needs to know whether anybody holds it: some mate may be synced with, once its pause is over. */
  askOne(): void {
    this.#due = true
    this.#schedule()
  }

  /** The next sync that is permitted, and when. */
  #next(): { peer: string; mate: Mate; at: number } | undefined {
    let best: { peer: string; mate: Mate; at: number } | undefined
    for (const [peer, mate] of this.#mates) {
      if (mate.busy > 0 || !(mate.fresh || this.#due || this.#wanted !== undefined)) continue
      const settled = mate.fresh || this.#due ? 0 : Math.max(this.#wanted ?? 0, this.#lastArrival) + SYNC_SETTLE
      const at = Math.max(mate.next, settled)
      if (best === undefined || at < best.at) best = { peer, mate, at }
    }
    return best
  }

  #schedule(): void {
    if (!this.#running || this.#out >= MAX_SYNCS_OUT) return
    const next = this.#next()
    if (next === undefined) return
    const wait = next.at - this.#init.clock.monotonic()
    if (wait <= 0) {
      void this.#open(next.peer, next.mate)
      this.#schedule()
      return
    }
    if (this.#timer !== undefined && this.#timer.at <= next.at) return
    this.#timer?.cancel()
    const cancel = this.#init.clock.setTimeout(() => {
      this.#timer = undefined
      this.#schedule()
    }, wait)
    this.#timer = { at: next.at, cancel }
  }

  async #open(peer: string, mate: Mate): Promise<void> {
    const { network, keys } = this.#init
    mate.busy++
    mate.fresh = false
    this.#wanted = undefined
    this.#due = false
    this.#out++
    let isOpen = false
    try {
      const channel = await network.open(peer, SYNC_PROTOCOL)
      isOpen = true
      if (!this.#running) return channel.abort(new Error('the room was closed'))
      const outcome = await this.#converse(channel, openAccess)
      this.#rate(mate, outcome)
    } catch (error) {
      this.#init.onFailure(error, peer)
      this.want()
      // What our own disk refuses is not the mate's fault.
      const ours = error instanceof StorageError
      if (!ours && network.mates(keys.topic).includes(peer)) this.#rate(mate, undefined)
      // The connection was exchanged for a better one, say: nothing that the next session would meet again.
      if (!ours && isOpen && !mate.retried) Object.assign(mate, { retried: true, fresh: true })
    } finally {
      this.#out--
      mate.busy--
      mate.next = this.#init.clock.monotonic() + (mate.fresh ? SYNC_RETRY : mate.pause)
      this.#schedule()
    }
  }

  /** Answers a session that a mate opened for this room. */
  async accept(channel: Channel, nonce: Uint8Array): Promise<void> {
    if (!this.#running || this.#in.size >= MAX_SYNCS_IN) return channel.abort(new Error('too many sessions'))
    // One each: whoever knows the tag gets this far, and silent sessions of one stranger must not use up the places.
    if (this.#in.has(channel.peer)) return channel.abort(new Error('a session with this peer is under way'))
    const mate = this.#mates.get(channel.peer)
    if (mate !== undefined && mate.busy > 0 && this.#init.network.self < channel.peer)
      return channel.abort(new Error('a session with this peer is under way'))
    if (mate !== undefined) mate.busy++
    this.#in.add(channel.peer)
    try {
      const outcome = await this.#converse(channel, (access) => answerAccess(access, nonce))
      if (mate !== undefined) this.#rate(mate, outcome)
      if (mate !== undefined) mate.fresh = false
    } catch (error) {
      this.#init.onFailure(error, channel.peer)
      if (mate?.proven === true) this.want()
    } finally {
      this.#in.delete(channel.peer)
      if (mate !== undefined) {
        mate.busy--
        mate.next = Math.max(mate.next, this.#init.clock.monotonic() + mate.pause)
      }
      this.#schedule()
    }
  }

  async #converse(channel: Channel, prove: (access: AccessInit) => Promise<void>): Promise<Outcome> {
    const { log, keys, crypto, clock, network } = this.#init
    const outcome = await this.#sessions.converse(channel, {
      prove: async () => {
        await prove({ channel, keys, crypto, clock, self: network.self })
        const mate = this.#mates.get(channel.peer)
        if (mate !== undefined) mate.proven = true
      },
      allow: (bytes) => this.#allowance.spend(channel.peer, bytes, log.bytes),
      onHeld: (page, first) => this.#init.onHeld(page, first, channel.peer),
    })
    if (!outcome.equal) this.want()
    return outcome
  }

  /** A sync that brought something, or found nothing to bring, restores the pause; one that differed in vain doubles it. */
  #rate(mate: Mate, outcome: Outcome | undefined): void {
    const good = outcome !== undefined && (outcome.equal || outcome.received > 0 || outcome.sent > 0)
    mate.pause = good ? SYNC_PAUSE : Math.min(mate.pause * 2, MAX_SYNC_PAUSE)
    if (good) mate.retried = false
  }
}
