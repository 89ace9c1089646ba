/**
 * Who is there: never stored, only heard. Each member sends a beacon now and then; whoever is not heard for three intervals, or
 * whose connection closed and who is not heard again, is offline.
 */
import { type Beacon, encodeBeacon, State } from './beacon.ts'
import { equalBytes } from './cbor.ts'
import {
  BEACON_INTERVAL,
  BEACON_INTERVAL_EACH,
  BEACON_MIN_INTERVAL,
  BEACON_MISSES,
  BEACON_SETTLE,
  BEACON_SETTLE_SPREAD,
  MAX_PRESENCE,
  OFFLINE_GRACE,
} from './constants.ts'
import { bytesToHex } from './hex.ts'
import type { Log } from './log.ts'
import type { Members } from './members.ts'
import type { RoomKeys } from './room-keys.ts'
import type { Clock, Crypto, Network } from './seams.ts'

export interface PresenceInit {
  log: Log
  members: Members
  keys: RoomKeys
  crypto: Crypto
  clock: Clock
  network: Network
  /** The author key's seed that beacons are signed with; none until something was written. */
  seed: () => Uint8Array | undefined
  publish: (beacon: Uint8Array) => void
  /** Nobody is looking at this device. */
  isAway: () => boolean
  /** `was`: where the author was before. */
  onChange: (author: string, change: 'online' | 'offline' | 'left' | 'away' | 'back', was: Whereabouts) => void
  onTyping: (author: string) => void
}

/** Where somebody is on one device. */
export type Whereabouts = 'here' | 'away' | 'offline'

interface Heard {
  start: number
  counter: number
  /** By the device's clock, for people; and by the other one, to tell how long ago. */
  at: number
  since: number
  where: Whereabouts
}

export class Presence {
  readonly #init: PresenceInit
  readonly #heard = new Map<string, Heard>()
  readonly #start: number
  #counter = 0
  #lastSent = Number.NEGATIVE_INFINITY
  #timers: (() => void)[] = []
  #soon: (() => void) | undefined
  #settle: (() => void) | undefined
  #lastArrival = Number.NEGATIVE_INFINITY
  /** Somebody has said the digest that is ours now. */
  #agreed = false
  #running = false

  constructor(init: PresenceInit) {
    this.#init = init
    this.#start = init.clock.now()
  }

  start(): void {
    this.#running = true
    this.announce()
    this.#repeat()
  }

  #repeat(): void {
    if (!this.#running) return
    const spread = 0.75 + (this.#init.crypto.randomBytes(1)[0] ?? 0) / 512
    this.#sweep()
    this.#timers = [
      this.#init.clock.setTimeout(() => {
        this.#send(this.#state())
        this.#repeat()
      }, this.#interval() * spread),
    ]
  }

  #interval(): number {
    return Math.max(BEACON_INTERVAL, BEACON_INTERVAL_EACH * this.online.size)
  }

  /** Sends a beacon now, or as soon as the last one is old enough. */
  announce(): void {
    if (!this.#running || this.#soon !== undefined) return
    const wait = this.#lastSent + BEACON_MIN_INTERVAL - this.#init.clock.monotonic()
    if (wait <= 0) {
      this.#send(this.#state())
      return
    }
    this.#soon = this.#init.clock.setTimeout(() => {
      this.#soon = undefined
      if (this.#running) this.#send(this.#state())
    }, wait)
  }

  /** The room holds something new: once it is quiet, one of those who hold the same says so, and whoever differs can ask. */
  arrived(): void {
    this.#lastArrival = this.#init.clock.monotonic()
    this.#agreed = false
    if (this.#running && this.#settle === undefined) this.#awaitQuiet()
  }

  #awaitQuiet(): void {
    const spread = (BEACON_SETTLE_SPREAD * (this.#init.crypto.randomBytes(1)[0] ?? 0)) / 256
    this.#settle = this.#init.clock.setTimeout(() => {
      this.#settle = undefined
      if (!this.#running || this.#agreed) return
      if (this.#init.clock.monotonic() - this.#lastArrival < BEACON_SETTLE) this.#awaitQuiet()
      else this.#send(this.#state())
    }, BEACON_SETTLE + spread)
  }

  typing(): void {
    this.#send(State.typing)
  }

  /** Whoever uses this device went away, or came back: it is said at once. */
  turned(): void {
    if (this.#running) this.#send(this.#state())
  }

  #state(): number {
    return this.#init.isAway() ? State.away : State.online
  }

  #send(state: number): void {
    const { log, keys, crypto, clock } = this.#init
    const seed = this.#init.seed()
    if (seed === undefined) return
    const author = crypto.publicKey(seed)
    const beacon = { author, start: this.#start, counter: this.#counter++, state, digest: log.frontierDigest(), tips: log.tips() }
    this.#lastSent = clock.monotonic()
    this.#agreed = true
    this.#init.publish(encodeBeacon(beacon, keys, seed, crypto))
  }

  /** Takes a beacon; false if an older one than was heard before. */
  hear(beacon: Beacon): boolean {
    const author = bytesToHex(beacon.author)
    // Said by this device before it was restarted: others still gossip of it.
    if (author === this.#init.log.ownAuthor && beacon.start <= this.#start) return false
    const last = this.#heard.get(author)
    if (last !== undefined && (beacon.start < last.start || (beacon.start === last.start && beacon.counter <= last.counter)))
      return false
    if (last === undefined && this.#heard.size >= 4 * MAX_PRESENCE) return true // a crowd: count nobody more
    if (equalBytes(beacon.digest, this.#init.log.frontierDigest())) this.#agreed = true
    const { start, counter } = beacon
    const { clock } = this.#init
    const was = last?.where ?? 'offline'
    const where = whereSays(beacon.state, was)
    this.#heard.set(author, { start, counter, at: clock.now(), since: clock.monotonic(), where })
    if (was === 'offline' && where !== was) this.#init.onChange(author, 'online', was)
    else if (where === 'offline' && where !== was) this.#init.onChange(author, beacon.state === State.left ? 'left' : where, was)
    else if (where !== was) this.#init.onChange(author, where === 'away' ? 'away' : 'back', was)
    if (beacon.state === State.typing) this.#init.onTyping(author)
    return true
  }

  /** A connection to a peer closed: whoever is that device and is not heard again soon is offline. */
  lost(peer: string): void {
    const { clock, members, network } = this.#init
    const since = clock.monotonic()
    const cancel = clock.setTimeout(() => {
      this.#timers = this.#timers.filter((timer) => timer !== cancel)
      for (const [author, heard] of this.#heard) {
        if (heard.where === 'offline' || heard.since > since) continue
        const { account } = members.personOf(author)
        const devices = [...members.devicesOf(account)]
        if (devices.some((device) => network.peerOf(device) === peer)) this.#offline(author, heard)
      }
    }, OFFLINE_GRACE)
    this.#timers.push(cancel)
  }

  #sweep(): void {
    const oldest = this.#init.clock.monotonic() - BEACON_MISSES * 1.25 * this.#interval()
    for (const [author, heard] of this.#heard) if (heard.where !== 'offline' && heard.since < oldest) this.#offline(author, heard)
  }

  #offline(author: string, heard: Heard): void {
    const was = heard.where
    heard.where = 'offline'
    this.#init.onChange(author, 'offline', was)
  }

  /** Author keys (hex) that are there, oneself not counted. */
  get online(): Set<string> {
    return new Set([...this.#heard].filter(([, heard]) => heard.where !== 'offline').map(([author]) => author))
  }

  /** Where the one is who writes under an author key (hex). */
  where(author: string): Whereabouts {
    return this.#heard.get(author)?.where ?? 'offline'
  }

  /** When an author was last heard, in milliseconds since 1970. */
  heardAt(author: string): number | undefined {
    return this.#heard.get(author)?.at
  }

  /** Says goodbye and stops. */
  stop(state: typeof State.offline | typeof State.left): void {
    if (!this.#running) return
    this.#send(state)
    this.#running = false
    this.#soon?.()
    this.#settle?.()
    for (const cancel of this.#timers) cancel()
    this.#timers = []
  }
}

/** Who types does not say whether he was away; a state that is not known is that of somebody who is here. */
function whereSays(state: number, was: Whereabouts): Whereabouts {
  if (state === State.offline || state === State.left) return 'offline'
  if (state === State.away) return 'away'
  return state === State.typing && was === 'away' ? 'away' : 'here'
}
