import type { PeerId, StreamHandler } from '@libp2p/interface'
import type { Clock } from '../clock.ts'
import { isRelayed } from '../settle.ts'
import {
  MAX_ADDRESSES,
  MAX_KEY_BYTES,
  MAX_REQUEST_BYTES,
  MAX_REQUESTERS,
  MAX_REQUESTS_PER_WINDOW,
  MAX_STREAMS,
  REQUEST_WINDOW,
} from './constants.ts'
import type { KadMessage } from './kad.ts'

/** Types of messages that are answered; of a hash, its code and its length come first. */
const SERVED = new Set(['FIND_NODE', 'GET_PROVIDERS', 'ADD_PROVIDER', 'PING'])
const SHA2_256 = [0x12, 0x20]
const HASH_BYTES = 34

/** What others may ask of a server: how much, how often, and in what form. */
export class Requests {
  readonly #clock: Clock
  readonly #asked = new Map<string, number>()
  #window: number
  #streams = 0
  /** Since the start: messages that were taken, that were refused, and streams cut for what they sent. */
  readonly counts = { served: 0, refused: 0, malformed: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
    this.#window = clock.monotonic()
  }

  /** The same handler, for streams that keep to the limits. It never throws. */
  guarded(handler: StreamHandler): StreamHandler {
    return async (stream, connection) => {
      if (isRelayed(connection) || this.#streams >= MAX_STREAMS) {
        this.counts.refused++
        stream.abort(new Error('not served'))
        return
      }
      let bytes = 0
      stream.addEventListener('message', ({ data }) => {
        bytes += data.byteLength
        if (bytes > MAX_REQUEST_BYTES) stream.abort(new Error('the request is too long'))
      })
      this.#streams++
      try {
        await handler(stream, connection)
      } catch (error) {
        if (stream.status !== 'open') return // the other side went away
        if (stream.remoteWriteStatus === 'closed') return await stream.close() // the end of a stream is an error there
        this.counts.malformed++
        stream.abort(error instanceof Error ? error : new Error(String(error)))
      } finally {
        this.#streams--
      }
    }
  }

  /** The part of a message that is taken. @throws Error when nothing is */
  admit(peer: PeerId, message: KadMessage): KadMessage {
    const { type, key, providers } = message
    const refuse = (why: string): never => {
      this.counts.refused++
      throw new Error(why)
    }
    if (!this.#mayAsk(peer.toString())) refuse('too many requests')
    if (!SERVED.has(type)) refuse(`${type} is not served`)
    if ((key?.byteLength ?? 0) > MAX_KEY_BYTES) refuse('the key is too long')
    if (type.endsWith('PROVIDERS') || type.endsWith('PROVIDER')) {
      if (key?.byteLength !== HASH_BYTES || !SHA2_256.every((byte, at) => key[at] === byte)) refuse('the key is no hash')
    }
    this.counts.served++
    // Nobody provides for others.
    const own = providers
      .slice(0, 1)
      .map(({ multiaddrs, ...rest }) => ({ ...rest, multiaddrs: multiaddrs.slice(0, MAX_ADDRESSES) }))
    return { ...message, providers: own, closer: [] }
  }

  #mayAsk(peer: string): boolean {
    const now = this.#clock.monotonic()
    if (now - this.#window >= REQUEST_WINDOW || this.#asked.size >= MAX_REQUESTERS) {
      this.#asked.clear()
      this.#window = now
    }
    const asked = (this.#asked.get(peer) ?? 0) + 1
    this.#asked.set(peer, asked)
    return asked <= MAX_REQUESTS_PER_WINDOW
  }
}
