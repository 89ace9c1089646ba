/** The messages of `/p2pnode/keep/1.0.0` that come before the rounds of a sync session. docs/PROTOCOL.md, "Keeping". */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { InvalidEventError } from '../errors.ts'
import { decodeCbor, encodeCbor, isBytes, isUint } from './cbor.ts'
import { MAX_KEEPER_TOKEN_BYTES, MAX_LEASE_SECONDS } from './constants.ts'
import type { Codec } from './conversation.ts'

export const KEEP_PROTOCOL = '/p2pnode/keep/1.0.0'

const KEEP_LABEL = utf8ToBytes('p2pnode/keep/v1')
const MAX_TOKENS = 8
const MAX_REASON = 255

export type KeepMessage =
  | { type: 'ask'; accessKey: Uint8Array; nonce: Uint8Array }
  | { type: 'challenge'; nonce: Uint8Array }
  /** `seconds`: how long it is to be kept; `token` is empty for none. */
  | { type: 'request'; proof: Uint8Array; seconds: number; token: Uint8Array }
  /** `bytes`: how much of the room is kept. */
  | { type: 'granted'; seconds: number; bytes: number }
  /** `seconds`: not to be asked again before. */
  | { type: 'refused'; reason: number; seconds: number }

const NUMBERS = { ask: 16, challenge: 17, request: 18, granted: 19, refused: 20 } as const

/** Why a keeper does not keep a room. */
export const Refusal = {
  /** Neither peer nor room nor token is on its list. */
  notAllowed: 1,
  /** It keeps as much as it may for whoever asks. */
  peerQuota: 2,
  /** For the network that it is asked from. */
  networkQuota: 3,
  /** For all together. */
  totalQuota: 4,
  /** It has much to do: whoever comes back a little later is heard. */
  busy: 5,
} as const

/** What the access key signs for a keeper. It is worth nothing to members, nor to another keeper. */
export function keepChallenge(
  roomTag: Uint8Array,
  nonces: [member: Uint8Array, keeper: Uint8Array],
  peers: [member: string, keeper: string],
): Uint8Array {
  return concatBytes(KEEP_LABEL, roomTag, ...nonces, encodeCbor(peers))
}

export function encodeKeepMessage(message: KeepMessage): Uint8Array {
  return encodeCbor([NUMBERS[message.type], ...partsOf(message)])
}

function partsOf(message: KeepMessage): unknown[] {
  switch (message.type) {
    case 'ask':
      return [message.accessKey, message.nonce]
    case 'challenge':
      return [message.nonce]
    case 'request':
      return [message.proof, message.seconds, message.token]
    case 'granted':
      return [message.seconds, message.bytes]
    case 'refused':
      return [message.reason, message.seconds]
  }
}

/** @throws InvalidEventError */
export function decodeKeepMessage(bytes: Uint8Array): KeepMessage {
  const whole = decodeCbor(bytes, MAX_TOKENS)
  if (!Array.isArray(whole)) throw new InvalidEventError('malformed keep message')
  const [number, a, b, c] = whole as unknown[]
  const message = decoders[isUint(number, 255) ? number : -1]?.(a, b, c)
  if (message === undefined || whole.length !== 1 + partsOf(message).length) throw new InvalidEventError('malformed keep message')
  return message
}

const decoders: Record<number, (a: unknown, b: unknown, c: unknown) => KeepMessage | undefined> = {
  [NUMBERS.ask]: (accessKey, nonce) =>
    isBytes(accessKey, 32) && isBytes(nonce, 32) ? { type: 'ask', accessKey, nonce } : undefined,
  [NUMBERS.challenge]: (nonce) => (isBytes(nonce, 32) ? { type: 'challenge', nonce } : undefined),
  [NUMBERS.request]: (proof, seconds, token) =>
    isBytes(proof, 64) && isUint(seconds, MAX_LEASE_SECONDS) && isBytes(token) && token.length <= MAX_KEEPER_TOKEN_BYTES
      ? { type: 'request', proof, seconds, token }
      : undefined,
  [NUMBERS.granted]: (seconds, bytes) =>
    isUint(seconds, MAX_LEASE_SECONDS) && isUint(bytes) ? { type: 'granted', seconds, bytes } : undefined,
  [NUMBERS.refused]: (reason, seconds) =>
    isUint(reason, MAX_REASON) && isUint(seconds, MAX_LEASE_SECONDS) ? { type: 'refused', reason, seconds } : undefined,
}

export const KEEP_CODEC: Codec<KeepMessage> = { encode: encodeKeepMessage, decode: decodeKeepMessage }
