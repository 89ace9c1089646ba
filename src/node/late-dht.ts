import type { Connection, Logger, PeerInfo } from '@libp2p/interface'
import { isPrivate } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { STRANGER_DELAY } from './constants.ts'
import type { Dht, DhtFigures } from './dht/index.ts'
import { matesOf } from './gossip.ts'
import type { PeerInit } from './index.ts'
import type { Components } from './libp2p.ts'
import type { Preset } from './presets.ts'
import { isRelayed } from './settle.ts'
import type { Supervisor } from './supervisor.ts'

interface LateDhtInit {
  load(): Promise<Dht>
  /** Whether a connection to this peer serves another purpose. */
  isUseful(peer: string): boolean
  /** Only answer, and only when somebody comes who may have a question. */
  passive: boolean
}

/** The DHT of a peer that runs already: to load it takes longer than to start a peer, and nobody waits for it. */
export class LateDht {
  readonly #components: Components
  readonly #init: LateDhtInit
  readonly #log: Logger
  #namespaces: readonly string[] = []
  #dht: Dht | undefined
  #started = false
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Starts and stops happen one after the other. */
  #turn: Promise<void> = Promise.resolve()

  private constructor(components: Components, init: LateDhtInit) {
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('p2pnode:dht')
  }

  /**
   * None for who is to use none. Without a relay it is asked for by `dht`: else it only answers those who know it.
   *
   * @param known - addresses that it was given to dial, those of relays among them
   */
  static create(
    { dht: load }: Preset,
    { announce = [], dht, offline = false }: PeerInit,
    components: Components,
    supervisor: Pick<Supervisor, 'found' | 'isWanted'>,
    known: readonly Multiaddr[],
    hasRelays: boolean,
  ): LateDht | undefined {
    if (load === undefined || offline || dht === false) return undefined
    const passive = dht === undefined && !hasRelays
    const isUseful = (peer: string): boolean => supervisor.isWanted(peer) || matesOf(components.pubsub).has(peer)
    const init = {
      discovered: (peer: PeerInfo) => supervisor.found(peer),
      isUseful,
      internet: known.some((address) => !isPrivate(address)),
      server: announce.some((address) => !isPrivate(multiaddr(address))),
      passive,
    }
    return new LateDht(components, { load: async () => (await load(init))(components), isUseful, passive })
  }

  /** Returns at once. */
  start(): void {
    this.#started = true
    if (this.#init.passive) this.#components.events.addEventListener('connection:open', this.#opened)
    else this.#begin()
  }

  async stop(): Promise<void> {
    this.#started = false
    this.#components.events.removeEventListener('connection:open', this.#opened)
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#turn
    await this.#dht?.stop()
  }

  /** See `Dht.meet`. */
  meet(namespaces: readonly string[]): void {
    this.#namespaces = namespaces
    if (!this.#init.passive) this.#dht?.meet(namespaces)
  }

  /** Nothing until it is loaded. */
  view(): { dht?: DhtFigures } {
    return this.#dht === undefined ? {} : { dht: this.#dht.figures() }
  }

  /** See `Dht.contacts`. */
  contacts(): string[] {
    return this.#dht?.contacts() ?? []
  }

  /** See `Dht.isErrand`. */
  isErrand(peer: string): boolean {
    return this.#dht?.isErrand(peer) ?? false
  }

  #begin(): void {
    this.#turn = this.#turn
      .then(async () => {
        if (!this.#started) return
        this.#dht ??= await this.#init.load()
        this.meet(this.#namespaces)
        if (this.#started) await this.#dht.start()
      })
      .catch((error: unknown) => this.#log.error('there is no DHT - %e', error))
  }

  readonly #opened = ({ detail }: CustomEvent<Connection>): void => {
    if (detail.direction !== 'inbound' || isRelayed(detail) || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#components.connectionManager.getConnections().some(this.#isStranger)) {
        this.#components.events.removeEventListener('connection:open', this.#opened)
        this.#begin()
      }
    }, STRANGER_DELAY)
  }

  /** Neither somebody of this LAN nor of a room of ours: he knows this peer from elsewhere. */
  readonly #isStranger = (connection: Connection): boolean =>
    connection.direction === 'inbound' && !isRelayed(connection) && !this.#init.isUseful(connection.remotePeer.toString())
}
