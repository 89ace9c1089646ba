import { createHash } from 'node:crypto'
import type { PeerInfo } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import type { Libp2pInit } from 'libp2p'
import type { Dht, DhtComponents, DhtInit } from './dht/index.ts'
import { networksNow } from './network-change.ts'
import type { PortMapper, PortMapperInit } from './port-mapping/index.ts'
import type { Relayed } from './relay/index.ts'

export type TransportFactory = NonNullable<Libp2pInit['transports']>[number]
export type DiscoveryFactory = NonNullable<Libp2pInit['peerDiscovery']>[number]

/** What a platform brings. */
export interface Preset {
  transports: TransportFactory[]
  /** Finds peers on the LAN; `warn` is told why it cannot. */
  lan?(warn: (message: string) => void): Promise<DiscoveryFactory>
  /** For a peer that has relays; `isRelay` tells which, `onFound` is told of who was found at one. */
  relayed?(isRelay: (peer: string) => boolean, onFound: (peer: PeerInfo) => void): Promise<Relayed>
  /** For a peer that uses the DHT. */
  dht?(init: DhtInit): Promise<(components: DhtComponents) => Dht>
  /** Asks routers for a port that leads here. */
  portMapper?(init: PortMapperInit): Promise<PortMapper>
  /** The networks this machine is on: another text means other networks. */
  networks?(): string
  sha256(bytes: Uint8Array): Uint8Array
}

/** Node: TCP, WebSocket, multicast DNS. */
export const nodePreset: Preset = {
  transports: [tcp(), webSockets()],
  lan: async (onWarning) => (await import('./lan.ts')).lan({ onWarning }),
  relayed: async (isRelay, onFound) => (await import('./relay/index.ts')).relayed(isRelay, onFound),
  dht: async (init) => (await import('./dht/index.ts')).dht(init),
  portMapper: async (init) => (await import('./port-mapping/index.ts')).portMapper(init),
  networks: networksNow,
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
}
