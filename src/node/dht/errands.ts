import type {
  Connection,
  Libp2pEvents,
  Logger,
  NewStreamOptions,
  PeerId,
  PeerStore,
  Stream,
  TypedEventTarget,
} from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../clock.ts'
import { inUse, isRelayed } from '../settle.ts'
import { CLOSE_TIMEOUT, ERRAND_IDLE, ERRAND_INTERVAL, MAX_DIALS, MAX_ERRANDS, MAX_RESPONSE_BYTES, PROTOCOL } from './constants.ts'

export interface ErrandsComponents {
  connectionManager: Pick<ConnectionManager, 'getConnections' | 'openConnection'>
  peerStore: Pick<PeerStore, 'get'>
  events: TypedEventTarget<Libp2pEvents>
}

export interface ErrandsInit {
  /** Where a peer may be dialled, the likeliest first. */
  addressesOf(peer: PeerId): Promise<Multiaddr[]>
  /** Whether a connection to this peer serves another purpose. */
  isUseful(peer: string): boolean
  clock: Clock
  log: Logger
}

interface Errand {
  connection: Connection | undefined
  /** By the clock. */
  usedAt: number
}

/**
 * Connections that the DHT opens to ask a question. They are few at a time, direct, and closed soon after: to keep one costs more
 * than to open it again, and a connection that stays is one that others can watch.
 */
export class Errands {
  readonly #components: ErrandsComponents
  readonly #init: ErrandsInit
  readonly #errands = new Map<string, Errand>()
  readonly #waiting: (() => void)[] = []
  #dials = 0
  #cancel: (() => void) | undefined
  /** Connections opened, since the start. */
  opened = 0

  constructor(components: ErrandsComponents, init: ErrandsInit) {
    this.#components = components
    this.#init = init
  }

  start(): void {
    this.#components.events.addEventListener('peer:disconnect', this.#disconnected)
  }

  stop(): void {
    this.#components.events.removeEventListener('peer:disconnect', this.#disconnected)
    this.#cancel?.()
    this.#cancel = undefined
    this.#errands.clear()
  }

  /** Connections, open or being opened, that serve a question only. */
  get size(): number {
    return this.#errands.size
  }

  /** Whether there is nothing between this peer and us but a question. */
  isErrand(peer: string): boolean {
    return this.#errands.has(peer) && !this.#init.isUseful(peer)
  }

  /** Whether this peer was dialled from here, so that it can be. */
  hasDialled(peer: PeerId): boolean {
    return this.#direct(peer)?.direction === 'outbound'
  }

  /** A stream for one question, whose answer cannot be too long. */
  async openStream(peer: PeerId, options: NewStreamOptions): Promise<Stream> {
    const connection = this.#direct(peer) ?? (await this.#dial(peer, options.signal))
    const errand = this.#errands.get(peer.toString())
    if (errand !== undefined) errand.usedAt = this.#init.clock.monotonic()
    const stream = await connection.newStream(PROTOCOL, options)
    let bytes = 0
    stream.addEventListener('message', ({ data }) => {
      bytes += data.byteLength
      if (bytes > MAX_RESPONSE_BYTES) stream.abort(new Error('the answer is too long'))
    })
    return stream
  }

  #direct(peer: PeerId): Connection | undefined {
    const connections = this.#components.connectionManager.getConnections(peer)
    return connections.find((connection) => connection.status === 'open' && !isRelayed(connection))
  }

  async #dial(peer: PeerId, signal: AbortSignal | undefined): Promise<Connection> {
    await this.#turn(signal)
    const id = peer.toString()
    const known = this.#components.connectionManager.getConnections(peer).length > 0
    try {
      signal?.throwIfAborted()
      const addresses = await this.#init.addressesOf(peer)
      if (addresses.length === 0) throw new Error('no address')
      // Before it is open: others must know what it is for when it is.
      if (!known) this.#add(id)
      const targets = addresses.map((address) => address.encapsulate(`/p2p/${id}`))
      const connection = await this.#components.connectionManager.openConnection(targets, signal === undefined ? {} : { signal })
      const errand = this.#errands.get(id)
      if (errand !== undefined) errand.connection ??= connection
      this.opened++
      return connection
    } catch (error) {
      if (this.#errands.get(id)?.connection === undefined) this.#errands.delete(id)
      throw error
    } finally {
      this.#dials--
      this.#waiting.shift()?.()
    }
  }

  /** Resolves when a dial may begin. */
  async #turn(signal: AbortSignal | undefined): Promise<void> {
    while (this.#dials >= MAX_DIALS) {
      await new Promise<void>((resolve, reject) => {
        const go = (): void => {
          signal?.removeEventListener('abort', leave)
          resolve()
        }
        const leave = (): void => {
          this.#waiting.splice(this.#waiting.indexOf(go), 1)
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', leave, { once: true })
        this.#waiting.push(go)
      })
    }
    this.#dials++
  }

  #add(id: string): void {
    if (this.#errands.has(id)) return
    if (this.#errands.size >= MAX_ERRANDS) this.#close(this.#idle()[0])
    this.#errands.set(id, { connection: undefined, usedAt: this.#init.clock.monotonic() })
    this.#cancel ??= this.#init.clock.setTimeout(this.#sweep, ERRAND_INTERVAL)
  }

  readonly #sweep = (): void => {
    const before = this.#init.clock.monotonic() - ERRAND_IDLE
    for (const errand of this.#idle()) if (errand.usedAt <= before) this.#close(errand)
    this.#cancel = this.#errands.size === 0 ? undefined : this.#init.clock.setTimeout(this.#sweep, ERRAND_INTERVAL)
  }

  /** Those on which nothing happens, the longest unused first. */
  #idle(): Errand[] {
    const idle = [...this.#errands].filter(
      ([id, { connection }]) => connection !== undefined && inUse(connection).length === 0 && !this.#init.isUseful(id),
    )
    return idle.map(([, errand]) => errand).sort((a, b) => a.usedAt - b.usedAt)
  }

  #close(errand: Errand | undefined): void {
    const connection = errand?.connection
    if (connection === undefined) return
    this.#errands.delete(connection.remotePeer.toString())
    connection.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT) }).catch((error: unknown) => {
      this.#init.log('could not close the connection to %p - %e', connection.remotePeer, error)
      connection.abort(error instanceof Error ? error : new Error(String(error)))
    })
  }

  readonly #disconnected = ({ detail }: CustomEvent<PeerId>): void => {
    this.#errands.delete(detail.toString())
  }
}
