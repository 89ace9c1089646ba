import '../../../src/shims.node.ts'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Connection, Libp2pEvents, Logger, PeerId, TypedEventTarget } from '@libp2p/interface'
import { TypedEventEmitter } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

export const silent = Object.assign(() => undefined, {
  error: () => undefined,
  trace: () => undefined,
  enabled: false,
  newScope: () => silent,
}) as unknown as Logger

export async function peerId(number: number): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(number)))
}

export const at = (text: string): Multiaddr => multiaddr(text)

export interface FakeStream {
  protocol: string
  status: 'open' | 'closed'
}

export interface FakeConnection {
  from: string
  direction?: 'inbound' | 'outbound'
  relayed?: boolean
  streams?: FakeStream[]
}

/** What libp2p knows of connections, as a test says it is. */
export class FakeNet {
  readonly events: TypedEventTarget<Libp2pEvents> = new TypedEventEmitter<Libp2pEvents>()
  readonly closed: string[] = []
  /** Listened on; told to others. */
  listening: string[] = []
  told: string[] = []
  #connections: Connection[] = []

  readonly connectionManager = {
    getConnections: (peer?: PeerId): Connection[] =>
      peer === undefined ? [...this.#connections] : this.#connections.filter(({ remotePeer }) => remotePeer.equals(peer)),
  }
  readonly transportManager = { getAddrs: (): Multiaddr[] => this.listening.map(at) }
  readonly addressManager = { getAddresses: (): Multiaddr[] => this.told.map(at) }

  connect(peer: PeerId, { from, direction = 'outbound', relayed = false, streams = [] }: FakeConnection): Connection {
    const connection = {
      remotePeer: peer,
      remoteAddr: at(from),
      direction,
      direct: !relayed,
      limits: undefined,
      status: 'open',
      streams,
      close: async () => this.disconnect(connection),
      abort: () => this.disconnect(connection),
    } as unknown as Connection
    this.#connections.push(connection)
    this.events.safeDispatchEvent('connection:open', { detail: connection })
    return connection
  }

  disconnect(connection: Connection): void {
    if (!this.#connections.includes(connection)) return
    this.#connections = this.#connections.filter((other) => other !== connection)
    Object.assign(connection, { status: 'closed' })
    this.closed.push(connection.remotePeer.toString())
    this.events.safeDispatchEvent('connection:close', { detail: connection })
    if (this.connectionManager.getConnections(connection.remotePeer).length === 0)
      this.events.safeDispatchEvent('peer:disconnect', { detail: connection.remotePeer })
  }
}
