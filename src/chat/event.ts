/**
 * Events and runs: the only things that peers exchange and stores keep. docs/PROTOCOL.md, "Events and runs".
 *
 * ```
 * header h_i = cbor [ 1, roomTag(16), authorKey(32), seq, prevId(32), kind, bodyLength, SHA-256(body) ]    id_i = SHA-256(h_i)
 * run        = cbor [ 1, roomTag, authorKey, firstSeq, prevId, [ entry, ... ], signature(64) ]
 * entry      = [kind, body] | [kind, bodyLength, bodyHash]
 * signature  = Ed25519("p2pnode/run/v1" || id of the run's last event)
 * ```
 */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { InvalidEventError } from '../errors.ts'
import { decodeCbor, encodeCbor, equalBytes, isBytes, isUint, withCbor } from './cbor.ts'
import { MAX_BODY_BYTES, MAX_RUN_BYTES, MAX_RUN_EVENTS, MAX_SEQ } from './constants.ts'
import type { Crypto } from './seams.ts'

export const VERSION = 1

/** What an event is to those who cannot open it. */
export const Kind = { message: 1, shares: 2, control: 3, prekey: 4, keyRequest: 5 } as const
const MAX_KIND = 255

const RUN_LABEL = utf8ToBytes('p2pnode/run/v1')
const NO_PREDECESSOR = new Uint8Array(32)
/** Tokens of the largest run: 7 parts and per entry an array of 3. */
const MAX_RUN_TOKENS = 8 + MAX_RUN_EVENTS * 4

/** An event of a run. Without a body it is *header-only*: it carries the chain past a body that is gone. */
export interface Entry {
  kind: number
  body: Uint8Array | undefined
  bodyLength: number
  /** SHA-256 of the body. Of one that is here it is reckoned together with the ids: whoever only reads bodies does without. */
  bodyHash: Uint8Array | undefined
}

/** A decoded run, not yet verified. `ids[i]` is the id of `entries[i]`. */
export interface Run {
  roomTag: Uint8Array
  author: Uint8Array
  firstSeq: number
  prevId: Uint8Array
  entries: Entry[]
  ids: Uint8Array[]
  signature: Uint8Array
}

/** Where an event stands. */
export interface Place {
  roomTag: Uint8Array
  author: Uint8Array
  seq: number
}

/** The id of an entry whose `bodyHash` is there. */
export function eventId({ roomTag, author, seq }: Place, prevId: Uint8Array, entry: Entry, crypto: Crypto): Uint8Array {
  const { kind, bodyLength, bodyHash } = entry
  return withCbor([VERSION, roomTag, author, seq, prevId, kind, bodyLength, bodyHash], (bytes) => crypto.sha256(bytes))
}

export function withBody(kind: number, body: Uint8Array): Entry {
  return { kind, body, bodyLength: body.length, bodyHash: undefined }
}

/** Chains the entries behind `prevId` (32 zero bytes for seq 1) and signs the last id. At most 256 entries and 256 KiB. */
export function createRun(place: Place, prevId: Uint8Array | undefined, entries: Entry[], seed: Uint8Array, crypto: Crypto): Run {
  const run = { ...place, firstSeq: place.seq, prevId: prevId ?? NO_PREDECESSOR, entries }
  const ids = chain(run, crypto)
  const last = ids[ids.length - 1]
  if (last === undefined) throw new TypeError('a run has at least one entry')
  return { ...run, ids, signature: crypto.sign(seed, concatBytes(RUN_LABEL, last)) }
}

function chain(run: Omit<Run, 'ids' | 'signature'>, crypto: Crypto): Uint8Array[] {
  const ids: Uint8Array[] = []
  let prev = run.prevId
  run.entries.forEach((entry, i) => {
    if (entry.body !== undefined) entry.bodyHash ??= crypto.sha256(entry.body)
    prev = eventId({ roomTag: run.roomTag, author: run.author, seq: run.firstSeq + i }, prev, entry, crypto)
    ids.push(prev)
  })
  return ids
}

export function verifyRun(run: Run, crypto: Crypto): boolean {
  const last = run.ids[run.ids.length - 1]
  return last !== undefined && crypto.verify(run.author, concatBytes(RUN_LABEL, last), run.signature)
}

export function encodeRun(run: Omit<Run, 'ids'>): Uint8Array {
  const entries = run.entries.map((entry) =>
    entry.body === undefined ? [entry.kind, entry.bodyLength, entry.bodyHash] : [entry.kind, entry.body],
  )
  return encodeCbor([VERSION, run.roomTag, run.author, run.firstSeq, run.prevId, entries, run.signature])
}

/**
 * Decodes strictly: shape and limits; CBOR as the protocol allows it has one encoding for what a run consists of. The signature is
 * not checked here.
 * @throws InvalidEventError
 */
export function decodeRun(bytes: Uint8Array, crypto: Crypto): Run {
  const run = parseRun(bytes)
  return { ...run, ids: chain(run, crypto) }
}

/** A run without its ids: all it takes to serve what was checked when it came. @throws InvalidEventError */
export function parseRun(bytes: Uint8Array): Omit<Run, 'ids'> {
  if (bytes.length > MAX_RUN_BYTES) throw new InvalidEventError('run over 256 KiB')
  const parts = decodeCbor(bytes, MAX_RUN_TOKENS)
  if (!Array.isArray(parts) || parts.length !== 7) throw new InvalidEventError('not a run')
  const [version, roomTag, author, firstSeq, prevId, list, signature] = parts as unknown[]
  if (version !== VERSION) throw new InvalidEventError('unknown version of a run')
  if (!isBytes(roomTag, 16) || !isBytes(author, 32) || !isBytes(prevId, 32) || !isBytes(signature, 64)) {
    throw new InvalidEventError('malformed run')
  }
  if (!Array.isArray(list) || list.length < 1 || list.length > MAX_RUN_EVENTS) throw new InvalidEventError('malformed entries')
  if (!isUint(firstSeq, MAX_SEQ) || firstSeq < 1 || firstSeq + list.length - 1 > MAX_SEQ)
    throw new InvalidEventError('seq out of range')
  if ((firstSeq === 1) !== equalBytes(prevId, NO_PREDECESSOR))
    throw new InvalidEventError('seq 1 and only seq 1 has no predecessor')
  return { roomTag, author, firstSeq, prevId, entries: list.map(decodeEntry), signature }
}

function decodeEntry(entry: unknown): Entry {
  if (!Array.isArray(entry)) throw new InvalidEventError('malformed entry')
  const [kind, second, third] = entry as unknown[]
  if (!isUint(kind, MAX_KIND) || kind < 1) throw new InvalidEventError('malformed kind')
  if (entry.length === 2 && isBytes(second) && second.length <= MAX_BODY_BYTES) return withBody(kind, second)
  if (entry.length === 3 && isUint(second, MAX_BODY_BYTES) && isBytes(third, 32)) {
    return { kind, body: undefined, bodyLength: second, bodyHash: third }
  }
  throw new InvalidEventError('malformed entry')
}

/** The same run from its `index`-th event on: the signature over the last id still proves it. */
export function suffixOf(run: Run, index: number): Run {
  if (index === 0) return run
  const prevId = run.ids[index - 1]
  if (prevId === undefined) throw new TypeError('no such event in the run')
  return { ...run, firstSeq: run.firstSeq + index, prevId, entries: run.entries.slice(index), ids: run.ids.slice(index) }
}
