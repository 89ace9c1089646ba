/**
 * The libp2p rendezvous protocol, `/rendezvous/1.0.0`: https://github.com/libp2p/specs/blob/master/rendezvous/README.md, r3.
 * Peers register at a point that they all know, each under namespaces, and learn there of others under the same. A namespace is
 * any text; who does not know it cannot ask for it, and is not told which there are.
 *
 * `rendezvousServer` is a point. `rendezvousClient` asks one. `rendezvousDiscovery` keeps a peer registered and looks for others,
 * at every point it is told of.
 *
 * @example
 * ```ts
 * const relay = await createPeer({ seed, services: { rendezvous: rendezvousServer() } })
 *
 * const peer = await createPeer({ seed, services: { rendezvous: rendezvousDiscovery({ onPeer: ({ id }) => console.log(id) }) } })
 * const rendezvous = peer.libp2p.services.rendezvous as RendezvousDiscovery
 * await peer.start()
 * const { remotePeer } = await peer.libp2p.dial(multiaddr(address))
 * rendezvous.addPoint(remotePeer)
 * rendezvous.join('somewhere')
 * ```
 */

import type { AbortOptions, PeerId, PeerInfo } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../clock.ts'
import { RendezvousClient, type RendezvousClientComponents } from './client.ts'
import { Discovery, type RendezvousDiscoveryComponents } from './discovery.ts'
import type { RegisteredPeerView } from './registrations.ts'
import { type RendezvousServerComponents, Server } from './server.ts'

export interface RendezvousServerInit {
  /** The longest time granted, in milliseconds; who asks for more gets this much. @default 72 hours */
  maxTtl?: number
  /** @default 10,000 */
  maxRegistrations?: number
  /** @default 64 */
  maxNamespacesPerPeer?: number
  /** Registrations from one IPv4 /24 or IPv6 /64. Behind a proxy all come from one. @default 256 */
  maxRegistrationsPerBlock?: number
  /** Requests of one connection at once, and a second. @default 512 */
  requestBurst?: number
  /** @default 8 */
  requestRate?: number
  /** Milliseconds that a stream may keep the point waiting. @default 10,000 */
  streamTimeout?: number
  clock?: Clock
}

export interface RendezvousFigures {
  /** What is registered now. */
  peers: number
  namespaces: number
  registrations: number
  /** Since the start: requests that were granted or refused, and streams that were cut for what they sent. */
  served: number
  refused: number
  malformed: number
}

/** A rendezvous point: what it knows, for whoever runs it. Nothing of it is on disk. */
export interface RendezvousServer {
  figures(): RendezvousFigures
  /** How many peers are registered in each. */
  namespaces(): { namespace: string; registrations: number }[]
  /** Everything it knows of each peer. Times in milliseconds from now. */
  peers(): RegisteredPeerView[]
}

export interface RendezvousClientInit {
  clock?: Clock
}

export interface RegisterOptions extends AbortOptions {
  /** Milliseconds, rounded up to seconds. @default what the point has as its default, by the spec 2 hours */
  ttl?: number
}

export interface DiscoverOptions extends AbortOptions {
  /** At most this many; never more than 100. @default 100 */
  limit?: number
  /** Of an earlier answer: only registrations that were not in it, or in those before it. */
  cookie?: Uint8Array
}

/** A registered peer, by a record that it signed itself. */
export interface FoundPeer {
  peerId: PeerId
  /** Without the peer id. */
  multiaddrs: Multiaddr[]
  /** How much longer it is registered, in milliseconds, as the point says. */
  ttl: number
}

export interface Discovered {
  registrations: FoundPeer[]
  cookie?: Uint8Array
}

export interface RendezvousDiscoveryInit {
  /** Told of every peer in a joined namespace each time it is heard of, also when it is connected. Must not throw. */
  onPeer(peer: PeerInfo): void
  /** How long to be registered, in milliseconds. @default what the point has as its default, by the spec 2 hours */
  ttl?: number
  clock?: Clock
  /** From 0 to 1. @default Math.random */
  random?(): number
}

/**
 * Keeps this peer registered in namespaces at points, and looks for others there: at once, three times in the first seconds, then
 * every 30 s. Registrations are renewed half way through their time, and when this peer's addresses change. Failures are tried
 * again after a pause that doubles.
 */
export interface RendezvousDiscovery {
  /** A connection to this point is open. False, and nothing happens, when there are 64 already. */
  addPoint(peer: PeerId): boolean
  /** It is closed. */
  removePoint(peer: PeerId): void
  /** @throws RangeError when `namespace` is not 1 to 255 bytes of UTF-8, or there are 512 already */
  join(namespace: string): void
  /** Takes the registrations back. */
  leave(namespace: string): void
  /** And in how many namespaces this peer is registered at each. */
  points(): { peerId: string; registered: number }[]
}

/** A libp2p service that makes the peer a rendezvous point. */
export function rendezvousServer(init: RendezvousServerInit = {}): (components: RendezvousServerComponents) => RendezvousServer {
  return (components) => new Server(components, init)
}

/** A libp2p service that asks rendezvous points, when told to. */
export function rendezvousClient(init: RendezvousClientInit = {}): (components: RendezvousClientComponents) => RendezvousClient {
  return (components) => new RendezvousClient(components, init)
}

/** A libp2p service that finds peers by itself. */
export function rendezvousDiscovery(
  init: RendezvousDiscoveryInit,
): (components: RendezvousDiscoveryComponents) => RendezvousDiscovery {
  return (components) => new Discovery(components, init)
}
