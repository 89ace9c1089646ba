import { type Reader, reader } from 'protons-runtime'
import { InvalidEventError } from '../../errors.ts'

/** What to do with each field, by its tag: the field's number times eight plus its wire type. */
export type Fields = Readonly<Record<number, (from: Reader) => void>>

/** Wire types: https://protobuf.dev/programming-guides/encoding/#structure */
export const VARINT = 0
export const BYTES = 2
const START_GROUP = 3
const END_GROUP = 4

/**
 * Reads the fields of one message, all of `bytes`, and skips those that are not among `known`. Groups are refused: no message
 * here has any, and skipping them takes as much stack as somebody likes to nest them.
 *
 * @throws InvalidEventError
 */
export function readFields(bytes: Uint8Array, known: Fields): void {
  try {
    // Node's Buffers slice in a way of their own: past this point there are none.
    const from = reader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    while (from.pos < from.len) {
      const tag = from.uint32()
      const wireType = tag & 7
      if (tag < 8 || wireType === START_GROUP || wireType === END_GROUP) throw new InvalidEventError('not a protobuf field')
      const read = known[tag]
      if (read === undefined) from.skipType(wireType)
      else read(from)
    }
    if (from.pos > from.len) throw new InvalidEventError('a field goes on after the message')
  } catch (error) {
    if (error instanceof InvalidEventError) throw error
    throw new InvalidEventError('not a protobuf message', { cause: error })
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A string field. protons reads what is not UTF-8 as something else. */
export function readText(from: Reader): string {
  return strict.decode(from.bytes())
}

/** A uint64 field; what is beyond 2^53 - 1 is read as that. */
export function readNumber(from: Reader): number {
  return Math.min(Number(from.uint64()), Number.MAX_SAFE_INTEGER)
}
