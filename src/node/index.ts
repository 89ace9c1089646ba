/**
 * The libp2p peer: transports, discovery on the LAN, whom to dial and redial, gossip that scores and cuts. It knows nothing of
 * chat, which is handed in as a libp2p service.
 *
 * @example
 * ```ts
 * import './shims.node.ts'
 * import { createPeer } from './node/index.ts'
 *
 * const peer = await createPeer({ seed: crypto.getRandomValues(new Uint8Array(32)) })
 * await peer.start()
 * console.log(peer.addresses())
 * await peer.stop()
 * ```
 */

import type { ComponentLogger, Libp2p, TypedEventTarget } from '@libp2p/interface'
import type { Libp2pInit } from 'libp2p'
import type { DhtFigures } from './dht/index.ts'
import type { LanView } from './lan.ts'
import { createPeerWith } from './peer.ts'
import type { PortMappingView } from './port-mapping/index.ts'
import type { DiscoveryFactory, TransportFactory } from './presets.ts'
import { nodePreset } from './presets.ts'
import type { RelayView } from './relay/reservations.ts'
import type { DialView, SupervisorInit } from './supervisor.ts'

export type { RelayView } from './relay/reservations.ts'
export type { SupervisorInit } from './supervisor.ts'

export interface PeerInit {
  /** The device key: a 32-byte Ed25519 seed (RFC 8032). */
  seed: Uint8Array
  /** The public key of the seed, where it is known: to derive it takes libp2p 30 ms the first time. */
  publicKey?: Uint8Array
  /** Multiaddrs to listen on, each of which must succeed. @default all interfaces, TCP, on `port` */
  listen?: string[]
  /** The TCP port of the last start (`Peer.port()`), when `listen` is not given; any free one if it is taken. @default 0 */
  port?: number
  /** Multiaddrs to tell others instead of those listened on. */
  announce?: string[]
  /** Multiaddrs to dial from the start on, and for good. */
  connect?: string[]
  /** Multiaddrs of relays, with their peer ids: dialled for good, reserved at, and used to reach who cannot be dialled. */
  relays?: string[]
  /** Find peers on the LAN, and be found. @default true */
  mdns?: boolean
  /**
   * Find others through the DHT, and serve there where that is possible.
   *
   * @default true where there are relays or `connect`; else this peer only answers who has dialled it, and asks nobody
   */
  dht?: boolean
  /**
   * Ask the router for a port that leads to this peer (UPnP, NAT-PMP), and tell others its address; not with `announce`.
   *
   * @default true where a relay or somebody in `connect` is beyond this network
   */
  upnp?: boolean
  /** Dial private addresses only, no relay, use no DHT, and ask no router. @default false */
  offline?: boolean
  /** Instead of those of the platform. */
  transports?: TransportFactory[]
  /** Instead of multicast DNS. */
  discovery?: DiscoveryFactory[]
  /** More libp2p services: factories that find `pubsub`, `registrar`, `connectionManager` … among their components. */
  services?: Libp2pInit['services']
  logger?: ComponentLogger
  supervisor?: SupervisorInit
}

/** Another peer with an open connection. */
export interface PeerView {
  peerId: string
  addresses: string[]
  via: 'direct' | 'relay'
  direction: 'inbound' | 'outbound'
  /** The last round trip, once one was measured. */
  latencyMs?: number
}

/** How reaching others goes, layer by layer. */
export interface Diagnosis {
  listening: string[]
  connections: number
  /** `heard`: peers that were heard of lately. undefined: not looked for there. */
  lan: (LanView & { heard: number }) | undefined
  /** Peers that were to be connected with. */
  dialled: DialView[]
  relays: RelayView[]
  /** Nothing: there is none, or it is not loaded yet. */
  dht?: DhtFigures
  /** What the router gives. Nothing: it is not asked. */
  portMapping?: PortMappingView
  /** In how many namespaces others are looked for. */
  namespaces: number
  /** Subscribed topics, and how many peers are in the mesh of each. */
  topics: ReadonlyMap<string, number>
}

export interface PeerEvents {
  /** The first connection to a peer is open. */
  connected: CustomEvent<{ peerId: string; via: 'direct' | 'relay' }>
  /** The last connection to a peer is closed. */
  disconnected: CustomEvent<{ peerId: string; via: 'direct' | 'relay' }>
  /** Something a person should know, and nothing that stops the peer. */
  warning: CustomEvent<{ code: string; message: string }>
}

export interface Peer extends TypedEventTarget<PeerEvents> {
  readonly libp2p: Libp2p
  readonly peerId: string
  /**
   * Resolves when all listeners are bound; waits for no other peer. Idempotent; when it fails, everything is closed again.
   *
   * @throws InvalidArgumentError `listen`: an address cannot be listened on
   */
  start(): Promise<void>
  /** Idempotent. */
  stop(): Promise<void>
  /** Multiaddrs with the peer id, to be given to `connect` elsewhere. */
  addresses(): string[]
  /** The TCP port listened on: the `port` of the next start. */
  port(): number | undefined
  peers(): PeerView[]
  /** The relays that were configured. */
  relays(): RelayView[]
  /**
   * Looks for others in these namespaces, and in no others from now on; they find this peer there. While `hasEnough`, nobody who is
   * found is dialled.
   */
  meet(namespaces: readonly string[], hasEnough?: () => boolean): void
  diagnose(): Diagnosis
  /**
   * Dials, and goes on dialling whenever there is no connection, also after a failure.
   *
   * @param address - a multiaddr, with or without the peer id
   * @throws InvalidArgumentError `address`: not a multiaddr, no transport for it, or this peer itself; it is not dialled again
   * @throws UnreachableError saying what was tried
   */
  connect(address: string): Promise<PeerView>
  /** Hangs up and does not dial for five minutes; the other side may. */
  disconnect(peerId: string): Promise<void>
  /** Dial this peer again whenever it is lost. */
  keep(peerId: string): void
  forget(peerId: string): void
  /** Hangs up and refuses the peer, both ways. */
  ban(peerId: string, milliseconds: number): void
}

/**
 * A peer on Node, not started.
 *
 * @throws InvalidArgumentError when `seed`, `listen`, `announce` or `connect` is malformed
 */
export async function createPeer(init: PeerInit): Promise<Peer> {
  return await createPeerWith(nodePreset, init)
}
