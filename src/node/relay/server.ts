/**
 * A relay: it stands in for a rendezvous server and carries bytes between peers that cannot reach each other. It is in no room, runs
 * no gossip, and has no account.
 */
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import type { ComponentLogger, Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { isLoopback, isPrivate } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pInit } from 'libp2p'
import { systemClock } from '../clock.ts'
import {
  GUEST_PING_INTERVAL,
  HOP_TIMEOUT,
  MAX_CARRIED_BACKLOG,
  MAX_CIRCUITS,
  MAX_CIRCUITS_PER_PEER,
  MAX_RELAY_CONNECTIONS,
  MAX_RESERVATIONS,
  RELAY_STREAM_WINDOW,
  RELIEF_INTERVAL,
  RESERVATION_TTL,
  SETTLE_PING,
} from '../constants.ts'
import { type Dht, dht } from '../dht/index.ts'
import { Forgetting } from '../forgetting.ts'
import { Heartbeat } from '../heartbeat.ts'
import { LatePortMapping } from '../late-port-mapping.ts'
import { CONNECTION_LIMITS } from '../libp2p.ts'
import { confirmOwn, listenEverywhere, listenOn } from '../listen.ts'
import { cutIfSilent } from '../probe.ts'
import { type RendezvousServer, rendezvousServer } from '../rendezvous/index.ts'
import { Circuits, type CircuitView } from './circuits.ts'
import { Guests, type GuestView } from './guests.ts'

export interface RelayInit {
  /** The relay's key: a 32-byte Ed25519 seed. */
  seed: Uint8Array
  /** Multiaddrs to listen on, each of which must succeed. @default TCP 4747 and WebSocket 4748 of all interfaces */
  listen?: string[]
  /** Multiaddrs under which it is reached from elsewhere, instead of those it listens on. */
  announce?: string[]
  /** Ask the router for a port that leads to its TCP listener; not with `announce`. @default false */
  upnp?: boolean
  /** Peers that can be reached through it at the same time. @default 1,024 */
  maxReservations?: number
  /** How many of them may come from one network. @default 256 */
  maxReservationsPerNetwork?: number
  /** Connections through it at the same time. @default 8,192 */
  maxCircuits?: number
  /** Bytes that may wait in all connections through it together. @default 128 MiB */
  maxBacklog?: number
  /** More libp2p services. */
  services?: Libp2pInit['services']
  logger?: ComponentLogger
}

export interface Relay {
  readonly libp2p: Libp2p
  readonly peerId: string
  start(): Promise<void>
  stop(): Promise<void>
  /** Multiaddrs with the peer id: what is given to `--relay`. */
  addresses(): string[]
  guests(): Promise<GuestView[]>
  /** Who is connected with whom through it, now. */
  circuits(): CircuitView[]
  /** Since the start: bytes carried, and connections through it. */
  readonly carried: { bytes: number; circuits: number }
  readonly reservations: number
  readonly rendezvous: RendezvousServer
  readonly dht: Dht
  /** How much there is of everything. */
  counts(): RelayCounts
  /** All that it was to listen on, it still listens on. */
  readonly isListening: boolean
}

/** What a relay can say without saying who. */
export interface RelayCounts {
  connections: number
  maxConnections: number
  /** Peers that others can reach through it. */
  reservations: number
  maxReservations: number
  /** Connections between two peers that lead through it, now. */
  circuits: number
  /** Bytes that one side of them has sent and the other has not taken. */
  waiting: number
  /** Since the start: bytes carried, and connections through it. */
  carried: { bytes: number; circuits: number }
  /** Reservations since the start that were not given: no place left, or none for one network. */
  refused: { full: number; network: number }
}

interface Components {
  addressManager: AddressManager
  transportManager: TransportManager
  logger: ComponentLogger
}

/** Of all interfaces. */
const RELAY_ADDRESSES = ['/tcp/4747', '/tcp/4748/ws']

/** Where there are public addresses, the others are of use to nobody: this machine's own come last. */
function outermost(addresses: Multiaddr[]): Multiaddr[] {
  const elsewhere = addresses.filter((address) => !isLoopback(address))
  const open = addresses.filter((address) => !isPrivate(address))
  return [open, elsewhere, addresses].find((some) => some.length > 0) ?? []
}

/** A relay, not started. @throws InvalidArgumentError when it starts: an address cannot be listened on */
export async function createRelay(init: RelayInit): Promise<Relay> {
  let components: Components | undefined
  const circuits = new Circuits()
  const maxReservations = init.maxReservations ?? MAX_RESERVATIONS
  let relay: Libp2pRelay | undefined
  const libp2p = await createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', init.seed),
    addresses: { listen: [], announce: init.announce ?? [], announceFilter: outermost },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: RELAY_STREAM_WINDOW } })],
    connectionGater: {
      denyInboundRelayReservation: (peer) => relay?.denies(peer) ?? true,
      denyOutboundRelayedConnection: () => circuits.size >= (init.maxCircuits ?? MAX_CIRCUITS),
    },
    connectionManager: { ...CONNECTION_LIMITS, maxConnections: MAX_RELAY_CONNECTIONS },
    connectionMonitor: { enabled: false },
    ...(init.logger === undefined ? {} : { logger: init.logger }),
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
      relay: circuits.counting(
        circuitRelayServer({
          hopTimeout: HOP_TIMEOUT,
          maxInboundHopStreams: MAX_CIRCUITS_PER_PEER,
          maxOutboundStopStreams: MAX_CIRCUITS_PER_PEER,
          // A chat lasts longer than two minutes and 128 KiB.
          reservations: {
            maxReservations,
            reservationTtl: RESERVATION_TTL,
            applyDefaultLimit: false,
          },
        }),
      ),
      rendezvous: rendezvousServer(),
      dht: dht({ server: true, isUseful: (peer) => relay?.isReserved(peer) ?? false }),
      components: (found) => {
        components = found as unknown as Components
        return {}
      },
      ...init.services,
    },
  })
  if (components === undefined) throw new Error('libp2p made no services')
  relay = new Libp2pRelay(libp2p, components, { ...init, maxReservations }, circuits)
  return relay
}

class Libp2pRelay implements Relay {
  readonly libp2p: Libp2p
  readonly peerId: string
  readonly #components: Components
  readonly #init: RelayInit & { maxReservations: number }
  readonly #circuits: Circuits
  readonly #guests: Guests
  readonly #heartbeat: Heartbeat
  readonly #forgetting: Forgetting
  readonly #portMapping: LatePortMapping | undefined
  #listeners = 0
  #relief: ReturnType<typeof setInterval> | undefined

  constructor(libp2p: Libp2p, components: Components, init: RelayInit & { maxReservations: number }, circuits: Circuits) {
    this.libp2p = libp2p
    this.peerId = libp2p.peerId.toString()
    this.#components = components
    this.#init = init
    this.#circuits = circuits
    this.#guests = new Guests(libp2p, init)
    // But for servers that the DHT goes on asking.
    this.#forgetting = new Forgetting(libp2p, () => new Set(this.dht.contacts()))
    this.#heartbeat = new Heartbeat({
      connections: () => libp2p.getConnections(),
      intervalOf: () => GUEST_PING_INTERVAL,
      clock: systemClock,
      log: components.logger.forComponent('p2pnode:heartbeat'),
    })
    const { upnp = false, announce = [] } = init
    if (upnp && announce.length === 0) {
      this.#portMapping = new LatePortMapping(components, async (given) =>
        (await import('../port-mapping/index.ts')).portMapper(given),
      )
    }
  }

  async start(): Promise<void> {
    this.libp2p.addEventListener('connection:open', this.#opened)
    this.libp2p.addEventListener('peer:disconnect', this.#left)
    this.#heartbeat.start()
    this.#relief ??= setInterval(() => this.#circuits.relieve(this.#init.maxBacklog ?? MAX_CARRIED_BACKLOG), RELIEF_INTERVAL)
    try {
      await this.libp2p.start()
      const { transportManager, addressManager } = this.#components
      await (this.#init.listen === undefined
        ? listenEverywhere(transportManager, RELAY_ADDRESSES)
        : listenOn(transportManager, this.#init.listen))
      this.#listeners = transportManager.getListeners().length
      confirmOwn(transportManager, addressManager)
      // Its address is what people are told: it is worth waiting for.
      await this.#portMapping?.start()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#relief)
    this.#relief = undefined
    this.#heartbeat.stop()
    await this.#portMapping?.stop()
    await this.libp2p.stop()
    this.libp2p.removeEventListener('connection:open', this.#opened)
    this.libp2p.removeEventListener('peer:disconnect', this.#left)
  }

  get rendezvous(): RendezvousServer {
    return this.libp2p.services.rendezvous as RendezvousServer
  }

  get dht(): Dht {
    return this.libp2p.services.dht as Dht
  }

  get reservations(): number {
    return this.#guests.reserved
  }

  get carried(): { bytes: number; circuits: number } {
    return { bytes: this.#circuits.bytes, circuits: this.#circuits.opened }
  }

  get isListening(): boolean {
    const { length } = this.#components.transportManager.getListeners()
    return this.libp2p.status === 'started' && this.#listeners > 0 && length >= this.#listeners
  }

  counts(): RelayCounts {
    return {
      connections: this.libp2p.getConnections().length,
      maxConnections: MAX_RELAY_CONNECTIONS,
      reservations: this.reservations,
      maxReservations: this.#init.maxReservations,
      circuits: this.#circuits.size,
      waiting: this.#circuits.waiting,
      carried: this.carried,
      refused: { ...this.#guests.refused },
    }
  }

  addresses(): string[] {
    return this.libp2p.getMultiaddrs().map(String)
  }

  circuits(): CircuitView[] {
    return this.#circuits.views()
  }

  async guests(): Promise<GuestView[]> {
    return await this.#guests.views()
  }

  denies(peer: PeerId): boolean {
    return this.#guests.denies(peer)
  }

  isReserved(peer: string): boolean {
    return this.#guests.isReserved(peer)
  }

  /** Whoever comes back has left its old connection behind, and is called over the oldest: what does not answer is closed. */
  readonly #opened = ({ detail }: CustomEvent<Connection>): void => {
    for (const connection of this.libp2p.getConnections(detail.remotePeer))
      if (connection !== detail) void cutIfSilent(connection, SETTLE_PING)
  }

  readonly #left = ({ detail }: CustomEvent<PeerId>): void => {
    this.#guests.left(detail)
    this.#forgetting.left(detail)
  }
}
