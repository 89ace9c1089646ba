/**
 * Keeps ciphertext of rooms for their members: takes requests from those who prove their access to a room, holds sync sessions about it,
 * and gives up what nobody asks for any more. It has no key of any room.
 */
import { Allowance } from '../../src/chat/allowance.ts'
import { bytesToHex } from '../../src/chat/hex.ts'
import { KeepDesk, type KeepRequest } from '../../src/chat/keep-access.ts'
import { Refusal } from '../../src/chat/keep-codec.ts'
import { placeOfKept } from '../../src/chat/kept-log.ts'
import type { Channel, Clock, Crypto } from '../../src/chat/seams.ts'
import { SyncSession } from '../../src/chat/sync-session.ts'
import { DamagedStoreError, InvalidEventError } from '../../src/errors.ts'
import type { Operation, Store } from '../../src/storage/store.ts'
import {
  KEPT_TIME,
  LEASE_TIME,
  MAX_ALLOWANCES,
  MAX_VISIT_ENTRIES,
  QUOTAS,
  type Quotas,
  REMOVALS_A_BATCH,
  RETRY_BUSY,
  RETRY_NOT_ALLOWED,
  RETRY_QUOTA,
  RUN_COST,
  SPACE_A_VISIT,
  SWEEP_INTERVAL,
  VISIT_TIME,
} from './constants.ts'
import { KeptRooms, type OpenRoom } from './kept-rooms.ts'
import { type Asker, type Lease, Leases } from './leases.ts'
import { type KeeperPolicy, Policy } from './policy.ts'
import { type Visit, Visits } from './visits.ts'

const second = 1000

export interface KeeperInit extends KeeperPolicy {
  /** The keeper's own; it is not closed with it. */
  store: Store
  crypto: Crypto
  clock: Clock
  /** Parts of the quotas that are others than the default ones. */
  quotas?: Partial<Quotas> | undefined
  /** How long a room is kept after it was last asked for, in milliseconds. @default 7 days */
  leaseTime?: number | undefined
  /** How long an event is kept, in milliseconds. @default 30 days */
  keptTime?: number | undefined
}

/** What a keeper knows of a room that it keeps. */
export interface KeptRoom extends Omit<Lease, 'tag' | 'room'> {
  /** The room's id: its tag in hex. */
  id: string
}

/** All that a keeper learns. */
export interface KeeperStatus {
  rooms: KeptRoom[]
  /** With what runs and rooms count for beyond their bytes. */
  bytes: number
  quotas: Quotas
  /** Visits under way. */
  visits: number
  /** Since the start: requests that were refused, by reason, and streams that broke the rules. */
  refused: Partial<Record<keyof typeof Refusal, number>>
  rejected: number
}

/** What a keeper goes by, with nothing left open. */
interface Settings {
  store: Store
  crypto: Crypto
  clock: Clock
  quotas: Quotas
  leaseTime: number
  keptTime: number
}

const REASONS = Object.keys(Refusal) as (keyof typeof Refusal)[]

export class Keeper {
  readonly #settings: Settings
  readonly #self: string
  readonly #policy: Policy
  readonly #leases: Leases
  readonly #rooms: KeptRooms
  readonly #visits: Visits
  readonly #allowance: Allowance
  readonly #refused: KeeperStatus['refused'] = {}
  #rejected = 0
  /** Requests are decided on one after the other: what one is granted is not there for the next. */
  #turn: Promise<unknown> = Promise.resolve()
  #cancelSweep: (() => void) | undefined
  #closed = false

  private constructor(settings: Settings, policy: Policy, self: string, leases: Leases) {
    const { store, crypto, clock, keptTime } = settings
    this.#settings = settings
    this.#self = self
    this.#policy = policy
    this.#leases = leases
    this.#rooms = new KeptRooms({ store, crypto, clock, leases, keptTime })
    this.#visits = new Visits(clock)
    this.#allowance = new Allowance(clock, MAX_ALLOWANCES)
  }

  /** `self` is the keeper's peer id. @throws DamagedStoreError, StorageError, InvalidArgumentError */
  static async open(init: KeeperInit, self: string): Promise<Keeper> {
    const { store, crypto, clock, leaseTime = LEASE_TIME, keptTime = KEPT_TIME } = init
    const quotas = { ...QUOTAS, ...init.quotas }
    const policy = new Policy(init, crypto)
    const leases = await Leases.open(store, clock, quotas)
    const keeper = new Keeper({ store, crypto, clock, quotas, leaseTime, keptTime }, policy, self, leases)
    await keeper.#removeStrays()
    await keeper.sweep()
    keeper.#repeat()
    return keeper
  }

  /** Ends what is under way; resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelSweep?.()
    this.#visits.abortAll(new Error('the keeper stops'))
    await this.#turn
    await this.#rooms.closeAll()
  }

  #repeat(): void {
    if (this.#closed) return
    this.#cancelSweep = this.#settings.clock.setTimeout(() => {
      this.sweep()
        .catch(() => undefined) // the disk: whoever visits is told, and the next sweep tries again
        .finally(() => this.#repeat())
    }, SWEEP_INTERVAL)
  }

  /** A stream of the keep protocol that a peer opened; `network` is what its address counts as. Throws when the stream breaks. */
  async accept(channel: Channel, network: string): Promise<void> {
    const visit = this.#closed ? undefined : this.#visits.begin(channel, network)
    const { crypto, clock } = this.#settings
    const desk = new KeepDesk({ channel: visit?.channel ?? channel, crypto, clock, self: this.#self })
    if (visit === undefined) return this.#refuse(desk, Refusal.busy)
    const cancel = clock.setTimeout(() => channel.abort(new Error('a visit ends')), VISIT_TIME)
    try {
      await this.#receive(visit, desk, network)
    } catch (error) {
      if (error instanceof InvalidEventError) this.#rejected++
      throw error
    } finally {
      cancel()
      visit.end()
    }
  }

  async #receive(visit: Visit, desk: KeepDesk, network: string): Promise<void> {
    const request = await desk.hear()
    const { peer } = visit.channel
    const standing = this.#policy.judge(peer, bytesToHex(request.tag), request.token)
    if (standing === 'refused') return this.#refuse(desk, Refusal.notAllowed)
    const lease = await this.#inTurn(() => this.#decide(request, { peer, network, allowed: standing === 'allowed' }))
    if (typeof lease === 'number') return this.#refuse(desk, lease)
    const served = await this.#rooms
      .use(lease, (room) => this.#serve(visit, desk, request, lease, room))
      .catch(async (error) => {
        // What does not open is of no use to anybody; its members bring it again.
        if (error instanceof DamagedStoreError && !this.#rooms.isBusy(lease)) await this.#inTurn(() => this.#end(lease))
        throw error
      })
    if (!served) await this.#refuse(desk, Refusal.busy)
  }

  async #refuse(desk: KeepDesk, reason: number): Promise<void> {
    const name = REASONS.find((each) => Refusal[each] === reason)
    if (name !== undefined) this.#refused[name] = (this.#refused[name] ?? 0) + 1
    const { notAllowed, busy } = Refusal
    await desk.refuse(reason, reason === busy ? RETRY_BUSY : reason === notAllowed ? RETRY_NOT_ALLOWED : RETRY_QUOTA)
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action)
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** The lease, made or renewed, or why there is none. */
  async #decide({ tag, seconds }: KeepRequest, asker: Asker): Promise<Lease | number> {
    if (this.#closed) return Refusal.busy
    const time = Math.min(seconds * second, this.#settings.leaseTime)
    const known = this.#leases.get(bytesToHex(tag))
    const refusal = known === undefined ? this.#leases.refusal(asker) : undefined
    // No lease of others ends for somebody who has used up a quota of his own.
    if (refusal !== undefined && refusal !== Refusal.totalQuota) return refusal
    await this.#makeSpace(known)
    if (known === undefined && this.#leases.refusal(asker) !== undefined) return Refusal.totalQuota
    const lease = known ?? this.#leases.add(tag, asker, time)
    if (known !== undefined) this.#leases.renew(known, asker, time)
    try {
      await this.#settings.store.batch([this.#leases.save(lease)])
    } catch (error) {
      if (known === undefined) this.#leases.remove(lease)
      throw error
    }
    return lease
  }

  /** Ends leases that nobody speaks for until there is space for a visit, or there are none left. */
  async #makeSpace(wanting: Lease | undefined): Promise<void> {
    while (this.#leases.isShort(wanting, SPACE_A_VISIT)) {
      const least = this.#leases.leastWanted((lease) => lease === wanting || this.#rooms.isBusy(lease))
      if (least === undefined) return
      await this.#end(least)
    }
  }

  async #serve(visit: Visit, desk: KeepDesk, request: KeepRequest, lease: Lease, { log, reserved }: OpenRoom): Promise<void> {
    const { crypto, clock, leaseTime } = this.#settings
    const seconds = Math.floor(Math.min(request.seconds * second, leaseTime) / second)
    await desk.grant({ seconds, bytes: this.#leases.limits(lease).bytes })
    const session = new SyncSession({
      log,
      crypto,
      clock,
      channel: visit.channel,
      reserved,
      entries: MAX_VISIT_ENTRIES,
      gate: { passed: () => this.#passed(visit, log) },
      allow: (bytes) => this.#allowance.spend(`${visit.channel.peer} ${lease.room}`, bytes, log.bytes),
      onFresh: () => visit.cost(RUN_COST),
      onProgress: nothing,
      onReject: nothing,
      own: () => [],
      onHeld: nothing,
    })
    await session.converse()
  }

  /** Before more is read: what came before is paid for, and has its place. */
  async #passed(visit: Visit, log: OpenRoom['log']): Promise<void> {
    await visit.paid()
    await log.trimmed()
    if (this.#rooms.overgrown) throw new Error('too many events in memory')
  }

  /** Ends the leases that are over, and gives up what was kept long enough. */
  async sweep(): Promise<void> {
    const now = this.#settings.clock.now()
    for (const lease of this.#leases.all()) if (lease.until <= now) await this.#inTurn(() => this.#endIfOver(lease))
    await this.#rooms.expire()
  }

  async #endIfOver(lease: Lease): Promise<void> {
    if (lease.until <= this.#settings.clock.now() && !this.#rooms.isBusy(lease)) await this.#end(lease)
  }

  /** Removes a room in which nobody is. In its turn: nobody is let in meanwhile. */
  async #end(lease: Lease): Promise<void> {
    const { store } = this.#settings
    await this.#rooms.close(lease)
    lease.until = 0
    await store.batch([this.#leases.save(lease)]) // so that a crash in the middle ends with the rest of it
    await this.#removeAll(lease.room)
    await store.batch([{ type: 'delete', key: ['lease', lease.room] }])
    this.#leases.remove(lease)
  }

  async #removeAll(room: number): Promise<void> {
    const { store } = this.#settings
    let removals: Operation[] = [{ type: 'delete', key: ['horizon', room] }]
    for await (const [key] of store.range(placeOfKept(room).prefix)) {
      removals.push({ type: 'delete', key })
      if (removals.length < REMOVALS_A_BATCH) continue
      await store.batch(removals)
      removals = []
    }
    await store.batch(removals)
  }

  /** Runs of rooms whose lease is not there: a repair of the store may leave them. */
  async #removeStrays(): Promise<void> {
    const { store } = this.#settings
    const leased = new Set(this.#leases.all().map(({ room }) => room))
    let highest = 0
    for await (const [key] of store.range(['kept'], { reverse: true, limit: 1 })) highest = Number(key[1])
    for (let room = 1; room <= highest; room++) {
      if (leased.has(room)) continue
      for await (const _ of store.range(placeOfKept(room).prefix, { limit: 1 })) await this.#removeAll(room)
    }
  }

  status(): KeeperStatus {
    return {
      rooms: this.#leases.all().map(({ tag, room: _, ...lease }) => ({ id: bytesToHex(tag), ...lease })),
      bytes: this.#leases.total.bytes,
      quotas: this.#settings.quotas,
      visits: this.#visits.count,
      refused: { ...this.#refused },
      rejected: this.#rejected,
    }
  }
}

const nothing = (): undefined => undefined
