/** `Network` over a libp2p peer: gossipsub topics and length-prefixed streams. */
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { ComponentLogger, Connection, Libp2pEvents, PeerId, Stream, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { LengthPrefixedDecoder } from '@libp2p/utils'
import { ClosedError } from '../errors.ts'
import { MAX_SYNC_IN_FLIGHT, MAX_SYNC_MESSAGE_BYTES, MAX_SYNCS_IN } from './constants.ts'
import type { Channel, Network, TopicValidator } from './seams.ts'

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

  constructor(components: NetworkComponents) {
    this.#components = components
    this.self = components.peerId.toString()
    this.#log = components.logger.forComponent('p2pnode:chat')
    components.pubsub.addEventListener('subscription-change', ({ detail }) => this.#subscriptions(detail))
    components.events.addEventListener('peer:disconnect', ({ detail }) => this.#gone(detail.toString()))
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
    pubsub.topicValidators.set(topic, (peer, { data }) => validator(peer.toString(), plain(data)))
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

  async open(peer: string, protocol: string): Promise<Channel> {
    const stream = await this.#components.connectionManager.openStream(peerIdFromString(peer), protocol, {
      runOnLimitedConnection: true,
    })
    return new StreamChannel(stream, peer)
  }

  async handle(protocol: string, accept: (channel: Channel) => Promise<void>): Promise<void> {
    const handler = async (stream: Stream, connection: Connection): Promise<void> => {
      const channel = new StreamChannel(stream, connection.remotePeer.toString())
      try {
        await accept(channel)
      } catch (error) {
        this.#log('%s from %p ended - %e', protocol, connection.remotePeer, error)
        channel.abort(error instanceof Error ? error : new Error('failed'))
      }
    }
    await this.#components.registrar.handle(protocol, handler, {
      maxInboundStreams: MAX_STREAMS,
      maxOutboundStreams: MAX_STREAMS,
      runOnLimitedConnection: true,
    })
  }
}

/** Messages with a varint length before each. What is read and not yet taken stops the sender at 1 MiB. */
class StreamChannel implements Channel {
  readonly peer: string
  readonly #stream: Stream
  readonly #decoder = new LengthPrefixedDecoder({ maxDataLength: MAX_SYNC_MESSAGE_BYTES, maxBufferSize: 8 * MAX_SYNC_IN_FLIGHT })
  readonly #queue: Uint8Array[] = []
  #queued = 0
  #ended = false
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(stream: Stream, peer: string) {
    this.peer = peer
    this.#stream = stream
    stream.addEventListener('message', ({ data }) => this.#read(data))
    stream.addEventListener('remoteCloseWrite', () => this.#end())
    stream.addEventListener('close', ({ error }) => this.#end(error))
  }

  #read(data: Parameters<LengthPrefixedDecoder['decode']>[0]): void {
    try {
      for (const message of this.#decoder.decode(data)) {
        this.#queue.push(plain(message.subarray()))
        this.#queued += message.byteLength
      }
    } catch (error) {
      this.abort(error instanceof Error ? error : new Error('malformed stream'))
    }
    // Not at once: in @libp2p/utils 7.4 a stream that is paused while it hands out what waited goes on as if it were not.
    queueMicrotask(() => this.#pauseIfFull())
    this.#wake?.()
  }

  #pauseIfFull(): void {
    if (this.#queued > MAX_SYNC_IN_FLIGHT && this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  #end(error?: Error): void {
    this.#ended = true
    this.#error ??= error
    this.#wake?.()
  }

  async receive(): Promise<Uint8Array | undefined> {
    for (;;) {
      const message = this.#queue.shift()
      if (message !== undefined) {
        this.#queued -= message.length
        if (this.#queued <= MAX_SYNC_IN_FLIGHT / 2 && this.#stream.readStatus === 'paused') this.#stream.resume()
        return message
      }
      if (this.#error !== undefined) throw this.#error
      if (this.#ended) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  async send(message: Uint8Array): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    if (this.#stream.status !== 'open') throw new ClosedError('the stream is closed')
    this.#stream.send(encodeVarint(message.length)) // alone: to copy a message behind it would cost more
    if (!this.#stream.send(message)) await this.#stream.onDrain()
  }

  async close(): Promise<void> {
    await this.#stream.close()
  }

  abort(reason: Error): void {
    this.#error ??= reason
    this.#stream.abort(reason)
    this.#wake?.()
  }
}

/** Node's Buffers slice and print in ways of their own: past this point there are none. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Unsigned LEB128, as multiformats' unsigned-varint. */
function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Uint8Array.from([...bytes, left])
    bytes.push((left % 128) | 0x80)
  }
}
