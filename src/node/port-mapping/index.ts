/**
 * Port mapping: a router on the way out is asked to pass connections to one of its ports on to this machine. By NAT-PMP (RFC 6886),
 * and where the router does not know that, by UPnP (Internet Gateway Device 1 and 2).
 *
 * @example
 * ```ts
 * const mapper = portMapper({ portAt: () => 4001, announce: ({ external }) => …, withdraw: ({ external }) => …, log })
 * await mapper.start()
 * await mapper.stop()
 * ```
 */
import type { Logger } from '@libp2p/interface'
import { type Clock, systemClock } from '../clock.ts'
import { PortMapper } from './mapper.ts'
import { NatPmp } from './nat-pmp.ts'
import { systemRoutes } from './routes.ts'
import { Upnp } from './upnp.ts'

export type { PortMapper } from './mapper.ts'

/** An IPv4 address and a TCP port. */
export interface Endpoint {
  address: string
  port: number
}

/** A way out of this network. */
export interface Route {
  /** The router's IPv4 address. */
  gateway: string
  /** This machine's own towards it. */
  local: string
}

/** What is asked of a router. */
export interface Wish {
  gateway: string
  internal: Endpoint
  /** The external port that would be best; another may be given. */
  wanted: number
}

/** What a router has given. All of it is what the router says: `external` was checked, and is true only if the router is honest. */
export interface Grant {
  by: 'NAT-PMP' | 'UPnP'
  internal: Endpoint
  external: Endpoint
  /** In seconds; 0: until it is taken back. */
  lifetime: number
  /** @throws Error why it is not given any more */
  renew(signal: AbortSignal): Promise<Grant>
  /** Takes it back. @throws Error why that did not work */
  release(signal: AbortSignal): Promise<void>
}

/** A protocol in which routers are asked. @throws Error why nothing was given */
export type Way = (wish: Wish, signal: AbortSignal) => Promise<Grant>

export interface PortMappingView {
  /** `address:port` outside, while there is one. */
  external?: string
  by?: Grant['by']
  /** Why there is none; nothing: it is not known yet. */
  problem?: string
}

export interface PortMapperInit {
  /** The TCP port that is listened on at an address of this machine; undefined: none. */
  portAt(address: string): number | undefined
  /** From now on this peer is reached there as well. */
  announce(grant: Grant): void
  withdraw(grant: Grant): void
  log: Logger
  /** @default those of the system */
  routes?(): Promise<Route[]>
  /** In the order in which they are tried. @default NAT-PMP, UPnP */
  ways?: Way[]
  clock?: Clock
}

/** Not started. */
export function portMapper(init: PortMapperInit): PortMapper {
  const { clock = systemClock } = init
  const [pmp, upnp] = [new NatPmp({ clock }), new Upnp({ clock })]
  return new PortMapper({
    routes: systemRoutes,
    ways: [(wish, signal) => pmp.map(wish, signal), (wish, signal) => upnp.map(wish, signal)],
    clock,
    ...init,
  })
}
