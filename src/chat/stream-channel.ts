/** `Channel` over libp2p streams: messages with a length before each, in both directions. */
import type { Connection, Logger, Stream } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { LengthPrefixedDecoder } from '@libp2p/utils'
import { ClosedError } from '../errors.ts'
import { MAX_SYNC_IN_FLIGHT, MAX_SYNC_MESSAGE_BYTES } from './constants.ts'
import type { Channel } from './seams.ts'

export interface HandleInit {
  registrar: Registrar
  protocol: string
  log: Logger
  /** Open streams of the protocol on a connection, a side. */
  streams: number
}

/** Hands each stream of a protocol that is opened to us to `accept`. What that throws ends the stream and is logged, nothing more. */
export async function handleChannels(
  { registrar, protocol, log, streams }: HandleInit,
  accept: (channel: Channel, connection: Connection) => Promise<void>,
): Promise<void> {
  const handler = async (stream: Stream, connection: Connection): Promise<void> => {
    const channel = new StreamChannel(stream, connection.remotePeer.toString())
    try {
      await accept(channel, connection)
    } catch (error) {
      log('%s from %p ended - %e', protocol, connection.remotePeer, error)
      channel.abort(error instanceof Error ? error : new Error('failed'))
    }
  }
  await registrar.handle(protocol, handler, {
    maxInboundStreams: streams,
    maxOutboundStreams: streams,
    runOnLimitedConnection: true,
  })
}

/** Messages with a varint length before each. What is read and not yet taken stops the sender at 1 MiB. */
export class StreamChannel implements Channel {
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
        this.#queue.push(plainBytes(message.subarray()))
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
export const plainBytes = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Unsigned LEB128, as multiformats' unsigned-varint. */
function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Uint8Array.from([...bytes, left])
    bytes.push((left % 128) | 0x80)
  }
}
