import type { Libp2p, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { addressBlock } from '../../address-block.ts'
import { MAX_RESERVATIONS_PER_NETWORK } from '../constants.ts'

/** What a relay knows of one peer that is connected to it. */
export interface GuestView {
  peerId: string
  /** Where its connections come from. */
  remote: string[]
  /** The addresses it says it has, and the protocols and the program it says it speaks. */
  told: { addresses: string[]; protocols: string[]; agent?: string }
  /** When its oldest connection was opened. */
  since: Date
  /** Others can reach it through this relay, until then. */
  reserved?: Date
}

/** What `circuitRelayServer` of @libp2p/circuit-relay-v2 4.2 is besides its interface. */
interface RelayService {
  readonly reservations: Map<PeerId, { addr: unknown; expiry: Date }> & { delete(peer: PeerId): unknown }
}

export interface GuestLimits {
  /** Peers that can be reached through the relay at the same time. */
  maxReservations: number
  /** How many of them may come from one network. @default 256 */
  maxReservationsPerNetwork?: number
}

/** The peers that are connected to a relay, and those among them that others can reach through it. */
export class Guests {
  readonly #libp2p: Libp2p
  readonly #limits: GuestLimits
  /** Since the start: because no place was left, or because one network had all that it gets. */
  readonly refused = { full: 0, network: 0 }

  constructor(libp2p: Libp2p, limits: GuestLimits) {
    this.#libp2p = libp2p
    this.#limits = limits
  }

  get #reservations(): RelayService['reservations'] {
    return (this.#libp2p.services.relay as RelayService).reservations
  }

  get reserved(): number {
    return this.#reservations.size
  }

  isReserved(peer: string): boolean {
    return this.#reservations.has(peerIdFromString(peer))
  }

  /** Nobody can be reached who is not there: the place is free for others. */
  left(peer: PeerId): void {
    this.#reservations.delete(peer)
  }

  async views(): Promise<GuestView[]> {
    return await Promise.all(this.#libp2p.getPeers().map((peer) => this.#view(peer)))
  }

  async #view(peer: PeerId): Promise<GuestView> {
    const connections = this.#libp2p.getConnections(peer)
    const known = await this.#libp2p.peerStore.get(peer).catch(() => undefined) // gone meanwhile
    const agent = known?.metadata.get('AgentVersion')
    const reservation = this.#reservations.get(peer)
    return {
      peerId: peer.toString(),
      remote: connections.map(({ remoteAddr }) => remoteAddr.toString()),
      told: {
        addresses: known?.addresses.map(({ multiaddr }) => multiaddr.toString()) ?? [],
        protocols: known?.protocols ?? [],
        ...(agent === undefined ? {} : { agent: new TextDecoder().decode(agent) }),
      },
      since: new Date(Math.min(...connections.map(({ timeline }) => timeline.open))),
      ...(reservation === undefined ? {} : { reserved: reservation.expiry }),
    }
  }

  #blockOf(peer: PeerId): string {
    return addressBlock(this.#libp2p.getConnections(peer)[0]?.remoteAddr)
  }

  /** Whether those who come from where this peer comes from have all the places that one network gets. Counts what is refused. */
  denies(peer: PeerId): boolean {
    const reservations = this.#reservations
    if (reservations.has(peer)) return false
    if (reservations.size >= this.#limits.maxReservations) {
      // The service says so itself, in its own words.
      this.refused.full++
      return false
    }
    const block = this.#blockOf(peer)
    let taken = 0
    for (const other of reservations.keys()) if (this.#blockOf(other) === block) taken++
    if (taken < (this.#limits.maxReservationsPerNetwork ?? MAX_RESERVATIONS_PER_NETWORK)) return false
    this.refused.network++
    return true
  }
}
