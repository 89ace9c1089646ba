/**
 * Finding others through a distributed hash table: Kademlia, by @libp2p/kad-dht, under a protocol of our own. Peers that can be
 * dialled directly are its servers, and relays always; the others are clients. Who is in a namespace has a record under its hash at
 * the servers closest to that; who looks there finds it. It has no servers by default: it learns of the first from whoever is
 * connected and is one.
 *
 * @example
 * ```ts
 * const peer = await createPeer({ seed, connect: [address], dht: true })
 * await peer.start()
 * peer.meet(['p2pnode/0123456789abcdef0123456789abcdef'])
 * ```
 */
import type { ComponentLogger, Libp2pEvents, PeerId, PeerInfo, PeerStore, PrivateKey, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'
import type { Clock } from '../clock.ts'
import type { RecordView } from './provider-store.ts'
import { DhtService } from './service.ts'
import type { Mode } from './serving.ts'

export type { RecordView } from './provider-store.ts'

/** What the DHT needs of libp2p. */
export interface DhtComponents {
  peerId: PeerId
  privateKey: PrivateKey
  registrar: Registrar
  addressManager: AddressManager
  transportManager: TransportManager
  connectionManager: ConnectionManager
  peerStore: PeerStore
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
}

export interface DhtInit {
  /**
   * Told of peers in a joined namespace when they are new, and again every ten minutes; of one that it does not want now (false),
   * at the next look. Must not throw.
   */
  discovered?(peer: PeerInfo): boolean
  /** Whether a connection to this peer serves another purpose: it is not closed then. @default never */
  isUseful?(peer: string): boolean
  /** It is known to be on the internet before it is connected. @default false */
  internet?: boolean
  /** That it can be dialled is known, as its addresses were given to be told; a relay serves whatever it knows. @default false */
  server?: boolean
  /** Only answer: ask nobody anything, not even for what was joined. @default false */
  passive?: boolean
  clock?: Clock
  /** From 0 to 1. @default Math.random */
  random?(): number
}

/** A server, as far as it is known. */
export interface ServerView {
  peer: string
  /** Multiaddrs: what it said when it was connected, then what others say. */
  addresses: string[]
}

export interface DhtFigures {
  mode: Mode
  /** Servers known. */
  contacts: number
  /** Records kept for others. */
  records: number
  /** Connections that serve a question only, and how many were opened since the start. */
  errands: number
  opened: number
  /** Since the start: requests that were taken and refused, and streams that were cut for what they sent. */
  served: number
  refused: number
  malformed: number
}

export interface Dht {
  /** Idempotent. */
  start(): Promise<void>
  /** Idempotent. */
  stop(): Promise<void>
  /** Keeps a record of this peer there, and looks for others. @throws RangeError when there are 512 already */
  join(namespace: string): void
  /** Renews the record no more: servers keep it for up to an hour. */
  leave(namespace: string): void
  /** Joins these, and leaves all others. */
  meet(namespaces: readonly string[]): void
  /** Whether the connection to this peer serves a question only. */
  isErrand(peer: string): boolean
  figures(): DhtFigures
  /** Everything that is kept for others; keys are the hashes in hex. */
  records(): RecordView[]
  /** The peer ids of the servers that it would ask. */
  contacts(): string[]
  /** The servers that are known, from their own connections or from what others answered. */
  servers(): Promise<ServerView[]>
}

/** The DHT over a libp2p peer, as a service of it or beside it. */
export function dht(init: DhtInit = {}): (components: DhtComponents) => Dht {
  return (components) => new DhtService(components, init)
}
