import { concatBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeCbor } from '../../src/chat/cbor.ts'
import { accessChallenge, decodeMessage, encodeMessage, type SyncMessage } from '../../src/chat/sync-codec.ts'
import { assertInvalid, fill } from './support.ts'

const test = suite('chat/sync-codec')
const end = fill(1, 16)

test('every message is decoded to what was encoded', () => {
  const segments = Array.from({ length: 64 }, (_, i) => ({ from: i + 1, to: i + 1, end: 'ab'.repeat(16) }))
  const messages: SyncMessage[] = [
    { type: 'hello', roomTag: fill(1, 16), nonce: fill(2) },
    { type: 'welcome', nonce: fill(2), proof: fill(3, 64) },
    { type: 'proof', proof: fill(3, 64) },
    { type: 'summary', digest: end, buckets: [] },
    { type: 'summary', digest: end, buckets: Array.from({ length: 256 }, () => end) },
    { type: 'pages', pages: [{ author: 'cd'.repeat(16), segments }], last: false, more: true },
    { type: 'wants', wants: [{ author: 'cd'.repeat(16), end: 'ab'.repeat(16), from: 1, to: 2 ** 48 - 1 }], last: true },
    { type: 'runs', runs: [fill(1, 256 * 1024)] },
    { type: 'runs', runs: [] },
    { type: 'served' },
  ]
  for (const message of messages) assert.equal(decodeMessage(encodeMessage(message)), message)
})

test('a message of another number, shape or length is refused', () => {
  const bad: unknown[] = [
    0,
    [],
    [8],
    [-1],
    ['hello'],
    [0, fill(1, 15), fill(2)],
    [0, fill(1, 16)],
    [1, fill(2), fill(3, 63)],
    [2, 'proof'],
    [3, end, 0],
    [3, end, [end]],
    [3, end, Array.from({ length: 255 }, () => end)],
    [3, fill(1, 15), []],
    [4, 0, true, true],
    [4, [], 1, true],
    [4, [], true],
    [4, [[end, [[0, 1, end]]]], true, true],
    [4, [[end, Array.from({ length: 65 }, () => [1, 1, end])]], true, true],
    [5, [[end, end, 5, 4]], true],
    [5, [], 0],
    [6, [1]],
    [6, fill(1)],
    [6, [fill(1, 256 * 1024 + 1)]],
  ]
  for (const parts of bad) assertInvalid(() => decodeMessage(encodeCbor(parts)), JSON.stringify(parts).slice(0, 60))
})

test('a message over 260 KiB, or of more items than any can have, is refused unread', () => {
  assertInvalid(() => decodeMessage(new Uint8Array(260 * 1024 + 1)))
  assertInvalid(() => decodeMessage(encodeCbor([6, Array.from({ length: 100_001 }, () => fill(0, 0))])))
})

test('a challenge differs by role, room, nonces, peers, and which is which', () => {
  type Challenge = Parameters<typeof accessChallenge>
  const base: Challenge = ['initiator', fill(1, 16), [fill(2), fill(3)], ['ann', 'bob']]
  const others: Challenge[] = [
    ['responder', base[1], base[2], base[3]],
    ['initiator', fill(9, 16), base[2], base[3]],
    ['initiator', base[1], [fill(3), fill(2)], base[3]],
    ['initiator', base[1], [fill(2), fill(9)], base[3]],
    ['initiator', base[1], base[2], ['bob', 'ann']],
    ['initiator', base[1], base[2], ['an', 'nbob']],
    ['initiator', base[1], base[2], ['annbob', '']],
  ]
  assert.is(new Set([base, ...others].map((each) => String(accessChallenge(...each)))).size, 8)
  assert.equal(
    accessChallenge(...base).subarray(0, 18),
    concatBytes(new TextEncoder().encode('p2pnode/access/v1'), Uint8Array.of(0)),
  )
})

test.run()
