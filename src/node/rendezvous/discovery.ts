import type { Libp2pEvents, Logger, PeerId, Startable, TypedEventTarget } from '@libp2p/interface'
import { type Clock, systemClock, within } from '../clock.ts'
import { RendezvousClient, type RendezvousClientComponents } from './client.ts'
import { GOODBYE_TIMEOUT, MAX_NAMESPACES, MAX_POINTS } from './constants.ts'
import type { RendezvousDiscovery, RendezvousDiscoveryInit } from './index.ts'
import { isNamespace } from './namespace.ts'
import { Point } from './point.ts'

export interface RendezvousDiscoveryComponents extends RendezvousClientComponents {
  events: TypedEventTarget<Libp2pEvents>
}

/** See `rendezvousDiscovery`. */
export class Discovery implements RendezvousDiscovery, Startable {
  readonly [Symbol.toStringTag] = 'p2pnode/rendezvous-discovery'
  readonly #events: TypedEventTarget<Libp2pEvents>
  readonly #client: RendezvousClient
  readonly #clock: Clock
  readonly #init: RendezvousDiscoveryInit
  readonly #log: Logger
  readonly #namespaces = new Set<string>()
  /** By peer id; without what is done there while this is not started. */
  readonly #points = new Map<string, { peer: PeerId; point: Point | undefined }>()
  #announced = ''
  #started = false

  constructor(components: RendezvousDiscoveryComponents, init: RendezvousDiscoveryInit) {
    this.#events = components.events
    this.#init = init
    this.#clock = init.clock ?? systemClock
    this.#client = new RendezvousClient(components, { clock: this.#clock })
    this.#log = components.logger.forComponent('p2pnode:rendezvous')
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.#announced = this.#client.addresses
    this.#events.addEventListener('self:peer:update', this.#onUpdate)
    for (const entry of this.#points.values()) entry.point = this.#open(entry.peer)
  }

  /** While there are connections still. */
  async beforeStop(): Promise<void> {
    if (!this.#started) return
    this.#started = false
    this.#events.removeEventListener('self:peer:update', this.#onUpdate)
    const open = [...this.#points.values()].flatMap(({ point }) => point ?? [])
    for (const entry of this.#points.values()) entry.point = undefined
    await within(this.#clock, GOODBYE_TIMEOUT, async (signal) => {
      await Promise.all(open.map((point) => point.goodbye(signal)))
    })
  }

  async stop(): Promise<void> {
    await this.beforeStop()
  }

  addPoint(peer: PeerId): boolean {
    const id = peer.toString()
    if (this.#points.has(id)) return true
    if (this.#points.size >= MAX_POINTS) return false
    this.#points.set(id, { peer, point: this.#started ? this.#open(peer) : undefined })
    return true
  }

  removePoint(peer: PeerId): void {
    const id = peer.toString()
    this.#points.get(id)?.point?.close()
    this.#points.delete(id)
  }

  join(namespace: string): void {
    if (!isNamespace(namespace)) throw new RangeError('a namespace is 1 to 255 bytes of UTF-8')
    if (this.#namespaces.has(namespace)) return
    if (this.#namespaces.size >= MAX_NAMESPACES) throw new RangeError(`at most ${MAX_NAMESPACES} namespaces`)
    this.#namespaces.add(namespace)
    for (const { point } of this.#points.values()) point?.join(namespace)
  }

  leave(namespace: string): void {
    if (!this.#namespaces.delete(namespace)) return
    for (const { point } of this.#points.values()) point?.leave(namespace)
  }

  points(): { peerId: string; registered: number }[] {
    return [...this.#points].map(([peerId, { point }]) => ({ peerId, registered: point?.registered ?? 0 }))
  }

  #open(peer: PeerId): Point {
    const { onPeer, ttl, random = Math.random } = this.#init
    const point = new Point(peer, { client: this.#client, clock: this.#clock, random, log: this.#log, ttl, onPeer })
    for (const namespace of this.#namespaces) point.join(namespace)
    return point
  }

  /** libp2p tells of every change of this peer; only its addresses are others' business. */
  readonly #onUpdate = (): void => {
    const { addresses } = this.#client
    if (addresses === this.#announced) return
    this.#announced = addresses
    for (const { point } of this.#points.values()) point?.announce()
  }
}
