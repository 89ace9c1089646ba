/**
 * Reaching others through relays: reservations at those that were configured, connections through them, and direct ones in their
 * place where the NATs between allow it. All of it is loaded by who has a relay, and by nobody else.
 */
import { createServer } from 'node:net'
import type { Connection, Logger, PeerInfo } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pInit } from 'libp2p'
import type { TransportFactory } from '../presets.ts'
import { rendezvousDiscovery } from '../rendezvous/index.ts'
import { circuit } from './circuit.ts'
import { Mapping, punchingDcutr, punchingTcp } from './hole-punch.ts'
import { Reservations, type ReservationsComponents } from './reservations.ts'

/** What a peer with relays has besides. */
export interface Relayed {
  /** Instead of the platform's own. */
  transports: TransportFactory[]
  circuit: TransportFactory
  services: NonNullable<Libp2pInit['services']>
  /** Whether a connection was made by both sides at once, through NATs that let nobody else in. */
  isPunched(connection: Connection): boolean
  reservations(components: ReservationsComponents, addresses: readonly Multiaddr[], log: Logger): Reservations
}

type Service = NonNullable<Libp2pInit['services']>[string]

/** `isRelay`: whether a peer is one of the relays configured here. `onFound`: who was found at one. */
export async function relayed(isRelay: (peer: string) => boolean, onFound: (peer: PeerInfo) => void): Promise<Relayed> {
  const mapping = new Mapping(await freePort())
  const through = circuit(isRelay)
  const punched = new WeakSet<Connection>()
  return {
    transports: [punchingTcp(mapping), webSockets(), through],
    circuit: through,
    services: {
      dcutr: punchingDcutr(mapping, punched) as Service,
      rendezvous: rendezvousDiscovery({ onPeer: onFound }) as Service,
    },
    isPunched: (connection) => punched.has(connection),
    reservations: (components, addresses, log) => new Reservations(components, addresses, mapping, log),
  }
}

/** A TCP port that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
