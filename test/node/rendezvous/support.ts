/**
 * A peer that speaks `/rendezvous/1.0.0` by the spec alone: its own protobuf, envelopes and records, on a bare libp2p stream.
 * Nothing here uses the code under test.
 */
import '../../../src/shims.node.ts'
import { generateKeyPairFromSeed, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Libp2p, Logger, PrivateKey, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { createLibp2p } from 'libp2p'

export const PROTOCOL = '/rendezvous/1.0.0'
export const ADDRESS = '/ip4/192.0.2.7/tcp/4747'

/** 2 hours, 72 hours, in seconds. */
export const TWO_HOURS = 7_200
export const THREE_DAYS = 259_200

/** A log that nobody reads. */
export const silent = Object.assign(() => undefined, { error: () => undefined, trace: () => undefined }) as unknown as Logger

export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = []
  let left = BigInt(value)
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return Uint8Array.from([...bytes, Number(left)])
}

/** A field that holds a number. */
export const number = (field: number, value: number | bigint): Uint8Array => concatBytes(varint(field << 3), varint(value))

/** A field that holds bytes, text or a message. */
export function bytes(field: number, value: Uint8Array | string): Uint8Array {
  const content = typeof value === 'string' ? utf8ToBytes(value) : value
  return concatBytes(varint((field << 3) | 2), varint(content.length), content)
}

export interface RecordParts {
  /** Whose it says it is. @default the signer's */
  peerId?: Uint8Array
  seq?: number | bigint
  addresses?: readonly (string | Uint8Array)[]
  /** Instead of all these. */
  payload?: Uint8Array
  domain?: string
  payloadType?: Uint8Array
  /** Changes the signature. */
  spoil?: (signature: Uint8Array) => Uint8Array
  /** The public key in the envelope. @default the signer's */
  publicKey?: Uint8Array
}

const prefixed = (value: Uint8Array): Uint8Array => concatBytes(varint(value.length), value)

/** RFC 0003. */
export function recordOf(peerId: Uint8Array, seq: number | bigint, addresses: readonly (string | Uint8Array)[]): Uint8Array {
  const binary = addresses.map((address) => (typeof address === 'string' ? multiaddr(address).bytes : address))
  return concatBytes(bytes(1, peerId), number(2, seq), ...binary.map((address) => bytes(3, bytes(1, address))))
}

/** RFC 0003 in RFC 0002, as go-libp2p and js-libp2p write it, unless told otherwise. */
export async function signedRecord(key: PrivateKey, parts: RecordParts = {}): Promise<Uint8Array> {
  const { seq = 1, addresses = [ADDRESS], domain = 'libp2p-peer-record', payloadType = Uint8Array.of(3, 1) } = parts
  const payload = parts.payload ?? recordOf(parts.peerId ?? peerIdFromPrivateKey(key).toMultihash().bytes, seq, addresses)
  const signed = await key.sign(concatBytes(prefixed(utf8ToBytes(domain)), prefixed(payloadType), prefixed(payload)))
  const signature = parts.spoil?.(Uint8Array.from(signed)) ?? signed
  const publicKey = parts.publicKey ?? publicKeyToProtobuf(key.publicKey)
  return concatBytes(bytes(1, publicKey), bytes(2, payloadType), bytes(3, payload), bytes(5, signature))
}

const keys = new Map<number, Promise<PrivateKey>>()

/** The same key for the same seed, made once. */
export function keyOf(seed: number): Promise<PrivateKey> {
  const made = keys.get(seed) ?? generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed))
  keys.set(seed, made)
  return made
}

interface RegisterParts {
  ns?: string | Uint8Array
  record?: Uint8Array
  ttl?: number | bigint
}

const optional = <T>(value: T | undefined, field: (value: T) => Uint8Array): Uint8Array[] =>
  value === undefined ? [] : [field(value)]

export function registerRequest({ ns, record, ttl }: RegisterParts): Uint8Array {
  const register = concatBytes(
    ...optional(ns, (value) => bytes(1, value)),
    ...optional(record, (value) => bytes(2, value)),
    ...optional(ttl, (value) => number(3, value)),
  )
  return concatBytes(number(1, 0), bytes(2, register))
}

export function unregisterRequest(ns: string): Uint8Array {
  return concatBytes(number(1, 2), bytes(4, bytes(1, ns)))
}

export function discoverRequest(ns?: string, { limit, cookie }: { limit?: number; cookie?: Uint8Array } = {}): Uint8Array {
  const discover = concatBytes(
    ...optional(ns, (value) => bytes(1, value)),
    ...optional(limit, (value) => number(2, value)),
    ...optional(cookie, (value) => bytes(3, value)),
  )
  return concatBytes(number(1, 3), bytes(5, discover))
}

/** The fields of a message, by number, in the order in which they came. */
export type Fields = Map<number, (number | Uint8Array)[]>

export function fieldsOf(message: Uint8Array): Fields {
  const fields: Fields = new Map()
  let at = 0
  const read = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++]
      if (byte === undefined) throw new Error('the message ends in a number')
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const tag = read()
    const value = read()
    const content = (tag & 7) === 2 ? message.slice(at, at + value) : value
    if (content instanceof Uint8Array) at += value
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), content])
  }
  return fields
}

const numberIn = (fields: Fields, field: number): number | undefined => fields.get(field)?.[0] as number | undefined
const bytesIn = (fields: Fields, field: number): Uint8Array | undefined => fields.get(field)?.[0] as Uint8Array | undefined
const textIn = (fields: Fields, field: number): string => new TextDecoder().decode(bytesIn(fields, field))

export interface Answer {
  type: number | undefined
  status: number | undefined
  text: string
  ttl: number | undefined
  registrations: { ns: string; record: Uint8Array | undefined; ttl: number | undefined }[]
  cookie: Uint8Array | undefined
}

/** A REGISTER_RESPONSE or DISCOVER_RESPONSE. */
export function answerOf(message: Uint8Array): Answer {
  const fields = fieldsOf(message)
  const type = numberIn(fields, 1)
  const isDiscovery = type === 4
  const response = fieldsOf(bytesIn(fields, isDiscovery ? 6 : 3) ?? new Uint8Array())
  const registrations = isDiscovery ? ((response.get(1) ?? []) as Uint8Array[]).map(fieldsOf) : []
  return {
    type,
    status: numberIn(response, isDiscovery ? 3 : 1),
    text: textIn(response, isDiscovery ? 4 : 2),
    ttl: isDiscovery ? undefined : numberIn(response, 3),
    registrations: registrations.map((each) => ({ ns: textIn(each, 1), record: bytesIn(each, 2), ttl: numberIn(each, 3) })),
    cookie: isDiscovery ? bytesIn(response, 2) : undefined,
  }
}

/** Bytes come and go; a message has its length before it. */
export class Wire {
  readonly stream: Stream
  #received = new Uint8Array()
  #wake: (() => void) | undefined

  constructor(stream: Stream) {
    this.stream = stream
    stream.addEventListener('message', ({ data }) => {
      this.#received = Uint8Array.from([...this.#received, ...data.subarray()])
      this.#wake?.()
    })
    for (const end of ['remoteCloseWrite', 'close'] as const) stream.addEventListener(end, () => this.#wake?.())
  }

  send(message: Uint8Array): void {
    this.stream.send(prefixed(message))
  }

  get isOpen(): boolean {
    return this.stream.remoteWriteStatus === 'writable'
  }

  /** The next message, without its length. @throws when none comes */
  async receive(): Promise<Uint8Array> {
    const deadline = AbortSignal.timeout(10_000)
    for (;;) {
      const message = this.#take()
      if (message !== undefined) return message
      if (!this.isOpen) throw new Error('the other side ended the stream')
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve
        deadline.onabort = () => reject(new Error('waited 10 s in vain for a message'))
      })
    }
  }

  async ask(message: Uint8Array): Promise<Answer> {
    this.send(message)
    return answerOf(await this.receive())
  }

  #take(): Uint8Array | undefined {
    let [length, at] = [0, 0]
    for (let shift = 1; ; shift *= 128) {
      const byte = this.#received[at++]
      if (byte === undefined) return undefined
      length += (byte & 127) * shift
      if (byte < 128) break
    }
    if (this.#received.length < at + length) return undefined
    const message = this.#received.slice(at, at + length)
    this.#received = this.#received.slice(at + length)
    return message
  }
}

/** A peer that is not ours. */
export class Foreigner {
  readonly key: PrivateKey
  readonly libp2p: Libp2p

  constructor(key: PrivateKey, libp2p: Libp2p) {
    this.key = key
    this.libp2p = libp2p
  }

  get id(): string {
    return this.libp2p.peerId.toString()
  }

  /** A stream of its own for each conversation. */
  async wire(address: string): Promise<Wire> {
    const connection = await this.libp2p.dial(multiaddr(address))
    return new Wire(await connection.newStream(PROTOCOL))
  }

  async ask(address: string, message: Uint8Array): Promise<Answer> {
    const wire = await this.wire(address)
    const answer = await wire.ask(message)
    await wire.stream.close()
    return answer
  }

  /** Registers, as the spec has it. */
  async register(address: string, ns: string, parts: { ttl?: number; record?: RecordParts } = {}): Promise<Answer> {
    const record = await signedRecord(this.key, parts.record)
    return await this.ask(address, registerRequest({ ns, record, ...(parts.ttl === undefined ? {} : { ttl: parts.ttl }) }))
  }
}

/** Foreigners of a test; `close` stops them all. */
export class Foreigners {
  readonly #all: Libp2p[] = []

  async start(listen: string[] = []): Promise<Foreigner> {
    const key = await generateKeyPairFromSeed('Ed25519', crypto.getRandomValues(new Uint8Array(32)))
    const libp2p = await createLibp2p({
      privateKey: key,
      addresses: { listen },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
    })
    this.#all.push(libp2p)
    return new Foreigner(key, libp2p)
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.splice(0).map((libp2p) => libp2p.stop()))
  }
}
