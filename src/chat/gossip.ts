/**
 * The room's topic: pushes what is new, and judges what comes before it is forwarded. Reject is only for what every honest
 * member would reject; whatever is a matter of limits, or brings nothing new, is ignored and left to sync.
 */
import { InvalidEventError } from '../errors.ts'
import { type Beacon, decodeBeacon, isBeacon } from './beacon.ts'
import { Budget } from './budget.ts'
import { GOSSIP_BYTES, GOSSIP_CHECKS, MAX_GOSSIP_IN_FLIGHT, NEW_AUTHORS } from './constants.ts'
import { bytesToHex } from './hex.ts'
import type { Log } from './log.ts'
import type { RoomKeys } from './room-keys.ts'
import type { Clock, Crypto, Network, Verdict } from './seams.ts'

export interface GossipInit {
  network: Network
  log: Log
  keys: RoomKeys
  crypto: Crypto
  clock: Clock
  /** A beacon that is what it says; answers whether it is news. */
  onBeacon: (beacon: Beacon, from: string) => boolean
  /** A run that was taken, and is not on disk yet. */
  onRun: (from: string) => void
  /** A run that was taken and could not be stored. */
  onUnstored: () => void
  onReject: (reason: string, from: string) => void
}

export class Gossip {
  readonly #init: GossipInit
  readonly #checks: Budget
  readonly #bytes: Budget
  readonly #newAuthors: Budget
  #inFlight = 0

  constructor(init: GossipInit) {
    this.#init = init
    this.#checks = new Budget(GOSSIP_CHECKS, init.clock)
    this.#bytes = new Budget(GOSSIP_BYTES, init.clock)
    this.#newAuthors = new Budget(NEW_AUTHORS, init.clock)
  }

  start(): void {
    this.#init.network.subscribe(this.#init.keys.topic, (from, bytes) => this.#judge(from, bytes))
  }

  stop(): void {
    this.#init.network.unsubscribe(this.#init.keys.topic)
  }

  publish(bytes: Uint8Array): void {
    this.#init.network.publish(this.#init.keys.topic, bytes)
  }

  #judge(from: string, bytes: Uint8Array): Verdict {
    if (!this.#bytes.spend(from, bytes.length) || !this.#checks.spend(from)) return 'ignore'
    return isBeacon(bytes) ? this.#judgeBeacon(from, bytes) : this.#judgeRun(from, bytes)
  }

  #judgeBeacon(from: string, bytes: Uint8Array): Verdict {
    try {
      const { keys, crypto, log } = this.#init
      const beacon = decodeBeacon(bytes, keys, crypto)
      // Under other keys node:crypto and noble disagree, and whoever forwards what others reject is cut off.
      if (log.author(bytesToHex(beacon.author)) === undefined && !crypto.isValidKey(beacon.author))
        throw new InvalidEventError('inadmissible author key')
      return this.#init.onBeacon(beacon, from) ? 'accept' : 'ignore'
    } catch (error) {
      if (!(error instanceof InvalidEventError)) throw error
      this.#init.onReject(error.message, from)
      return 'reject'
    }
  }

  #judgeRun(from: string, bytes: Uint8Array): Verdict {
    if (this.#inFlight > MAX_GOSSIP_IN_FLIGHT) return 'ignore'
    const { verdict, reason, durable } = this.#init.log.ingest(bytes, 'gossip', () => this.#newAuthors.spend(from))
    if (verdict === 'reject') this.#init.onReject(reason ?? 'malformed', from)
    if (verdict !== 'accept') return verdict
    this.#inFlight += bytes.length
    const settle = (): void => {
      this.#inFlight -= bytes.length
    }
    durable.then(settle, () => {
      settle()
      this.#init.onUnstored()
    })
    this.#init.onRun(from)
    return 'accept'
  }
}
