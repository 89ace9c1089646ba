/**
 * What stands inside a sealed body: `[hlc, type, parents, controlHeads, payload, ext]`, padded, then sealed under a room key.
 * docs/PROTOCOL.md, "Bodies".
 */
import { concatBytes } from '@noble/hashes/utils.js'
import { InvalidEventError } from '../errors.ts'
import { decodeCbor, isBytes, isText, isUint, withCbor } from './cbor.ts'
import { MAX_BIO_BYTES, MAX_HLC, MAX_NAME_LENGTH, MAX_PARENTS, MAX_TEXT_BYTES, MIN_PLAINTEXT_BYTES } from './constants.ts'
import { Kind, type Place } from './event.ts'
import type { Crypto } from './seams.ts'

/** What a body says it is. Unknown types are kept, relayed, and shown as such. */
export const Type = { text: 1, action: 2, profile: 16 } as const
const MAX_TYPE = 65_535
/** A body's own parts; what a newer version puts into payload and ext may be richer, up to this. */
const MAX_BODY_TOKENS = 4096

export interface Body {
  /** Milliseconds: the larger of the author's clock and one more than what the author had seen. */
  hlc: number
  type: number
  /** The first 16 bytes of the ids of other authors' events that this one has seen. */
  parents: Uint8Array[]
  controlHeads: Uint8Array[]
  payload: unknown
  ext: unknown
}

export interface TextPayload {
  text: string
  /** Id of the message answered. */
  replyTo: Uint8Array | undefined
}

/** A name, and the proof that this author key is a device of this account. */
export interface ProfilePayload {
  name: string
  bio: string
  account: Uint8Array
  device: Uint8Array
  /** When the account signed the device, in milliseconds. */
  created: number
  certificate: Uint8Array
  binding: Uint8Array
}

/** Padmé (Nikitin et al. 2019, algorithm 1): at most 12 % more, and only O(log log) bits of the length are left to see. */
export function padme(length: number): number {
  if (length <= MIN_PLAINTEXT_BYTES) return MIN_PLAINTEXT_BYTES
  const exponent = 31 - Math.clz32(length)
  const bits = 32 - Math.clz32(exponent)
  const mask = 2 ** (exponent - bits) - 1
  return (length + mask) & ~mask
}

/** ISO/IEC 7816-4: one byte 0x80, then zeros. */
function pad(plaintext: Uint8Array): Uint8Array {
  const padded = new Uint8Array(padme(plaintext.length + 1))
  padded.set(plaintext)
  padded[plaintext.length] = 0x80
  return padded
}

function unpad(padded: Uint8Array): Uint8Array {
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end--
  if (end < 0 || padded[end] !== 0x80 || padded.length !== padme(end + 1)) throw new InvalidEventError('malformed padding')
  return padded.subarray(0, end)
}

function additional(place: Place, kind: number): Uint8Array {
  const end = new Uint8Array(9)
  let rest = place.seq
  for (let i = 7; i >= 0; i--) {
    end[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  end[8] = kind
  return concatBytes(place.roomTag, place.author, end)
}

export function sealBody(body: Body, key: Uint8Array, place: Place, kind: number, crypto: Crypto): Uint8Array {
  const plaintext = withCbor([body.hlc, body.type, body.parents, body.controlHeads, body.payload, body.ext], pad)
  return crypto.seal(key, plaintext, additional(place, kind))
}

/** @throws InvalidEventError when it does not open or is not a body. */
export function openBody(sealed: Uint8Array, key: Uint8Array, place: Place, kind: number, crypto: Crypto): Body {
  const padded = crypto.open(key, sealed, additional(place, kind))
  if (padded === undefined) throw new InvalidEventError('body does not open under the room key')
  const plaintext = unpad(padded)
  const parts = decodeCbor(plaintext, MAX_BODY_TOKENS)
  if (!Array.isArray(parts) || parts.length !== 6) throw new InvalidEventError('malformed body')
  const [hlc, type, parents, controlHeads, payload, ext] = parts as unknown[]
  if (!isUint(hlc, MAX_HLC) || !isUint(type, MAX_TYPE)) throw new InvalidEventError('malformed body')
  if (!isReferences(parents) || !isReferences(controlHeads)) throw new InvalidEventError('malformed references')
  const body = { hlc, type, parents, controlHeads, payload, ext }
  checkPayload(body, kind)
  return body
}

function isReferences(value: unknown): value is Uint8Array[] {
  return Array.isArray(value) && value.length <= MAX_PARENTS && value.every((reference) => isBytes(reference, 16))
}

/** Types this version knows must be what this version writes: the same verdict everywhere, so nobody forwards what others refuse. */
function checkPayload(body: Body, kind: number): void {
  if (kind === Kind.message && (body.type === Type.text || body.type === Type.action)) textPayload(body)
  if (kind === Kind.control && body.type === Type.profile) profilePayload(body)
}

export function encodeText(payload: TextPayload): unknown {
  return [payload.text, payload.replyTo ?? null]
}

/** @throws InvalidEventError */
export function textPayload(body: Body): TextPayload {
  const parts = body.payload
  if (!Array.isArray(parts) || parts.length !== 2) throw new InvalidEventError('malformed text')
  const [text, replyTo] = parts as unknown[]
  if (!isText(text, MAX_TEXT_BYTES) || !(replyTo === null || isBytes(replyTo, 32))) throw new InvalidEventError('malformed text')
  return { text, replyTo: replyTo ?? undefined }
}

export function encodeProfile(profile: ProfilePayload): unknown {
  const { name, bio, account, device, created, certificate, binding } = profile
  return [name, bio, account, device, created, certificate, binding]
}

/** @throws InvalidEventError */
export function profilePayload(body: Body): ProfilePayload {
  const parts = body.payload
  if (!Array.isArray(parts) || parts.length !== 7) throw new InvalidEventError('malformed profile')
  const [name, bio, account, device, created, certificate, binding] = parts as unknown[]
  if (!isText(name, MAX_NAME_LENGTH * 4) || !isText(bio, MAX_BIO_BYTES) || !isUint(created))
    throw new InvalidEventError('malformed profile')
  if (!isBytes(account, 32) || !isBytes(device, 32) || !isBytes(certificate, 64) || !isBytes(binding, 64)) {
    throw new InvalidEventError('malformed profile')
  }
  return { name, bio, account, device, created, certificate, binding }
}
