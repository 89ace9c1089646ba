/**
 * Beacons: signed, sealed, never stored. They say who is there, and let members notice that they differ. docs/PROTOCOL.md, "Beacons".
 *
 * `beacon = cbor [ 16, roomTag(16), authorKey(32), start, counter, sealed, signature(64) ]`, signature =
 * Ed25519("p2pnode/beacon/v1" || SHA-256(cbor of the first six)); sealed = `[state, digest(16), [[author(16), seq, id(16)], ...]]`.
 */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { InvalidEventError } from '../errors.ts'
import { decodeCbor, encodeCbor, equalBytes, isBytes, isUint, withCbor } from './cbor.ts'
import { MAX_BEACON_BYTES, MAX_BEACON_TIPS, MAX_SEQ } from './constants.ts'
import { bytesToHex, hexToBytes } from './hex.ts'
import type { RoomKeys } from './room-keys.ts'
import type { Crypto } from './seams.ts'

const BEACON = 16
const LABEL = utf8ToBytes('p2pnode/beacon/v1')
const MAX_TOKENS = 16 + MAX_BEACON_TIPS * 4

/** `away`: here, but nobody is looking. One that is not known, of a newer version, is as good as `online`. */
export const State = { offline: 0, online: 1, left: 2, typing: 3, away: 4 } as const

/** Whoever says it holds every event of a chain, from the first to this one. */
export interface Tip {
  /** First 16 bytes of the author key, in hex. */
  author: string
  seq: number
  /** First 16 bytes of the id, in hex. */
  id: string
}

export interface Beacon {
  author: Uint8Array
  /** When the author's peer started (its clock, milliseconds), and how many beacons it sent since: an older beacon is void. */
  start: number
  counter: number
  state: number
  digest: Uint8Array
  tips: Tip[]
}

/** True for bytes that are meant to be a beacon and no run: a CBOR array of seven that begins with 16. */
export const isBeacon = (bytes: Uint8Array): boolean => bytes[0] === 0x87 && bytes[1] === BEACON

export function encodeBeacon(beacon: Beacon, keys: RoomKeys, seed: Uint8Array, crypto: Crypto): Uint8Array {
  const tips = beacon.tips.map(({ author, seq, id }) => [hexToBytes(author), seq, hexToBytes(id)])
  const content = encodeCbor([beacon.state, beacon.digest, tips])
  const sealed = crypto.seal(keys.presenceKey, content, concatBytes(keys.tag, beacon.author))
  const head = [BEACON, keys.tag, beacon.author, beacon.start, beacon.counter, sealed]
  return encodeCbor([...head, crypto.sign(seed, signed(head, crypto))])
}

const signed = (head: unknown[], crypto: Crypto): Uint8Array =>
  concatBytes(
    LABEL,
    withCbor(head, (bytes) => crypto.sha256(bytes)),
  )

/** @throws InvalidEventError when any member would find it wrong. */
export function decodeBeacon(bytes: Uint8Array, keys: RoomKeys, crypto: Crypto): Beacon {
  if (bytes.length > MAX_BEACON_BYTES) throw new InvalidEventError('beacon too large')
  const parts = decodeCbor(bytes, MAX_TOKENS)
  if (!Array.isArray(parts) || parts.length !== 7) throw new InvalidEventError('malformed beacon')
  const [version, tag, author, start, counter, sealed, signature] = parts as unknown[]
  if (version !== BEACON || !isBytes(tag, 16) || !equalBytes(tag, keys.tag)) throw new InvalidEventError('beacon of another room')
  if (!isBytes(author, 32) || !isUint(start) || !isUint(counter) || !isBytes(sealed) || !isBytes(signature, 64)) {
    throw new InvalidEventError('malformed beacon')
  }
  if (!crypto.verify(author, signed(parts.slice(0, 6), crypto), signature))
    throw new InvalidEventError('signature of a beacon does not verify')
  const content = crypto.open(keys.presenceKey, sealed, concatBytes(tag, author))
  if (content === undefined) throw new InvalidEventError('beacon does not open under the room key')
  return { author, start, counter, ...decodeContent(content) }
}

function decodeContent(content: Uint8Array): Pick<Beacon, 'state' | 'digest' | 'tips'> {
  const parts = decodeCbor(content, MAX_TOKENS)
  if (!Array.isArray(parts) || parts.length < 3) throw new InvalidEventError('malformed beacon')
  const [state, digest, list] = parts as unknown[]
  if (!isUint(state, 255) || !isBytes(digest, 16) || !Array.isArray(list) || list.length > MAX_BEACON_TIPS)
    throw new InvalidEventError('malformed beacon')
  const tips = list.map((tip: unknown): Tip => {
    const [author, seq, id] = Array.isArray(tip) ? (tip as unknown[]) : []
    if (!isBytes(author, 16) || !isUint(seq, MAX_SEQ) || !isBytes(id, 16)) throw new InvalidEventError('malformed beacon')
    return { author: bytesToHex(author), seq, id: bytesToHex(id) }
  })
  return { state, digest, tips }
}
