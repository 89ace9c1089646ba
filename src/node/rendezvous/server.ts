import type { ComponentLogger, Connection, Logger, Startable, Stream } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { addressBlock } from '../../address-block.ts'
import { InvalidEventError } from '../../errors.ts'
import { type Clock, systemClock, within } from '../clock.ts'
import { Bucket } from './bucket.ts'
import {
  type Discover,
  type DiscoverResponse,
  decodeMessage,
  encodeMessage,
  type Message,
  MessageType,
  type Register,
  type RegisterResponse,
  Status,
} from './codec.ts'
import {
  DEFAULT_TTL,
  MAX_ANSWER_REGISTRATIONS,
  MAX_NAMESPACES_PER_PEER,
  MAX_REGISTRATIONS,
  MAX_REGISTRATIONS_PER_BLOCK,
  MAX_REQUEST_BYTES,
  MAX_STREAMS,
  MAX_TTL,
  MIN_TTL,
  PROTOCOL,
  REQUEST_BURST,
  REQUEST_RATE,
  STREAM_TIMEOUT,
  second,
} from './constants.ts'
import { Cookies } from './cookie.ts'
import type { RendezvousFigures, RendezvousServer, RendezvousServerInit } from './index.ts'
import { messagesOf } from './messages.ts'
import { isNamespace } from './namespace.ts'
import { type OpenedRecord, openPeerRecord } from './peer-record.ts'
import { type RegisteredPeerView, Registrations } from './registrations.ts'
import { newCursor } from './sample.ts'

export interface RendezvousServerComponents {
  registrar: Registrar
  logger: ComponentLogger
}

/** Why a request was not granted. */
class Refusal extends Error {
  readonly status: Status
  constructor(status: Status, message: string) {
    super(message)
    this.status = status
  }
}

/** A rendezvous point. See `rendezvousServer`. */
export class Server implements RendezvousServer, Startable {
  readonly [Symbol.toStringTag] = 'p2pnode/rendezvous-server'
  readonly #registrar: Registrar
  readonly #log: Logger
  readonly #clock: Clock
  readonly #init: RendezvousServerInit
  readonly #registrations: Registrations
  readonly #buckets = new WeakMap<Connection, Bucket>()
  readonly #counts = { served: 0, refused: 0, malformed: 0 }
  #cookies = new Cookies()
  #started = false

  constructor({ registrar, logger }: RendezvousServerComponents, init: RendezvousServerInit) {
    this.#registrar = registrar
    this.#log = logger.forComponent('p2pnode:rendezvous:server')
    this.#init = init
    this.#clock = init.clock ?? systemClock
    const limits = {
      total: init.maxRegistrations ?? MAX_REGISTRATIONS,
      perPeer: init.maxNamespacesPerPeer ?? MAX_NAMESPACES_PER_PEER,
      perBlock: init.maxRegistrationsPerBlock ?? MAX_REGISTRATIONS_PER_BLOCK,
    }
    this.#registrations = new Registrations(limits, this.#clock)
  }

  async start(): Promise<void> {
    if (this.#started) return
    await this.#registrar.handle(PROTOCOL, this.#serve, {
      maxInboundStreams: MAX_STREAMS,
      maxOutboundStreams: MAX_STREAMS,
      runOnLimitedConnection: true,
    })
    this.#started = true
  }

  async stop(): Promise<void> {
    if (!this.#started) return
    this.#started = false
    await this.#registrar.unhandle(PROTOCOL)
    this.#registrations.clear()
    this.#cookies = new Cookies()
  }

  figures(): RendezvousFigures {
    return { ...this.#registrations.counts(), ...this.#counts }
  }

  namespaces(): { namespace: string; registrations: number }[] {
    return this.#registrations.namespaces()
  }

  peers(): RegisteredPeerView[] {
    return this.#registrations.peers()
  }

  /** One stream: requests one after the other, until its other side closes it. */
  readonly #serve = async (stream: Stream, connection: Connection): Promise<void> => {
    const messages = messagesOf(stream, MAX_REQUEST_BYTES)
    const inTime = async <T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> =>
      await within(this.#clock, this.#init.streamTimeout ?? STREAM_TIMEOUT, action)
    const bucket = this.#bucketOf(connection)
    try {
      for (let isAffordable = true; ; ) {
        const request = await inTime((signal) => messages.read({ signal }))
        // Who asks too much is told so once.
        const wasAffordable = isAffordable
        isAffordable = bucket.spend()
        if (!isAffordable && !wasAffordable) throw new Error('too many requests')
        const answer = await this.#answer(decodeMessage(request.subarray()), connection, isAffordable)
        if (answer !== undefined) await inTime((signal) => messages.write(encodeMessage(answer), { signal }))
      }
    } catch (error) {
      if (isEnd(error)) await inTime((signal) => stream.close({ signal })).catch((failure: Error) => stream.abort(failure))
      else this.#cut(stream, connection, error)
    }
  }

  #cut(stream: Stream, { remotePeer }: Connection, error: unknown): void {
    if (isMalformed(error)) this.#counts.malformed++
    this.#log('a stream of %p ended - %e', remotePeer, error)
    stream.abort(error instanceof Error ? error : new Error(String(error)))
  }

  /** undefined where the protocol has none. @throws InvalidEventError for a message that is no request */
  async #answer(
    { type, register, unregister, discover }: Message,
    connection: Connection,
    isAffordable: boolean,
  ): Promise<Message | undefined> {
    if (type === MessageType.register && register !== undefined) {
      return await this.#registered(isAffordable, register, connection)
    }
    if (type === MessageType.discover && discover !== undefined) return await this.#discovered(isAffordable, discover)
    if (type !== MessageType.unregister || unregister === undefined) throw new InvalidEventError('not a request')
    if (!isAffordable) throw new Error('too many requests')
    this.#counts.served++
    if (unregister.ns !== undefined) this.#registrations.remove(connection.remotePeer.toString(), unregister.ns)
    return undefined
  }

  async #registered(isAffordable: boolean, request: Register, connection: Connection): Promise<Message> {
    const registerResponse = await this.#attempt(isAffordable, () => this.#register(request, connection), {})
    return { type: MessageType.registerResponse, registerResponse }
  }

  async #discovered(isAffordable: boolean, request: Discover): Promise<Message> {
    const discoverResponse = await this.#attempt(isAffordable, () => this.#discover(request), { registrations: [] })
    return { type: MessageType.discoverResponse, discoverResponse }
  }

  async #attempt<T>(isAffordable: boolean, action: () => Promise<T> | T, otherwise: T): Promise<T & { status: Status }> {
    try {
      if (!isAffordable) throw new Refusal(Status.unavailable, 'too many requests')
      const response = await action()
      this.#counts.served++
      return { ...response, status: Status.ok }
    } catch (error) {
      this.#counts.refused++
      if (error instanceof Refusal) return { ...otherwise, status: error.status, statusText: error.message }
      this.#log.error('a request failed - %e', error)
      return { ...otherwise, status: Status.internalError, statusText: 'internal error' }
    }
  }

  async #register({ ns, signedPeerRecord, ttl }: Register, { remotePeer, remoteAddr }: Connection): Promise<RegisterResponse> {
    const namespace = checked(ns)
    const granted = this.#granted(ttl)
    const envelope = Uint8Array.from(signedPeerRecord ?? [])
    const { peerId, seq } = await opened(envelope)
    if (!peerId.equals(remotePeer)) throw new Refusal(Status.notAuthorized, 'a peer registers itself only')
    const outcome = this.#registrations.add({
      peer: remotePeer.toString(),
      namespace,
      record: { envelope, seq },
      ttl: granted,
      block: addressBlock(remoteAddr),
    })
    if (outcome === 'old') throw new Refusal(Status.invalidSignedPeerRecord, 'an older record than the one that is here')
    if (outcome === 'full') throw new Refusal(Status.unavailable, 'too many registrations')
    return { ttl: granted / second }
  }

  /** Milliseconds. */
  #granted(ttl: number | undefined): number {
    const { maxTtl = MAX_TTL } = this.#init
    const asked = ttl === undefined ? DEFAULT_TTL : ttl * second
    if (asked < MIN_TTL || asked > MAX_TTL) {
      throw new Refusal(Status.invalidTtl, `a registration lasts ${MIN_TTL / second} to ${MAX_TTL / second} seconds`)
    }
    return Math.min(asked, maxTtl)
  }

  #discover({ ns, limit = 0, cookie }: Discover): DiscoverResponse {
    const namespace = checked(ns)
    const cursor = cookie === undefined || cookie.length === 0 ? newCursor(salt()) : this.#cookies.read(cookie, namespace)
    if (cursor === undefined) throw new Refusal(Status.invalidCookie, 'not a cookie for this namespace')
    const most = limit === 0 ? MAX_ANSWER_REGISTRATIONS : Math.min(limit, MAX_ANSWER_REGISTRATIONS)
    const next = this.#registrations.page(namespace, cursor, most)
    return {
      registrations: next.page.map(({ envelope, expiresIn }) => ({
        ns: namespace,
        signedPeerRecord: envelope,
        ttl: Math.ceil(expiresIn / second),
      })),
      cookie: this.#cookies.make(next.cursor, namespace),
    }
  }

  #bucketOf(connection: Connection): Bucket {
    const { requestBurst: burst = REQUEST_BURST, requestRate: rate = REQUEST_RATE } = this.#init
    const bucket = this.#buckets.get(connection) ?? new Bucket({ burst, rate }, this.#clock)
    this.#buckets.set(connection, bucket)
    return bucket
  }
}

/** Nobody is told which namespaces there are, as the spec would have it for a request without one: they are rooms. */
function checked(ns: string | undefined): string {
  if (ns === undefined || !isNamespace(ns)) throw new Refusal(Status.invalidNamespace, 'a namespace is 1 to 255 bytes')
  return ns
}

async function opened(envelope: Uint8Array): Promise<OpenedRecord> {
  try {
    return await openPeerRecord(envelope)
  } catch (error) {
    if (error instanceof InvalidEventError) throw new Refusal(Status.invalidSignedPeerRecord, error.message)
    throw error
  }
}

function salt(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
}

function isEnd(error: unknown): boolean {
  return error instanceof Error && error.name === 'UnexpectedEOFError'
}

/** Also a length that is over the limit. */
function isMalformed(error: unknown): boolean {
  return error instanceof InvalidEventError || (error instanceof Error && /^InvalidDataLength/.test(error.name))
}
