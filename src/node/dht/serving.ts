import type { Connection, Libp2pEvents, Logger, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager, TransportManager } from '@libp2p/interface-internal'
import { addressBlock } from '../../address-block.ts'
import type { Clock } from '../clock.ts'
import { isRelayed } from '../settle.ts'
import { EVIDENCE_TTL } from './constants.ts'
import { isCircuit, type Reach, Scope, scopeOf } from './reach.ts'

export type Mode = 'client' | 'server'

export interface ServingComponents {
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  transportManager: Pick<TransportManager, 'getAddrs'>
  events: TypedEventTarget<Libp2pEvents>
}

export interface ServingInit {
  reach: Reach
  /** Serve whatever the evidence. */
  always: boolean
  setMode(mode: Mode): Promise<void>
  clock: Clock
  log: Logger
}

/**
 * Whether this peer answers questions: only who can be dialled directly is of use as a server, and whoever cannot would make
 * everybody wait for it.
 *
 * It takes somebody who has dialled it from as far away as it is reached from: from the internet, if it is there, and besides an
 * address that the internet can use; from another machine, if it is on private networks; from anywhere, if all are on one machine.
 */
export class Serving {
  readonly #components: ServingComponents
  readonly #init: ServingInit
  /** Who has dialled this peer and is connected still; and when somebody last was, by where he came from. */
  readonly #open = new Map<Connection, Scope>()
  readonly #last = new Map<Scope, number>()
  #wanted: Mode = 'client'
  #setting: Promise<void> = Promise.resolve()
  #running = false
  #cancel: (() => void) | undefined

  constructor(components: ServingComponents, init: ServingInit) {
    this.#components = components
    this.#init = init
  }

  start(): void {
    this.#running = true
    this.#listen(true)
    for (const connection of this.#components.connectionManager.getConnections()) this.#note(connection)
    this.#judge()
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#listen(false)
    this.#cancel?.()
    this.#cancel = undefined
    this.#open.clear()
    this.#last.clear()
    await this.#setting
    this.#wanted = 'client'
  }

  #listen(on: boolean): void {
    const { events } = this.#components
    const change = on ? 'addEventListener' : 'removeEventListener'
    events[change]('connection:open', this.#opened)
    events[change]('connection:close', this.#closed)
    events[change]('self:peer:update', this.#judge)
  }

  /** In a microtask: the connection manager hears of the connection after us. */
  readonly #opened = ({ detail }: CustomEvent<Connection>): void =>
    queueMicrotask(() => {
      this.#note(detail)
      this.#judge()
    })

  readonly #closed = ({ detail }: CustomEvent<Connection>): void => {
    const scope = this.#open.get(detail)
    if (scope === undefined) return
    this.#open.delete(detail)
    this.#last.set(scope, this.#init.clock.monotonic())
    this.#cancel?.()
    this.#cancel = this.#init.clock.setTimeout(this.#judge, EVIDENCE_TTL)
  }

  #note(connection: Connection): void {
    const { remotePeer, remoteAddr, direction, status } = connection
    if (!this.#running || status !== 'open' || direction !== 'inbound' || isRelayed(connection)) return
    // Two who are connected through a relay punched a hole: that shows nothing of others.
    if (this.#components.connectionManager.getConnections(remotePeer).some(isRelayed)) return
    // Neighbours have public addresses too, and no firewall between them.
    const network = addressBlock(remoteAddr)
    const isNear = this.#components.transportManager.getAddrs().some((address) => addressBlock(address) === network)
    this.#open.set(connection, Math.min(scopeOf(remoteAddr), isNear ? Scope.site : Scope.internet) as Scope)
  }

  #isReachable(): boolean {
    const { reach, clock, always } = this.#init
    if (always) return true
    if (reach.scope === Scope.internet && reach.told().every(isCircuit)) return false
    for (const scope of this.#open.values()) if (scope >= reach.scope) return true
    for (const [scope, at] of this.#last) if (scope >= reach.scope && clock.monotonic() - at < EVIDENCE_TTL) return true
    return false
  }

  readonly #judge = (): void => {
    if (!this.#running) return
    const mode = this.#isReachable() ? 'server' : 'client'
    if (mode === this.#wanted) return
    this.#wanted = mode
    this.#init.log('from now on a %s', mode)
    this.#setting = this.#setting
      .then(() => this.#init.setMode(mode))
      .catch((error: unknown) => this.#init.log.error('could not become a %s - %e', mode, error))
  }
}
