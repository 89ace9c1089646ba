import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeCbor, encodeCbor } from '../../src/chat/cbor.ts'
import { portableCrypto } from '../../src/chat/crypto.ts'
import {
  createRun,
  decodeRun,
  type Entry,
  encodeRun,
  eventId,
  Kind,
  suffixOf,
  verifyRun,
  withBody,
} from '../../src/chat/event.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { assertInvalid, fill, roomKeys, Scribe, stripped, thrown } from './support.ts'

const test = suite('chat/event')
const crypto = nativeCrypto
const keys = roomKeys('test', crypto)
const scribe = (): Scribe => new Scribe(1, keys, crypto)
const entry = (length = 8): Entry => withBody(Kind.message, fill(7, length))
const seed = fill(1)
const author = crypto.publicKey(seed)
const place = { roomTag: keys.tag, author, seq: 1 }

/** The parts of an encoded run, changed, encoded again. */
function altered(bytes: Uint8Array, change: (parts: unknown[]) => unknown): Uint8Array {
  const parts = decodeCbor(bytes, 10_000) as unknown[]
  return encodeCbor(change(parts) ?? parts)
}

/** The list with another value at `index`. */
const put = (list: unknown[], index: number, value: unknown): unknown[] => list.map((each, i) => (i === index ? value : each))

test('a run that was encoded is decoded to itself, under both cryptos', () => {
  const run = scribe().run({}, {}, {})
  for (const each of [nativeCrypto, portableCrypto]) {
    const decoded = decodeRun(encodeRun(run), each)
    assert.equal(encodeRun(decoded), encodeRun(run))
    assert.equal([decoded.ids, decoded.firstSeq, decoded.entries], [run.ids, run.firstSeq, run.entries])
    assert.ok(verifyRun(decoded, each))
  }
})

test('the signature covers every byte of every event, and of the header', () => {
  const run = scribe().run({}, {})
  const bytes = encodeRun(run)
  let tried = 0
  for (let i = 0; i < bytes.length; i++) {
    const flipped = Uint8Array.from(bytes)
    flipped[i] = (flipped[i] ?? 0) ^ 1
    let accepted = false
    try {
      accepted = verifyRun(decodeRun(flipped, crypto), crypto)
    } catch (error) {
      assert.is((error as Error).name, 'InvalidEventError')
    }
    assert.not.ok(accepted, `a flipped bit in byte ${i}`)
    tried++
  }
  assert.is(tried, bytes.length)
})

test('an id commits to room, author, place, predecessor, kind, length and body', () => {
  const one = { ...entry(), bodyHash: fill(4) }
  const base = bytesToHex(eventId(place, fill(0), one, crypto))
  const others = [
    eventId({ ...place, roomTag: fill(1, 16) }, fill(0), one, crypto),
    eventId({ ...place, author: fill(2) }, fill(0), one, crypto),
    eventId({ ...place, seq: 2 }, fill(0), one, crypto),
    eventId(place, fill(1), one, crypto),
    eventId(place, fill(0), { ...one, kind: Kind.control }, crypto),
    eventId(place, fill(0), { ...one, bodyLength: 9 }, crypto),
    eventId(place, fill(0), { ...one, bodyHash: fill(3) }, crypto),
  ].map(bytesToHex)
  assert.is(new Set([base, ...others]).size, 8)
  assert.is(bytesToHex(eventId(place, fill(0), { ...one, body: undefined }, crypto)), base, 'the header alone gives the same id')
})

test('a run without its bodies has the same ids and the same signature', () => {
  const run = scribe().run({}, {}, {})
  const bare = decodeRun(encodeRun(stripped(run)), crypto)
  assert.equal(bare.ids, run.ids)
  assert.ok(verifyRun(bare, crypto))
  assert.equal(
    bare.entries.map((each) => each.body),
    [undefined, undefined, undefined],
  )
})

test('every suffix of a run is a run, proven by the same signature', () => {
  const run = scribe().run({}, {}, {}, {})
  for (let i = 0; i < 4; i++) {
    const suffix = decodeRun(encodeRun(suffixOf(run, i)), crypto)
    assert.equal(suffix.ids, run.ids.slice(i))
    assert.is(suffix.firstSeq, i + 1)
    assert.ok(verifyRun(suffix, crypto))
  }
  assert.instance(
    thrown(() => suffixOf(run, 9)),
    TypeError,
  )
})

test('a prefix of a run is not proven by its signature', () => {
  const run = scribe().run({}, {})
  const prefix = { ...run, entries: run.entries.slice(0, 1) }
  assert.not.ok(verifyRun(decodeRun(encodeRun(prefix), crypto), crypto))
})

test('an event of one run cannot be moved to another place, author or room', () => {
  const writer = scribe()
  writer.run({})
  const run = writer.run({})
  for (const change of [
    { firstSeq: 3 },
    { author: new Scribe(2, keys, crypto).key },
    { roomTag: fill(9, 16) },
    { prevId: fill(9) },
  ]) {
    assert.not.ok(verifyRun(decodeRun(encodeRun({ ...run, ...change }), crypto), crypto), Object.keys(change)[0])
  }
})

test('seq 1, and only seq 1, has no predecessor', () => {
  const first = encodeRun(scribe().run({}))
  assertInvalid(() =>
    decodeRun(
      altered(first, (parts) => put(parts, 3, 2)),
      crypto,
    ),
  )
  assertInvalid(() =>
    decodeRun(
      altered(first, (parts) => put(parts, 4, fill(1))),
      crypto,
    ),
  )
  assertInvalid(() =>
    decodeRun(
      altered(first, (parts) => put(parts, 3, 0)),
      crypto,
    ),
  )
})

test('sequence numbers end at 2^48 - 1', () => {
  const last = createRun({ ...place, seq: 2 ** 48 - 1 }, fill(5), [entry()], seed, crypto)
  assert.is(decodeRun(encodeRun(last), crypto).firstSeq, 2 ** 48 - 1)
  assertInvalid(() => decodeRun(encodeRun({ ...last, firstSeq: 2 ** 48 }), crypto))
  assertInvalid(() => decodeRun(encodeRun({ ...last, entries: [entry(), entry()] }), crypto), 'the second event would be beyond')
})

test('a run has 1 to 256 events', () => {
  const most = createRun(
    place,
    undefined,
    Array.from({ length: 256 }, () => entry(1)),
    seed,
    crypto,
  )
  assert.is(decodeRun(encodeRun(most), crypto).ids.length, 256)
  assert.is(decodeRun(encodeRun(stripped(most)), crypto).ids.length, 256)
  const over = { ...most, entries: [...most.entries, entry(1)] }
  assertInvalid(() => decodeRun(encodeRun(over), crypto))
  assertInvalid(() => decodeRun(encodeRun(stripped(over as typeof most)), crypto))
  assertInvalid(() => decodeRun(encodeRun({ ...most, entries: [] }), crypto))
  assert.instance(
    thrown(() => createRun(place, undefined, [], seed, crypto)),
    TypeError,
  )
})

test('a run has at most 256 KiB, a body at most 64 KiB less 256 bytes', () => {
  const largest = entry(64 * 1024 - 256)
  assert.is(decodeRun(encodeRun(createRun(place, undefined, [largest], seed, crypto)), crypto).entries[0]?.bodyLength, 65_280)
  assertInvalid(() => decodeRun(encodeRun(createRun(place, undefined, [entry(64 * 1024 - 255)], seed, crypto)), crypto))
  const four = createRun(place, undefined, [largest, largest, largest, largest], seed, crypto)
  assert.ok(decodeRun(encodeRun(four), crypto))
  assertInvalid(() =>
    decodeRun(encodeRun(createRun(place, undefined, [largest, largest, largest, largest, entry(900)], seed, crypto)), crypto),
  )
})

test('kinds are 1 to 255, known or not', () => {
  const run = encodeRun(scribe().run({}))
  for (const kind of [0, 256, -1, 1.5, '1', null]) {
    assertInvalid(
      () =>
        decodeRun(
          altered(run, (parts) => put(parts, 5, [[kind, fill(1)]])),
          crypto,
        ),
      String(kind),
    )
  }
  assert.is(
    decodeRun(
      altered(run, (parts) => put(parts, 5, [[255, fill(1)]])),
      crypto,
    ).entries[0]?.kind,
    255,
  )
})

const bytes = encodeRun(scribe().run({}))
const MALFORMED: Record<string, (parts: unknown[]) => unknown> = {
  'another version': (parts) => put(parts, 0, 2),
  'a short room tag': (parts) => put(parts, 1, fill(1, 15)),
  'a long author key': (parts) => put(parts, 2, fill(1, 33)),
  'a text for a seq': (parts) => put(parts, 3, '1'),
  'a negative seq': (parts) => put(parts, 3, -1),
  'a short predecessor': (parts) => put(parts, 4, fill(0, 31)),
  'no list of entries': (parts) => put(parts, 5, fill(1)),
  'an entry that is no list': (parts) => put(parts, 5, [1]),
  'an empty entry': (parts) => put(parts, 5, [[]]),
  'an entry of four parts': (parts) => put(parts, 5, [[1, 5, fill(1), 0]]),
  'a text for a body': (parts) => put(parts, 5, [[1, 'body']]),
  'a header with too long a body': (parts) => put(parts, 5, [[1, 65_281, fill(1)]]),
  'a header with a short hash': (parts) => put(parts, 5, [[1, 5, fill(1, 31)]]),
  'a short signature': (parts) => put(parts, 6, fill(1, 63)),
  'a part too few': (parts) => parts.slice(0, 6),
  'a part too many': (parts) => [...parts, 0],
  'a map': (parts) => new Map(parts.entries()),
  'a number': () => 1,
}
for (const [what, change] of Object.entries(MALFORMED)) {
  test(`refuses a run with, or that is, ${what}`, () => assertInvalid(() => decodeRun(altered(bytes, change), crypto)))
}

test('a run has one encoding', () => {
  assert.is(bytes[0], 0x87)
  assert.is(bytes[1], 1)
  const wide = Uint8Array.from([0x98, 7, ...bytes.subarray(1)])
  const wideVersion = Uint8Array.from([0x87, 0x18, 1, ...bytes.subarray(2)])
  const open = Uint8Array.from([0x9f, ...bytes.subarray(1), 0xff])
  const floating = Uint8Array.from([0x87, 0xf9, 0x3c, 0x00, ...bytes.subarray(2)])
  const longer = Uint8Array.from([...bytes, 0])
  for (const other of [wide, wideVersion, open, floating, longer, bytes.subarray(0, -1)])
    assertInvalid(() => decodeRun(other, crypto))
})

test('an id is the hash of the header as CBOR', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 48 - 1 })),
      fc.integer({ min: 1, max: 255 }),
      fc.integer({ min: 0, max: 65_280 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (seq, kind, bodyLength, bytes) => {
        const place = { roomTag: bytes.subarray(0, 16), author: fill(2), seq }
        const entry = { kind, body: undefined, bodyLength, bodyHash: bytes }
        const header = encodeCbor([1, place.roomTag, place.author, seq, fill(3), kind, bodyLength, bytes])
        assert.equal(eventId(place, fill(3), entry, crypto), crypto.sha256(header))
      },
    ),
    { numRuns: 1000 },
  )
})

test.run()
