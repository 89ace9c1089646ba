import { generateKeyPairFromSeed, privateKeyFromRaw } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PeerInfo, PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import { concatBytes } from '@noble/hashes/utils.js'
import { createLibp2p, type Libp2pInit } from 'libp2p'
import { InvalidArgumentError } from '../errors.ts'
import type { Bans } from './bans.ts'
import {
  ADDRESS_DIAL_TIMEOUT,
  ADDRESS_MEMORY,
  DIAL_TIMEOUT,
  MAX_ADDRESSES_TO_DIAL,
  MAX_CONNECTIONS,
  MAX_NEW_CONNECTIONS_PER_HOST,
  MAX_PENDING_CONNECTIONS,
  MAX_STREAM_WINDOW,
  NEGOTIATION_TIMEOUT,
  UPGRADE_TIMEOUT,
} from './constants.ts'
import { gater } from './gater.ts'
import { gossip, type ScoredGossipSub } from './gossip.ts'
import type { PeerInit } from './index.ts'
import type { DiscoveryFactory, Preset, TransportFactory } from './presets.ts'
import type { Relayed } from './relay/index.ts'

/** What libp2p hands to every part of it. */
export type Components = Parameters<TransportFactory>[0] & { pubsub: ScoredGossipSub }

export interface Assembled {
  libp2p: Libp2p
  components: Components
  /** What finds peers. */
  discoveries: Discovery[]
}

type Discovery = ReturnType<DiscoveryFactory>

const SEED_LENGTH = 32

/** Puts libp2p together; listeners are opened later, so that a taken port can be answered with another. */
export async function assemble(
  preset: Preset,
  init: PeerInit,
  bans: Bans,
  onDiscovered: (peer: PeerInfo) => void,
  onWarning: (message: string) => void,
  isErrand: (peer: string) => boolean,
  relayed: Relayed | undefined,
): Promise<Assembled> {
  if (init.seed.byteLength !== SEED_LENGTH) throw new InvalidArgumentError('seed', `a seed is ${SEED_LENGTH} bytes`)
  let components: Components | undefined
  const announced = new Set(init.announce)
  const discoveries: Discovery[] = []
  const gate: ConnectionGater = gater(bans, init.offline ?? false)
  const libp2p = await createLibp2p({
    start: false,
    privateKey: await keyOf(init),
    addresses: {
      listen: [],
      appendAnnounce: [...announced],
      // Instead of what is listened on; but through a relay this peer is reached all the same.
      ...(announced.size === 0 ? {} : { announceFilter: (all) => all.filter((each) => isTold(each, announced)) }),
    },
    transports: transports(preset, init, relayed),
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: MAX_STREAM_WINDOW } })],
    connectionGater: gate,
    connectionManager: CONNECTION_LIMITS,
    peerStore: { maxAddressAge: ADDRESS_MEMORY, maxPeerAge: ADDRESS_MEMORY },
    // Heartbeat does it.
    connectionMonitor: { enabled: false },
    peerDiscovery: (await discovery(preset, init, onWarning)).map((factory) => overheard(factory, onDiscovered, discoveries)),
    ...(init.logger === undefined ? {} : { logger: init.logger }),
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      // The heartbeat and others may ask at the same time; one stream too many would count as a dead connection.
      ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
      pubsub: gossip({ sha256: preset.sha256, isErrand }),
      components: (found) => {
        components = found as unknown as Components
        return {}
      },
      ...relayed?.services,
      ...init.services,
    },
  })
  if (components === undefined) throw new Error('libp2p made no services')
  return { libp2p, components, discoveries }
}

function transports(preset: Preset, init: PeerInit, relayed: Relayed | undefined): TransportFactory[] {
  if (init.transports === undefined) return relayed?.transports ?? preset.transports
  return relayed === undefined ? init.transports : [...init.transports, relayed.circuit]
}

/** The peer id stands at the end or not. */
function isTold(address: Multiaddr, announced: ReadonlySet<string>): boolean {
  const text = address.toString()
  return text.includes('/p2p-circuit') || announced.has(text) || announced.has(text.replace(/\/p2p\/[^/]+$/, ''))
}

export const CONNECTION_LIMITS: NonNullable<Libp2pInit['connectionManager']> = {
  maxConnections: MAX_CONNECTIONS,
  maxIncomingPendingConnections: MAX_PENDING_CONNECTIONS,
  inboundConnectionThreshold: MAX_NEW_CONNECTIONS_PER_HOST,
  inboundUpgradeTimeout: UPGRADE_TIMEOUT,
  inboundStreamProtocolNegotiationTimeout: NEGOTIATION_TIMEOUT,
  outboundStreamProtocolNegotiationTimeout: NEGOTIATION_TIMEOUT,
  addressDialTimeout: ADDRESS_DIAL_TIMEOUT,
  dialTimeout: DIAL_TIMEOUT,
  maxPeerAddrsToDial: MAX_ADDRESSES_TO_DIAL,
  // The supervisor does it, and does not give up.
  reconnectRetries: 0,
}

async function keyOf({ seed, publicKey }: PeerInit): Promise<PrivateKey> {
  return publicKey === undefined ? generateKeyPairFromSeed('Ed25519', seed) : privateKeyFromRaw(concatBytes(seed, publicKey))
}

async function discovery(preset: Preset, init: PeerInit, onWarning: (message: string) => void): Promise<DiscoveryFactory[]> {
  if (init.mdns === false) return []
  if (init.discovery !== undefined) return init.discovery
  return preset.lan === undefined ? [] : [await preset.lan(onWarning)]
}

/** libp2p tells of a new peer once; the supervisor wants to know each time. */
function overheard(factory: DiscoveryFactory, onDiscovered: (peer: PeerInfo) => void, made: Discovery[]): DiscoveryFactory {
  return (components) => {
    const service = factory(components)
    made.push(service)
    service.addEventListener('peer', ({ detail }) => onDiscovered(detail))
    return service
  }
}
