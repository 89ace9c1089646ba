import { concatBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Body,
  encodeProfile,
  encodeText,
  openBody,
  padme,
  profilePayload,
  sealBody,
  Type,
  textPayload,
} from '../../src/chat/body.ts'
import { encodeCbor } from '../../src/chat/cbor.ts'
import { Kind } from '../../src/chat/event.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { assertInvalid, fill } from './support.ts'

const test = suite('chat/body')
const crypto = nativeCrypto
const key = fill(3)
const place = { roomTag: fill(1, 16), author: fill(2), seq: 7 }
const text = (value: unknown, replyTo: unknown = null): Partial<Body> => ({ type: Type.text, payload: [value, replyTo] })
const body = (change: Partial<Body> = {}): Body => ({
  hlc: 1_800_000_000_000,
  type: Type.text,
  parents: [],
  controlHeads: [],
  payload: encodeText({ text: 'hello', replyTo: undefined }),
  ext: [],
  ...change,
})
const open = (sealed: Uint8Array, kind: number = Kind.message): Body => openBody(sealed, key, place, kind, crypto)
const reopened = (change: Partial<Body>, kind: number = Kind.message): Body =>
  open(sealBody(body(change), key, place, kind, crypto), kind)

/** Seals any plaintext, as somebody who holds the key and means harm. */
function sealedAs(plaintext: Uint8Array, kind: number = Kind.message): Uint8Array {
  const aad = new Uint8Array(16 + 32 + 9)
  aad.set(place.roomTag)
  aad.set(place.author, 16)
  new DataView(aad.buffer).setBigUint64(48, BigInt(place.seq))
  aad[56] = kind
  return crypto.seal(key, plaintext, aad)
}

/** As it should be: 0x80, then zeros to the length that Padmé gives. */
function padded(plaintext: Uint8Array): Uint8Array {
  const out = new Uint8Array(padme(plaintext.length + 1))
  out.set(plaintext)
  out[plaintext.length] = 0x80
  return out
}
const plain = (parts: unknown): Uint8Array => sealedAs(padded(encodeCbor(parts)))

test('a body that was sealed opens to itself', () => {
  const parents = [fill(1, 16), fill(2, 16), fill(3, 16), fill(4, 16)]
  const full = body({
    parents,
    controlHeads: [fill(5, 16)],
    payload: encodeText({ text: 'hi', replyTo: fill(6) }),
    ext: ['later', 1],
  })
  assert.equal(open(sealBody(full, key, place, Kind.message, crypto)), full)
  assert.equal(textPayload(full), { text: 'hi', replyTo: fill(6) })
})

test('a body opens only in its own room, under its own author, seq, kind and key', () => {
  const sealed = sealBody(body({ type: 99 }), key, place, Kind.message, crypto)
  assert.is(open(sealed).type, 99)
  for (const other of [{ roomTag: fill(9, 16) }, { author: fill(9) }, { seq: 8 }])
    assertInvalid(() => openBody(sealed, key, { ...place, ...other }, Kind.message, crypto))
  assertInvalid(() => openBody(sealed, key, place, Kind.control, crypto))
  assertInvalid(() => openBody(sealed, fill(4), place, Kind.message, crypto))
  assertInvalid(() => open(sealed.subarray(0, -1)))
  assertInvalid(() => open(new Uint8Array(0)))
})

test('the same body is sealed differently each time', () => {
  assert.not.equal(sealBody(body(), key, place, Kind.message, crypto), sealBody(body(), key, place, Kind.message, crypto))
})

test('padding costs at most 12 % above 128 bytes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 20 }), (length) => {
      const size = padme(length)
      assert.ok(size >= length && size >= 128)
      if (length > 128) assert.ok(size <= length * 1.12, `${length} -> ${size}`)
      else assert.is(size, 128)
    }),
    { numRuns: 20_000 },
  )
})

test('padding leaves few lengths to tell apart, and grows with the text', () => {
  const sizes = new Set<number>()
  let last = 0
  for (let length = 1; length <= 32_768; length++) {
    const size = padme(length)
    assert.ok(size >= last)
    assert.is(padme(size), size, 'a padded length is its own padding')
    last = size
    sizes.add(size)
  }
  assert.ok(sizes.size <= 128, String(sizes.size))
})

test('a body of the wrong length, or with anything but zeros behind its end, is refused', () => {
  const plaintext = encodeCbor([1, 99, [], [], 0, []])
  const good = padded(plaintext)
  assert.is(open(sealedAs(good)).type, 99)
  assertInvalid(() => open(sealedAs(concatBytes(good, fill(0, 16)))), 'too long')
  assertInvalid(() => open(sealedAs(good.subarray(0, 127))), 'too short')
  const dirty = Uint8Array.from(good)
  dirty[120] = 1
  assertInvalid(() => open(sealedAs(dirty)), 'dirty')
  assertInvalid(() => open(sealedAs(plaintext)), 'no padding')
  assertInvalid(() => open(sealedAs(fill(0, 128))), 'nothing but zeros')
  assertInvalid(() => open(sealedAs(new Uint8Array(0))), 'nothing')
})

test('a body has six parts, times that a date can show, and at most four references of 16 bytes', () => {
  const good = [1, 99, [], [], 0, []]
  assert.equal(open(plain(good)).hlc, 1)
  const bad: unknown[] = [
    good.slice(0, 5),
    [...good, 0],
    1,
    [-1, 99, [], [], 0, []],
    [8_640_000_000_000_000, 99, [], [], 0, []],
    [0.5, 99, [], [], 0, []],
    [1, 65_536, [], [], 0, []],
    [1, 99, [fill(1, 15)], [], 0, []],
    [1, 99, [fill(1, 16), fill(2, 16), fill(3, 16), fill(4, 16), fill(5, 16)], [], 0, []],
    [1, 99, 0, [], 0, []],
    [1, 99, [], [1], 0, []],
  ]
  for (const parts of bad) assertInvalid(() => open(plain(parts)), JSON.stringify(parts))
})

test('a text is well-formed, at most 32 KiB of UTF-8, and answers a whole id or none', () => {
  const largest = 'ä'.repeat(16 * 1024)
  assert.is(textPayload(reopened(text(largest))).text, largest)
  const refused: [unknown, unknown?][] = [[`${largest}a`], [1], [null], ['a', fill(1, 16)], ['a', 'b'], [fill(1)]]
  for (const [value, replyTo = null] of refused) {
    const change = { payload: [value, replyTo] }
    for (const type of [Type.text, Type.action])
      assertInvalid(() => reopened({ ...change, type }), JSON.stringify(change).slice(0, 80))
  }
  assertInvalid(() => reopened({ payload: ['a'] }))
  assertInvalid(() => reopened({ payload: 'a' }))
})

test('a lone surrogate does not get into a body, whichever way it is encoded', () => {
  const raw = Uint8Array.from([0x86, 1, 1, 0x80, 0x80, 0x82, 0x63, 0xed, 0xa0, 0x80, 0xf6, 0x80])
  assertInvalid(() => open(sealedAs(padded(raw))))
  const replaced = Uint8Array.from([0x86, 1, 1, 0x80, 0x80, 0x82, 0x63, 0xef, 0xbf, 0xbd, 0xf6, 0x80])
  assert.is(textPayload(open(sealedAs(padded(replaced)))).text, '\ufffd')
})

test('a profile has its seven parts, a name of at most 256 bytes and a bio of at most 1 KiB', () => {
  const profile = {
    name: 'Ann',
    bio: 'hi',
    account: fill(1),
    device: fill(2),
    created: 5,
    certificate: fill(3, 64),
    binding: fill(4, 64),
  }
  const encoded = encodeProfile(profile) as unknown[]
  const sealed = (payload: unknown): Body => reopened({ type: Type.profile, payload }, Kind.control)
  assert.equal(profilePayload(sealed(encoded)), profile)
  const wrong: unknown[] = ['a'.repeat(257), 'b'.repeat(1025), fill(1, 31), fill(1, 33), -1, fill(1, 63), fill(1, 65)]
  wrong.forEach((value, index) => {
    assertInvalid(() => sealed(encoded.map((each, i) => (i === index ? value : each))), `part ${index}`)
  })
  assertInvalid(() => sealed(encoded.slice(0, 6)))
})

test('a type of a later version is taken with whatever it carries', () => {
  const later = reopened({ type: 77, payload: [{ a: 1 }, [[['deep']]], 1.5], ext: ['x'] })
  assert.is(later.type, 77)
  assert.is(
    reopened({ type: Type.text, payload: 'not a text' }, Kind.shares).type,
    Type.text,
    'a text is one only among messages',
  )
})

test.run()
