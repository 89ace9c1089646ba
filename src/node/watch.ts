import type { Connection, IdentifyResult, Libp2pEvents, Logger, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { MISSING_INBOUND_LOOKS, MISSING_OUTBOUND_LOOKS, WATCH_INTERVAL } from './constants.ts'
import type { ScoredGossipSub } from './gossip.ts'

export interface WatchComponents {
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
  registrar: Registrar
  pubsub: ScoredGossipSub
}

export interface WatchInit {
  onFlooder(peer: string, score: number): void
  /** Peers that gossip leaves alone. @default none */
  isErrand?(peer: string): boolean
}

interface Watched {
  peer: PeerId
  /** Looks in a row at which the gossip stream to, or from, this peer was missing. */
  noOutbound: number
  noInbound: number
}

/**
 * Looks after what gossipsub leaves undone.
 *
 * - It ignores a peer below the gray line but keeps the connection: here `onFlooder` is told.
 * - A gossip stream that dies while its connection, or another one to the peer, lives is never opened again, and the peer falls
 *   silent for good: here it is opened again, the way gossipsub's own `connect` does it.
 */
export class GossipWatch {
  readonly #components: WatchComponents
  readonly #init: WatchInit
  readonly #log: Logger
  readonly #watched = new Map<string, Watched>()
  readonly #interval: number
  #timer: ReturnType<typeof setInterval> | undefined

  /** `interval`: milliseconds between looks. */
  constructor(components: WatchComponents, init: WatchInit, log: Logger, interval = WATCH_INTERVAL) {
    this.#components = components
    this.#init = init
    this.#log = log
    this.#interval = interval
  }

  start(): void {
    const { events } = this.#components
    events.addEventListener('peer:identify', this.#identified)
    events.addEventListener('peer:disconnect', this.#disconnected)
    this.#timer ??= setInterval(() => this.#look(), this.#interval)
  }

  stop(): void {
    const { events } = this.#components
    events.removeEventListener('peer:identify', this.#identified)
    events.removeEventListener('peer:disconnect', this.#disconnected)
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#watched.clear()
  }

  readonly #identified = ({ detail }: CustomEvent<IdentifyResult>): void => {
    if (!detail.protocols.some((protocol) => this.#components.pubsub.protocols.includes(protocol))) return
    this.#watched.set(detail.peerId.toString(), { peer: detail.peerId, noOutbound: 0, noInbound: 0 })
  }

  readonly #disconnected = ({ detail }: CustomEvent<PeerId>): void => {
    this.#watched.delete(detail.toString())
  }

  #look(): void {
    const { pubsub, connectionManager } = this.#components
    const { graylistThreshold } = pubsub.opts.scoreThresholds
    for (const [id, watched] of this.#watched) {
      const score = pubsub.getScore(id)
      if (score < graylistThreshold) {
        this.#init.onFlooder(id, score)
        continue
      }
      if (this.#init.isErrand?.(id) === true) continue
      const connection = connectionManager.getConnections(watched.peer).find(({ status }) => status === 'open')
      if (connection === undefined) continue
      watched.noOutbound = pubsub.streamsOutbound.has(id) ? 0 : watched.noOutbound + 1
      watched.noInbound = pubsub.streamsInbound.get(id)?.rawStream.status === 'open' ? 0 : watched.noInbound + 1
      if (watched.noInbound >= MISSING_INBOUND_LOOKS) {
        this.#log('cutting %p: it opens no gossip stream', watched.peer)
        connection.abort(new Error('no gossip stream'))
      } else if (watched.noOutbound >= MISSING_OUTBOUND_LOOKS) {
        watched.noOutbound = 0
        this.#reopen(watched.peer, connection)
      }
    }
  }

  #reopen(peer: PeerId, connection: Connection): void {
    const { pubsub, registrar } = this.#components
    this.#log('opening the gossip stream to %p again', peer)
    for (const protocol of pubsub.protocols) {
      for (const topology of registrar.getTopologies(protocol)) topology.onConnect?.(peer, connection)
    }
  }
}
