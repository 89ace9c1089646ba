/** One peer's place on the simulated network: topics with gossipsub's habits, and streams. */
import type { Channel, KeeperPeer, Network, TopicValidator, Verdict } from '../../src/chat/seams.ts'
import { type ChannelEnd, NetworkError } from './channel.ts'
import { QUIET } from './clock.ts'
import type { Link } from './link.ts'
import type { SimNetwork } from './network.ts'

/** gossipsub's seenTTL, in milliseconds. */
const SEEN_TTL = 120_000
/** Peers that a message is passed on to: gossipsub's mesh. */
const FANOUT = 3
/** A peer that does not answer is given up. Milliseconds. */
const DIAL_TIMEOUT = 10_000

/** Bytes under way on a topic, hashed once. */
export interface Message {
  id: number
  topic: string
  bytes: Uint8Array
}

export class Endpoint implements Network {
  readonly self: string
  /** Its place: two endpoints with one peer id have two of them. */
  readonly address: number
  readonly #network: SimNetwork
  readonly links = new Set<Link>()
  readonly #topics = new Map<string, TopicValidator>()
  readonly #seen = new Map<number, number>()
  readonly #refused = new Set<number>()
  readonly #handlers = new Map<string, (channel: Channel) => Promise<void>>()
  #listener: Parameters<Network['onMate']>[0] = () => undefined
  #onKeeper: Parameters<Network['onKeeper']>[0] = () => undefined
  #wanted: KeeperPeer[] = []
  alive = true

  constructor(network: SimNetwork, self: string, address: number) {
    this.#network = network
    this.self = self
    this.address = address
  }

  peerOf(device: Uint8Array): string {
    return this.#network.peerOf(device)
  }

  publish(topic: string, bytes: Uint8Array): void {
    if (!this.alive) return
    const message = this.#network.message(topic, bytes)
    this.#network.published(this, message)
    this.#seen.set(message.id, this.#network.time.now)
    for (const link of this.links) if (link.topicsOf(this).has(topic)) this.#pass(link, message)
  }

  /** To some peers only and faster than anybody, as no honest gossipsub does. */
  publishTo(peers: readonly string[], topic: string, bytes: Uint8Array): void {
    const message = this.#network.message(topic, bytes)
    for (const link of this.links) if (peers.includes(link.other(this).self)) this.#pass(link, message, true)
  }

  #pass(link: Link, message: Message, rush = false): void {
    const to = link.other(this)
    link.toss(this, () => to.#take(this, message), rush)
  }

  hasSeen(message: Message): boolean {
    const at = this.#seen.get(message.id)
    return at !== undefined && this.#network.time.now - at < SEEN_TTL
  }

  /**
   * Marked as seen before it is judged, as gossipsub does: whatever the verdict, the same bytes are not looked at again, and whoever
   * brings bytes that were refused before is charged for them.
   */
  #take(from: Endpoint, message: Message): unknown {
    const validator = this.#topics.get(message.topic)
    if (!this.alive || validator === undefined) return QUIET
    if (this.hasSeen(message)) {
      if (this.#refused.has(message.id)) this.#network.rejected(this, from, message)
      return QUIET
    }
    this.#seen.set(message.id, this.#network.time.now)
    const verdict = this.#judge(validator, from, message)
    if (verdict instanceof Promise) return verdict.then((late) => this.#act(late, from, message))
    return this.#act(verdict, from, message)
  }

  #judge(validator: TopicValidator, from: Endpoint, message: Message): Verdict | Promise<Verdict> {
    try {
      return validator(from.self, message.bytes)
    } catch (error) {
      this.#network.crashed(this, error)
      return 'ignore'
    }
  }

  #act(verdict: Verdict, from: Endpoint, message: Message): unknown {
    if (verdict === 'reject') {
      this.#refused.add(message.id)
      this.#network.rejected(this, from, message)
    }
    if (verdict !== 'accept' || !this.alive) return QUIET
    const lacking = [...this.links].filter((link) => {
      const to = link.other(this)
      return to !== from && link.topicsOf(this).has(message.topic) && !to.hasSeen(message)
    })
    for (const link of this.#network.random.shuffled(lacking).slice(0, FANOUT)) this.#pass(link, message)
    return undefined
  }

  subscribe(topic: string, validator: TopicValidator): void {
    this.#topics.set(topic, validator)
    for (const link of this.links) this.#announce(link, topic, true)
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic)
    for (const link of this.links) this.#announce(link, topic, false)
  }

  #announce(link: Link, topic: string, subscribed: boolean): void {
    const to = link.other(this)
    link.carry(this, () => to.#heard(link, topic, subscribed))
  }

  #heard(link: Link, topic: string, subscribed: boolean): void {
    const was = this.#isMate(topic, link.other(this).self)
    if (subscribed) link.topicsOf(this).add(topic)
    else link.topicsOf(this).delete(topic)
    this.#compare(topic, link.other(this).self, was)
  }

  #isMate(topic: string, peer: string): boolean {
    for (const link of this.links) if (link.other(this).self === peer && link.topicsOf(this).has(topic)) return true
    return false
  }

  #compare(topic: string, peer: string, was: boolean): void {
    const is = this.#isMate(topic, peer)
    if (this.alive && is !== was && this.#topics.has(topic)) this.#listener(topic, peer, is ? 'joined' : 'left')
  }

  mates(topic: string): string[] {
    const mates = new Set<string>()
    if (this.#topics.has(topic))
      for (const link of this.links) if (link.topicsOf(this).has(topic)) mates.add(link.other(this).self)
    return [...mates]
  }

  onMate(listener: Parameters<Network['onMate']>[0]): void {
    this.#listener = listener
  }

  keepers(): KeeperPeer[] {
    return this.#wanted.filter(({ peer }) => this.#isConnected(peer))
  }

  onKeeper(listener: Parameters<Network['onKeeper']>[0]): void {
    this.#onKeeper = listener
  }

  /** These are its keepers. */
  keptBy(keepers: KeeperPeer[]): void {
    this.#wanted = keepers
  }

  #isConnected(peer: string): boolean {
    return [...this.links].some((link) => link.other(this).self === peer)
  }

  async handle(protocol: string, accept: (channel: Channel) => Promise<void>): Promise<void> {
    this.#handlers.set(protocol, accept)
  }

  async open(peer: string, protocol: string): Promise<Channel> {
    const link = [...this.links].reverse().find((each) => each.other(this).self === peer)
    if (link === undefined || !this.alive) throw new NetworkError('not connected')
    const [near, far] = link.channel(this)
    const to = link.other(this)
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#network.time.after(DIAL_TIMEOUT, () => reject(new NetworkError('the peer does not answer')))
      link.carry(this, () => {
        const accept = to.#handlers.get(protocol)
        link.carry(to, () => {
          cancel()
          if (accept === undefined) reject(new NetworkError('the peer does not speak this protocol'))
          else resolve()
        })
        if (accept !== undefined && to.alive) void to.#serve(accept, far)
      })
    })
    return near
  }

  async #serve(accept: (channel: Channel) => Promise<void>, channel: ChannelEnd): Promise<void> {
    try {
      await accept(channel)
    } catch (error) {
      this.#network.failed(this, error, channel.peer)
      channel.abort(error instanceof Error ? error : new Error('failed'))
    }
  }

  linked(link: Link): void {
    const peer = link.other(this).self
    const keeper = this.#isConnected(peer) ? undefined : this.#wanted.find((each) => each.peer === peer)
    this.links.add(link)
    if (keeper !== undefined) this.#onKeeper(keeper, 'joined')
    for (const topic of this.#topics.keys()) this.#announce(link, topic, true)
  }

  unlinked(link: Link): void {
    const peer = link.other(this).self
    const were = [...link.topicsOf(this)]
    this.links.delete(link)
    for (const topic of were) this.#compare(topic, peer, true)
    const keeper = this.#isConnected(peer) ? undefined : this.#wanted.find((each) => each.peer === peer)
    if (keeper !== undefined && this.alive) this.#onKeeper(keeper, 'left')
  }
}
