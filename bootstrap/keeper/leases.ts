/** The rooms that are kept: for how long, on whose account, and how much of them. */

import { decodeCbor, encodeCbor, isBytes, isText, isUint } from '../../src/chat/cbor.ts'
import { bytesToHex } from '../../src/chat/hex.ts'
import { Refusal } from '../../src/chat/keep-codec.ts'
import type { KeptLimits } from '../../src/chat/kept-log.ts'
import type { Clock } from '../../src/chat/seams.ts'
import { DamagedStoreError } from '../../src/errors.ts'
import type { Operation, Store } from '../../src/storage/store.ts'
import { MAX_NETWORK_LENGTH, MIN_LEASE_AGE, MIN_SPACE, type Quotas, ROOM_OVERHEAD } from './constants.ts'

const VERSION = 1
const MAX_PEER_LENGTH = 128

export interface Lease {
  readonly tag: Uint8Array
  /** The room's local number: all that it is called on disk. */
  readonly room: number
  /** When it was first asked for, last asked for, and ends: milliseconds since 1970. */
  readonly since: number
  renewed: number
  until: number
  /** On whose account it is: who asked first, and from where. */
  peer: string
  network: string
  /** The operator allows it: it is not ended to make space. */
  allowed: boolean
  /** What is kept of it. */
  bytes: number
  events: number
}

/** Who asks. */
export interface Asker {
  peer: string
  network: string
  allowed: boolean
}

interface Usage {
  rooms: number
  bytes: number
}

export class Leases {
  readonly #clock: Clock
  readonly #quotas: Quotas
  /** By room tag, in hex. */
  readonly #byTag = new Map<string, Lease>()
  readonly #peers = new Map<string, Usage>()
  readonly #networks = new Map<string, Usage>()
  readonly #total: Usage = { rooms: 0, bytes: 0 }

  private constructor(clock: Clock, quotas: Quotas) {
    this.#clock = clock
    this.#quotas = quotas
  }

  /** @throws DamagedStoreError, StorageError */
  static async open(store: Store, clock: Clock, quotas: Quotas): Promise<Leases> {
    const leases = new Leases(clock, quotas)
    for await (const [key, value] of store.range(['lease'])) leases.#add(decodeLease(Number(key[1]), value))
    return leases
  }

  all(): Lease[] {
    return [...this.#byTag.values()]
  }

  /** By its tag in hex. */
  get(room: string): Lease | undefined {
    return this.#byTag.get(room)
  }

  get total(): Readonly<Usage> {
    return this.#total
  }

  /** The least room number that no lease has. */
  get #free(): number {
    const taken = new Set(this.all().map(({ room }) => room))
    let room = 1
    while (taken.has(room)) room++
    return room
  }

  /** Why a room cannot be taken on somebody's account; undefined if it can. */
  refusal({ peer, network }: Asker): number | undefined {
    const { roomBytes, peerRooms, peerBytes, networkRooms, networkBytes, totalRooms, totalBytes } = this.#quotas
    const own = this.#peers.get(peer)
    const near = this.#networks.get(network)
    const least = Math.min(MIN_SPACE, roomBytes)
    if ((own?.rooms ?? 0) >= peerRooms || leftOf(own, peerBytes) < least) return Refusal.peerQuota
    if ((near?.rooms ?? 0) >= networkRooms || leftOf(near, networkBytes) < least) return Refusal.networkQuota
    if (this.#total.rooms >= totalRooms || leftOf(this.#total, totalBytes) < least) return Refusal.totalQuota
    return undefined
  }

  /** Takes a room on. It is kept once `save` has been written. */
  add(tag: Uint8Array, { peer, network, allowed }: Asker, time: number): Lease {
    const now = this.#clock.now()
    const until = now + time
    const lease = { tag, room: this.#free, since: now, renewed: now, until, peer, network, allowed, bytes: 0, events: 0 }
    this.#add(lease)
    return lease
  }

  /** Never shortens. A room that the operator allows goes on the account of whoever made it so. */
  renew(lease: Lease, asker: Asker, time: number): void {
    const now = this.#clock.now()
    lease.renewed = now
    lease.until = Math.max(lease.until, now + time)
    if (lease.allowed || !asker.allowed || this.refusal(asker) !== undefined) return
    this.#count(lease, -1)
    Object.assign(lease, asker)
    this.#count(lease, 1)
  }

  /** What is kept of a room has changed by so much. */
  charge(lease: Lease, bytes: number, events: number): void {
    lease.bytes += bytes
    lease.events += events
    for (const usage of this.#usages(lease)) usage.bytes += bytes
  }

  /** What writes a lease as it is now. */
  save(lease: Lease): Operation {
    return { type: 'put', key: ['lease', lease.room], value: encodeLease(lease) }
  }

  /** Forgets a lease; its room is gone. */
  remove(lease: Lease): void {
    if (this.#byTag.get(bytesToHex(lease.tag)) !== lease) return
    this.#byTag.delete(bytesToHex(lease.tag))
    this.#count(lease, -1)
  }

  /** The most that may be kept of a room now. */
  limits(lease: Lease): KeptLimits {
    const { roomBytes, roomEvents, roomAuthors } = this.#quotas
    return { bytes: Math.min(roomBytes, lease.bytes + this.space(lease)), events: roomEvents, authors: roomAuthors }
  }

  /** How many bytes more the quotas of a room's peer, its network and all together leave it. */
  space(lease: Lease): number {
    return Math.min(this.#spaceOfItsOwn(lease), leftOf(this.#total, this.#quotas.totalBytes))
  }

  /** How much more it could have if there were no others. */
  #spaceOfItsOwn({ peer, network }: Lease): number {
    return Math.min(
      leftOf(this.#peers.get(peer), this.#quotas.peerBytes),
      leftOf(this.#networks.get(network), this.#quotas.networkBytes),
    )
  }

  /** Whether all together lack `bytes` for a room, or a place for a new one. */
  isShort(lease: Lease | undefined, bytes: number): boolean {
    const { totalRooms, totalBytes, roomBytes } = this.#quotas
    if (lease === undefined) return this.#total.rooms >= totalRooms || leftOf(this.#total, totalBytes) < bytes
    const wanted = Math.min(bytes, Math.max(0, roomBytes - lease.bytes), this.#spaceOfItsOwn(lease))
    return leftOf(this.#total, totalBytes) < wanted
  }

  /** The lease to be ended to make space: of those that nobody speaks for, the one that was renewed longest ago. */
  leastWanted(isBusy: (lease: Lease) => boolean): Lease | undefined {
    const recent = this.#clock.now() - MIN_LEASE_AGE
    let least: Lease | undefined
    for (const lease of this.#byTag.values()) {
      if (lease.allowed || lease.renewed > recent || isBusy(lease)) continue
      if (least === undefined || lease.renewed < least.renewed) least = lease
    }
    return least
  }

  #add(lease: Lease): void {
    this.#byTag.set(bytesToHex(lease.tag), lease)
    this.#count(lease, 1)
  }

  #count(lease: Lease, sign: 1 | -1): void {
    for (const usage of this.#usages(lease)) {
      usage.rooms += sign
      usage.bytes += sign * (lease.bytes + ROOM_OVERHEAD)
    }
    if (this.#peers.get(lease.peer)?.rooms === 0) this.#peers.delete(lease.peer)
    if (this.#networks.get(lease.network)?.rooms === 0) this.#networks.delete(lease.network)
  }

  #usages({ peer, network }: Lease): Usage[] {
    return [usageOf(this.#peers, peer), usageOf(this.#networks, network), this.#total]
  }
}

const leftOf = (usage: Usage | undefined, quota: number): number => Math.max(0, quota - (usage?.bytes ?? 0))

function usageOf(usages: Map<string, Usage>, name: string): Usage {
  let usage = usages.get(name)
  if (usage === undefined) {
    usage = { rooms: 0, bytes: 0 }
    usages.set(name, usage)
  }
  return usage
}

function encodeLease(lease: Lease): Uint8Array {
  const { tag, since, renewed, until, peer, network, allowed, bytes, events } = lease
  return encodeCbor([VERSION, tag, since, renewed, until, peer, network, allowed, bytes, events])
}

function decodeLease(room: number, value: Uint8Array): Lease {
  try {
    const parts = decodeCbor(value, 12) as unknown[]
    const [version, tag, since, renewed, until, peer, network, allowed, bytes, events] = parts
    if (version !== VERSION || !isBytes(tag, 16) || !isText(peer, MAX_PEER_LENGTH) || !isText(network, MAX_NETWORK_LENGTH))
      throw new TypeError('not a lease')
    if (!isUint(since) || !isUint(renewed) || !isUint(until) || !isUint(bytes) || !isUint(events))
      throw new TypeError('not a lease')
    return { tag, room, since, renewed, until, peer, network, allowed: allowed === true, bytes, events }
  } catch (cause) {
    throw new DamagedStoreError('a lease in the store is malformed', { cause })
  }
}
