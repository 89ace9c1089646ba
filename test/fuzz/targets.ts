/** Every decoder that reads what others wrote, with valid inputs to begin from. */
import '../../src/shims.ts'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { decodeBeacon, encodeBeacon } from '../../src/chat/beacon.ts'
import { encodeProfile, openBody, padme, Type } from '../../src/chat/body.ts'
import { decodeCbor, encodeCbor } from '../../src/chat/cbor.ts'
import { decodeRun, encodeRun, Kind, parseRun } from '../../src/chat/event.ts'
import { decodePage, decodeSegment, decodeWant } from '../../src/chat/frontier.ts'
import { createProfile, loadIdentity, verifyProfile } from '../../src/chat/identity.ts'
import { decodeKeepMessage, encodeKeepMessage, type KeepMessage } from '../../src/chat/keep-codec.ts'
import { KeptLog } from '../../src/chat/kept-log.ts'
import { Log } from '../../src/chat/log.ts'
import { decodeMessage, encodeMessage, type SyncMessage } from '../../src/chat/sync-codec.ts'
import { type Line, splitLines } from '../../src/client/lines.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { decodeMessage as decodeRendezvous } from '../../src/node/rendezvous/codec.ts'
import { openPeerRecord } from '../../src/node/rendezvous/peer-record.ts'
import { decodeKey, encodeKey } from '../../src/storage/key-codec.ts'
import { fill, MapStore, roomKeys, Scribe, stripped } from '../chat/support.ts'
import {
  bytes as bytesField,
  discoverRequest,
  keyOf,
  number as numberField,
  recordOf,
  registerRequest,
  signedRecord,
  unregisterRequest,
} from '../node/rendezvous/support.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

export interface Target {
  name: string
  samples: Uint8Array[]
  /** Reads the bytes; throws InvalidEventError at most. */
  read(bytes: Uint8Array): unknown
}

const crypto = nativeCrypto
const keys = roomKeys('fuzz', crypto)
const seed = fill(1)
const author = crypto.publicKey(seed)
const place = { roomTag: keys.tag, author, seq: 7 }

function runs(): Uint8Array[] {
  const scribe = new Scribe(1, keys, crypto)
  const many = scribe.run(...Array.from({ length: 40 }, () => ({})))
  return [
    scribe.write({}),
    scribe.write({}, {}, {}),
    encodeRun(many),
    encodeRun(stripped(many)),
    encodeRun(stripped(many, (i) => i % 2 === 0)),
    scribe.write({ text: 'x'.repeat(30_000) }),
  ]
}

function messages(): Uint8Array[] {
  const end = 'ab'.repeat(16)
  const segments = Array.from({ length: 64 }, (_, i) => ({ from: 3 * i + 1, to: 3 * i + 2, end }))
  const list: SyncMessage[] = [
    { type: 'hello', roomTag: keys.tag, nonce: fill(2) },
    { type: 'welcome', nonce: fill(2), proof: fill(3, 64) },
    { type: 'proof', proof: fill(3, 64) },
    { type: 'summary', digest: fill(4, 16), buckets: [] },
    { type: 'summary', digest: fill(4, 16), buckets: Array.from({ length: 256 }, (_, i) => fill(i, 16)) },
    {
      type: 'pages',
      pages: [
        { author: end, segments },
        { author: 'cd'.repeat(16), segments: segments.slice(60) },
      ],
      last: true,
      more: false,
    },
    { type: 'wants', wants: segments.map((each) => ({ ...each, author: end })), last: true },
    { type: 'runs', runs: runs().slice(0, 3) },
    { type: 'served' },
  ]
  return list.map(encodeMessage)
}

function keepMessages(): Uint8Array[] {
  const list: KeepMessage[] = [
    { type: 'ask', accessKey: keys.accessKey, nonce: fill(2) },
    { type: 'challenge', nonce: fill(2) },
    { type: 'request', proof: fill(3, 64), seconds: 604_800, token: utf8ToBytes('for friends') },
    { type: 'request', proof: fill(3, 64), seconds: 0, token: new Uint8Array(0) },
    { type: 'granted', seconds: 604_800, bytes: 2 ** 26 },
    { type: 'refused', reason: 1, seconds: 3600 },
  ]
  return list.map(encodeKeepMessage)
}

/** Plaintexts of bodies: they are sealed only after they were altered, as a member that means harm would. */
const bodies = (): Uint8Array[] =>
  [
    [1, Type.text, [], [], ['hello', null], []],
    [1_800_000_000_000, Type.text, [fill(1, 16), fill(2, 16)], [], ['Grüße 😀', fill(3)], []],
    [1, Type.action, [], [fill(1, 16)], ['waves', null], []],
    [1, 4000, [], [], [new Map([[1, 'later']]), [[[]]]], ['ext']],
  ].map(encodeCbor)

function sealed(plaintext: Uint8Array, kind: number): Uint8Array {
  const padded = new Uint8Array(padme(plaintext.length + 1))
  padded.set(plaintext)
  padded[plaintext.length] = 0x80
  const tail = new Uint8Array(9)
  new DataView(tail.buffer).setBigUint64(0, BigInt(place.seq))
  tail[8] = kind
  return crypto.seal(
    kind === Kind.control ? keys.controlKey : keys.messageKey,
    padded,
    concatBytes(place.roomTag, place.author, tail),
  )
}

const readBody = (plaintext: Uint8Array, kind: number): unknown =>
  openBody(sealed(plaintext, kind), kind === Kind.control ? keys.controlKey : keys.messageKey, place, kind, crypto)

function beaconOf(content: Uint8Array): Uint8Array {
  const head = [16, keys.tag, author, 5, 6, crypto.seal(keys.presenceKey, content, concatBytes(keys.tag, author))]
  return encodeCbor([...head, crypto.sign(seed, concatBytes(utf8ToBytes('p2pnode/beacon/v1'), crypto.sha256(encodeCbor(head))))])
}

const ADDRESSES = ['/ip4/192.0.2.7/tcp/4747', '/dns4/relay.example/tcp/443/wss', '/ip6/2001:db8::7/udp/1/quic-v1']

async function peerRecords(): Promise<Uint8Array[]> {
  const key = await keyOf(1)
  const addresses = ADDRESSES
  const old = { domain: 'libp2p-routing-state', payloadType: utf8ToBytes('/libp2p/routing-state-record') }
  return [await signedRecord(key), await signedRecord(key, { addresses }), await signedRecord(key, { ...old, addresses })]
}

async function rendezvousMessages(): Promise<Uint8Array[]> {
  const records = await peerRecords()
  const registrations = records.map((record) =>
    bytesField(1, concatBytes(bytesField(1, 'room'), bytesField(2, record), numberField(3, 7_200))),
  )
  return [
    ...records.map((record) => registerRequest({ ns: 'room', record, ttl: 7_200 })),
    unregisterRequest('room'),
    discoverRequest('room', { limit: 50, cookie: fill(1, 44) }),
    concatBytes(numberField(1, 1), bytesField(3, concatBytes(numberField(1, 400), bytesField(2, 'full'), numberField(3, 1)))),
    concatBytes(numberField(1, 4), bytesField(6, concatBytes(...registrations, bytesField(2, fill(1, 44)), numberField(3, 0)))),
  ]
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const half = bytes.length >> 1
  yield bytes.subarray(0, half)
  yield bytes.subarray(half)
}

async function readLines(bytes: Uint8Array): Promise<void> {
  for await (const line of splitLines(once(bytes), 4096)) {
    const known: Line = line
    if (!('text' in known) && known.problem !== 'TOO_LARGE' && known.problem !== 'NOT_UTF8')
      throw new Error('neither a text nor a problem')
  }
}

export async function targets(): Promise<Target[]> {
  const clock = new VirtualClock()
  const { identity } = await loadIdentity(new MapStore(), crypto, clock, 'Ann')
  const profile = [encodeCbor([1, Type.profile, [], [], encodeProfile(createProfile(identity, keys.tag, author, crypto)), []])]
  const tip = { author: 'ab'.repeat(16), seq: 9, id: 'cd'.repeat(16) }
  const beacon = encodeBeacon(
    { author, start: 5, counter: 6, state: 1, digest: fill(1, 16), tips: [tip, tip] },
    keys,
    seed,
    crypto,
  )
  const end = fill(1, 16)
  const parts = [
    [1, 5, end],
    [
      end,
      [
        [1, 5, end],
        [7, 9, end],
      ],
    ],
    [end, end, 1, 5],
  ].map(encodeCbor)
  const log = await Log.open({ store: new MapStore(), crypto, clock, keys })
  const kept = await KeptLog.open({
    store: new MapStore(),
    crypto,
    clock,
    tag: keys.tag,
    room: 1,
    limits: () => ({ bytes: 100_000, events: 300, authors: 3 }),
    onCharge: () => [],
  })
  const storeKeys = [
    ['run', fill(1), fill(2), 7, 1],
    ['node', 'identity'],
    ['cid', fill(1), 9],
  ] as const
  return [
    { name: 'cbor', samples: [...bodies(), ...parts], read: (bytes) => decodeCbor(bytes, 100_000) },
    { name: 'run', samples: runs(), read: (bytes) => decodeRun(bytes, crypto) },
    { name: 'served run', samples: runs(), read: (bytes) => parseRun(bytes) },
    {
      name: 'ingest',
      samples: runs(),
      read(bytes) {
        const { verdict, durable } = log.ingest(bytes, 'gossip')
        if (!['accept', 'ignore', 'reject'].includes(verdict)) throw new Error(`no verdict: ${verdict}`)
        return durable
      },
    },
    {
      name: 'sealed body',
      samples: bodies().map((body) => sealed(body, Kind.message)),
      read: (bytes) => openBody(bytes, keys.messageKey, place, Kind.message, crypto),
    },
    { name: 'body', samples: bodies(), read: (bytes) => readBody(bytes, Kind.message) },
    { name: 'profile', samples: profile, read: (bytes) => verified(readBody(bytes, Kind.control)) },
    { name: 'beacon', samples: [beacon], read: (bytes) => decodeBeacon(bytes, keys, crypto) },
    {
      name: 'content of a beacon',
      samples: [
        encodeCbor([
          1,
          end,
          [
            [end, 9, end],
            [end, 8, end],
          ],
        ]),
      ],
      read: (bytes) => decodeBeacon(beaconOf(bytes), keys, crypto),
    },
    { name: 'sync message', samples: messages(), read: decodeMessage },
    { name: 'keep message', samples: keepMessages(), read: decodeKeepMessage },
    {
      name: 'ingest without a key',
      samples: runs(),
      read(bytes) {
        const { verdict, durable } = kept.ingest(bytes)
        if (!['accept', 'ignore', 'reject'].includes(verdict)) throw new Error(`no verdict: ${verdict}`)
        return durable
      },
    },
    {
      name: 'part of a frontier',
      samples: parts,
      read(bytes) {
        const value = decodeCbor(bytes, 1000)
        return [decodeSegment(value), decodePage(value), decodeWant(value)]
      },
    },
    { name: 'rendezvous message', samples: await rendezvousMessages(), read: decodeRendezvous },
    { name: 'peer record', samples: await peerRecords(), read: openPeerRecord },
    {
      name: 'signed peer record',
      samples: [recordOf(peerIdFromPrivateKey(await keyOf(1)).toMultihash().bytes, 7, ADDRESSES)],
      read: async (payload) => await openPeerRecord(await signedRecord(await keyOf(1), { payload })),
    },
    {
      name: 'line',
      samples: ['{"jsonrpc":"2.0","id":1,"method":"status"}\n', 'ä😀\r\n{}\n', `${'x'.repeat(5000)}\n`].map(utf8ToBytes),
      read: readLines,
    },
    {
      name: 'store key',
      samples: storeKeys.map((key) => encodeKey(key, () => 1) as Uint8Array),
      read: (bytes) => decodeKey(bytes, () => fill(1)),
    },
  ]
}

function verified(body: unknown): unknown {
  const { payload } = body as { payload: unknown }
  const [name, bio, account, device, created, certificate, binding] = Array.isArray(payload) ? (payload as never[]) : []
  if (account === undefined || binding === undefined) return undefined // a type of a later version
  return verifyProfile({ name, bio, account, device, created, certificate, binding } as never, keys.tag, author, crypto)
}
