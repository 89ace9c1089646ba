import type { Stream } from '@libp2p/interface'
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils'
import { reader } from 'protons-runtime'
import { InvalidEventError } from '../../errors.ts'
import { MAX_UNREAD_BYTES } from './constants.ts'

/** No message is as long as this many bytes of length could say. */
const MAX_LENGTH_BYTES = 4

/** Messages on a stream, each behind its length as a varint, of at most `maxBytes`. */
export function messagesOf(stream: Stream, maxBytes: number): LengthPrefixedStream<Stream> {
  return lpStream(stream, { maxDataLength: maxBytes, maxBufferSize: maxBytes + MAX_UNREAD_BYTES, lengthDecoder: decodeLength })
}

/** lpStream asks again after each byte for as long as it gets a RangeError: a length that never ends would keep it busy. */
function decodeLength(bytes: { byteLength: number; subarray(): Uint8Array }): number {
  if (bytes.byteLength > MAX_LENGTH_BYTES) throw new InvalidEventError('not the length of a message')
  return reader(bytes.subarray()).uint32()
}
