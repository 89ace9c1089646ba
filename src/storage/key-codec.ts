import type { Key, Table } from './store.ts'

/** First byte of every key. A number is a format: never reuse or renumber one. */
export const TABLE_BYTE: Readonly<Record<Table, number>> = {
  node: 1,
  room: 2,
  run: 3,
  own: 4,
  cid: 5,
  lease: 6,
  kept: 7,
  horizon: 8,
}
/** Tables of the store's own: number -> name, and the one record that counts all others. */
export const DICTIONARY_BYTE = 0xfe
export const LEDGER_BYTE = 0xff

const TABLE_OF = new Map(Object.entries(TABLE_BYTE).map(([name, byte]) => [byte, name as Table]))

/** Each part begins with its type, so that a key can be read back, and so that a prefix ends where a part ends. */
const NUMBER = 1
const NAME = 2
const TEXT = 3

const NUMBER_BYTES = 6
const MAX_NUMBER = 2 ** 48 - 1
const MAX_NAME_BYTES = 64
const MAX_TEXT_CHARACTERS = 32
const MAX_PARTS = 8

/** Which local number stands for a byte string: undefined if none does (yet). */
export type NumberOf = (name: Uint8Array) => number | undefined
/** The byte string that a local number stands for: undefined is a hole in the dictionary. */
export type NameOf = (number: number) => Uint8Array | undefined

export function tableName(byte: number): string {
  return byte === DICTIONARY_BYTE ? 'dictionary' : (TABLE_OF.get(byte) ?? `0x${byte.toString(16)}`)
}

/** Where a key is put together: keys are made for every write and lookup, and none is as long. */
const scratch = new Uint8Array(512)
const scratchView = new DataView(scratch.buffer)

/** undefined if the key holds a byte string that has no number: then nothing is stored under it. Throws TypeError. */
export function encodeKey(key: Key, numberOf: NumberOf): Uint8Array | undefined {
  const [table, ...parts] = key
  const first = TABLE_BYTE[table]
  if (first === undefined) throw new TypeError(`unknown table: ${String(table)}`)
  if (parts.length > MAX_PARTS) throw new TypeError(`a key has at most ${MAX_PARTS} parts`)
  scratch[0] = first
  let at = 1
  let known = true
  for (const part of parts) {
    if (typeof part === 'number') {
      at = writeNumber(at, part)
    } else if (typeof part === 'string') {
      at = writeText(at, part)
    } else {
      checkName(part)
      const number = numberOf(part)
      if (number === undefined) known = false
      else at = writeName(at, number)
    }
  }
  return known ? scratch.slice(0, at) : undefined
}

/** undefined if these are not the bytes of a key: an unknown table, a cut part, a number without a name. */
export function decodeKey(bytes: Uint8Array, nameOf: NameOf): Key | undefined {
  const table = TABLE_OF.get(bytes[0] ?? 0)
  if (table === undefined) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: (number | string | Uint8Array)[] = []
  let at = 1
  while (at < bytes.length) {
    const part = readPart(bytes, view, at, nameOf)
    if (part === undefined) return undefined
    parts.push(part.value)
    at = part.end
  }
  return [table, ...parts]
}

/** The smallest key that does not begin with `prefix`; undefined if there is none. */
export function keyAfterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  const after = prefix.slice(0, length)
  after[length - 1] = (after[length - 1] ?? 0) + 1
  return after
}

export function dictionaryKey(number: number): Uint8Array {
  const key = new Uint8Array(5)
  key[0] = DICTIONARY_BYTE
  new DataView(key.buffer).setUint32(1, number)
  return key
}

/** The number in a dictionary key; undefined if it is not one. */
export function dictionaryNumber(key: Uint8Array): number | undefined {
  return key.length === 5 ? new DataView(key.buffer, key.byteOffset).getUint32(1) : undefined
}

function checkName(part: unknown): asserts part is Uint8Array {
  if (!(part instanceof Uint8Array)) throw new TypeError('a part of a key must be a number, a string or a Uint8Array')
  if (part.length < 1 || part.length > MAX_NAME_BYTES) throw new TypeError(`a byte string in a key has 1-${MAX_NAME_BYTES} bytes`)
}

function writeNumber(at: number, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > MAX_NUMBER) throw new TypeError(`not an integer in 0..2^48-1: ${value}`)
  scratch[at] = NUMBER
  scratchView.setUint16(at + 1, Math.floor(value / 2 ** 32))
  scratchView.setUint32(at + 3, value % 2 ** 32)
  return at + 1 + NUMBER_BYTES
}

function writeName(at: number, number: number): number {
  scratch[at] = NAME
  scratchView.setUint32(at + 1, number)
  return at + 5
}

function writeText(at: number, value: string): number {
  if (value.length < 1 || value.length > MAX_TEXT_CHARACTERS || !/^[\x20-\x7e]+$/.test(value)) {
    throw new TypeError(`a string in a key has 1-${MAX_TEXT_CHARACTERS} printable ASCII characters`)
  }
  scratch[at] = TEXT
  scratch[at + 1] = value.length
  for (let i = 0; i < value.length; i++) scratch[at + 2 + i] = value.charCodeAt(i)
  return at + 2 + value.length
}

function readPart(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  nameOf: NameOf,
): { value: number | string | Uint8Array; end: number } | undefined {
  const start = at + 1
  switch (bytes[at]) {
    case NUMBER: {
      const end = start + NUMBER_BYTES
      return end > bytes.length ? undefined : { value: view.getUint16(start) * 2 ** 32 + view.getUint32(start + 2), end }
    }
    case NAME: {
      const end = start + 4
      const name = end > bytes.length ? undefined : nameOf(view.getUint32(start))
      return name === undefined ? undefined : { value: name.slice(), end }
    }
    case TEXT: {
      const end = start + 1 + (bytes[start] ?? 0)
      if (start >= bytes.length || end > bytes.length) return undefined
      return { value: String.fromCharCode(...bytes.subarray(start + 1, end)), end }
    }
    default:
      return undefined
  }
}
