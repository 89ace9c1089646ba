import type { Connection, Libp2pEvents, Logger, PeerId, PeerInfo, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { idIn, withId } from './addresses.ts'
import {
  DIAL_TIMEOUT,
  DISCOVERY_TTL,
  FIRST_BACKOFF,
  HURRY,
  LAST_BACKOFF,
  LAST_RELAY_BACKOFF,
  MAX_CONFIGURED,
  MAX_DIALS,
  MAX_HINTS,
  MAX_TARGETS,
  MIN_REDIAL,
  PAUSE,
  SHORT_LIVED,
  TIE_BREAK,
} from './constants.ts'
import { DialQueue } from './dial-queue.ts'
import { reason } from './reason.ts'
import { hint, type Target, TargetList } from './targets.ts'

/** Times in milliseconds. */
export interface SupervisorInit {
  /** The first pause before a lost peer is dialled again. @default 500 */
  firstBackoff?: number
  /** Pauses double up to this. @default 30,000 */
  lastBackoff?: number
  /** How much time the peer with the larger id gives the other to dial first. @default 2,000 */
  tieBreak?: number
  /** How long a peer heard of on the LAN is dialled. @default 60,000 */
  discoveryTtl?: number
  /** At most so many dials at a time. @default 16 */
  maxDials?: number
}

export interface SupervisorComponents {
  peerId: PeerId
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
  /** Peers that must not be dialled now. */
  isBanned(peer: string): boolean
  /** Nobody has to be found any more: who was named by a point or the DHT is not dialled. */
  hasEnough?: (() => boolean) | undefined
  /** Connections whose address led nowhere at any other time. */
  isPunched?: ((connection: Connection) => boolean) | undefined
}

/** Somebody that was to be dialled. */
export interface DialView {
  address: string
  /** Once it is known. */
  peer: string | undefined
  relay: boolean
  connected: boolean
  /** Why the last dial failed. */
  problem?: string
}

/**
 * Decides whom to dial, and when again: libp2p dials nobody by itself, and tells of a new peer only once.
 *
 * A peer is *wanted* while it is configured (`connect`), kept (the chat shares a room with it) or was heard of on the LAN lately.
 * A wanted peer without a connection is dialled after a pause that doubles with each failure, and at once when it is heard of
 * again. Configured addresses are never given up.
 */
export class Supervisor {
  readonly #components: SupervisorComponents
  readonly #init: Required<SupervisorInit>
  readonly #log: Logger
  readonly #self: string
  readonly #targets: TargetList
  readonly #queue: DialQueue
  readonly #paused = new Map<string, number>()
  readonly #connectedAt = new Map<string, number>()
  #stopping: AbortController | undefined
  #hurriedAt = Number.NEGATIVE_INFINITY

  constructor(components: SupervisorComponents, log: Logger, init: SupervisorInit = {}) {
    this.#components = components
    this.#log = log
    this.#self = components.peerId.toString()
    this.#init = {
      firstBackoff: init.firstBackoff ?? FIRST_BACKOFF,
      lastBackoff: init.lastBackoff ?? LAST_BACKOFF,
      tieBreak: init.tieBreak ?? TIE_BREAK,
      discoveryTtl: init.discoveryTtl ?? DISCOVERY_TTL,
      maxDials: init.maxDials ?? MAX_DIALS,
    }
    this.#targets = new TargetList(MAX_TARGETS, (target) => this.#isConnected(target))
    this.#queue = new DialQueue(this.#init.maxDials, (target) => this.#begin(target))
  }

  start(): void {
    if (this.#stopping !== undefined) return
    this.#stopping = new AbortController()
    const { events } = this.#components
    events.addEventListener('peer:connect', this.#onConnect)
    events.addEventListener('peer:disconnect', this.#onDisconnect)
    events.addEventListener('connection:open', this.#onOpen)
    for (const target of this.#targets) this.#schedule(target, 0)
  }

  stop(): void {
    if (this.#stopping === undefined) return
    this.#stopping.abort(new Error('the peer stops'))
    this.#stopping = undefined
    const { events } = this.#components
    events.removeEventListener('peer:connect', this.#onConnect)
    events.removeEventListener('peer:disconnect', this.#onDisconnect)
    events.removeEventListener('connection:open', this.#onOpen)
    for (const target of this.#targets) this.#clear(target)
    this.#queue.clear()
  }

  /** Dials `address` now and for good. @throws what libp2p throws when the first dial fails; it goes on dialling */
  async connect(address: Multiaddr): Promise<Connection> {
    const target = this.configure(address)
    if (target.peer !== undefined) this.#paused.delete(target.peer)
    this.#clear(target)
    return await this.#dial(target)
  }

  /** Dials `address` from the start on, and for good; a relay with shorter pauses. */
  configure(address: Multiaddr, { relay = false } = {}): Target {
    const peer = idIn(address)
    const target = this.#targets.at(address.toString(), peer)
    if (!target.configured && this.#targets.configured >= MAX_CONFIGURED) {
      throw new RangeError(`at most ${MAX_CONFIGURED} addresses can be kept dialled`)
    }
    target.configured = true
    target.relay ||= relay
    hint(target, address)
    if (this.#stopping !== undefined) this.#schedule(target, 0)
    return target
  }

  /** Heard of on the LAN, perhaps again. Whoever claims it proves it in the handshake only. */
  discovered({ id, multiaddrs }: PeerInfo): void {
    const peer = id.toString()
    if (peer === this.#self) return
    const target = this.#targets.of(peer)
    target.heardAt = performance.now()
    for (const address of multiaddrs.slice(0, MAX_HINTS).reverse()) hint(target, address)
    if (this.#stopping === undefined || this.#isConnected(target)) return
    target.failures = 0
    this.#schedule(target, Math.max(0, target.dialledAt + MIN_REDIAL - performance.now()) + this.#politeness(peer))
  }

  /**
   * Named by a point or the DHT as one that may be there: it may be long gone, and is dialled at once only where that is news.
   *
   * @returns false where there are enough: it is not remembered, and is to be named again
   */
  found(peer: PeerInfo): boolean {
    if (this.#components.hasEnough?.() === true) return false
    const known = this.#targets.get(peer.id.toString())
    const isNews = known === undefined || peer.multiaddrs.some((address) => !known.hints.includes(address.toString()))
    if (isNews || known.failures === 0) this.discovered(peer)
    else known.heardAt = performance.now()
    return true
  }

  /** The chat shares a room with this peer: it is dialled again when lost, until `forget`. */
  keep(peer: string): void {
    const target = this.#targets.of(peer)
    if (target.kept) return
    target.kept = true
    if (this.#stopping !== undefined) this.#schedule(target, 0)
  }

  forget(peer: string): void {
    const target = this.#targets.get(peer)
    if (target === undefined) return
    target.kept = false
    if (!this.#isWanted(target)) this.#clear(target)
  }

  /** A way to others is open that was not: whoever is wanted and not connected is dialled soon. */
  retry(): void {
    if (this.#stopping === undefined) return
    for (const target of this.#targets) {
      target.failures = 0
      if (this.#mayDial(target)) this.#schedule(target, this.#politeness(target.peer ?? ''))
    }
  }

  /** The network is another: whoever is wanted and not connected is dialled now, and who is found to be lost at once. */
  hurry(): void {
    if (this.#stopping === undefined) return
    this.#hurriedAt = performance.now()
    for (const target of this.#targets) {
      target.failures = 0
      if (this.#mayDial(target)) this.#schedule(target, 0)
    }
  }

  /** What was configured, as it stands. */
  configured(): DialView[] {
    return [...this.#targets].flatMap((target) => {
      const { configured, key, hints, peer, problem, relay } = target
      const why = problem === undefined ? {} : { problem }
      return configured ? [{ address: hints[0] ?? key, peer, relay, connected: this.#isConnected(target), ...why }] : []
    })
  }

  /** Peers heard of on the LAN lately. */
  heard(): number {
    return [...this.#targets].filter(({ heardAt }) => performance.now() - heardAt < this.#init.discoveryTtl).length
  }

  /** Whether a connection to this peer serves a purpose. */
  isWanted(peer: string): boolean {
    const target = this.#targets.get(peer)
    return target !== undefined && this.#isWanted(target)
  }

  /** Not dialled for a while, and no longer configured. */
  pause(peer: string): void {
    const now = performance.now()
    for (const [other, until] of this.#paused) if (until < now) this.#paused.delete(other)
    this.#paused.set(peer, now + PAUSE)
    const target = this.#targets.get(peer)
    if (target === undefined) return
    target.configured = false
    target.failures = 0
    this.#clear(target)
  }

  readonly #onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.#connectedAt.set(peer, performance.now())
    const target = this.#targets.get(peer)
    if (target !== undefined) this.#clear(target)
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    const lived = performance.now() - (this.#connectedAt.get(peer) ?? Number.NEGATIVE_INFINITY)
    this.#connectedAt.delete(peer)
    const target = this.#targets.get(peer)
    if (target === undefined) return
    target.failures = lived < SHORT_LIVED ? target.failures + 1 : 0
    // The other side knows of nothing yet, or not where we are.
    const hurried = performance.now() - this.#hurriedAt < HURRY
    this.#schedule(target, hurried ? 0 : this.#backoff(target) + this.#politeness(peer))
  }

  /** What was dialled once can be dialled again, also when the peer store has forgotten it. */
  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    if (detail.direction !== 'outbound' || this.#components.isPunched?.(detail) === true) return
    const target = this.#targets.get(detail.remotePeer.toString())
    if (target !== undefined) hint(target, detail.remoteAddr)
  }

  #isConnected({ peer }: Target): boolean {
    if (peer === undefined) return false
    return this.#components.connectionManager.getConnections(peerIdFromString(peer)).some(({ status }) => status === 'open')
  }

  #isWanted(target: Target): boolean {
    return target.configured || target.kept || performance.now() - target.heardAt < this.#init.discoveryTtl
  }

  #mayDial(target: Target): boolean {
    if (this.#stopping === undefined || !this.#isWanted(target) || this.#isConnected(target)) return false
    if (target.peer === undefined) return true
    return !this.#components.isBanned(target.peer) && (this.#paused.get(target.peer) ?? 0) < performance.now()
  }

  /** Two that find, or lose, each other at once would both dial. */
  #politeness(peer: string): number {
    return this.#self > peer ? this.#init.tieBreak : 0
  }

  #backoff({ failures, relay }: Target): number {
    const last = relay ? Math.min(this.#init.lastBackoff, LAST_RELAY_BACKOFF) : this.#init.lastBackoff
    const pause = Math.min(last, this.#init.firstBackoff * 2 ** Math.min(failures, 16))
    return pause * (0.75 + Math.random() / 2)
  }

  /** Dials in `delay` ms, or earlier if that was planned. */
  #schedule(target: Target, delay: number): void {
    if (target.dialling) return
    const at = performance.now() + delay
    if (target.timer !== undefined && target.due <= at) return
    clearTimeout(target.timer)
    target.due = at
    target.timer = setTimeout(() => {
      target.timer = undefined
      this.#queue.add(target)
    }, delay)
  }

  #clear(target: Target): void {
    clearTimeout(target.timer)
    target.timer = undefined
    this.#queue.remove(target)
  }

  #begin(target: Target): void {
    if (target.dialling || !this.#mayDial(target)) return
    this.#dial(target).catch((error: unknown) => this.#log('could not dial %s - %e', target.key, error))
  }

  async #dial(target: Target): Promise<Connection> {
    target.dialling = true
    target.dialledAt = performance.now()
    this.#queue.begun()
    try {
      const connection = await this.#open(target)
      target.peer = connection.remotePeer.toString()
      this.#targets.bind(target)
      target.problem = undefined
      return connection
    } catch (error) {
      target.failures++
      target.problem = reason(error)
      throw error
    } finally {
      target.dialling = false
      if (this.#mayDial(target)) this.#schedule(target, this.#backoff(target))
      this.#queue.ended()
    }
  }

  /** By the addresses known to work, then by whatever else the peer store has. */
  async #open({ peer, hints }: Target): Promise<Connection> {
    const { connectionManager } = this.#components
    const limit = AbortSignal.timeout(DIAL_TIMEOUT)
    const signal = this.#stopping === undefined ? limit : AbortSignal.any([this.#stopping.signal, limit])
    const id = peer === undefined ? undefined : peerIdFromString(peer)
    if (hints.length === 0 && id !== undefined) return await connectionManager.openConnection(id, { signal })
    try {
      const addresses = hints.map((address) => multiaddr(address))
      return await connectionManager.openConnection(id === undefined ? addresses : addresses.map((at) => withId(at, id)), {
        signal,
      })
    } catch (error) {
      if (id === undefined || signal.aborted) throw error
      return await connectionManager.openConnection(id, { signal }).catch(() => {
        throw error
      })
    }
  }
}
