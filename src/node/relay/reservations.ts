import type { Connection, IdentifyResult, Libp2pEvents, Listener, Logger, TypedEventTarget } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { idIn } from '../addresses.ts'
import { FIRST_RESERVATION_PAUSE, LAST_RESERVATION_PAUSE } from '../constants.ts'
import { reason } from '../reason.ts'
import type { RendezvousDiscovery } from '../rendezvous/index.ts'
import { isRelayed } from '../settle.ts'
import type { Mapping } from './hole-punch.ts'

/** A relay that was configured, as it stands. */
export interface RelayView {
  address: string
  connected: boolean
  /** Others can reach this peer through it. */
  reserved: boolean
  /** In how many rooms it helps others find this peer. */
  registered: number
  /** Why there is no reservation, where that is known. */
  problem?: string
}

export interface ReservationsComponents {
  transportManager: TransportManager
  events: TypedEventTarget<Libp2pEvents>
  /** Each relay is a point while there is a connection to it. */
  rendezvous: Pick<RendezvousDiscovery, 'addPoint' | 'removePoint' | 'points'>
}

interface Relay {
  address: Multiaddr
  peer: string
  /** Direct connections to it. */
  connections: Set<Connection>
  /** One for good: the transport ends all reservations when one of its listeners is closed. */
  listener: Listener | undefined
  reserving: boolean
  pause: number
  problem: string | undefined
  timer: ReturnType<typeof setTimeout> | undefined
}

/**
 * Reservations at the configured relays: made whenever there is a connection to one, renewed by the transport, and made again
 * after it was lost, restarted or full. Who connects is the supervisor's business.
 */
export class Reservations {
  readonly #components: ReservationsComponents
  readonly #mapping: Mapping
  readonly #log: Logger
  readonly #relays = new Map<string, Relay>()
  #running = false

  /** `mapping` is told what the relays see of this peer. */
  constructor(components: ReservationsComponents, addresses: readonly Multiaddr[], mapping: Mapping, log: Logger) {
    this.#components = components
    this.#mapping = mapping
    this.#log = log
    for (const address of addresses) {
      const peer = idIn(address)
      if (peer === undefined) throw new TypeError('the address of a relay names its peer')
      this.#relays.set(peer, {
        address,
        peer,
        connections: new Set(),
        listener: undefined,
        reserving: false,
        pause: FIRST_RESERVATION_PAUSE,
        problem: undefined,
        timer: undefined,
      })
    }
  }

  start(): void {
    this.#running = true
    this.#listen(true)
  }

  stop(): void {
    this.#running = false
    this.#listen(false)
    for (const relay of this.#relays.values()) {
      clearTimeout(relay.timer)
      relay.timer = undefined
      relay.listener = undefined
      relay.connections.clear()
    }
  }

  #listen(on: boolean): void {
    const { events } = this.#components
    const change = on ? 'addEventListener' : 'removeEventListener'
    events[change]('connection:open', this.#opened)
    events[change]('connection:close', this.#closed)
    events[change]('transport:listening', this.#listening)
    events[change]('peer:identify', this.#identified)
  }

  isRelay(peer: string): boolean {
    return this.#relays.has(peer)
  }

  views(): RelayView[] {
    const registered = new Map(this.#components.rendezvous.points().map((point) => [point.peerId, point.registered]))
    return [...this.#relays.values()].map((relay) => {
      const { address, connections, problem } = relay
      const reserved = isReserved(relay)
      const why = reserved || problem === undefined ? {} : { problem }
      return {
        address: address.toString(),
        connected: connections.size > 0,
        reserved,
        registered: registered.get(relay.peer) ?? 0,
        ...why,
      }
    })
  }

  readonly #opened = ({ detail }: CustomEvent<Connection>): void => {
    const relay = this.#relays.get(detail.remotePeer.toString())
    if (relay === undefined || isRelayed(detail)) return
    relay.connections.add(detail)
    this.#components.rendezvous.addPoint(detail.remotePeer)
    relay.pause = FIRST_RESERVATION_PAUSE
    void this.#reserve(relay)
  }

  readonly #closed = ({ detail }: CustomEvent<Connection>): void => {
    const relay = this.#relays.get(detail.remotePeer.toString())
    if (relay?.connections.delete(detail) !== true) return
    clearTimeout(relay.timer)
    relay.timer = undefined
    if (relay.connections.size === 0) this.#components.rendezvous.removePoint(detail.remotePeer)
    else this.#retry(relay) // the reservation was that connection's, perhaps
  }

  /** The addresses of a listener changed: a reservation was made, or came to its end. */
  readonly #listening = ({ detail }: CustomEvent<Listener>): void => {
    for (const relay of this.#relays.values()) {
      if (relay.listener !== detail) continue
      if (!isReserved(relay) && relay.connections.size > 0) this.#retry(relay)
    }
  }

  readonly #identified = ({ detail }: CustomEvent<IdentifyResult>): void => {
    if (this.#relays.has(detail.peerId.toString())) this.#mapping.note(detail)
  }

  async #reserve(relay: Relay): Promise<void> {
    if (relay.reserving || !this.#running || isReserved(relay)) return
    relay.reserving = true
    try {
      await this.#ask(relay)
      relay.problem = undefined
      relay.pause = FIRST_RESERVATION_PAUSE
    } catch (error) {
      relay.problem = refusal(error)
      this.#log('no reservation at %s - %s', relay.peer, relay.problem)
    } finally {
      relay.reserving = false
    }
    if (!isReserved(relay)) this.#retry(relay)
  }

  async #ask(relay: Relay): Promise<void> {
    const address = relay.address.encapsulate('/p2p-circuit')
    if (relay.listener !== undefined) return await relay.listener.listen(address)
    const { transportManager } = this.#components
    const before = new Set(transportManager.getListeners())
    const listening = transportManager.listen([address])
    relay.listener = transportManager.getListeners().find((listener) => !before.has(listener))
    await listening
  }

  #retry(relay: Relay): void {
    if (!this.#running || relay.connections.size === 0 || relay.timer !== undefined) return
    relay.timer = setTimeout(() => {
      relay.timer = undefined
      void this.#reserve(relay)
    }, relay.pause)
    relay.pause = Math.min(LAST_RESERVATION_PAUSE, relay.pause * 2)
  }
}

const isReserved = ({ listener, connections }: Relay): boolean =>
  connections.size > 0 && listener !== undefined && listener.getAddrs().length > 0

function refusal(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  if (/RESERVATION_REFUSED/.test(text)) return 'it has no place left'
  if (/PERMISSION_DENIED/.test(text)) return 'it does not serve this peer'
  if (/protocol selection failed|UnsupportedProtocol|could not negotiate/i.test(text)) return 'it is no relay'
  return reason(error)
}
