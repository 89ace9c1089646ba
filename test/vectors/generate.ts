/**
 * The wire formats, byte for byte: `node --import tsx test/vectors/generate.ts` writes test/vectors/*.json anew. A change of these
 * files is a change of the protocol: whoever runs an earlier version no longer understands it.
 */
import '../../src/shims.ts'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { encodeBeacon } from '../../src/chat/beacon.ts'
import { type Body, encodeProfile, encodeText, sealBody, Type } from '../../src/chat/body.ts'
import { encodeCbor } from '../../src/chat/cbor.ts'
import { createRun, type Entry, encodeRun, Kind, type Place, type Run, withBody } from '../../src/chat/event.ts'
import { createProfile, fingerprintOf, loadIdentity, recoveryPhrase } from '../../src/chat/identity.ts'
import { encodeKeepMessage, type KeepMessage, keepChallenge, Refusal } from '../../src/chat/keep-codec.ts'
import {
  checkWords,
  deriveRoomKeys,
  lockedRoomSecret,
  openRoomSecret,
  type RoomKeys,
} from '../../src/chat/room-keys.ts'
import { canonicalRoomName } from '../../src/room-name.ts'
import { safetyNumber } from '../../src/chat/safety-number.ts'
import type { Crypto } from '../../src/chat/seams.ts'
import { accessChallenge, encodeMessage, type SyncMessage } from '../../src/chat/sync-codec.ts'
import { MapStore } from '../chat/support.ts'

const NONCE = Uint8Array.from({ length: 24 }, (_, i) => 0x40 + i)
const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const TIME = 1_800_000_000_000

/** The same crypto, with nothing left to chance. */
export function fixed(crypto: Crypto): Crypto {
  return {
    ...crypto,
    randomBytes: (length) => fill(0x5a, length),
    seal: (key, plaintext, aad) => concatBytes(NONCE, xchacha20poly1305(key, NONCE, aad).encrypt(plaintext)),
  }
}

/** Bytes as hex, all the way down. */
function hex(value: unknown): unknown {
  if (value instanceof Uint8Array) return bytesToHex(value)
  if (Array.isArray(value)) return value.map(hex)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hex(each)]))
  return value
}

async function rooms(crypto: Crypto): Promise<unknown> {
  const names = ['lobby', ' #Lobby ', 'ＬＯＢＢＹ', 'Straße', 'Cafe\u0301', 'ﬁsh', 'Ⅷ', '日本', '😀']
  const open = names.map((typed) => {
    const name = canonicalRoomName(typed)
    const keys = deriveRoomKeys('open', openRoomSecret(name, crypto), crypto)
    return { typed, name, ...keys, check: checkWords(keys.tag) }
  })
  const passphrase = 'correct horse battery staple'
  const keys = deriveRoomKeys('locked', await lockedRoomSecret('vault', passphrase, crypto), crypto)
  return { open, locked: [{ name: 'vault', passphrase, ...keys, check: checkWords(keys.tag) }] }
}

const SEED = fill(7)

function bodies(
  keys: RoomKeys,
  author: Uint8Array,
  crypto: Crypto,
): { what: string; kind: number; seq: number; body: Body; plaintext: Uint8Array; sealed: Uint8Array }[] {
  const list: [what: string, kind: number, change: Partial<Body>][] = [
    ['a text', Kind.message, { payload: encodeText({ text: 'hello', replyTo: undefined }) }],
    [
      'a text that answers and names parents',
      Kind.message,
      { parents: [fill(1, 16), fill(2, 16)], payload: encodeText({ text: 'Grüße 😀', replyTo: fill(9) }) },
    ],
    ['an action', Kind.message, { type: Type.action, payload: encodeText({ text: 'waves', replyTo: undefined }) }],
    ['a longer text', Kind.message, { payload: encodeText({ text: 'x'.repeat(1000), replyTo: undefined }) }],
    [
      'a profile',
      Kind.control,
      {
        type: Type.profile,
        payload: encodeProfile({
          name: 'Ann',
          bio: 'hi',
          account: fill(1),
          device: fill(2),
          created: TIME,
          certificate: fill(3, 64),
          binding: fill(4, 64),
        }),
      },
    ],
    ['a type of a later version', Kind.message, { type: 4000, payload: ['later', 1, null], ext: [true] }],
  ]
  return list.map(([what, kind, change], i) => {
    const body: Body = { hlc: TIME + i, type: Type.text, parents: [], controlHeads: [], payload: null, ext: [], ...change }
    const key = kind === Kind.control ? keys.controlKey : keys.messageKey
    const place: Place = { roomTag: keys.tag, author, seq: i + 1 }
    const plaintext = encodeCbor([body.hlc, body.type, body.parents, body.controlHeads, body.payload, body.ext])
    return { what, kind, seq: i + 1, body, plaintext, sealed: sealBody(body, key, place, kind, crypto) }
  })
}

const headerOf = (run: Run, i: number): Uint8Array => {
  const entry = run.entries[i] as Entry
  const prev = i === 0 ? run.prevId : (run.ids[i - 1] as Uint8Array)
  return encodeCbor([1, run.roomTag, run.author, run.firstSeq + i, prev, entry.kind, entry.bodyLength, entry.bodyHash])
}

function events(crypto: Crypto): unknown {
  const keys = deriveRoomKeys('open', openRoomSecret('lobby', crypto), crypto)
  const author = crypto.publicKey(SEED)
  const sealed = bodies(keys, author, crypto)
  const entries = sealed.map(({ kind, sealed: body }) => withBody(kind, body))
  const place = (seq: number): Place => ({ roomTag: keys.tag, author, seq })
  const one = createRun(place(1), undefined, entries.slice(0, 1), SEED, crypto)
  const three = createRun(place(2), one.ids[0], entries.slice(1, 4), SEED, crypto)
  const bare: Run = { ...three, entries: three.entries.map((entry, i) => (i === 1 ? { ...entry, body: undefined } : entry)) }
  const runs = Object.entries({ 'one event': one, 'three events': three, 'three events, the second without its body': bare })
  return {
    seed: SEED,
    author,
    room: 'lobby',
    bodies: sealed.map(({ what, kind, seq, plaintext, sealed: bytes }) => ({ what, kind, seq, plaintext, sealed: bytes })),
    runs: runs.map(([what, run]) => ({
      what,
      headers: run.entries.map((_, i) => headerOf(run, i)),
      ids: run.ids,
      encoded: encodeRun(run),
    })),
  }
}

function beacons(crypto: Crypto): unknown {
  const keys = deriveRoomKeys('open', openRoomSecret('lobby', crypto), crypto)
  const author = crypto.publicKey(SEED)
  const tips = [{ author: '01'.repeat(16), seq: 7, id: '02'.repeat(16) }]
  const list = [
    { start: TIME, counter: 0, state: 1, digest: fill(3, 16), tips },
    { start: TIME, counter: 1, state: 2, digest: fill(0, 16), tips: [] },
    { start: TIME, counter: 2, state: 4, digest: fill(3, 16), tips },
  ]
  return {
    room: 'lobby',
    seed: SEED,
    beacons: list.map((beacon) => ({ ...beacon, encoded: encodeBeacon({ ...beacon, author }, keys, SEED, crypto) })),
  }
}

const MESSAGES: SyncMessage[] = [
  { type: 'hello', roomTag: fill(1, 16), nonce: fill(2) },
  { type: 'welcome', nonce: fill(3), proof: fill(4, 64) },
  { type: 'proof', proof: fill(5, 64) },
  { type: 'summary', digest: fill(6, 16), buckets: [] },
  { type: 'summary', digest: fill(6, 16), buckets: Array.from({ length: 256 }, (_, i) => fill(i, 16)) },
  { type: 'pages', pages: [], last: true, more: false },
  {
    type: 'pages',
    pages: [
      {
        author: '07'.repeat(16),
        segments: [
          { from: 9, to: 2 ** 48 - 1, end: '08'.repeat(16) },
          { from: 1, to: 7, end: '09'.repeat(16) },
        ],
      },
    ],
    last: false,
    more: true,
  },
  { type: 'wants', wants: [{ author: '0a'.repeat(16), end: '0b'.repeat(16), from: 1, to: 500 }], last: true },
  { type: 'runs', runs: [fill(1, 3), fill(2, 300)] },
  { type: 'served' },
]

function sync(crypto: Crypto): unknown {
  const { accessSeed, accessKey, tag } = deriveRoomKeys('open', openRoomSecret('lobby', crypto), crypto)
  const nonces: [Uint8Array, Uint8Array] = [fill(1), fill(2)]
  const peers: [string, string] = ['12D3KooWInitiator', '12D3KooWResponder']
  const access = (['initiator', 'responder'] as const).map((role) => {
    const challenge = accessChallenge(role, tag, nonces, peers)
    return { role, challenge, proof: crypto.sign(accessSeed, challenge) }
  })
  return {
    messages: MESSAGES.map((message) => ({ message, encoded: encodeMessage(message) })),
    access: { room: 'lobby', accessKey, nonces, peers, proofs: access },
  }
}

const KEEP_MESSAGES: KeepMessage[] = [
  { type: 'ask', accessKey: fill(1), nonce: fill(2) },
  { type: 'challenge', nonce: fill(3) },
  { type: 'request', proof: fill(4, 64), seconds: 604_800, token: utf8ToBytes('for friends') },
  { type: 'request', proof: fill(5, 64), seconds: 60, token: new Uint8Array(0) },
  { type: 'granted', seconds: 604_800, bytes: 67_108_864 },
  ...Object.values(Refusal).map((reason): KeepMessage => ({ type: 'refused', reason, seconds: 600 })),
]

function keep(crypto: Crypto): unknown {
  const { accessSeed, accessKey, tag } = deriveRoomKeys('open', openRoomSecret('harbour', crypto), crypto)
  const nonces: [Uint8Array, Uint8Array] = [fill(1), fill(2)]
  const peers: [string, string] = ['12D3KooWMember', '12D3KooWKeeper']
  const challenge = keepChallenge(tag, nonces, peers)
  return {
    messages: KEEP_MESSAGES.map((message) => ({ message, encoded: encodeKeepMessage(message) })),
    access: { room: 'harbour', accessKey, tag, nonces, peers, challenge, proof: crypto.sign(accessSeed, challenge) },
  }
}

async function identity(crypto: Crypto): Promise<unknown> {
  const clock = { now: () => TIME, monotonic: () => TIME, setTimeout: () => () => undefined }
  const { identity: ann } = await loadIdentity(new MapStore(), crypto, clock, 'Ann')
  const author = crypto.publicKey(SEED)
  const other = bytesToHex(crypto.publicKey(fill(9)))
  const account = bytesToHex(ann.account)
  return {
    entropy: ann.entropy,
    phrase: recoveryPhrase(ann),
    accountSeed: ann.accountSeed,
    account,
    fingerprint: fingerprintOf(ann.account, crypto),
    deviceSeed: ann.deviceSeed,
    device: ann.device,
    created: ann.created,
    certificate: ann.certificate,
    roomTag: fill(1, 16),
    author,
    profile: createProfile(ann, fill(1, 16), author, crypto),
    safety: { other, number: safetyNumber(account, other) },
    forged: forgery(crypto),
  }
}

/** R' = R + a point of order 8, S = r + kA: the cofactored equation holds, the cofactorless one does not. Nobody may take it. */
function forgery(crypto: Crypto): unknown {
  const order = ed25519.Point.CURVE().n
  const torsion = ed25519.Point.fromBytes(hexToBytes('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'))
  const publicKey = crypto.publicKey(SEED)
  const message = utf8ToBytes('p2pnode/run/v1')
  const r = ed25519.Point.BASE.multiply(123_456_789n).add(torsion).toBytes()
  const little = (bytes: Uint8Array): bigint => BigInt(`0x${bytesToHex(Uint8Array.from(bytes).reverse())}`)
  const k = little(sha512(concatBytes(r, publicKey, message))) % order
  const s = (123_456_789n + k * ed25519.utils.getExtendedPublicKey(SEED).scalar) % order
  const scalar = hexToBytes(s.toString(16).padStart(64, '0')).reverse()
  return { publicKey, message, signature: concatBytes(r, scalar) }
}

/** Every file of this folder by its name, as it must be. */
export async function vectors(crypto: Crypto): Promise<Record<string, unknown>> {
  const certain = fixed(crypto)
  const files = {
    rooms: await rooms(certain),
    events: events(certain),
    beacons: beacons(certain),
    sync: sync(certain),
    keep: keep(certain),
    identity: await identity(certain),
  }
  return hex(files) as Record<string, unknown>
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { nativeCrypto } = await import('../../src/native-crypto.ts')
  for (const [name, content] of Object.entries(await vectors(nativeCrypto)))
    await writeFile(new URL(`${name}.json`, import.meta.url), `${JSON.stringify(content, null, 2)}\n`)
}
