/** What a node is handed, by whoever uses it and by its platform, and what it tells. */
import type { ComponentLogger } from '@libp2p/interface'
import type { Room } from './chat/room.ts'
import type { RoomEvents } from './chat/room-events.ts'
import type { Clock, Crypto, KeeperPeer } from './chat/seams.ts'
import type { Peer, PeerInit } from './node/index.ts'
import type { Store } from './storage/store.ts'

export interface P2PNodeInit
  extends Pick<
    PeerInit,
    'listen' | 'announce' | 'connect' | 'relays' | 'mdns' | 'dht' | 'upnp' | 'offline' | 'transports' | 'discovery' | 'supervisor'
  > {
  /** Shown to others; kept. @default what was kept, the first time a readable random name */
  name?: string | undefined
  /** TCP port for the default listeners. @default that of the last start */
  port?: number | undefined
  /**
   * Peers that are asked to keep what is sealed in every room but the lobby, so that it can be fetched when nobody who has it is there.
   * `connect` or `discovery` must find them.
   */
  keepers?: KeeperPeer[] | undefined
  /** Whether the relays are asked to keep too, and the token they want to see. @default true */
  keep?: boolean | { token?: string | undefined } | undefined
  logger?: ComponentLogger | undefined
}

/** What differs between platforms. */
export interface Platform {
  store: Store
  crypto: Crypto
  clock: Clock
  createPeer: (init: PeerInit) => Promise<Peer>
  /** The store is a copy of another, and goes on under keys of its own. */
  copied?: boolean
  /** How the disk does that the store is on; `problem`: it takes no writes. */
  disk?: () => Promise<{ free?: number; problem?: string }>
}

type Forwarded = 'message' | 'delivery' | 'member' | 'sync' | 'typing' | 'reject' | 'warning'

export type P2PNodeEvents = { [K in Forwarded]: CustomEvent<{ room?: Room; detail: RoomEvents[K]['detail'] }> } & {
  peer: CustomEvent<{ peerId: string; change: 'connected' | 'disconnected'; via: 'direct' | 'relay' }>
}
