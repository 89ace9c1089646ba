/** The relay of a data directory: its key, its listeners, and what it can be asked. */
import '../src/shims.node.ts'
import type { ComponentLogger } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { ClientEvents, Peer } from '../src/client/client.ts'
import { DamagedStoreError, InvalidArgumentError, UnreachableError } from '../src/errors.ts'
import { nativeCrypto } from '../src/native-crypto.ts'
import { reason } from '../src/node/reason.ts'
import { createRelay, type Relay, type RelayInit } from '../src/node/relay/server.ts'
import { openStore } from '../src/storage/open-store.ts'
import type { Store } from '../src/storage/store.ts'
import { systemClock } from '../src/system-clock.ts'
import { maxDescriptors } from './descriptors.ts'
import type { Figure } from './exposition.ts'
import { keeperFigures, processFigures, relayFigures, rendezvousFigures } from './figures.ts'
import { Journal, type JournalLog } from './journal.ts'
import type { Quotas } from './keeper/constants.ts'
import { createKeeper, type KeeperService } from './keeper/index.ts'
import type { KeeperPolicy } from './keeper/policy.ts'
import { LoopDelay } from './loop-delay.ts'
import type { Metrics } from './metrics.ts'
import { type Reach, reachOf } from './reach.ts'
import { type RelayStatus, statusOf } from './status.ts'

export interface StartRelayInit {
  /** Where its key is; made if it is not there. */
  dataDir: string
  passphrase?: string | undefined
  /** Multiaddrs. @default TCP 4747 and WebSocket 4748 of all interfaces */
  listen?: string[] | undefined
  /** Multiaddrs under which it is reached from elsewhere. */
  announce?: string[] | undefined
  /** Ask the router for a port that leads here. @default false */
  upnp?: boolean | undefined
  /** Keep sealed messages for who is away: for whom, and within which quotas. @default nobody */
  keep?: (KeeperPolicy & { quotas?: Partial<Quotas> | undefined }) | undefined
  /** The program's. */
  version: string
  logger?: ComponentLogger | undefined
  /** Where it logs what its operator wants to know. */
  log?: RelayLog | undefined
  /** Serve `/metrics` and `/healthz` on this port of 127.0.0.1; 0: any free one. */
  metrics?: number | undefined
}

export interface RelayLog extends JournalLog {
  error(fields: object, message: string): void
}

type Service = NonNullable<RelayInit['services']>[string]
type Listener = (detail: never) => void

const KEY = ['node', 'relay'] as const
const SEED_LENGTH = 32
/** How long a dial that somebody asked for may take, in milliseconds. */
const DIAL_PATIENCE = 15_000

/**
 * Opens the store, and starts the relay.
 * @throws LockedError, WrongPassphraseError, StoreInUseError, DamagedStoreError, StorageError, InvalidArgumentError
 */
export async function startRelay(init: StartRelayInit): Promise<RelayProcess> {
  const { dataDir, passphrase, logger } = init
  const { store } = await openStore({
    dataDir,
    crypto: nativeCrypto,
    create: true,
    ...(passphrase === undefined ? {} : { passphrase }),
  })
  try {
    const relay = await createRelay({
      seed: await keyOf(store),
      ...(init.listen === undefined ? {} : { listen: init.listen }),
      ...(init.announce === undefined ? {} : { announce: init.announce }),
      ...(logger === undefined ? {} : { logger }),
      upnp: init.upnp ?? false,
      ...(init.keep === undefined ? {} : { services: { keeper: keeperOf(store, init.keep) } }),
    })
    const running = new RelayProcess(relay, store, init)
    await running.start(init)
    return running
  } catch (error) {
    await store.close()
    throw error
  }
}

function keeperOf(store: Store, policy: NonNullable<StartRelayInit['keep']>): Service {
  return createKeeper({ ...policy, store, crypto: nativeCrypto, clock: systemClock }) as Service
}

/** The same at every start: people have written it down. */
async function keyOf(store: Store): Promise<Uint8Array> {
  const kept = await store.get(KEY)
  if (kept !== undefined && kept.length !== SEED_LENGTH) throw new DamagedStoreError("the relay's key is malformed")
  if (kept !== undefined) return kept
  const seed = nativeCrypto.randomBytes(SEED_LENGTH)
  await store.batch([{ type: 'put', key: KEY, value: seed }])
  return seed
}

/** What `relay --json` and `relay status` talk to. */
export class RelayProcess {
  /** Resolves when somebody has asked it to stop. */
  readonly stopping: Promise<void>
  readonly #relay: Relay
  readonly #store: Store
  readonly #version: string
  readonly #since = new Date()
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #loop = new LoopDelay()
  readonly #log: RelayLog | undefined
  readonly #journal: Journal | undefined
  #metrics: Metrics | undefined
  #askToStop: () => void = () => undefined
  #stopped: Promise<void> | undefined

  constructor(relay: Relay, store: Store, { version, log }: Pick<StartRelayInit, 'version' | 'log'>) {
    this.#relay = relay
    this.#store = store
    this.#version = version
    this.#log = log
    if (log !== undefined) this.#journal = new Journal({ log, counts: () => relay.counts(), maxDescriptors: maxDescriptors() })
    this.stopping = new Promise((resolve) => {
      this.#askToStop = resolve
    })
    relay.libp2p.addEventListener('peer:connect', ({ detail }) => this.#tellPeer(detail.toString(), 'connected'))
    relay.libp2p.addEventListener('peer:disconnect', ({ detail }) => this.#tellPeer(detail.toString(), 'disconnected'))
  }

  /** @throws InvalidArgumentError; everything that was opened is closed then, except the store */
  async start({ metrics: port }: Pick<StartRelayInit, 'metrics'>): Promise<void> {
    try {
      this.#loop.start()
      if (port !== undefined) await this.#serveMetrics(port)
      await this.#relay.start()
    } catch (error) {
      await this.#end()
      throw error
    }
    const { reach } = this
    this.#journal?.start({ version: this.#version, peerId: this.#relay.peerId, addresses: this.addresses(), reach })
  }

  addresses(): string[] {
    return this.#relay.addresses()
  }

  get reach(): Reach {
    return reachOf(this.addresses())
  }

  /** Where `/metrics` and `/healthz` are; undefined if they are not served. */
  get metricsPort(): number | undefined {
    return this.#metrics?.port
  }

  /** Why it is not well, in a few words; undefined while it is. */
  problem(): string | undefined {
    if (!this.#relay.isListening) return 'it does not listen'
    return this.#loop.isBehind ? 'it cannot keep up' : undefined
  }

  async #serveMetrics(port: number): Promise<void> {
    const { serveMetrics } = await import('./metrics.ts')
    this.#metrics = await serveMetrics({
      port,
      figures: this.#figures(),
      problem: () => this.problem(),
      onDefect: (error) => this.#log?.error({ err: error }, 'a defect of the metrics'),
    })
  }

  #figures(): Figure[] {
    return [
      ...relayFigures(() => this.#relay.counts()),
      ...rendezvousFigures(() => this.#relay.rendezvous.figures()),
      ...(this.#keeper === undefined ? [] : keeperFigures(() => this.#keeper?.status())),
      ...processFigures(this.#version, this.#loop),
    ]
  }

  status(): Promise<RelayStatus> {
    return statusOf(this.#relay, { version: this.#version, since: this.#since, kept: this.#keeper?.status() })
  }

  get #keeper(): KeeperService | undefined {
    return (this.#relay.libp2p.services as { keeper?: KeeperService }).keeper
  }

  async peers(): Promise<Peer[]> {
    return this.#relay.libp2p.getConnections().map(({ remotePeer, remoteAddr, direction, rtt }) => ({
      peerId: remotePeer.toString(),
      addresses: [remoteAddr.toString()],
      via: 'direct' as const,
      direction,
      ...(rtt === undefined ? {} : { latencyMs: rtt }),
      rooms: [],
    }))
  }

  /** @throws InvalidArgumentError, UnreachableError */
  async connect({ address }: { address: string }): Promise<Peer> {
    let target: ReturnType<typeof multiaddr>
    try {
      target = multiaddr(address)
    } catch (error) {
      throw new InvalidArgumentError('address', `not a multiaddr: ${address}`, { cause: error })
    }
    try {
      const { remotePeer } = await this.#relay.libp2p.dial(target, { signal: AbortSignal.timeout(DIAL_PATIENCE) })
      const peer = (await this.peers()).find(({ peerId }) => peerId === remotePeer.toString())
      if (peer !== undefined) return peer
    } catch (error) {
      throw new UnreachableError(`could not reach ${address}: ${reason(error)}`, { cause: error })
    }
    throw new UnreachableError(`could not reach ${address}: the other side hung up`)
  }

  /** @throws InvalidArgumentError */
  async disconnect({ peerId }: { peerId: string }): Promise<void> {
    let peer: ReturnType<typeof peerIdFromString>
    try {
      peer = peerIdFromString(peerId)
    } catch (error) {
      throw new InvalidArgumentError('peerId', `not a peer id: ${peerId}`, { cause: error })
    }
    await this.#relay.libp2p.hangUp(peer)
  }

  /** Closes everything. Idempotent. */
  stop(): Promise<void> {
    this.#askToStop()
    this.#stopped ??= this.#end().finally(() => this.#store.close())
    return this.#stopped
  }

  /** The metrics last: they say how it is until it is gone. */
  async #end(): Promise<void> {
    this.#journal?.stop()
    try {
      await this.#relay.stop()
    } finally {
      await this.#metrics?.close()
      this.#loop.stop()
    }
  }

  on<K extends keyof ClientEvents>(type: K, listener: (detail: ClientEvents[K]) => void): void {
    const set = this.#listeners.get(type) ?? new Set<Listener>()
    this.#listeners.set(type, set.add(listener as Listener))
  }

  off<K extends keyof ClientEvents>(type: K, listener: (detail: ClientEvents[K]) => void): void {
    this.#listeners.get(type)?.delete(listener as Listener)
  }

  #tellPeer(peerId: string, change: 'connected' | 'disconnected'): void {
    for (const listener of this.#listeners.get('peer') ?? []) listener({ peerId, change, via: 'direct' } as never)
  }
}
