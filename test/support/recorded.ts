/** What `record-streams.js` wrote, and the messages of the DHT in it. */
import { readFileSync } from 'node:fs'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { hexToBytes } from '@noble/hashes/utils.js'
import { decode } from 'multiformats/hashes/digest'
import { reader } from 'protons-runtime'
import { BYTES, readFields, VARINT } from '../../src/node/rendezvous/protobuf.ts'

/** A piece of what one stream brought or took away. */
export interface Piece {
  /** The same for all pieces of a stream. */
  stream: number
  way: 'in' | 'out'
  /** Empty until it is agreed on. */
  protocol: string
  hex: string
}

export interface Provider {
  peerId: string
  addresses: string[]
}

/** A message of the DHT. https://github.com/libp2p/specs/blob/master/kad-dht/README.md#rpc-messages */
export interface KadMessage {
  type: number
  key: Uint8Array
  providers: Provider[]
}

export const ADD_PROVIDER = 2

export function readRecord(file: string): Piece[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Piece)
}

/** What came in over a protocol, message by message. */
export function kadMessages(pieces: readonly Piece[], protocol: string): KadMessage[] {
  const streams = new Set(pieces.filter((piece) => piece.protocol === protocol).map(({ stream }) => stream))
  return [...streams].flatMap((stream) => {
    const came = pieces.filter((piece) => piece.stream === stream && piece.way === 'in')
    const frames = framesOf(hexToBytes(came.map(({ hex }) => hex).join('')))
    return frames.filter((frame) => !isNegotiation(frame)).map(decodeKad)
  })
}

/** Each behind its length; the last may still be on its way. */
function framesOf(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  const from = reader(bytes)
  while (from.pos < from.len) {
    const length = from.uint32()
    if (from.pos + length > from.len) break
    frames.push(bytes.subarray(from.pos, from.pos + length))
    from.pos += length
  }
  return frames
}

/** https://github.com/multiformats/multistream-select: a path, then a line feed. No message of the DHT begins with field 5. */
const isNegotiation = (frame: Uint8Array): boolean => frame[0] === '/'.charCodeAt(0) && frame.at(-1) === '\n'.charCodeAt(0)

const tag = (field: number, wireType: number): number => field * 8 + wireType

function decodeKad(bytes: Uint8Array): KadMessage {
  const message: KadMessage = { type: 0, key: new Uint8Array(), providers: [] }
  readFields(bytes, {
    [tag(1, VARINT)]: (from) => {
      message.type = from.uint32()
    },
    [tag(2, BYTES)]: (from) => {
      message.key = from.bytes()
    },
    [tag(9, BYTES)]: (from) => message.providers.push(decodeProvider(from.bytes())),
  })
  return message
}

function decodeProvider(bytes: Uint8Array): Provider {
  const provider: Provider = { peerId: '', addresses: [] }
  readFields(bytes, {
    [tag(1, BYTES)]: (from) => {
      provider.peerId = peerIdFromMultihash(decode(from.bytes())).toString()
    },
    [tag(2, BYTES)]: (from) => provider.addresses.push(multiaddr(from.bytes()).toString()),
  })
  return provider
}
