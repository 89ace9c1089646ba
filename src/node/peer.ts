import type { Libp2p, Logger, PeerId } from '@libp2p/interface'
import { TypedEventEmitter } from '@libp2p/interface'
import { isPrivate } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ClosedError, InvalidArgumentError, UnreachableError } from '../errors.ts'
import { idIn, parse, parseId, relaysOf } from './addresses.ts'
import { Bans } from './bans.ts'
import { Connections } from './connections.ts'
import { PING_TIMEOUT, SCORE_BAN } from './constants.ts'
import type { Diagnosis, Peer, PeerEvents, PeerInit, PeerView, RelayView } from './index.ts'
import type { Lan } from './lan.ts'
import { LateDht } from './late-dht.ts'
import { LatePortMapping } from './late-port-mapping.ts'
import type { Components } from './libp2p.ts'
import { type Assembled, assemble } from './libp2p.ts'
import { boundPort, confirmOwn, listenOn, listenOnPort } from './listen.ts'
import { NetworkChange } from './network-change.ts'
import type { Preset } from './presets.ts'
import { probe } from './probe.ts'
import { reason } from './reason.ts'
import type { Relayed } from './relay/index.ts'
import type { Reservations, ReservationsComponents } from './relay/reservations.ts'
import type { RendezvousDiscovery } from './rendezvous/index.ts'
import { isRelayed, rank } from './settle.ts'
import { Supervisor } from './supervisor.ts'
import { GossipWatch } from './watch.ts'

/** A peer on the platform that `preset` is for. See `createPeer`. */
export async function createPeerWith(preset: Preset, init: PeerInit): Promise<Peer> {
  for (const address of init.listen ?? []) parse('listen', address)
  for (const address of init.announce ?? []) parse('announce', address)
  const configured = (init.connect ?? []).map((address) => parse('connect', address))
  const relays = relaysOf(init)
  const ids = new Set(relays.map(idIn))
  const relayed =
    relays.length === 0
      ? undefined
      : await preset.relayed?.(
          (peer) => ids.has(peer),
          (found) => peer.supervisor.found(found),
        )
  const bans = new Bans()
  // Both are told only after start, when `peer` is there.
  const assembled = await assemble(
    preset,
    init,
    bans,
    (found) => peer.supervisor.discovered(found),
    (message) => peer.warn('LAN', message),
    (id) => peer.dht?.isErrand(id) ?? false,
    relayed,
  )
  const peer = new Libp2pPeer(assembled, init, bans, { configured, relays, relayed, preset })
  return peer
}

/** The discovery at relays is a service like others. */
function relayedComponents({ transportManager, events }: Components, libp2p: Libp2p): ReservationsComponents {
  const { rendezvous } = libp2p.services as unknown as { rendezvous: RendezvousDiscovery }
  return { transportManager, events, rendezvous }
}

/** Whom to reach, and by what. */
interface Given {
  configured: Multiaddr[]
  relays: Multiaddr[]
  relayed: Relayed | undefined
  preset: Preset
}

class Libp2pPeer extends TypedEventEmitter<PeerEvents> implements Peer {
  readonly libp2p: Libp2p
  readonly peerId: string
  readonly supervisor: Supervisor
  readonly dht: LateDht | undefined
  readonly #portMapping: LatePortMapping | undefined
  readonly #components: Components
  readonly #init: PeerInit
  readonly #bans: Bans
  readonly #watch: GossipWatch
  readonly #connections: Connections
  readonly #reservations: Reservations | undefined
  readonly #networkChange: NetworkChange | undefined
  readonly #discoveries: Assembled['discoveries']
  readonly #log: Logger
  readonly #via = new Map<string, PeerView['via']>()
  #hasEnough: () => boolean = () => false
  /** Namespaces in which others are looked for. */
  #met: ReadonlySet<string> = new Set()
  #running = false
  /** Starts and stops happen one after the other. */
  #turn: Promise<void> = Promise.resolve()

  constructor(
    { libp2p, components, discoveries }: Assembled,
    init: PeerInit,
    bans: Bans,
    { configured, relays, relayed, preset }: Given,
  ) {
    super()
    this.libp2p = libp2p
    this.peerId = libp2p.peerId.toString()
    this.#components = components
    this.#init = init
    this.#bans = bans
    this.#discoveries = discoveries
    this.#log = components.logger.forComponent('p2pnode:peer')
    const { peerId, connectionManager, events } = components
    this.supervisor = new Supervisor(
      {
        peerId,
        connectionManager,
        events,
        isBanned: (peer) => bans.has(peer),
        isPunched: relayed?.isPunched,
        hasEnough: () => this.#hasEnough(),
      },
      components.logger.forComponent('p2pnode:supervisor'),
      init.supervisor,
    )
    const known = [...configured, ...relays]
    this.dht = LateDht.create(preset, init, components, this.supervisor, known, relays.length > 0)
    this.#portMapping = LatePortMapping.create(preset, init, components, known)
    const watching = { onFlooder: this.#onFlooder, isErrand: (peer: string) => this.dht?.isErrand(peer) ?? false }
    this.#watch = new GossipWatch(components, watching, components.logger.forComponent('p2pnode:watch'))
    this.#reservations = relayed?.reservations(
      relayedComponents(components, libp2p),
      relays,
      components.logger.forComponent('p2pnode:relays'),
    )
    this.#connections = new Connections(libp2p, components, {
      isWanted: (peer) => this.supervisor.isWanted(peer),
      isRelay: (peer) => this.#reservations?.isRelay(peer) ?? false,
      contacts: () => this.dht?.contacts() ?? [],
      onRelay: () => this.supervisor.retry(),
      log: components.logger.forComponent('p2pnode:connections'),
    })
    this.#networkChange = preset.networks && new NetworkChange(this.#onNetworkChange, preset.networks)
    for (const address of configured) this.#configure(address)
    for (const address of relays) this.supervisor.configure(address, { relay: true })
  }

  async start(): Promise<void> {
    return await this.#inTurn(async () => {
      if (this.#running) return
      try {
        this.#listen(true)
        this.#watch.start()
        this.#connections.start()
        this.#reservations?.start()
        await this.libp2p.start()
        const { listen, port = 0 } = this.#init
        const { transportManager } = this.#components
        await (listen === undefined ? listenOnPort(transportManager, port) : listenOn(transportManager, listen))
        confirmOwn(transportManager, this.#components.addressManager)
        this.supervisor.start()
        this.#networkChange?.start()
        this.dht?.start()
        void this.#portMapping?.start()
        this.#running = true
      } catch (error) {
        await this.#close()
        throw error
      }
    })
  }

  async stop(): Promise<void> {
    return await this.#inTurn(async () => {
      if (this.#running) await this.#close()
    })
  }

  addresses(): string[] {
    return this.libp2p.getMultiaddrs().map(String)
  }

  port(): number | undefined {
    return boundPort(this.#components.transportManager.getAddrs())
  }

  peers(): PeerView[] {
    const views: PeerView[] = []
    for (const peer of this.libp2p.getPeers()) {
      const view = this.#view(peer)
      if (view !== undefined) views.push(view)
    }
    return views
  }

  relays(): RelayView[] {
    const dials = this.supervisor.configured()
    return (this.#reservations?.views() ?? []).map((view) => {
      const problem = view.connected ? view.problem : dials.find(({ peer }) => view.address.endsWith(peer ?? '?'))?.problem
      return { ...view, ...(problem === undefined ? {} : { problem }) }
    })
  }

  meet(namespaces: readonly string[], hasEnough = () => false): void {
    this.#hasEnough = hasEnough
    const { rendezvous } = this.libp2p.services as { rendezvous?: RendezvousDiscovery }
    const wanted = new Set(namespaces)
    for (const namespace of this.#met) if (!wanted.has(namespace)) rendezvous?.leave(namespace)
    for (const namespace of wanted) if (!this.#met.has(namespace)) rendezvous?.join(namespace)
    this.dht?.meet([...wanted])
    this.#met = wanted
  }

  diagnose(): Diagnosis {
    const { mdns = true } = this.#init
    const lan = this.#discoveries.find((each): each is Lan => 'view' in each)
    const { pubsub } = this.#components
    return {
      listening: this.addresses(),
      connections: this.libp2p.getConnections().length,
      lan: mdns && lan !== undefined ? { ...lan.view(), heard: this.supervisor.heard() } : undefined,
      dialled: this.supervisor.configured().filter(({ relay }) => !relay),
      relays: this.relays(),
      ...this.dht?.view(),
      ...this.#portMapping?.view(),
      namespaces: this.#met.size,
      topics: new Map(pubsub.getTopics().map((topic) => [topic, pubsub.getMeshPeers(topic).length])),
    }
  }

  async connect(address: string): Promise<PeerView> {
    if (!this.#running) throw new ClosedError('the peer is not started')
    const target = parse('address', address)
    if (idIn(target) === this.peerId) throw new InvalidArgumentError('address', `${address} is this peer itself`)
    if (this.#components.transportManager.dialTransportForMultiaddr(target) === undefined) {
      throw new InvalidArgumentError('address', `${address}: no transport here for that kind of address`)
    }
    try {
      const connection = await this.supervisor.connect(target)
      const view = this.#view(connection.remotePeer)
      if (view !== undefined) return view
    } catch (error) {
      if (error instanceof RangeError) throw new InvalidArgumentError('address', error.message)
      throw new UnreachableError(`could not reach ${address}: ${reason(error)}; it is tried again from time to time`, {
        cause: error,
      })
    }
    throw new UnreachableError(`could not reach ${address}: the other side hung up; it is tried again from time to time`)
  }

  async disconnect(peerId: string): Promise<void> {
    const peer = parseId(peerId)
    this.supervisor.pause(peerId)
    await this.libp2p.hangUp(peer, { signal: AbortSignal.timeout(PING_TIMEOUT) })
  }

  keep(peerId: string): void {
    if (peerId !== this.peerId) this.supervisor.keep(parseId(peerId).toString())
  }

  forget(peerId: string): void {
    this.supervisor.forget(peerId)
  }

  ban(peerId: string, milliseconds: number): void {
    const peer = parseId(peerId)
    this.#bans.add(peerId, milliseconds)
    for (const connection of this.libp2p.getConnections(peer)) connection.abort(new Error('banned'))
  }

  warn(code: string, message: string): void {
    this.safeDispatchEvent('warning', { detail: { code, message } })
  }

  async #inTurn(step: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(step)
    this.#turn = turn.catch(() => undefined)
    return await turn
  }

  /** In the reverse order of `start`, from wherever that came to. */
  async #close(): Promise<void> {
    this.#running = false
    this.#networkChange?.stop()
    this.supervisor.stop()
    this.#connections.stop()
    await Promise.all([this.dht?.stop(), this.#portMapping?.stop()])
    await this.libp2p.stop()
    this.#watch.stop()
    this.#reservations?.stop()
    this.#listen(false)
    this.#via.clear()
  }

  #listen(on: boolean): void {
    const { events } = this.#components
    const change = on ? 'addEventListener' : 'removeEventListener'
    events[change]('peer:connect', this.#onConnect)
    events[change]('peer:disconnect', this.#onDisconnect)
  }

  #configure(address: Multiaddr): void {
    if (idIn(address) === this.peerId) throw new InvalidArgumentError('connect', `${address} is this peer itself`)
    if (this.#init.offline && !isPrivate(address)) this.#log('offline: %a is not dialled', address)
    else this.supervisor.configure(address)
  }

  readonly #onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peerId = detail.toString()
    const via = this.#view(detail)?.via ?? 'direct'
    this.#via.set(peerId, via)
    this.safeDispatchEvent('connected', { detail: { peerId, via } })
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peerId = detail.toString()
    const via = this.#via.get(peerId) ?? 'direct'
    this.#via.delete(peerId)
    this.safeDispatchEvent('disconnected', { detail: { peerId, via } })
  }

  readonly #onFlooder = (peer: string, score: number): void => {
    this.#log('cutting %s: its score is %d', peer, score)
    this.ban(peer, SCORE_BAN)
    this.warn('FLOODER', `a peer that sent too much that is invalid is refused for ${SCORE_BAN / 60_000} minutes: ${peer}`)
  }

  /** What was open may be dead, what could not be reached may be near, and others know addresses of ours that are no more. */
  readonly #onNetworkChange = (): void => {
    this.#log('the network has changed, or this machine was asleep')
    const { transportManager, addressManager, events } = this.#components
    this.#connections.check()
    confirmOwn(transportManager, addressManager)
    // What the address manager waits for to tell others anew.
    for (const detail of transportManager.getListeners().slice(0, 1)) events.safeDispatchEvent('transport:listening', { detail })
    this.supervisor.hurry()
    this.#portMapping?.moved()
  }

  #view(peer: PeerId): PeerView | undefined {
    const open = this.libp2p.getConnections(peer).filter(({ status }) => status === 'open')
    const [best] = open.sort((a, b) => rank(this.peerId, a, b))
    if (best === undefined) return undefined
    if (best.rtt === undefined) {
      probe(best, AbortSignal.timeout(PING_TIMEOUT)).catch((error: unknown) => this.#log('no round trip to %p - %e', peer, error))
    }
    return {
      peerId: peer.toString(),
      addresses: [...new Set(open.map(({ remoteAddr }) => remoteAddr.toString()))],
      via: isRelayed(best) ? 'relay' : 'direct',
      direction: best.direction,
      ...(best.rtt === undefined ? {} : { latencyMs: best.rtt }),
    }
  }
}
