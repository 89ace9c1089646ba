/**
 * The DHT of @libp2p/kad-dht, held to limits of its own making and ours. What is changed here holds for 16.4.5, which is pinned:
 *
 * 1. It dials everybody it hears of to see whether they answer, and keeps these connections for good: 50 nodes become one mesh.
 *    Here those it hears of are dialled when they are to be asked. Contacts are who speaks the protocol over a connection that is
 *    there, and who answered; who does not answer any more is dropped, where it waits for a bucket to be full.
 * 2. It takes those who merely provide something for servers, as they answer a ping.
 * 3. What it hears of addresses it tells libp2p, which keeps them; here they are kept apart, and only what a peer said itself is
 *    told to others. It tells strangers of any peer that it knows; here of servers and of providers.
 * 4. It tags peers so that libp2p dials them again; here it tags nobody.
 * 5. Its answers and questions have no limit but the stream's. See `Requests` and `Errands`.
 * 6. It looks for itself, for neighbours and for what to provide again when it sees fit. See `Upkeep` and `DhtRoute`.
 */
import type { Peer, PeerId, PeerInfo, PeerStore } from '@libp2p/interface'
import { NotFoundError } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { type KadDHT, type KadDHTComponents, kadDHT, type QueryEvent } from '@libp2p/kad-dht'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressBook } from './address-book.ts'
import {
  ALPHA,
  K,
  MAX_FAILURES,
  MAX_FOUND,
  MAX_LEARNED,
  MAX_REQUEST_TIMEOUT,
  MAX_STREAMS_PER_CONNECTION,
  MIN_REQUEST_TIMEOUT,
  PATHS,
  PROTOCOL,
} from './constants.ts'
import type { Errands } from './errands.ts'
import type { DhtComponents } from './index.ts'
import type { ProviderDatastore } from './provider-datastore.ts'
import type { ProviderStore } from './provider-store.ts'
import { isCircuit, type Reach } from './reach.ts'
import type { Requests } from './requests.ts'

/** A message, as far as it is looked into here. */
export interface KadMessage {
  type: string
  key?: Uint8Array
  closer: unknown[]
  providers: { multiaddrs: Uint8Array[] }[]
}

type SendRequest = (to: PeerId, message: unknown, options: { signal?: AbortSignal }) => AsyncGenerator<QueryEvent>

/** The parts of @libp2p/kad-dht that its interface hides. */
export interface Kad extends KadDHT {
  readonly network: { sendRequest: SendRequest }
  readonly rpc: { handleMessage(peer: PeerId, message: KadMessage): Promise<KadMessage | undefined> }
  readonly routingTable: EventTarget & {
    readonly size: number
    remove(peer: PeerId): Promise<void>
    queueRoutingTableUpdate(peer: PeerId): void
    readonly kb: { toIterable(): Iterable<{ peerId: PeerId }> }
  }
  readonly contentRouting: { routingTable: object }
  readonly providers: { addProvider(key: Parameters<KadDHT['provide']>[0], peer: PeerId): Promise<void> }
  onPeerConnect(peer: PeerInfo & { protocols?: string[] }): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

export interface KadParts {
  reach: Reach
  errands: Errands
  requests: Requests
  records: ProviderStore
  datastore: ProviderDatastore
  learned: AddressBook
}

/** For what cannot be switched off: the longest time that a timer takes, 24 days. */
const NEVER = 2 ** 31 - 1

/** A client, not started. */
export function createKad(components: DhtComponents, parts: KadParts): Kad {
  const { reach, requests } = parts
  const kad = kadDHT({
    protocol: PROTOCOL,
    clientMode: true,
    kBucketSize: K,
    alpha: ALPHA,
    disjointPaths: PATHS,
    allowQueryWithZeroPeers: true,
    initialQuerySelfInterval: NEVER,
    querySelfInterval: NEVER,
    reprovide: { interval: NEVER },
    networkDialTimeout: { minTimeout: MIN_REQUEST_TIMEOUT, maxTimeout: MAX_REQUEST_TIMEOUT },
    maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
    peerInfoMapper: (info) => ({ ...info, multiaddrs: reach.keep(info.multiaddrs) }),
  })(seamsOf(components, parts)) as unknown as Kad
  const { handleMessage } = kad.rpc
  kad.rpc.handleMessage = async (peer, message) => await handleMessage.call(kad.rpc, peer, requests.admit(peer, message))
  // A look ends when it has found as many as a bucket holds, the dead and oneself among them: some more, then.
  kad.contentRouting.routingTable = Object.create(kad.routingTable, { kBucketSize: { value: 2 * MAX_FOUND } }) as object
  chooseContacts(kad, parts)
  listenToAnswers(kad, parts)
  return kad
}

/** libp2p as kad-dht is to see it. */
function seamsOf(components: DhtComponents, parts: KadParts): KadDHTComponents {
  const { peerId, privateKey, registrar, connectionManager, logger, events } = components
  const { reach, errands, requests, datastore } = parts
  return {
    peerId,
    privateKey,
    logger,
    events,
    datastore: datastore as unknown as KadDHTComponents['datastore'],
    // Who is a contact was heard of a moment ago.
    ping: { ping: async () => 0 } as unknown as KadDHTComponents['ping'],
    addressManager: { getAddresses: () => reach.told() } as Partial<AddressManager> as AddressManager,
    peerStore: peerStoreOf(components, parts) as PeerStore,
    connectionManager: {
      openStream: (peer, _protocol, options) => errands.openStream(peer as PeerId, options ?? {}),
      isDialable: async (addresses, options) => {
        const some = direct(reach.keep([addresses].flat()))
        return some.length > 0 && (await connectionManager.isDialable(some, options))
      },
    } as Partial<ConnectionManager> as ConnectionManager,
    registrar: {
      handle: (protocol, handler, options) => registrar.handle(protocol, requests.guarded(handler), options),
      unhandle: (protocol, options) => registrar.unhandle(protocol, options),
      register: (protocol, topology) => registrar.register(protocol, topology),
      unregister: (id) => registrar.unregister(id),
    } as Partial<Registrar> as Registrar,
  }
}

export const direct = (addresses: Multiaddr[]): Multiaddr[] => addresses.filter((address) => !isCircuit(address))

/** Servers by what they said when they were connected, providers by their records, and oneself. It is written nowhere. */
function peerStoreOf({ peerId, peerStore }: DhtComponents, { reach, records }: KadParts): Partial<PeerStore> {
  const told = (id: PeerId, addresses: Multiaddr[]): Peer => ({
    id,
    addresses: addresses.map((multiaddr) => ({ multiaddr, isCertified: false })),
    protocols: [],
    metadata: new Map(),
    tags: new Map(),
  })
  const get = async (id: PeerId): Promise<Peer> => {
    if (id.equals(peerId)) return told(id, reach.told())
    const known = await peerStore.get(id).catch(() => undefined) // not known
    if (known?.protocols.includes(PROTOCOL)) return known
    const provided = records.addressesOf(id.toString())
    if (provided === undefined) throw new NotFoundError('neither a server nor a provider')
    return told(id, provided)
  }
  return {
    get,
    getInfo: async (id) => ({ id, multiaddrs: (await get(id)).addresses.map(({ multiaddr }) => multiaddr) }),
    all: async () => [],
    merge: async (id, { multiaddrs }) => {
      if (multiaddrs !== undefined) records.locate(id.toString(), reach.keep(multiaddrs))
      return told(id, [])
    },
  }
}

/** 1. and 2. */
function chooseContacts(kad: Kad, { reach, errands }: KadParts): void {
  kad.onPeerConnect = async ({ id, multiaddrs, protocols }) => {
    if (protocols === undefined) return // hearsay
    if (errands.hasDialled(id) || direct(reach.keep(multiaddrs)).length > 0) kad.routingTable.queueRoutingTableUpdate(id)
  }
}

/** Keeps what answers say of others, and who does not answer. */
function listenToAnswers(kad: Kad, { reach, learned }: KadParts): void {
  const failures = new Map<string, number>()
  const sendRequest = kad.network.sendRequest.bind(kad.network)
  kad.network.sendRequest = async function* (to, message, options) {
    for await (const event of sendRequest(to, message, options)) {
      const id = to.toString()
      if (event.name === 'PEER_RESPONSE') {
        failures.delete(id)
        // More than an honest server has to say is not worth being looked at.
        event.closer = event.closer.slice(0, 2 * K)
        for (const { id: peer, multiaddrs } of event.closer) learned.learn(peer, direct(reach.keep(multiaddrs)))
      }
      // When the lookup is over the rest of its requests are cut: that is nobody's fault.
      if (event.name === 'QUERY_ERROR' && options.signal?.aborted !== true) {
        const count = (failures.get(id) ?? 0) + 1
        if (failures.size >= MAX_LEARNED) failures.clear()
        failures.set(id, count)
        if (count >= MAX_FAILURES) {
          learned.forget(to)
          await kad.routingTable.remove(to)
        }
      }
      yield event
    }
  }
}
