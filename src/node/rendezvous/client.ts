import type { AbortOptions, ComponentLogger, Connection, Logger, PeerId, PrivateKey, Stream } from '@libp2p/interface'
import type { AddressManager, ConnectionManager } from '@libp2p/interface-internal'
import { InvalidArgumentError, InvalidEventError, P2PNodeError, UnreachableError } from '../../errors.ts'
import { type Clock, systemClock, within } from '../clock.ts'
import { decodeMessage, encodeMessage, type Message, MessageType, type Register, Status } from './codec.ts'
import {
  DEFAULT_TTL,
  MAX_ANSWER_BYTES,
  MAX_ANSWER_REGISTRATIONS,
  MAX_COOKIE_BYTES,
  PROTOCOL,
  REQUEST_TIMEOUT,
  second,
} from './constants.ts'
import type { Discovered, DiscoverOptions, FoundPeer, RegisterOptions, RendezvousClientInit } from './index.ts'
import { messagesOf } from './messages.ts'
import { isNamespace } from './namespace.ts'
import { OwnRecord, openPeerRecord } from './peer-record.ts'

export interface RendezvousClientComponents {
  peerId: PeerId
  privateKey: PrivateKey
  addressManager: Pick<AddressManager, 'getAddresses'>
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  logger: ComponentLogger
}

/** The point answered with another status than OK. */
export class RefusedError extends P2PNodeError {
  override name = 'RefusedError'
  override readonly code = 'REFUSED'
  /** One of `Status`, or a number that is not known here. */
  readonly status: number
  constructor(status: number, text = '') {
    super(`the rendezvous point refused with status ${status}${text === '' ? '' : `: ${text}`}`)
    this.status = status
  }
}

/** Asks rendezvous points that this peer is connected with. See `rendezvousClient`. */
export class RendezvousClient {
  readonly #components: RendezvousClientComponents
  readonly #clock: Clock
  readonly #record: OwnRecord
  readonly #log: Logger

  constructor(components: RendezvousClientComponents, { clock = systemClock }: RendezvousClientInit = {}) {
    this.#components = components
    this.#clock = clock
    this.#record = new OwnRecord(components)
    this.#log = components.logger.forComponent('p2pnode:rendezvous:client')
  }

  /** What this peer would register: changes when its addresses do. */
  get addresses(): string {
    return this.#record.addresses
  }

  /**
   * Registers this peer, or renews its registration.
   *
   * @returns how long the registration lasts, in milliseconds
   * @throws RefusedError
   * @throws UnreachableError without a connection to the point, or an address of this peer
   * @throws InvalidEventError when the answer is malformed
   * @throws InvalidArgumentError `namespace`
   */
  async register(point: PeerId, namespace: string, { ttl, signal }: RegisterOptions = {}): Promise<number> {
    checked(namespace)
    const signedPeerRecord = await this.#record.envelope()
    const asked = ttl === undefined ? {} : { ttl: Math.ceil(ttl / second) }
    const register = { ns: namespace, signedPeerRecord, ...asked }
    const answer = await this.#ask(point, { type: MessageType.register, register }, signal)
    const { registerResponse: response } = expected(answer, MessageType.registerResponse)
    if (response === undefined) throw new InvalidEventError('an answer to another question')
    // The point has a newer one, of a time when this device's clock was ahead: the next try has another number.
    if (response.status === Status.invalidSignedPeerRecord) this.#record.renew()
    granted(response)
    return response.ttl === undefined ? (ttl ?? DEFAULT_TTL) : response.ttl * second
  }

  /**
   * Takes the registration back. Points do not answer: this resolves when the point has closed the stream, or the time for that
   * is over.
   *
   * @throws UnreachableError without a connection to the point
   * @throws InvalidArgumentError `namespace`
   */
  async unregister(point: PeerId, namespace: string, { signal }: AbortOptions = {}): Promise<void> {
    checked(namespace)
    const message = encodeMessage({ type: MessageType.unregister, unregister: { ns: namespace } })
    await this.#open(point, signal, async (stream, limit) => {
      const messages = messagesOf(stream, MAX_ANSWER_BYTES)
      await messages.write(message, { signal: limit })
      await stream.close({ signal: limit })
      await messages.read({ signal: limit }).catch((end: Error) => {
        if (stream.status === 'open') stream.abort(end)
      })
    })
  }

  /**
   * Asks who is registered. Only what a registered peer said itself is believed: registrations whose record is not signed by the
   * peer it names are left out, and so is this peer's own.
   *
   * @throws RefusedError
   * @throws UnreachableError without a connection to the point
   * @throws InvalidEventError when the answer is malformed
   * @throws InvalidArgumentError `namespace`
   */
  async discover(
    point: PeerId,
    namespace: string,
    { limit = MAX_ANSWER_REGISTRATIONS, cookie, signal }: DiscoverOptions = {},
  ): Promise<Discovered> {
    checked(namespace)
    const most = Math.max(1, Math.min(limit, MAX_ANSWER_REGISTRATIONS))
    const discover = { ns: namespace, limit: most, ...(cookie === undefined ? {} : { cookie }) }
    const answer = await this.#ask(point, { type: MessageType.discover, discover }, signal)
    const { discoverResponse: response } = expected(answer, MessageType.discoverResponse)
    if (response === undefined) throw new InvalidEventError('an answer to another question')
    granted(response)
    if ((response.cookie?.length ?? 0) > MAX_COOKIE_BYTES) throw new InvalidEventError('a cookie that is too large')
    const registrations = await this.#believed(response.registrations.slice(0, most), namespace)
    return { registrations, ...(response.cookie === undefined ? {} : { cookie: Uint8Array.from(response.cookie) }) }
  }

  async #believed(registrations: Register[], namespace: string): Promise<FoundPeer[]> {
    const found = new Map<string, FoundPeer>()
    for (const { ns, signedPeerRecord, ttl = 0 } of registrations) {
      try {
        if (ns !== namespace || signedPeerRecord === undefined) throw new InvalidEventError('of another namespace, or no record')
        const { peerId, multiaddrs } = await openPeerRecord(signedPeerRecord)
        if (!peerId.equals(this.#components.peerId)) found.set(peerId.toString(), { peerId, multiaddrs, ttl: ttl * second })
      } catch (error) {
        if (!(error instanceof InvalidEventError)) throw error
        this.#log('a registration is left out - %e', error)
      }
    }
    return [...found.values()]
  }

  async #ask(point: PeerId, message: Message, signal: AbortSignal | undefined): Promise<Message> {
    const encoded = encodeMessage(message)
    return await this.#open(point, signal, async (stream, limit) => {
      const messages = messagesOf(stream, MAX_ANSWER_BYTES)
      await messages.write(encoded, { signal: limit })
      const answer = await messages.read({ signal: limit })
      await stream.close({ signal: limit })
      return decodeMessage(answer.subarray())
    })
  }

  /** Over a connection that is there: whom to dial is not decided here. */
  async #open<T>(
    point: PeerId,
    signal: AbortSignal | undefined,
    talk: (stream: Stream, limit: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const open = this.#components.connectionManager.getConnections(point).filter(({ status }) => status === 'open')
    const connection: Connection | undefined = open.find(({ limits }) => limits === undefined) ?? open[0]
    if (connection === undefined) throw new UnreachableError(`no connection to the rendezvous point ${point}`)
    return await within(
      this.#clock,
      REQUEST_TIMEOUT,
      async (limit) => {
        const stream = await connection.newStream(PROTOCOL, { signal: limit, runOnLimitedConnection: true })
        try {
          return await talk(stream, limit)
        } catch (error) {
          stream.abort(error instanceof Error ? error : new Error(String(error)))
          throw error
        }
      },
      signal,
    )
  }
}

function checked(namespace: string): void {
  if (!isNamespace(namespace)) throw new InvalidArgumentError('namespace', 'a namespace is 1 to 255 bytes of UTF-8')
}

function expected(message: Message, type: MessageType): Message {
  if (message.type !== type) throw new InvalidEventError(`an answer of type ${message.type}`)
  return message
}

/** As in proto2, a status that is absent is the first: OK. */
function granted({ status = Status.ok, statusText }: { status?: number; statusText?: string }): void {
  if (status !== Status.ok) throw new RefusedError(status, statusText?.slice(0, 200))
}
