import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../clock.ts'
import {
  MAX_PROVIDERS_TOLD,
  MAX_RECORDS,
  MAX_RECORDS_PER_KEY,
  MAX_RECORDS_PER_PEER,
  RECORD_TTL,
  SWEEP_INTERVAL,
} from './constants.ts'

export interface ProviderLimits {
  /** In all. */
  total: number
  perKey: number
  perPeer: number
}

/** A record as it is kept. */
export interface RecordView {
  /** What is provided: a hash, as the asker names it. */
  key: string
  peer: string
  /** Multiaddrs, by its own word. */
  addresses: string[]
  /** From now, in milliseconds. */
  expiresIn: number
}

interface ProviderRecord {
  key: string
  peer: string
  network: string
  /** By the clock. */
  expires: number
}

interface Provider {
  addresses: Multiaddr[]
  keys: Set<string>
}

/**
 * Who provides what, by their own word. When there is no room, the oldest record goes of the network that has the most: who
 * comes with many peers from one place takes it from himself.
 */
export class ProviderStore {
  readonly #limits: ProviderLimits
  readonly #clock: Clock
  readonly #byKey = new Map<string, Map<string, ProviderRecord>>()
  readonly #providers = new Map<string, Provider>()
  /** The oldest first. */
  readonly #networks = new Map<string, Set<ProviderRecord>>()
  #size = 0
  #swept: number

  constructor(clock: Clock, limits: Partial<ProviderLimits> = {}) {
    this.#clock = clock
    this.#swept = clock.monotonic()
    this.#limits = {
      total: limits.total ?? MAX_RECORDS,
      perKey: limits.perKey ?? MAX_RECORDS_PER_KEY,
      perPeer: limits.perPeer ?? MAX_RECORDS_PER_PEER,
    }
  }

  get size(): number {
    return this.#size
  }

  /** `network`: where the peer is; see `addressBlock`. False when the peer has too many already. */
  put(key: string, peer: string, network: string): boolean {
    this.#sweep()
    const provider = entry(this.#providers, peer, () => ({ addresses: [], keys: new Set<string>() }))
    const earlier = this.#byKey.get(key)?.get(peer)
    if (earlier === undefined && provider.keys.size >= this.#limits.perPeer) return false
    provider.keys.add(key)
    if (earlier === undefined) this.#makeRoom(key)
    else this.#unlink(earlier)
    const record = { key, peer, network, expires: this.#clock.monotonic() + RECORD_TTL }
    entry(this.#byKey, key, () => new Map<string, ProviderRecord>()).set(peer, record)
    entry(this.#networks, network, () => new Set<ProviderRecord>()).add(record)
    this.#size++
    return true
  }

  /** What a provider says of itself; of others nothing is kept. */
  locate(peer: string, addresses: Multiaddr[]): void {
    const provider = this.#providers.get(peer)
    if (provider !== undefined) provider.addresses = addresses
  }

  addressesOf(peer: string): Multiaddr[] | undefined {
    return this.#providers.get(peer)?.addresses
  }

  remove(key: string, peer: string): void {
    const record = this.#byKey.get(key)?.get(peer)
    if (record !== undefined) this.#drop(record)
  }

  /** Some of the providers that can be dialled, at random when there are many. */
  providers(key: string, limit = MAX_PROVIDERS_TOLD): string[] {
    const now = this.#clock.monotonic()
    const all = [...(this.#byKey.get(key)?.values() ?? [])].filter(
      ({ peer, expires }) => expires > now && this.addressesOf(peer)?.length !== 0,
    )
    for (let at = 0; at < Math.min(limit, all.length); at++) {
      const other = at + Math.floor(Math.random() * (all.length - at))
      const [a, b] = [all[at], all[other]]
      if (a !== undefined && b !== undefined) [all[at], all[other]] = [b, a]
    }
    return all.slice(0, limit).map(({ peer }) => peer)
  }

  views(): RecordView[] {
    this.#sweep(true)
    const now = this.#clock.monotonic()
    return [...this.#byKey.values()].flatMap((records) =>
      [...records.values()].map(({ key, peer, expires }) => ({
        key,
        peer,
        addresses: this.addressesOf(peer)?.map(String) ?? [],
        expiresIn: expires - now,
      })),
    )
  }

  clear(): void {
    this.#byKey.clear()
    this.#providers.clear()
    this.#networks.clear()
    this.#size = 0
  }

  #makeRoom(key: string): void {
    const records = this.#byKey.get(key)
    if (records !== undefined && records.size >= this.#limits.perKey) {
      const here = new Map<string, ProviderRecord[]>()
      for (const record of records.values()) entry(here, record.network, (): ProviderRecord[] => []).push(record)
      this.#drop(largest(here.values(), ({ length }) => length)?.[0])
    }
    if (this.#size >= this.#limits.total) {
      const [oldest] = largest(this.#networks.values(), ({ size }) => size) ?? []
      this.#drop(oldest)
    }
  }

  #drop(record: ProviderRecord | undefined): void {
    if (record === undefined) return
    this.#unlink(record)
    const provider = this.#providers.get(record.peer)
    provider?.keys.delete(record.key)
    if (provider?.keys.size === 0) this.#providers.delete(record.peer)
  }

  #unlink(record: ProviderRecord): void {
    this.#size--
    const records = this.#byKey.get(record.key)
    records?.delete(record.peer)
    if (records?.size === 0) this.#byKey.delete(record.key)
    const there = this.#networks.get(record.network)
    there?.delete(record)
    if (there?.size === 0) this.#networks.delete(record.network)
  }

  #sweep(now = false): void {
    const time = this.#clock.monotonic()
    if (!now && time - this.#swept < SWEEP_INTERVAL) return
    this.#swept = time
    for (const records of this.#byKey.values())
      for (const record of records.values()) if (record.expires <= time) this.#drop(record)
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

function largest<T>(all: Iterable<T>, sizeOf: (each: T) => number): T | undefined {
  let found: T | undefined
  for (const each of all) if (found === undefined || sizeOf(each) > sizeOf(found)) found = each
  return found
}
