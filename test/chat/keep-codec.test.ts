import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeCbor } from '../../src/chat/cbor.ts'
import { MAX_KEEPER_TOKEN_BYTES, MAX_LEASE_SECONDS } from '../../src/chat/constants.ts'
import { decodeKeepMessage, encodeKeepMessage, type KeepMessage, keepChallenge } from '../../src/chat/keep-codec.ts'
import { accessChallenge, decodeMessage, encodeMessage } from '../../src/chat/sync-codec.ts'
import { assertInvalid, fill } from './support.ts'

const test = suite('chat/keep-codec')

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const seconds = fc.integer({ min: 0, max: MAX_LEASE_SECONDS })

const messages: fc.Arbitrary<KeepMessage> = fc.oneof(
  fc.record({ type: fc.constant('ask' as const), accessKey: bytes(32), nonce: bytes(32) }),
  fc.record({ type: fc.constant('challenge' as const), nonce: bytes(32) }),
  fc.record({
    type: fc.constant('request' as const),
    proof: bytes(64),
    seconds,
    token: fc.uint8Array({ maxLength: MAX_KEEPER_TOKEN_BYTES }),
  }),
  fc.record({ type: fc.constant('granted' as const), seconds, bytes: fc.maxSafeNat() }),
  fc.record({ type: fc.constant('refused' as const), reason: fc.integer({ min: 0, max: 255 }), seconds }),
)

test('every message survives', () => {
  fc.assert(fc.property(messages, (message) => assert.equal(decodeKeepMessage(encodeKeepMessage(message)), { ...message })))
})

test('what is cut, or has something behind it, is refused', () => {
  fc.assert(
    fc.property(messages, fc.nat(), (message, at) => {
      const whole = encodeKeepMessage(message)
      assertInvalid(() => decodeKeepMessage(whole.subarray(0, at % whole.length)))
      assertInvalid(() => decodeKeepMessage(Uint8Array.from([...whole, 0])))
    }),
  )
})

test('any bytes are a message or an InvalidEventError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
      try {
        decodeKeepMessage(input)
      } catch (error) {
        assert.is((error as Error).name, 'InvalidEventError')
      }
    }),
  )
})

test('parts of the wrong size, number or kind are refused', () => {
  const parts: unknown[][] = [
    [],
    [15],
    [21, 1, 1],
    [16, fill(1), fill(1, 31)],
    [16, fill(1, 33), fill(1)],
    [16, fill(1)],
    [16, fill(1), fill(1), 0],
    [17, 'nonce'],
    [18, fill(1, 63), 1, fill(0, 0)],
    [18, fill(1, 64), MAX_LEASE_SECONDS + 1, fill(0, 0)],
    [18, fill(1, 64), 1, fill(1, MAX_KEEPER_TOKEN_BYTES + 1)],
    [18, fill(1, 64), 1, null],
    [19, 1],
    [19, 1, 'much'],
    [20, 256, 1],
    [20, 1, MAX_LEASE_SECONDS + 1],
  ]
  for (const each of parts) assertInvalid(() => decodeKeepMessage(encodeCbor(each)), JSON.stringify(each))
  assertInvalid(() => decodeKeepMessage(encodeCbor({ 16: 1 })))
})

test('no message of the one protocol is one of the other', () => {
  fc.assert(fc.property(messages, (message) => assertInvalid(() => decodeMessage(encodeKeepMessage(message)))))
  assertInvalid(() => decodeKeepMessage(encodeMessage({ type: 'hello', roomTag: fill(1, 16), nonce: fill(1) })))
})

test('a proof commits to the room, to both nonces and to both peers, and is none for members', () => {
  const challenges = [
    keepChallenge(fill(1, 16), [fill(2), fill(3)], ['ann', 'keeper']),
    keepChallenge(fill(9, 16), [fill(2), fill(3)], ['ann', 'keeper']),
    keepChallenge(fill(1, 16), [fill(9), fill(3)], ['ann', 'keeper']),
    keepChallenge(fill(1, 16), [fill(2), fill(9)], ['ann', 'keeper']),
    keepChallenge(fill(1, 16), [fill(2), fill(3)], ['bob', 'keeper']),
    keepChallenge(fill(1, 16), [fill(2), fill(3)], ['ann', 'other']),
    keepChallenge(fill(1, 16), [fill(2), fill(3)], ['annk', 'eeper']),
    accessChallenge('initiator', fill(1, 16), [fill(2), fill(3)], ['ann', 'keeper']),
  ].map(String)
  assert.is(new Set(challenges).size, challenges.length)
})

test.run()
