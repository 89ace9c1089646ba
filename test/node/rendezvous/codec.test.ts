import '../../../src/shims.node.ts'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeMessage, encodeMessage, type Message, MessageType, Status } from '../../../src/node/rendezvous/codec.ts'
import { anyText } from '../../support/any-text.ts'
import { bytes, number, registerRequest, varint } from './support.ts'

const test = suite('node/rendezvous/codec')

/** Written by hand from the spec's protobuf: tag, length, content. */
const VECTORS: { what: string; message: Message; hex: string }[] = [
  {
    what: 'REGISTER my-app, record 01 02 03, 7200 s',
    message: { type: MessageType.register, register: { ns: 'my-app', signedPeerRecord: Uint8Array.of(1, 2, 3), ttl: 7200 } },
    hex: '0800 1210 0a066d792d617070 1203010203 18a038',
  },
  {
    what: 'REGISTER_RESPONSE OK, 7200 s',
    message: { type: MessageType.registerResponse, registerResponse: { status: Status.ok, ttl: 7200 } },
    hex: '0801 1a05 0800 18a038',
  },
  {
    what: 'REGISTER_RESPONSE E_NOT_AUTHORIZED "no"',
    message: { type: MessageType.registerResponse, registerResponse: { status: Status.notAuthorized, statusText: 'no' } },
    hex: '0801 1a07 08c801 12026e6f',
  },
  {
    what: 'UNREGISTER my-app',
    message: { type: MessageType.unregister, unregister: { ns: 'my-app' } },
    hex: '0802 2208 0a066d792d617070',
  },
  {
    what: 'DISCOVER everything',
    message: { type: MessageType.discover, discover: {} },
    hex: '0803 2a00',
  },
  {
    what: 'DISCOVER my-app, at most 300, cookie c1 02',
    message: { type: MessageType.discover, discover: { ns: 'my-app', limit: 300, cookie: Uint8Array.of(0xc1, 2) } },
    hex: '0803 2a0f 0a066d792d617070 10ac02 1a02c102',
  },
  {
    what: 'DISCOVER_RESPONSE with two registrations and a cookie',
    message: {
      type: MessageType.discoverResponse,
      discoverResponse: {
        registrations: [
          { ns: 'a', signedPeerRecord: Uint8Array.of(1), ttl: 1 },
          { ns: 'a', signedPeerRecord: Uint8Array.of(2), ttl: 2 },
        ],
        cookie: Uint8Array.of(9),
        status: Status.ok,
      },
    },
    hex: '0804 3219 0a080a01611201011801 0a080a01611201021802 120109 1800',
  },
  {
    what: 'DISCOVER_RESPONSE E_INVALID_COOKIE',
    message: { type: MessageType.discoverResponse, discoverResponse: { registrations: [], status: Status.invalidCookie } },
    hex: '0804 3202 1867',
  },
]

const fromHex = (hex: string): Uint8Array => hexToBytes(hex.replaceAll(' ', ''))

for (const { what, message, hex } of VECTORS) {
  test(`writes and reads ${what} as the spec has it`, () => {
    assert.is(bytesToHex(encodeMessage(message)), hex.replaceAll(' ', ''))
    assert.equal(decodeMessage(fromHex(hex)), message)
  })
}

test('has the numbers of the spec for every status', () => {
  assert.equal(Status, {
    ok: 0,
    invalidNamespace: 100,
    invalidSignedPeerRecord: 101,
    invalidTtl: 102,
    invalidCookie: 103,
    notAuthorized: 200,
    internalError: 300,
    unavailable: 400,
  })
})

test('reads fields in any order, and skips those it does not know, of every wire type', () => {
  const unknown = concatBytes(
    number(9, 5),
    bytes(10, 'later'),
    concatBytes(varint((11 << 3) | 1), new Uint8Array(8)),
    concatBytes(varint((12 << 3) | 5), new Uint8Array(4)),
  )
  const register = concatBytes(unknown, number(3, 7200), bytes(1, 'my-app'), unknown)
  const { type, register: read } = decodeMessage(concatBytes(unknown, bytes(2, register), number(1, 0), unknown))
  assert.is(type, MessageType.register)
  assert.equal(read, { ns: 'my-app', ttl: 7200 })
})

test('takes a field with another wire type than its own for an unknown one', () => {
  const message = decodeMessage(concatBytes(number(1, 3), bytes(5, concatBytes(number(1, 7), bytes(2, 'x')))))
  assert.equal(message.discover, {})
})

test('takes the last of a field that comes twice, and joins messages', () => {
  const message = concatBytes(
    number(1, 3),
    number(1, 0),
    bytes(2, concatBytes(bytes(1, 'one'), number(3, 9))),
    bytes(2, bytes(1, 'two')),
  )
  assert.equal(decodeMessage(message), { type: MessageType.register, register: { ns: 'two', ttl: 9 } })
})

test('leaves what is absent undefined, and takes an absent type for the first', () => {
  assert.equal(decodeMessage(new Uint8Array()), { type: MessageType.register })
  assert.equal(decodeMessage(bytes(2, new Uint8Array())), { type: MessageType.register, register: {} })
  assert.equal(decodeMessage(bytes(3, new Uint8Array())).registerResponse, {})
})

test('reads a number beyond 2^53 as 2^53 - 1', () => {
  for (const ttl of [2n ** 53n, 2n ** 64n - 1n])
    assert.is(decodeMessage(registerRequest({ ttl })).register?.ttl, Number.MAX_SAFE_INTEGER)
  assert.is(decodeMessage(registerRequest({ ttl: 2n ** 53n - 2n })).register?.ttl, 2 ** 53 - 2)
})

const MALFORMED: Record<string, Uint8Array> = {
  'a type that does not exist': number(1, 5),
  'a field of number 0': Uint8Array.of(0, 0),
  'a group': Uint8Array.of(0x0b, 0x0c),
  'groups in groups': new Uint8Array(5_000).fill(0x0b),
  'a wire type that does not exist': Uint8Array.of(0x0f),
  'a cut number': Uint8Array.of(0x08, 0x80),
  'a cut number of 64 bits': bytes(2, Uint8Array.of(0x18, 0x80, 0x80, 0x80)),
  'a number without an end': concatBytes(Uint8Array.of(0x10), new Uint8Array(20).fill(0x80)),
  'a length beyond the end': Uint8Array.of(0x12, 5, 1),
  'a length beyond its message': bytes(2, Uint8Array.of(0x0a, 5, 0x61)),
  'a cut number at the end of an inner message': concatBytes(bytes(2, Uint8Array.of(0x18, 0x80)), number(1, 0)),
  'text that is not UTF-8': bytes(2, bytes(1, Uint8Array.of(0xc3, 0x28))),
  'text with a surrogate': bytes(2, bytes(1, Uint8Array.of(0xed, 0xa0, 0x80))),
  'more than 1,000 registrations': bytes(6, concatBytes(...Array.from({ length: 1_001 }, () => bytes(1, new Uint8Array())))),
}

for (const [what, message] of Object.entries(MALFORMED)) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => decodeMessage(message),
      (error: Error) => error.name === 'InvalidEventError',
    )
  })
}

const anyBytes = fc.uint8Array({ maxLength: 40 })
const shortText = anyText({ maxLength: 40 })
const partly = { requiredKeys: [] as [], noNullPrototype: true }
const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> => fc.record(model, { noNullPrototype: true })
const register = fc.record({ ns: shortText, signedPeerRecord: anyBytes, ttl: fc.maxSafeNat() }, partly)
const status = fc.constantFrom(...Object.values(Status))
const anyMessage = fc.oneof(
  plain({ type: fc.constant(MessageType.register), register }),
  plain({
    type: fc.constant(MessageType.registerResponse),
    registerResponse: fc.record({ status, statusText: shortText, ttl: fc.maxSafeNat() }, partly),
  }),
  plain({ type: fc.constant(MessageType.unregister), unregister: fc.record({ ns: shortText }, partly) }),
  plain({
    type: fc.constant(MessageType.discover),
    discover: fc.record({ ns: shortText, limit: fc.maxSafeNat(), cookie: anyBytes }, partly),
  }),
  plain({
    type: fc.constant(MessageType.discoverResponse),
    discoverResponse: fc.record(
      { registrations: fc.array(register, { maxLength: 5 }), cookie: anyBytes, status, statusText: shortText },
      { requiredKeys: ['registrations'], noNullPrototype: true },
    ),
  }),
)

test('reads every message that it writes', () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      assert.equal(decodeMessage(encodeMessage(message as Message)), message)
    }),
    { numRuns: 1_000 },
  )
})

test('any bytes at all are a message or InvalidEventError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (input) => {
      try {
        decodeMessage(input)
      } catch (error) {
        assert.is((error as Error).name, 'InvalidEventError')
      }
    }),
    { numRuns: 5_000 },
  )
})

test.run()
