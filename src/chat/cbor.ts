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

/** A plain Uint8Array: cborg's may be a Buffer, whose slices share memory. */
export function encodeCbor(value: unknown): Uint8Array {
  const bytes = encode(value)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** @throws InvalidEventError */
export function decodeCbor(bytes: Uint8Array, maxTokens: number): unknown {
  try {
    return decode(bytes, { ...options, tokenizer: new BoundedTokenizer(bytes, maxTokens) })
  } catch (cause) {
    throw new InvalidEventError('not CBOR as the protocol allows it', { cause }) // nesting past the stack ends here too
  }
}

export const isUint = (value: unknown, max: number = Number.MAX_SAFE_INTEGER): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max && !Object.is(value, -0)

export const isBytes = (value: unknown, length?: number): value is Uint8Array =>
  value instanceof Uint8Array && (length === undefined || value.length === length)

/** A well-formed string of at most `maxBytes` UTF-8 bytes: lone surrogates would not survive a round trip. */
export const isText = (value: unknown, maxBytes: number): value is string =>
  typeof value === 'string' && value.length <= maxBytes && utf8Length(value) <= maxBytes && isWellFormed(value)

const encoder = new TextEncoder()
export const utf8Length = (text: string): number => encoder.encode(text).length

export function isWellFormed(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdfff) continue
    const next = text.charCodeAt(i + 1)
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return false
    i++
  }
  return true
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
