import type { Clock } from '../clock.ts'
import { addressesIn } from './peer-record.ts'
import { type Cursor, nextPage } from './sample.ts'

export interface RegistrationLimits {
  /** In all. */
  total: number
  /** Namespaces of one peer. */
  perPeer: number
  /** From one block of addresses. */
  perBlock: number
}

/** A peer's own word, verified: the bytes as it sent them. */
export interface KeptRecord {
  envelope: Uint8Array
  seq: bigint
}

export interface NewRegistration {
  /** Peer id. */
  peer: string
  namespace: string
  record: KeptRecord
  /** Milliseconds. */
  ttl: number
  /** Block of the address that the peer has. */
  block: string
}

/** What became of it: `old` is a record older than the one that is here, `full` a limit. */
export type Outcome = 'kept' | 'old' | 'full'

interface RegisteredPeer {
  id: string
  record: KeptRecord
  byNamespace: Map<string, Registration>
}

interface Registration {
  number: number
  peer: RegisteredPeer
  block: string
  /** By the clock. */
  expires: number
}

/** A registration as it is told. Times in milliseconds from now. */
export interface Registered {
  envelope: Uint8Array
  expiresIn: number
}

export interface RegisteredPeerView {
  peerId: string
  addresses: string[]
  registrations: { namespace: string; expiresIn: number }[]
}

/** Who is registered where, and until when. The newest record of a peer stands for all its namespaces. */
export class Registrations {
  readonly #limits: RegistrationLimits
  readonly #clock: Clock
  readonly #peers = new Map<string, RegisteredPeer>()
  readonly #byNamespace = new Map<string, Map<string, Registration>>()
  readonly #blocks = new Map<string, number>()
  #size = 0
  #last = 0
  #nextExpiry = Number.POSITIVE_INFINITY

  constructor(limits: RegistrationLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  add({ peer: id, namespace, record, ttl, block }: NewRegistration): Outcome {
    this.#expire()
    const peer = this.#peers.get(id)
    if (peer !== undefined && record.seq < peer.record.seq) return 'old'
    const earlier = peer?.byNamespace.get(namespace)
    if (!this.#hasRoom(peer, earlier, block)) return 'full'
    if (earlier !== undefined) this.#drop(namespace, earlier)
    this.#put(id, namespace, record, ttl, block)
    return 'kept'
  }

  /** Nothing, when there is no such registration. */
  remove(id: string, namespace: string): void {
    const registration = this.#peers.get(id)?.byNamespace.get(namespace)
    if (registration !== undefined) this.#drop(namespace, registration)
  }

  page(namespace: string, cursor: Cursor, limit: number): { page: Registered[]; cursor: Cursor } {
    this.#expire()
    const now = this.#clock.monotonic()
    const next = nextPage(this.#byNamespace.get(namespace)?.values() ?? [], cursor, this.#last, limit)
    const page = next.page.map(({ peer, expires }) => ({ envelope: peer.record.envelope, expiresIn: expires - now }))
    return { page, cursor: next.cursor }
  }

  clear(): void {
    this.#peers.clear()
    this.#byNamespace.clear()
    this.#blocks.clear()
    this.#size = 0
    this.#nextExpiry = Number.POSITIVE_INFINITY
  }

  counts(): { peers: number; namespaces: number; registrations: number } {
    this.#expire()
    return { peers: this.#peers.size, namespaces: this.#byNamespace.size, registrations: this.#size }
  }

  /** How many are registered in each. */
  namespaces(): { namespace: string; registrations: number }[] {
    this.#expire()
    return [...this.#byNamespace].map(([namespace, { size }]) => ({ namespace, registrations: size }))
  }

  peers(): RegisteredPeerView[] {
    this.#expire()
    const now = this.#clock.monotonic()
    return [...this.#peers.values()].map(({ id, record, byNamespace }) => ({
      peerId: id,
      addresses: addressesIn(record.envelope).map(String),
      registrations: [...byNamespace].map(([namespace, { expires }]) => ({ namespace, expiresIn: expires - now })),
    }))
  }

  /** A renewal takes no room but in a block that it comes from for the first time. */
  #hasRoom(peer: RegisteredPeer | undefined, earlier: Registration | undefined, block: string): boolean {
    const { total, perPeer, perBlock } = this.#limits
    if (earlier === undefined && (this.#size >= total || (peer?.byNamespace.size ?? 0) >= perPeer)) return false
    return earlier?.block === block || (this.#blocks.get(block) ?? 0) < perBlock
  }

  #put(id: string, namespace: string, record: KeptRecord, ttl: number, block: string): void {
    const peer = this.#peers.get(id) ?? { id, record, byNamespace: new Map<string, Registration>() }
    peer.record = record
    this.#last++
    const registration = { number: this.#last, peer, block, expires: this.#clock.monotonic() + ttl }
    const mates = this.#byNamespace.get(namespace) ?? new Map<string, Registration>()
    this.#peers.set(id, peer)
    peer.byNamespace.set(namespace, registration)
    this.#byNamespace.set(namespace, mates)
    mates.set(id, registration)
    this.#blocks.set(block, (this.#blocks.get(block) ?? 0) + 1)
    this.#size++
    this.#nextExpiry = Math.min(this.#nextExpiry, registration.expires)
  }

  #drop(namespace: string, { peer, block }: Registration): void {
    peer.byNamespace.delete(namespace)
    if (peer.byNamespace.size === 0) this.#peers.delete(peer.id)
    const mates = this.#byNamespace.get(namespace)
    mates?.delete(peer.id)
    if (mates?.size === 0) this.#byNamespace.delete(namespace)
    const left = (this.#blocks.get(block) ?? 1) - 1
    if (left === 0) this.#blocks.delete(block)
    else this.#blocks.set(block, left)
    this.#size--
  }

  /** Looks through all only when one of them is due. */
  #expire(): void {
    const now = this.#clock.monotonic()
    if (now < this.#nextExpiry) return
    this.#nextExpiry = Number.POSITIVE_INFINITY
    for (const [namespace, mates] of this.#byNamespace) {
      for (const registration of mates.values()) {
        if (registration.expires <= now) this.#drop(namespace, registration)
        else this.#nextExpiry = Math.min(this.#nextExpiry, registration.expires)
      }
    }
  }
}
