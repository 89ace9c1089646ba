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

/**
 * Addresses that stand in what was recorded, as `/ip4/192.0.2.7/tcp/4747`: wherever in a message they are, they stand behind their
 * length. To look for the two protocol codes alone is not enough: keys and signatures have them by chance.
 */
export function addressesIn(bytes: Uint8Array): string[] {
  return [...bytes.keys()].flatMap((at) => {
    if (bytes[at] !== IP4 || bytes[at + 5] !== TCP) return []
    const length = lengthBefore(bytes, at)
    if (length === undefined || at + length > bytes.length) return []
    try {
      const [ip, tcp] = multiaddr(bytes.subarray(at, at + length)).getComponents()
      return [`/ip4/${ip?.value}/tcp/${tcp?.value}`]
    } catch {
      return []
    }
  })
}

/** Codes of https://github.com/multiformats/multiaddr/blob/master/protocols.csv, both of one byte. */
const IP4 = 4
const TCP = 6
/** Of a byte string in CBOR: RFC 8949, section 3.1. */
const CBOR_BYTES = 0x40
const CBOR_SHORT = 24

/** Of a field in Protocol Buffers or a byte string in CBOR that begins at `at`. Addresses are shorter than 256 bytes. */
function lengthBefore(bytes: Uint8Array, at: number): number | undefined {
  const [tagged = 0, length] = [bytes[at - 2], bytes[at - 1]]
  if (length === undefined) return undefined
  if (length >= CBOR_BYTES && length < CBOR_BYTES + CBOR_SHORT && length - CBOR_BYTES >= 8) return length - CBOR_BYTES
  if (length >= 0x80) return undefined
  return tagged % 8 === BYTES || tagged === CBOR_BYTES + CBOR_SHORT ? length : undefined
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
