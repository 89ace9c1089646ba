/** `Network` over a libp2p peer: gossipsub topics and length-prefixed streams. */
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { ComponentLogger, Libp2pEvents, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { MAX_SYNCS_IN } from './constants.ts'
import { KEEP_PROTOCOL } from './keep-codec.ts'
import type { Channel, KeeperPeer, Network, TopicValidator } from './seams.ts'
import { handleChannels, plainBytes, StreamChannel } from './stream-channel.ts'

/** What is used of gossipsub. */
interface PubSub {
  topicValidators: Map<string, (peer: PeerId, message: { data: Uint8Array }) => unknown>
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  publish(topic: string, data: Uint8Array): Promise<unknown>
  getSubscribers(topic: string): PeerId[]
  addEventListener(type: 'subscription-change', listener: (event: CustomEvent<SubscriptionChange>) => void): void
}

interface SubscriptionChange {
  peerId: PeerId
  subscriptions: { topic: string; subscribe: boolean }[]
}

export interface NetworkComponents {
  peerId: PeerId
  registrar: Registrar
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  pubsub: PubSub
}

/** Open streams of one protocol on a connection, a side: a mate may share many rooms. */
const MAX_STREAMS = 4 * MAX_SYNCS_IN

export class Libp2pNetwork implements Network {
  readonly self: string
  readonly #components: NetworkComponents
  readonly #mates = new Map<string, Set<string>>()
  readonly #log
  #listener: Parameters<Network['onMate']>[0] | undefined
  /** Those that were configured, and which of them are there. */
  readonly #keepers: ReadonlyMap<string, KeeperPeer>
  readonly #present = new Map<string, KeeperPeer>()
  #keeperListener: Parameters<Network['onKeeper']>[0] | undefined

  /** `keepers`: peers that rooms are to be kept by, when they are connected and do such a thing. */
  constructor(components: NetworkComponents, keepers: readonly KeeperPeer[] = []) {
    this.#components = components
    this.#keepers = new Map(keepers.map((keeper) => [keeper.peer, keeper]))
    this.self = components.peerId.toString()
    this.#log = components.logger.forComponent('p2pnode:chat')
    components.pubsub.addEventListener('subscription-change', ({ detail }) => this.#subscriptions(detail))
    components.events.addEventListener('peer:disconnect', ({ detail }) => this.#gone(detail.toString()))
    if (keepers.length > 0) this.#watchKeepers()
  }

  /** That one is gone is heard where connections end: here libp2p tells of it only after it has looked into its store. */
  #watchKeepers(): void {
    const onConnect = (peerId: PeerId): void => {
      const keeper = this.#keepers.get(peerId.toString())
      if (keeper === undefined || this.#present.has(keeper.peer)) return
      this.#present.set(keeper.peer, keeper)
      this.#keeperListener?.(keeper, 'joined')
    }
    const topology = { onConnect, notifyOnLimitedConnection: true }
    this.#components.registrar
      .register(KEEP_PROTOCOL, topology)
      .catch((error) => this.#log.error('cannot look for keepers - %e', error))
  }

  #subscriptions({ peerId, subscriptions }: SubscriptionChange): void {
    const peer = peerId.toString()
    for (const { topic, subscribe } of subscriptions) {
      const mates = this.#mates.get(topic)
      if (mates === undefined || mates.has(peer) === subscribe) continue
      if (subscribe) mates.add(peer)
      else mates.delete(peer)
      this.#listener?.(topic, peer, subscribe ? 'joined' : 'left')
    }
  }

  #gone(peer: string): void {
    for (const [topic, mates] of this.#mates) if (mates.delete(peer)) this.#listener?.(topic, peer, 'left')
    const keeper = this.#present.get(peer)
    if (keeper === undefined) return
    this.#present.delete(peer)
    this.#keeperListener?.(keeper, 'left')
  }

  peerOf(device: Uint8Array): string {
    return peerIdFromPublicKey(publicKeyFromRaw(device)).toString()
  }

  publish(topic: string, bytes: Uint8Array): void {
    this.#components.pubsub.publish(topic, bytes).catch((error) => this.#log.error('could not publish - %e', error))
  }

  subscribe(topic: string, validator: TopicValidator): void {
    const { pubsub } = this.#components
    this.#mates.set(topic, new Set(pubsub.getSubscribers(topic).map(String)))
    pubsub.topicValidators.set(topic, (peer, { data }) => validator(peer.toString(), plainBytes(data)))
    pubsub.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    this.#mates.delete(topic)
    this.#components.pubsub.unsubscribe(topic)
    this.#components.pubsub.topicValidators.delete(topic)
  }

  mates(topic: string): string[] {
    return [...(this.#mates.get(topic) ?? [])]
  }

  onMate(listener: Parameters<Network['onMate']>[0]): void {
    this.#listener = listener
  }

  keepers(): KeeperPeer[] {
    return [...this.#present.values()]
  }

  onKeeper(listener: Parameters<Network['onKeeper']>[0]): void {
    this.#keeperListener = listener
  }

  async open(peer: string, protocol: string): Promise<Channel> {
    const stream = await this.#components.connectionManager.openStream(peerIdFromString(peer), protocol, {
      runOnLimitedConnection: true,
    })
    return new StreamChannel(stream, peer)
  }

  async handle(protocol: string, accept: (channel: Channel) => Promise<void>): Promise<void> {
    const { registrar } = this.#components
    await handleChannels({ registrar, protocol, log: this.#log, streams: MAX_STREAMS }, accept)
  }
}
