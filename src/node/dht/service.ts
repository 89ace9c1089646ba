import type { Connection, PeerId, Startable } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { addressBlock } from '../../address-block.ts'
import { systemClock } from '../clock.ts'
import { AddressBook } from './address-book.ts'
import { MAX_ADDRESSES, PROTOCOL } from './constants.ts'
import { Errands } from './errands.ts'
import type { Dht, DhtComponents, DhtFigures, DhtInit, ServerView } from './index.ts'
import { createKad, direct, type Kad } from './kad.ts'
import { Lookups } from './lookups.ts'
import { hashOf } from './namespace-key.ts'
import { ProviderDatastore } from './provider-datastore.ts'
import { ProviderStore, type RecordView } from './provider-store.ts'
import { Reach } from './reach.ts'
import { Requests } from './requests.ts'
import { DhtRoute } from './route.ts'
import { Serving } from './serving.ts'
import { Upkeep } from './upkeep.ts'

/** See `dht`. Here its parts are put together. */
export class DhtService implements Dht, Startable {
  readonly [Symbol.toStringTag] = 'p2pnode/dht'
  readonly #components: DhtComponents
  readonly #kad: Kad
  readonly #reach: Reach
  readonly #errands: Errands
  readonly #requests: Requests
  readonly #records: ProviderStore
  readonly #datastore: ProviderDatastore
  readonly #learned = new AddressBook()
  readonly #serving: Serving
  readonly #route: DhtRoute
  readonly #upkeep: Upkeep
  readonly #isPassive: boolean
  #told = ''
  #started = false

  constructor(components: DhtComponents, init: DhtInit) {
    const { clock = systemClock, random = Math.random, isUseful = () => false, discovered = () => true } = init
    const log = components.logger.forComponent('p2pnode:dht')
    this.#components = components
    this.#isPassive = init.passive ?? false
    this.#reach = new Reach(components, init.internet ?? false)
    this.#errands = new Errands(components, { clock, log, isUseful, addressesOf: (peer) => this.#addressesOf(peer) })
    this.#requests = new Requests(clock)
    this.#records = new ProviderStore(clock)
    this.#datastore = new ProviderDatastore({
      records: this.#records,
      self: components.peerId.toString(),
      networkOf: (peer) => addressBlock(components.connectionManager.getConnections(peerIdFromString(peer))[0]?.remoteAddr),
    })
    this.#kad = createKad(components, {
      reach: this.#reach,
      errands: this.#errands,
      requests: this.#requests,
      records: this.#records,
      datastore: this.#datastore,
      learned: this.#learned,
    })
    const lookups = new Lookups(this.#kad, this.#reach, components.peerId)
    this.#route = new DhtRoute(lookups, { discovered, clock, random, log })
    this.#upkeep = new Upkeep({
      isNeeded: () => this.#kad.getMode() === 'server' && lookups.isReady(),
      look: (target, signal) => lookups.refresh(target, signal),
      clock,
      random,
      log,
    })
    const setMode = async (mode: 'client' | 'server'): Promise<void> => {
      await this.#kad.setMode(mode)
      this.#upkeep.wake()
    }
    this.#serving = new Serving(components, { reach: this.#reach, always: init.server ?? false, setMode, clock, log })
  }

  async start(): Promise<void> {
    if (this.#started) return
    this.#started = true
    this.#reach.start()
    this.#errands.start()
    await this.#kad.start()
    this.#kad.routingTable.addEventListener('peer:add', this.#met)
    this.#components.events.addEventListener('self:peer:update', this.#updated)
    if (this.#isPassive) this.#components.events.addEventListener('peer:disconnect', this.#left)
    this.#told = String(this.#reach.told())
    this.#serving.start()
    if (!this.#isPassive) {
      this.#route.start()
      this.#upkeep.start()
    }
    await this.#meetConnected()
  }

  async stop(): Promise<void> {
    if (!this.#started) return
    this.#started = false
    this.#upkeep.stop()
    this.#route.stop()
    this.#components.events.removeEventListener('self:peer:update', this.#updated)
    this.#components.events.removeEventListener('peer:disconnect', this.#left)
    this.#kad.routingTable.removeEventListener('peer:add', this.#met)
    await this.#serving.stop()
    await this.#kad.setMode('client')
    await this.#kad.stop()
    this.#errands.stop()
    this.#reach.stop()
    this.#learned.clear()
    this.#records.clear()
  }

  join(namespace: string): void {
    this.#route.join(namespace)
  }

  leave(namespace: string): void {
    this.#route.leave(namespace)
  }

  meet(namespaces: readonly string[]): void {
    for (const namespace of this.#route.namespaces) if (!namespaces.includes(namespace)) this.#route.leave(namespace)
    for (const namespace of namespaces) this.#route.join(namespace)
  }

  isErrand(peer: string): boolean {
    return this.#errands.isErrand(peer)
  }

  figures(): DhtFigures {
    return {
      mode: this.#kad.getMode(),
      contacts: this.#kad.routingTable.size,
      records: this.#records.size,
      errands: this.#errands.size,
      opened: this.#errands.opened,
      ...this.#requests.counts,
    }
  }

  records(): RecordView[] {
    return this.#records.views().map((record) => ({ ...record, key: hashOf(record.key) }))
  }

  contacts(): string[] {
    return [...this.#kad.routingTable.kb.toIterable()].map(({ peerId }) => peerId.toString())
  }

  async servers(): Promise<ServerView[]> {
    const known = [...new Set([...this.contacts(), ...this.#learned.peers()])]
    return await Promise.all(
      known.map(async (peer) => ({ peer, addresses: (await this.#addressesOf(peerIdFromString(peer))).map(String) })),
    )
  }

  /** The first contact, or the first again. */
  readonly #met = (): void => {
    this.#upkeep.wake()
    if (this.#kad.routingTable.size === 1) this.#route.wake()
  }

  /** Who asks nobody does not find out who is gone. */
  readonly #left = ({ detail }: CustomEvent<PeerId>): void => void this.#kad.routingTable.remove(detail)

  /** libp2p tells of every change of this peer; only its addresses are others' business. */
  readonly #updated = (): void => {
    const told = String(this.#reach.told())
    if (told === this.#told) return
    this.#told = told
    this.#route.announce()
  }

  /** Those that were connected and identified before the DHT was there. */
  async #meetConnected(): Promise<void> {
    const peers = new Map(this.#components.connectionManager.getConnections().map(peerOf))
    for (const peer of peers.values()) {
      const known = await this.#components.peerStore.get(peer).catch(() => undefined) // not identified yet
      if (known?.protocols.includes(PROTOCOL) !== true) continue
      const multiaddrs = known.addresses.map(({ multiaddr }) => multiaddr)
      await this.#kad.onPeerConnect({ id: peer, multiaddrs, protocols: known.protocols })
    }
  }

  /** What the peer said when it was connected, then what others say. */
  async #addressesOf(peer: PeerId): Promise<Multiaddr[]> {
    const known = await this.#components.peerStore.get(peer).catch(() => undefined) // never connected
    const own = known?.addresses.map(({ multiaddr }) => multiaddr) ?? []
    return direct(this.#reach.keep([...own, ...this.#learned.of(peer)])).slice(0, MAX_ADDRESSES)
  }
}

const peerOf = ({ remotePeer }: Connection): [string, PeerId] => [remotePeer.toString(), remotePeer]
