import type { Connection, Libp2p, Logger, PeerId } from '@libp2p/interface'
import { systemClock } from './clock.ts'
import {
  CHANGE_PROBE,
  MAX_USELESS_CONNECTIONS,
  PING_INTERVAL,
  RELAY_PING_INTERVAL,
  RELAYED_PING_INTERVAL,
  SETTLE_DELAY,
  SHORT_LIVED,
} from './constants.ts'
import { Forgetting } from './forgetting.ts'
import { matesOf } from './gossip.ts'
import { Heartbeat } from './heartbeat.ts'
import type { Components } from './libp2p.ts'
import { cutIfSilent } from './probe.ts'
import { isRelayed, settle } from './settle.ts'

export interface ConnectionsInit {
  /** Whether a peer is to be dialled again when it is lost. */
  isWanted(peer: string): boolean
  isRelay(peer: string): boolean
  /** Servers that the DHT would ask. */
  contacts(): string[]
  /** There is a connection to a relay. */
  onRelay(): void
  log: Logger
}

/** Keeps a peer's connections in order: alive, one to each peer, and when there are many none that is of no use. */
export class Connections {
  readonly #libp2p: Libp2p
  readonly #components: Components
  readonly #init: ConnectionsInit
  readonly #heartbeat: Heartbeat
  readonly #forgetting: Forgetting
  readonly #settling = new Map<string, ReturnType<typeof setTimeout>>()

  constructor(libp2p: Libp2p, components: Components, init: ConnectionsInit) {
    this.#libp2p = libp2p
    this.#components = components
    this.#init = init
    this.#heartbeat = new Heartbeat({
      connections: () => libp2p.getConnections(),
      intervalOf: (connection) => this.#intervalOf(connection),
      clock: systemClock,
      log: init.log,
    })
    this.#forgetting = new Forgetting(libp2p, () => {
      const contacts = new Set(init.contacts())
      return { has: (peer) => init.isWanted(peer) || contacts.has(peer) }
    })
  }

  start(): void {
    const { events } = this.#components
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('peer:disconnect', this.#onDisconnect)
    this.#heartbeat.start()
  }

  stop(): void {
    const { events } = this.#components
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('peer:disconnect', this.#onDisconnect)
    this.#heartbeat.stop()
    for (const timer of this.#settling.values()) clearTimeout(timer)
    this.#settling.clear()
  }

  /** Cuts those that do not answer at once: this machine may have left the network over which they were opened. */
  check(): void {
    for (const connection of this.#libp2p.getConnections()) void cutIfSilent(connection, CHANGE_PROBE)
  }

  #intervalOf(connection: Connection): number {
    if (isRelayed(connection)) return RELAYED_PING_INTERVAL
    return this.#init.isRelay(connection.remotePeer.toString()) ? RELAY_PING_INTERVAL : PING_INTERVAL
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => this.#forgetting.left(detail)

  /** In a microtask: the connection manager hears of the connection after us. */
  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => queueMicrotask(() => this.#opened(detail.remotePeer))

  #opened(remotePeer: PeerId): void {
    const { isRelay, onRelay, log } = this.#init
    this.#makeRoom()
    const id = remotePeer.toString()
    if (isRelay(id)) onRelay()
    if (this.#settling.has(id) || this.#libp2p.getConnections(remotePeer).length < 2) return
    const timer = setTimeout(() => {
      this.#settling.delete(id)
      settle(this.#libp2p.peerId.toString(), this.#libp2p.getConnections(remotePeer), log).catch((error: unknown) => {
        log.error('could not settle on one connection to %p - %e', remotePeer, error)
      })
    }, SETTLE_DELAY)
    this.#settling.set(id, timer)
  }

  /** Strangers that hold connections for nothing must not keep others out. */
  #makeRoom(): void {
    const connections = this.#libp2p.getConnections()
    if (connections.length <= MAX_USELESS_CONNECTIONS) return
    const mates = matesOf(this.#components.pubsub)
    const useless = connections.filter(({ remotePeer, timeline }) => {
      const id = remotePeer.toString()
      return !mates.has(id) && !this.#init.isWanted(id) && Date.now() - timeline.open > SHORT_LIVED
    })
    useless[Math.floor(Math.random() * useless.length)]?.abort(new Error('room is needed for others'))
  }
}
