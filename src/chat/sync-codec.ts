/** The messages of `/p2pnode/sync/1.0.0`, as CBOR arrays that begin with their number. docs/PROTOCOL.md, "Sync". */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { InvalidEventError } from '../errors.ts'
import { decodeCbor, encodeCbor, isBytes, isUint } from './cbor.ts'
import { MAX_RUN_BYTES, MAX_SYNC_MESSAGE_BYTES } from './constants.ts'
import type { Codec } from './conversation.ts'
import { decodePage, decodeWant, encodePage, encodeWant, type Page, type Want } from './frontier.ts'

export const SYNC_PROTOCOL = '/p2pnode/sync/1.0.0'

const ACCESS_LABEL = utf8ToBytes('p2pnode/access/v1')
/** Pages of 64 segments, wants, or small runs: what fits in a message of this size. */
const MAX_TOKENS = 100_000
const BUCKETS = 256

export type SyncMessage =
  | { type: 'hello'; roomTag: Uint8Array; nonce: Uint8Array }
  | { type: 'welcome'; nonce: Uint8Array; proof: Uint8Array }
  | { type: 'proof'; proof: Uint8Array }
  | { type: 'summary'; digest: Uint8Array; buckets: Uint8Array[] }
  | { type: 'pages'; pages: Page[]; last: boolean; more: boolean }
  | { type: 'wants'; wants: Want[]; last: boolean }
  | { type: 'runs'; runs: Uint8Array[] }
  | { type: 'served' }

const NUMBERS = { hello: 0, welcome: 1, proof: 2, summary: 3, pages: 4, wants: 5, runs: 6, served: 7 } as const

/** What the access key signs. The role keeps an answer from being handed back as one's own. */
export function accessChallenge(
  role: 'initiator' | 'responder',
  roomTag: Uint8Array,
  nonces: [initiator: Uint8Array, responder: Uint8Array],
  peers: [initiator: string, responder: string],
): Uint8Array {
  const names = encodeCbor(peers)
  return concatBytes(ACCESS_LABEL, Uint8Array.of(role === 'initiator' ? 0 : 1), roomTag, ...nonces, names)
}

export function encodeMessage(message: SyncMessage): Uint8Array {
  return encodeCbor([NUMBERS[message.type], ...partsOf(message)])
}

function partsOf(message: SyncMessage): unknown[] {
  switch (message.type) {
    case 'hello':
      return [message.roomTag, message.nonce]
    case 'welcome':
      return [message.nonce, message.proof]
    case 'proof':
      return [message.proof]
    case 'summary':
      return [message.digest, message.buckets]
    case 'pages':
      return [message.pages.map(encodePage), message.last, message.more]
    case 'wants':
      return [message.wants.map(encodeWant), message.last]
    case 'runs':
      return [message.runs]
    case 'served':
      return []
  }
}

/** @throws InvalidEventError */
export function decodeMessage(bytes: Uint8Array): SyncMessage {
  if (bytes.length > MAX_SYNC_MESSAGE_BYTES) throw new InvalidEventError('sync message too large')
  const whole = decodeCbor(bytes, MAX_TOKENS)
  if (!Array.isArray(whole)) throw new InvalidEventError('malformed sync message')
  const [number, a, b, c] = whole as unknown[]
  const message = decoders[isUint(number, 7) ? number : -1]?.(a, b, c)
  if (message === undefined) throw new InvalidEventError('malformed sync message')
  return message
}

const decoders: Record<number, (a: unknown, b: unknown, c: unknown) => SyncMessage | undefined> = {
  [NUMBERS.hello]: (roomTag, nonce) =>
    isBytes(roomTag, 16) && isBytes(nonce, 32) ? { type: 'hello', roomTag, nonce } : undefined,
  [NUMBERS.welcome]: (nonce, proof) => (isBytes(nonce, 32) && isBytes(proof, 64) ? { type: 'welcome', nonce, proof } : undefined),
  [NUMBERS.proof]: (proof) => (isBytes(proof, 64) ? { type: 'proof', proof } : undefined),
  [NUMBERS.summary]: (digest, buckets) => {
    if (!isBytes(digest, 16) || !isListOf(buckets, (each) => isBytes(each, 16))) return undefined
    return buckets.length === 0 || buckets.length === BUCKETS ? { type: 'summary', digest, buckets } : undefined
  },
  [NUMBERS.pages]: (list, last, more) => {
    const pages = Array.isArray(list) ? list.map(decodePage) : [undefined]
    if (pages.includes(undefined) || typeof last !== 'boolean' || typeof more !== 'boolean') return undefined
    return { type: 'pages', pages: pages as Page[], last, more }
  },
  [NUMBERS.wants]: (list, last) => {
    const wants = Array.isArray(list) ? list.map(decodeWant) : [undefined]
    return wants.includes(undefined) || typeof last !== 'boolean' ? undefined : { type: 'wants', wants: wants as Want[], last }
  },
  [NUMBERS.runs]: (runs) =>
    isListOf(runs, (run) => isBytes(run) && run.length <= MAX_RUN_BYTES) ? { type: 'runs', runs } : undefined,
  [NUMBERS.served]: () => ({ type: 'served' }),
}

export const SYNC_CODEC: Codec<SyncMessage> = { encode: encodeMessage, decode: decodeMessage }

function isListOf(value: unknown, check: (each: unknown) => boolean): value is Uint8Array[] {
  return Array.isArray(value) && value.every(check)
}
