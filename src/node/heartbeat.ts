import type { Connection, Logger } from '@libp2p/interface'
import { type Clock, within } from './clock.ts'
import { HEARTBEAT_LOOK, PING_TIMEOUT } from './constants.ts'
import { probe } from './probe.ts'

export interface HeartbeatInit {
  connections(): Connection[]
  /** How often a connection is asked, in milliseconds. */
  intervalOf(connection: Connection): number
  clock: Clock
  log: Logger
  /** @default probe */
  ask?: (connection: Connection, signal: AbortSignal) => Promise<unknown>
}

/**
 * Asks every connection for a sign of life, and cuts one that gives none. libp2p's own monitor asks all of them equally often: what
 * is right for a few direct ones is most of the work of a relay that carries thousands.
 */
export class Heartbeat {
  readonly #init: HeartbeatInit
  /** When each is asked next; infinite while it is being asked. */
  readonly #due = new WeakMap<Connection, number>()
  #cancel: (() => void) | undefined

  constructor(init: HeartbeatInit) {
    this.#init = init
  }

  start(): void {
    this.#cancel ??= this.#init.clock.setTimeout(() => {
      this.#cancel = undefined
      this.start()
      for (const connection of this.#init.connections()) this.#look(connection)
    }, HEARTBEAT_LOOK)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #look(connection: Connection): void {
    const { intervalOf, clock } = this.#init
    const interval = intervalOf(connection)
    const now = clock.monotonic()
    const due = this.#due.get(connection)
    // Those that were opened together are not asked together.
    if (due === undefined) this.#due.set(connection, now + interval * (0.5 + Math.random() / 2))
    if (due === undefined || due > now) return
    this.#due.set(connection, Number.POSITIVE_INFINITY)
    void this.#ask(connection).then(() => this.#due.set(connection, Math.max(clock.monotonic(), now + interval)))
  }

  async #ask(connection: Connection): Promise<void> {
    const { clock, log, ask = probe } = this.#init
    try {
      await within(clock, PING_TIMEOUT, (signal) => ask(connection, signal))
    } catch (error) {
      // Whoever says that it does not know the protocol is there.
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') return
      if (connection.status !== 'open') return
      log('%a gives no sign of life - %e', connection.remoteAddr, error)
      connection.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }
}
