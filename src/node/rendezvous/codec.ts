/** The messages of https://github.com/libp2p/specs/blob/master/rendezvous/README.md#protobuf, in proto2. */
import { type Reader, type Writer, writer } from 'protons-runtime'
import { InvalidEventError } from '../../errors.ts'
import { MAX_READ_REGISTRATIONS } from './constants.ts'
import { BYTES, readFields, readNumber, readText, VARINT } from './protobuf.ts'

export const MessageType = { register: 0, registerResponse: 1, unregister: 2, discover: 3, discoverResponse: 4 } as const
export type MessageType = (typeof MessageType)[keyof typeof MessageType]

/** What a point answers. */
export const Status = {
  ok: 0,
  invalidNamespace: 100,
  invalidSignedPeerRecord: 101,
  invalidTtl: 102,
  invalidCookie: 103,
  notAuthorized: 200,
  internalError: 300,
  unavailable: 400,
} as const
export type Status = (typeof Status)[keyof typeof Status]

/** Times in seconds. Absent fields are undefined; a field that comes twice has its last value. */
export interface Register {
  ns?: string
  signedPeerRecord?: Uint8Array
  ttl?: number
}

export interface RegisterResponse {
  /** Another number than those of `Status` is a refusal too. */
  status?: number
  statusText?: string
  ttl?: number
}

export interface Unregister {
  ns?: string
}

export interface Discover {
  ns?: string
  limit?: number
  cookie?: Uint8Array
}

export interface DiscoverResponse {
  registrations: Register[]
  cookie?: Uint8Array
  status?: number
  statusText?: string
}

export interface Message {
  type: MessageType
  register?: Register
  registerResponse?: RegisterResponse
  unregister?: Unregister
  discover?: Discover
  discoverResponse?: DiscoverResponse
}

const varint = (field: number): number => field * 8 + VARINT
const bytes = (field: number): number => field * 8 + BYTES

const TYPES: readonly number[] = Object.values(MessageType)

/**
 * Any message, of which only the fields named in the spec are read. As in proto2, a type that is absent is the first.
 *
 * @throws InvalidEventError when it is malformed, or has more than `MAX_READ_REGISTRATIONS`
 */
export function decodeMessage(encoded: Uint8Array): Message {
  const message: Message = { type: MessageType.register }
  readFields(encoded, {
    [varint(1)]: (from) => {
      const type = from.uint32()
      if (!TYPES.includes(type)) throw new InvalidEventError(`no such type of message: ${type}`)
      message.type = type as MessageType
    },
    [bytes(2)]: (from) => {
      message.register = readRegister(from, message.register)
    },
    [bytes(3)]: (from) => {
      message.registerResponse = readRegisterResponse(from, message.registerResponse)
    },
    [bytes(4)]: (from) => {
      message.unregister = readUnregister(from, message.unregister)
    },
    [bytes(5)]: (from) => {
      message.discover = readDiscover(from, message.discover)
    },
    [bytes(6)]: (from) => {
      message.discoverResponse = readDiscoverResponse(from, message.discoverResponse)
    },
  })
  return message
}

function readRegister(from: Reader, into: Register = {}): Register {
  readFields(from.bytes(), {
    [bytes(1)]: (field) => {
      into.ns = readText(field)
    },
    [bytes(2)]: (field) => {
      into.signedPeerRecord = field.bytes()
    },
    [varint(3)]: (field) => {
      into.ttl = readNumber(field)
    },
  })
  return into
}

function readRegisterResponse(from: Reader, into: RegisterResponse = {}): RegisterResponse {
  readFields(from.bytes(), {
    [varint(1)]: (field) => {
      into.status = field.uint32()
    },
    [bytes(2)]: (field) => {
      into.statusText = readText(field)
    },
    [varint(3)]: (field) => {
      into.ttl = readNumber(field)
    },
  })
  return into
}

function readUnregister(from: Reader, into: Unregister = {}): Unregister {
  readFields(from.bytes(), {
    [bytes(1)]: (field) => {
      into.ns = readText(field)
    },
  })
  return into
}

function readDiscover(from: Reader, into: Discover = {}): Discover {
  readFields(from.bytes(), {
    [bytes(1)]: (field) => {
      into.ns = readText(field)
    },
    [varint(2)]: (field) => {
      into.limit = readNumber(field)
    },
    [bytes(3)]: (field) => {
      into.cookie = field.bytes()
    },
  })
  return into
}

function readDiscoverResponse(from: Reader, into: DiscoverResponse = { registrations: [] }): DiscoverResponse {
  readFields(from.bytes(), {
    [bytes(1)]: (field) => {
      if (into.registrations.length === MAX_READ_REGISTRATIONS) throw new InvalidEventError('too many registrations')
      into.registrations.push(readRegister(field))
    },
    [bytes(2)]: (field) => {
      into.cookie = field.bytes()
    },
    [varint(3)]: (field) => {
      into.status = field.uint32()
    },
    [bytes(4)]: (field) => {
      into.statusText = readText(field)
    },
  })
  return into
}

/** Fields are written in the order of their numbers. */
export function encodeMessage(message: Message): Uint8Array {
  const to = writer()
  to.uint32(varint(1)).uint32(message.type)
  nested(to, 2, message.register, writeRegister)
  nested(to, 3, message.registerResponse, writeRegisterResponse)
  nested(to, 4, message.unregister, writeUnregister)
  nested(to, 5, message.discover, writeDiscover)
  nested(to, 6, message.discoverResponse, writeDiscoverResponse)
  return to.finish()
}

function writeRegister(to: Writer, { ns, signedPeerRecord, ttl }: Register): void {
  writeText(to, 1, ns)
  writeBytes(to, 2, signedPeerRecord)
  writeNumber(to, 3, ttl)
}

function writeRegisterResponse(to: Writer, { status, statusText, ttl }: RegisterResponse): void {
  writeNumber(to, 1, status)
  writeText(to, 2, statusText)
  writeNumber(to, 3, ttl)
}

function writeUnregister(to: Writer, { ns }: Unregister): void {
  writeText(to, 1, ns)
}

function writeDiscover(to: Writer, { ns, limit, cookie }: Discover): void {
  writeText(to, 1, ns)
  writeNumber(to, 2, limit)
  writeBytes(to, 3, cookie)
}

function writeDiscoverResponse(to: Writer, { registrations, cookie, status, statusText }: DiscoverResponse): void {
  for (const registration of registrations) nested(to, 1, registration, writeRegister)
  writeBytes(to, 2, cookie)
  writeNumber(to, 3, status)
  writeText(to, 4, statusText)
}

function nested<T>(to: Writer, field: number, value: T | undefined, write: (to: Writer, value: T) => void): void {
  if (value === undefined) return
  to.uint32(bytes(field)).fork()
  write(to, value)
  to.ldelim()
}

function writeNumber(to: Writer, field: number, value: number | undefined): void {
  if (value !== undefined) to.uint32(varint(field)).uint64(BigInt(value))
}

function writeBytes(to: Writer, field: number, value: Uint8Array | undefined): void {
  if (value !== undefined) to.uint32(bytes(field)).bytes(value)
}

function writeText(to: Writer, field: number, value: string | undefined): void {
  if (value !== undefined) writeBytes(to, field, new TextEncoder().encode(value))
}
