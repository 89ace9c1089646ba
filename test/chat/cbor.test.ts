import { hexToBytes } from '@noble/hashes/utils.js'
import * as cborg from 'cborg'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeCbor, encodeCbor, equalBytes, isBytes, isText, isUint } from '../../src/chat/cbor.ts'
import { anyText } from '../support/any-text.ts'
import { assertInvalid } from './support.ts'

const test = suite('chat/cbor')
const MANY = 1_000_000
const decode = (hex: string): unknown => decodeCbor(hexToBytes(hex), MANY)

const REFUSED: Record<string, string> = {
  'an indefinite array': '9f01ff',
  'an indefinite byte string': '5f4101ff',
  'an indefinite text': '7f6161ff',
  'an indefinite map': 'bf0102ff',
  'a stray break': 'ff',
  'a small integer in two bytes': '1817',
  'a byte in three bytes': '1900ff',
  'a short in five bytes': '1a0000ffff',
  'a word in nine bytes': '1b00000000ffffffff',
  'a negative integer in more bytes than it needs': '3800',
  'a length of a byte string in more bytes than it needs': '580101',
  'a length of a text in more bytes than it needs': '780161',
  'a count of an array in more bytes than it needs': '980101',
  undefined: 'f7',
  NaN: 'f97e00',
  infinity: 'f97c00',
  'an integer as a half float': 'f93c00',
  'an integer as a single float': 'fa3f800000',
  'an integer as a double float': 'fb3ff0000000000000',
  'zero as a float': 'f90000',
  'a fraction in a double float that a half float holds': 'fb3ff8000000000000',
  'a tag': 'c001',
  'a simple value': 'f0',
  'an integer beyond 2^53': '1b0020000000000000',
  'a map with one key twice': 'a201020103',
  'text that is not UTF-8': '61ff',
  'text with an encoded surrogate': '63eda080',
  'text with an overlong character': '62c1a1',
  'bytes that end early': '4201',
  'an array that ends early': '8201',
  'an array of 2^32 items in 5 bytes': '9affffffff',
  'an array of 2^52 items in 9 bytes': '9b0010000000000000',
  'a byte string of 4 GiB in 5 bytes': '5affffffff',
  'two values': '0101',
  nothing: '',
}

for (const [what, hex] of Object.entries(REFUSED)) test(`refuses ${what}`, () => assertInvalid(() => decode(hex), what))

test('refuses nesting of 20,000 levels without a crash', () => {
  for (const depth of [1000, 20_000, 200_000]) {
    const bytes = new Uint8Array(depth + 1).fill(0x81)
    bytes[depth] = 0x01
    if (depth > 20_000) assertInvalid(() => decodeCbor(bytes, MANY))
    assertInvalid(() => decodeCbor(bytes, 500), 'nor more tokens than there may be')
  }
})

test('takes 32 levels and not one more, whatever else is in them', () => {
  const nested = (depth: number, core: string): string => `${'81'.repeat(depth)}${core}`
  for (const core of ['01', 'f93e00', '80', 'a10102']) {
    const own = ['80', 'a10102'].includes(core) ? 1 : 0
    assert.ok(Array.isArray(decode(nested(32 - own, core))))
    assertInvalid(() => decode(nested(33 - own, core)), core)
  }
})

test('what is long is encoded like what is short, also as the first thing there is', () => {
  for (const length of [10_000, 300_000, 5]) {
    const value = [new Uint8Array(length).fill(7), 'ü'.repeat(length)]
    assert.equal(decodeCbor(encodeCbor(value), MANY), value)
  }
})

test('an encoded value stays as it is when the next one is encoded', () => {
  const first = encodeCbor([1, 2, 3])
  encodeCbor([9, 9, 9])
  assert.equal(decodeCbor(first, MANY), [1, 2, 3])
})

test('keys and ids are copies, and a slice of a Buffer is none', () => {
  const bytes = Buffer.from(encodeCbor([new Uint8Array(64)]))
  const [key] = decodeCbor(bytes, MANY) as [Uint8Array]
  bytes.fill(1)
  assert.equal(key, new Uint8Array(64))
  assert.is(key.constructor, Uint8Array)
})

/** All that the protocol allows, the rare included. */
const allowed = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.maxSafeNat(),
    fc.nat(70_000),
    fc.uint8Array({ maxLength: 300 }),
    anyText({ maxLength: 300 }),
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }).map((object) => new Map(Object.entries(object))),
  ),
})).value

test('encodes as cborg does, and reads back what it wrote', () => {
  fc.assert(
    fc.property(allowed, (value) => {
      const bytes = encodeCbor(value)
      assert.ok(equalBytes(bytes, cborg.encode(value)))
      assert.ok(equalBytes(encodeCbor(decodeCbor(bytes, MANY)), bytes))
    }),
    { numRuns: 500 },
  )
})

const hasMap = (value: unknown): boolean => value instanceof Map || (Array.isArray(value) && value.some(hasMap))

test('of altered bytes it takes only what encodes to those very bytes', () => {
  fc.assert(
    fc.property(allowed, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (value, changes) => {
      const bytes = encodeCbor(value)
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte
      let read: unknown
      try {
        read = decodeCbor(bytes, MANY)
      } catch {
        return
      }
      // The keys of a map may stand in any order: what is signed or hashed has no maps.
      if (!hasMap(read)) assert.ok(equalBytes(encodeCbor(read), bytes))
    }),
    { numRuns: 2000 },
  )
})

test('takes as many items as it is told to, and not one more', () => {
  const list = encodeCbor([1, 2, 3])
  assert.equal(decodeCbor(list, 4), [1, 2, 3])
  assertInvalid(() => decodeCbor(list, 3))
})

test('gives back what was encoded', () => {
  const value = [
    0,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
    -1,
    true,
    false,
    null,
    'ä😀',
    Uint8Array.of(1, 2),
    [[]],
  ]
  assert.equal(decodeCbor(encodeCbor(value), MANY), value)
})

test('an unsigned integer is neither negative, nor minus zero, nor a fraction, nor over its limit', () => {
  for (const value of [0, 1, Number.MAX_SAFE_INTEGER]) assert.ok(isUint(value))
  for (const value of [-1, -0, 0.5, 2 ** 53, Number.NaN, 1n, '1', null, undefined]) assert.not.ok(isUint(value), String(value))
  assert.ok(isUint(7, 7))
  assert.not.ok(isUint(8, 7))
})

test('bytes are Uint8Arrays of the length asked for', () => {
  assert.ok(isBytes(new Uint8Array(3)))
  assert.ok(isBytes(new Uint8Array(3), 3))
  assert.not.ok(isBytes(new Uint8Array(3), 4))
  assert.not.ok(isBytes([1, 2, 3]))
})

test('text is measured in UTF-8 bytes and has no lone surrogates', () => {
  assert.ok(isText('äöü', 6))
  assert.not.ok(isText('äöü', 5))
  assert.not.ok(isText('\ud83d', 10))
  assert.not.ok(isText(1, 10))
  assert.ok(isText('😀', 4))
  assert.not.ok(isText('😀', 3))
  for (const text of ['\ud83d', '\ude00', 'a\ud83d', '\ude00\ud83d', '\ud83d\ud83d\ude00', '\ud83da'])
    assert.not.ok(isText(text, 100), JSON.stringify(text))
})

test('bytes are equal if and only if they have the same length and content', () => {
  assert.ok(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2)))
  assert.not.ok(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)))
  assert.not.ok(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1)))
  assert.not.ok(equalBytes(Uint8Array.of(), Uint8Array.of(0)))
})

test.run()
