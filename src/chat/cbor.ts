/**
 * CBOR as the protocol allows it: definite lengths, smallest integers and floats, no undefined, no floats that were integers, no
 * text that is not UTF-8, no duplicate keys, and never more tokens than the shape at hand can have, so that a small input cannot cost
 * much.
 */
import { type DecodeOptions, decode, encode, Tokenizer, Type } from 'cborg'
import { InvalidEventError } from '../errors.ts'

const options: DecodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
  useMaps: true,
}

class BoundedTokenizer extends Tokenizer {
  #left: number

  constructor(bytes: Uint8Array, maxTokens: number) {
    super(bytes, options)
    this.#left = maxTokens
  }

  override next(): ReturnType<Tokenizer['next']> {
    if (--this.#left < 0) throw new InvalidEventError('too many items')
    const start = this._pos
    const token = super.next()
    // What cborg reads more kindly than it writes: integers as floats, and text with replacement characters for what is no UTF-8.
    if (Type.equals(token.type, Type.float) || Type.equals(token.type, Type.string)) {
      if (!equalBytes(encode(token.value), this.data.subarray(start, this._pos)))
        throw new InvalidEventError('not the one encoding')
    }
    return token
  }
}

/** Deeper nesting is refused, so that the verdict does not depend on anybody's stack. */
const MAX_DEPTH = 32

const Major = { uint: 0, bytes: 2, text: 3, array: 4, simple: 7 } as const
const FALSE = 0xf4
const TRUE = 0xf5
const NULL = 0xf6

/** Up to this size engines keep the bytes beside the object; a larger copy costs more than all the rest of decoding it. */
const MAX_COPY = 64

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** Thrown at what is not read or written here: cborg then does the whole. */
class RareItem extends Error {}
const RARE = new RareItem()

/**
 * What runs, beacons and sync messages consist of: unsigned integers, byte strings, texts, arrays, booleans and null. Every message
 * comes through here several times, and cborg, which makes an object of each item, was a fifth of the work of a busy room.
 */
class Reader {
  readonly #bytes: Uint8Array
  #left: number
  #at = 0

  constructor(bytes: Uint8Array, maxTokens: number) {
    this.#bytes = bytes
    this.#left = maxTokens
  }

  whole(): unknown {
    const value = this.#item(0)
    if (this.#at !== this.#bytes.length) throw new InvalidEventError('bytes behind the end')
    return value
  }

  #item(depth: number): unknown {
    if (--this.#left < 0) throw new InvalidEventError('too many items')
    const initial = this.#byte()
    const major = initial >> 5
    if (major === Major.simple) return simple(initial)
    if (major !== Major.uint && major !== Major.bytes && major !== Major.text && major !== Major.array) throw RARE
    const argument = this.#argument(initial & 31)
    if (major === Major.uint) return argument
    if (major === Major.bytes) return this.#string(argument)
    if (major === Major.text) return utf8.decode(this.#bytes.subarray(this.#skip(argument), this.#at))
    if (depth === MAX_DEPTH) throw new InvalidEventError('nested too deeply')
    const list: unknown[] = []
    for (let i = 0; i < argument; i++) list.push(this.#item(depth + 1))
    return list
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new InvalidEventError('the bytes end early')
    return byte
  }

  /** Keys, ids and signatures are copies, which may outlive the message; longer strings are views of it. */
  #string(length: number): Uint8Array {
    const start = this.#skip(length)
    return length <= MAX_COPY ? this.#bytes.slice(start, this.#at) : this.#bytes.subarray(start, this.#at)
  }

  /** Answers where the bytes passed over begin. */
  #skip(length: number): number {
    const start = this.#at
    if (start + length > this.#bytes.length) throw new InvalidEventError('the bytes end early')
    this.#at += length
    return start
  }

  /** In as few bytes as it fits in, or not at all. */
  #argument(info: number): number {
    if (info < 24) return info
    if (info > 27) throw new InvalidEventError('an indefinite length')
    let value = 0
    for (let left = 1 << (info - 24); left > 0; left--) value = value * 256 + this.#byte()
    if (value < (SMALLEST[info - 24] as number) || value > Number.MAX_SAFE_INTEGER)
      throw new InvalidEventError('not the one encoding')
    return value
  }
}

/** The smallest arguments that need 1, 2, 4 and 8 bytes. */
const SMALLEST = [24, 0x100, 0x10000, 0x100000000] as const

function simple(initial: number): boolean | null {
  if (initial === NULL) return null
  if (initial !== FALSE && initial !== TRUE) throw RARE
  return initial === TRUE
}

const MAX_HEAD = 9

/** Grows to the largest message that was written, 260 KiB for those that are sent. */
let scratch = new Uint8Array(4096)

function room(at: number, length: number): void {
  if (at + length <= scratch.length) return
  const larger = new Uint8Array(Math.max(at + length, 2 * scratch.length))
  larger.set(scratch.subarray(0, at))
  scratch = larger
}

/** Writes `value` at `at`; answers where it ends. */
function write(value: unknown, at: number): number {
  if (typeof value === 'number') {
    if (!isUint(value)) throw RARE
    return writeHead(Major.uint, value, at)
  }
  if (value instanceof Uint8Array) return writeBytes(value, at)
  if (typeof value === 'string') return writeText(value, at)
  if (Array.isArray(value)) {
    let end = writeHead(Major.array, value.length, at)
    for (const item of value) end = write(item, end)
    return end
  }
  if (value !== null && typeof value !== 'boolean') throw RARE
  room(at, 1)
  scratch[at] = value === null ? NULL : value ? TRUE : FALSE
  return at + 1
}

function writeBytes(bytes: Uint8Array, at: number): number {
  const start = writeHead(Major.bytes, bytes.length, at)
  room(start, bytes.length)
  scratch.set(bytes, start)
  return start + bytes.length
}

/** Behind the longest head there is, and then moved to where its head ends. */
function writeText(text: string, at: number): number {
  room(at, MAX_HEAD + 3 * text.length)
  const { written } = encoder.encodeInto(text, scratch.subarray(at + MAX_HEAD))
  const start = writeHead(Major.text, written, at)
  scratch.copyWithin(start, at + MAX_HEAD, at + MAX_HEAD + written)
  return start + written
}

function writeHead(major: number, argument: number, at: number): number {
  room(at, MAX_HEAD)
  if (argument < 24) {
    scratch[at] = (major << 5) | argument
    return at + 1
  }
  const size = argument < 0x100 ? 0 : argument < 0x10000 ? 1 : argument < 0x100000000 ? 2 : 3
  scratch[at] = (major << 5) | (24 + size)
  let rest = argument
  for (let i = at + (1 << size); i > at; i--) {
    scratch[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return at + 1 + (1 << size)
}

/** A Uint8Array of its own. */
export const encodeCbor = (value: unknown): Uint8Array => withCbor(value, (bytes) => bytes.slice())

/** What `use` makes of the encoded value. The bytes are overwritten by the next encoding: they are not to be kept. */
export function withCbor<T>(value: unknown, use: (bytes: Uint8Array) => T): T {
  let end: number
  try {
    end = write(value, 0)
  } catch (error) {
    if (error !== RARE) throw error
    return use(Uint8Array.from(encode(value)))
  }
  return use(scratch.subarray(0, end))
}

/** @throws InvalidEventError */
export function decodeCbor(bytes: Uint8Array, maxTokens: number): unknown {
  try {
    // The slices of a Buffer would be Buffers, which share memory.
    const plain = bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    return decodeAny(plain, maxTokens)
  } catch (cause) {
    throw new InvalidEventError('not CBOR as the protocol allows it', { cause })
  }
}

function decodeAny(bytes: Uint8Array, maxTokens: number): unknown {
  try {
    return new Reader(bytes, maxTokens).whole()
  } catch (error) {
    if (error !== RARE) throw error
  }
  const value = decode(bytes, { ...options, tokenizer: new BoundedTokenizer(bytes, maxTokens) })
  if (depthOf(value) > MAX_DEPTH) throw new InvalidEventError('nested too deeply')
  return value
}

function depthOf(value: unknown): number {
  const items = Array.isArray(value) ? value : value instanceof Map ? [...value.keys(), ...value.values()] : undefined
  return items === undefined ? 0 : 1 + items.reduce((deepest: number, item) => Math.max(deepest, depthOf(item)), 0)
}

export const isUint = (value: unknown, max: number = Number.MAX_SAFE_INTEGER): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max && !Object.is(value, -0)

export const isBytes = (value: unknown, length?: number): value is Uint8Array =>
  value instanceof Uint8Array && (length === undefined || value.length === length)

/** A well-formed string of at most `maxBytes` UTF-8 bytes: lone surrogates would not survive a round trip. */
export const isText = (value: unknown, maxBytes: number): value is string =>
  typeof value === 'string' && (value.length * 3 <= maxBytes || utf8Length(value) <= maxBytes) && value.isWellFormed()

export const utf8Length = (text: string): number => encoder.encode(text).length

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
