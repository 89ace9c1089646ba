import '../../../src/shims.node.ts'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Connection, Libp2pEvents, Logger, PeerId, TypedEventTarget } from '@libp2p/interface'
import { TypedEventEmitter } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../../src/node/clock.ts'

/** Time that passes when it is told to. */
export class TestClock implements Clock {
  #now = 0
  #timers: { at: number; callback: () => void }[] = []

  monotonic(): number {
    return this.#now
  }

  setTimeout(callback: () => void, milliseconds: number): () => void {
    const timer = { at: this.#now + milliseconds, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#timers.length
  }

  /** Each timer has its effects before the next. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    await settled()
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
      await settled()
    }
    this.#now = end
  }
}

/** When everything that waits for nothing outside is done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

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
