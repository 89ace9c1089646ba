import type { Connection, Libp2pEvents, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, TransportManager } from '@libp2p/interface-internal'
import { isLoopback, isNetworkAddress, isPrivate } from '@libp2p/utils'
import { CODE_P2P, type Multiaddr } from '@multiformats/multiaddr'
import { isRelayed } from '../settle.ts'
import { MAX_ADDRESSES } from './constants.ts'

/** From where an address can be dialled: this machine, networks with private addresses, everywhere. */
export const Scope = { machine: 0, site: 1, internet: 2 } as const
export type Scope = (typeof Scope)[keyof typeof Scope]

/** Of a relayed address it is the relay's. */
export function scopeOf(address: Multiaddr): Scope {
  if (!isNetworkAddress(address) || isLoopback(address)) return Scope.machine
  return isPrivate(address) ? Scope.site : Scope.internet
}

export const isCircuit = (address: Multiaddr): boolean => address.getComponents().some(({ name }) => name === 'p2p-circuit')

/** To follow it is to ask others for further addresses, without end. */
const isAlias = (address: Multiaddr): boolean => address.getComponents().some(({ name }) => name === 'dnsaddr')

export interface ReachComponents {
  peerId: PeerId
  addressManager: Pick<AddressManager, 'getAddresses'>
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  transportManager: Pick<TransportManager, 'getAddrs'>
  events: TypedEventTarget<Libp2pEvents>
}

/**
 * Which addresses are told to the DHT, and taken from it.
 *
 * A peer that is, or once was, connected with somebody at a public address is on the internet, and tells and takes public
 * addresses only: others' private ones would lead it into its own network, and its own are nobody's business. One that is on
 * private networks only tells and takes private ones as well; one that is on this machine only, loopback too.
 */
export class Reach {
  readonly #components: ReachComponents
  #widest: Scope

  /** `internet`: that it is on the internet is known before it is connected: from the addresses it was given to dial. */
  constructor(components: ReachComponents, internet: boolean) {
    this.#components = components
    this.#widest = internet ? Scope.internet : Scope.machine
  }

  start(): void {
    this.#listen(true)
    for (const connection of this.#components.connectionManager.getConnections()) this.#note(connection)
    this.#look()
  }

  stop(): void {
    this.#listen(false)
  }

  /** It grows, and never shrinks: what a peer tells while its way out is interrupted is known for longer than that. */
  get scope(): Scope {
    return this.#widest
  }

  /** Those that may be told or taken: no duplicates, and not too many. */
  keep(addresses: readonly Multiaddr[]): Multiaddr[] {
    const kept = new Map<string, Multiaddr>()
    for (const address of addresses) {
      if (kept.size === MAX_ADDRESSES) break
      if (scopeOf(address) >= this.#widest && !isAlias(address)) kept.set(address.toString(), address)
    }
    return [...kept.values()]
  }

  /** This peer's own, without its id. */
  told(): Multiaddr[] {
    this.#look()
    const { addressManager, peerId } = this.#components
    return this.keep(addressManager.getAddresses().map((address) => withoutId(address, peerId.toString())))
  }

  #listen(on: boolean): void {
    const { events } = this.#components
    const change = on ? 'addEventListener' : 'removeEventListener'
    events[change]('connection:open', this.#opened)
    events[change]('transport:listening', this.#look)
    events[change]('self:peer:update', this.#look)
  }

  readonly #opened = ({ detail }: CustomEvent<Connection>): void => this.#note(detail)

  #note(connection: Connection): void {
    if (!isRelayed(connection)) this.#widen(scopeOf(connection.remoteAddr))
  }

  /** A public address of this machine's own is none that others can dial, until somebody has. */
  readonly #look = (): void => {
    const { addressManager, transportManager } = this.#components
    for (const address of transportManager.getAddrs()) this.#widen(isLocal(address) ? Scope.machine : Scope.site)
    for (const address of addressManager.getAddresses()) this.#widen(scopeOf(address))
  }

  #widen(scope: Scope): void {
    if (scope > this.#widest) this.#widest = scope
  }
}

const isLocal = (address: Multiaddr): boolean => scopeOf(address) === Scope.machine

function withoutId(address: Multiaddr, id: string): Multiaddr {
  const last = address.getComponents().at(-1)
  return last?.code === CODE_P2P && last.value === id ? address.decapsulate(`/p2p/${id}`) : address
}
