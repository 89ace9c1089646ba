/**
 * The libp2p rendezvous protocol, `/rendezvous/1.0.0`: https://github.com/libp2p/specs/blob/master/rendezvous/README.md, r3.
 * Peers register at a point that they all know, each under namespaces, and learn there of others under the same. A namespace is
 * any text; who does not know it cannot ask for it, and is not told which there are.
 *
 * `rendezvousServer` is a point.
 *
 * @example
 * ```ts
 * const relay = await createPeer({ seed, services: { rendezvous: rendezvousServer() } })
 * ```
 */

import type { Clock } from './clock.ts'
import type { RegisteredPeerView } from './registrations.ts'
import { type RendezvousServerComponents, Server } from './server.ts'

export interface RendezvousServerInit {
  /** The longest time granted, in milliseconds; who asks for more gets this much. @default 72 hours */
  maxTtl?: number
  /** @default 10,000 */
  maxRegistrations?: number
  /** @default 64 */
  maxNamespacesPerPeer?: number
  /** Registrations from one IPv4 /24 or IPv6 /64. Behind a proxy all come from one. @default 256 */
  maxRegistrationsPerBlock?: number
  /** Requests of one connection at once, and a second. @default 512 */
  requestBurst?: number
  /** @default 8 */
  requestRate?: number
  /** Milliseconds that a stream may keep the point waiting. @default 10,000 */
  streamTimeout?: number
  clock?: Clock
}

export interface RendezvousFigures {
  /** What is registered now. */
  peers: number
  namespaces: number
  registrations: number
  /** Since the start: requests that were granted or refused, and streams that were cut for what they sent. */
  served: number
  refused: number
  malformed: number
}

/** A rendezvous point: what it knows, for whoever runs it. Nothing of it is on disk. */
export interface RendezvousServer {
  figures(): RendezvousFigures
  /** How many peers are registered in each. */
  namespaces(): { namespace: string; registrations: number }[]
  /** Everything it knows of each peer. Times in milliseconds from now. */
  peers(): RegisteredPeerView[]
}

/** A libp2p service that makes the peer a rendezvous point. */
export function rendezvousServer(init: RendezvousServerInit = {}): (components: RendezvousServerComponents) => RendezvousServer {
  return (components) => new Server(components, init)
}
