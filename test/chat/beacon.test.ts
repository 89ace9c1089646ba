import { concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Beacon, decodeBeacon, encodeBeacon, isBeacon, State } from '../../src/chat/beacon.ts'
import { Budget } from '../../src/chat/budget.ts'
import { decodeCbor, encodeCbor } from '../../src/chat/cbor.ts'
import { MAX_GOSSIP_IN_FLIGHT } from '../../src/chat/constants.ts'
import { portableCrypto } from '../../src/chat/crypto.ts'
import { Gossip } from '../../src/chat/gossip.ts'
import type { Crypto, Network, TopicValidator } from '../../src/chat/seams.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { waitFor } from '../support/wait-for.ts'
import { assertInvalid, cheapCrypto, fill, member, roomKeys, Scribe } from './support.ts'

const test = suite('chat/beacon')
const crypto = nativeCrypto
const keys = roomKeys('test', crypto)
const seed = fill(1)
const tip = (i: number): Beacon['tips'][number] => ({ author: 'ab'.repeat(16), seq: i, id: 'cd'.repeat(16) })
const beacon = (change: Partial<Beacon> = {}): Beacon => ({
  author: crypto.publicKey(seed),
  start: 1_800_000_000_000,
  counter: 3,
  state: State.online,
  digest: fill(4, 16),
  tips: [tip(1), tip(2)],
  ...change,
})
const encoded = (change: Partial<Beacon> = {}): Uint8Array => encodeBeacon(beacon(change), keys, seed, crypto)

/** Any parts and content, signed as they stand, as a member that means harm would. */
function forged(change: (parts: unknown[]) => unknown[], content: unknown = [1, fill(4, 16), []]): Uint8Array {
  const author = crypto.publicKey(seed)
  const sealed = crypto.seal(keys.presenceKey, encodeCbor(content), concatBytes(keys.tag, author))
  const head = change([16, keys.tag, author, 1, 1, sealed])
  return encodeCbor([...head, crypto.sign(seed, concatBytes(utf8ToBytes('p2pnode/beacon/v1'), crypto.sha256(encodeCbor(head))))])
}

test('a beacon is decoded to what was encoded, under both cryptos', () => {
  for (const each of [nativeCrypto, portableCrypto]) assert.equal(decodeBeacon(encoded(), keys, each), beacon())
  assert.equal(
    decodeBeacon(
      forged((parts) => parts),
      keys,
      crypto,
    ).tips,
    [],
  )
})

test('a beacon is told from a run by its first two bytes', () => {
  assert.ok(isBeacon(encoded()))
  assert.not.ok(isBeacon(new Scribe(1, keys, crypto).write()))
  assert.not.ok(isBeacon(new Uint8Array(0)))
})

test('a flipped bit anywhere is refused', () => {
  const bytes = encoded()
  for (let i = 0; i < bytes.length; i++) {
    const flipped = Uint8Array.from(bytes)
    flipped[i] = (flipped[i] ?? 0) ^ 4
    assertInvalid(() => decodeBeacon(flipped, keys, crypto), `byte ${i}`)
  }
})

test('a beacon of another room, or without the room key, is refused', () => {
  assertInvalid(() => decodeBeacon(encoded(), roomKeys('other', crypto), crypto))
  assertInvalid(() => decodeBeacon(encodeBeacon(beacon(), { ...keys, presenceKey: fill(1) }, seed, crypto), keys, crypto))
})

test('a beacon has at most 32 tips, a digest of 16 bytes, and whole numbers', () => {
  const tips = Array.from({ length: 32 }, (_, i) => tip(i))
  assert.is(decodeBeacon(encoded({ tips }), keys, crypto).tips.length, 32)
  assertInvalid(() => decodeBeacon(encoded({ tips: [...tips, tip(0)] }), keys, crypto))
  const same = (parts: unknown[]): unknown[] => parts
  const contents: unknown[] = [
    1,
    [],
    [1, fill(4, 15), []],
    [-1, fill(4, 16), []],
    [1, fill(4, 16), 0],
    [1, fill(4, 16), [1]],
    [1, fill(4, 16), [[fill(1, 16), 1.5, fill(1, 16)]]],
  ]
  for (const content of contents) assertInvalid(() => decodeBeacon(forged(same, content), keys, crypto), JSON.stringify(content))
  for (const [at, value] of [
    [0, 15],
    [1, fill(1, 15)],
    [2, fill(1, 31)],
    [3, -1],
    [4, '1'],
    [5, 1],
  ] as const) {
    assertInvalid(
      () =>
        decodeBeacon(
          forged((parts) => parts.map((each, i) => (i === at ? value : each))),
          keys,
          crypto,
        ),
      `part ${at}`,
    )
  }
})

test('a beacon in another encoding is refused though its signature is good', () => {
  const [first, ...rest] = decodeCbor(encoded(), 100) as unknown[]
  const wide = concatBytes(Uint8Array.of(0x98, 7), encodeCbor([first, ...rest]).subarray(1))
  assertInvalid(() => decodeBeacon(wide, keys, crypto))
  assertInvalid(() => decodeBeacon(concatBytes(encoded(), Uint8Array.of(0)), keys, crypto))
})

test('a beacon over 8 KiB is refused', () => {
  assertInvalid(() =>
    decodeBeacon(
      forged((parts) => parts, [1, fill(4, 16), [], fill(0, 9000)]),
      keys,
      crypto,
    ),
  )
})

interface Door {
  judge: TopicValidator
  rejected: string[]
  heard: number
}

async function door(init: { crypto?: Crypto; clock?: VirtualClock } = {}): Promise<Door & Awaited<ReturnType<typeof member>>> {
  const here = await member({ crypto, keys, ...init })
  let judge: TopicValidator | undefined
  const network = {
    subscribe: (_topic: string, validator: TopicValidator) => {
      judge = validator
    },
  } as unknown as Network
  const state = { rejected: [] as string[], heard: 0 }
  const gossip = new Gossip({
    ...here,
    network,
    onBeacon: () => ++state.heard === 1,
    onRun: () => undefined,
    onUnstored: () => undefined,
    onReject: (reason) => state.rejected.push(reason),
  })
  gossip.start()
  return Object.assign(state, { ...here, judge: judge as TopicValidator })
}

test('the topic forwards what is new, ignores what is known, and rejects what is wrong, saying why', async () => {
  const { judge, rejected } = await door()
  const bytes = new Scribe(1, keys, crypto).write()
  assert.equal([judge('ann', bytes), judge('bob', bytes)], ['accept', 'ignore'])
  assert.equal([judge('ann', encoded()), judge('ann', encoded())], ['accept', 'ignore'])
  assert.equal(
    [
      judge('eve', fill(1)),
      judge(
        'eve',
        forged((parts) => parts.map((each, i) => (i === 3 ? -1 : each))),
      ),
    ],
    ['reject', 'reject'],
  )
  assert.equal(rejected, ['not CBOR as the protocol allows it', 'malformed beacon'])
})

test('a beacon under a key of small order is rejected: runtimes disagree on its signatures', async () => {
  // Under the neutral element R = neutral, S = 0 signs everything, where the runtime lets it.
  const neutral = hexToBytes(`01${'00'.repeat(31)}`)
  const sealed = crypto.seal(keys.presenceKey, encodeCbor([1, fill(4, 16), []]), concatBytes(keys.tag, neutral))
  const bytes = encodeCbor([16, keys.tag, neutral, 1, 1, sealed, concatBytes(neutral, fill(0))])
  assert.ok(decodeBeacon(bytes, keys, { ...nativeCrypto, verify: () => true }))
  for (const each of [nativeCrypto, portableCrypto]) {
    const { judge, heard } = await door({ crypto: each })
    assert.equal([judge('eve', bytes), heard], ['reject', 0])
  }
})

test('a connection is judged for 8,000 messages at once, then 4,000 a second; what is over is ignored', async () => {
  const clock = new VirtualClock()
  const { judge } = await door({ clock })
  const junk = fill(1, 3)
  for (let i = 0; i < 8000; i++) assert.is(judge('eve', junk), 'reject')
  assert.is(judge('eve', junk), 'ignore')
  assert.is(judge('ann', new Scribe(1, keys, crypto).write()), 'accept', 'another connection is not charged for it')
  clock.advance(1)
  assert.equal(
    [1, 2, 3, 4, 5].map(() => judge('eve', junk)),
    ['reject', 'reject', 'reject', 'reject', 'ignore'],
  )
})

test('a burst of 2,000 messages of one author, a run each, is taken at once', async () => {
  const cheap = cheapCrypto()
  const { judge, log } = await door({ crypto: cheap })
  const scribe = new Scribe(1, keys, cheap)
  for (let i = 0; i < 2000; i++) assert.is(judge('ann', scribe.write()), 'accept')
  assert.is(log.size, 2000)
})

test('a connection may bring 32 MiB at once, then 8 MiB a second; what is over is ignored', async () => {
  const clock = new VirtualClock()
  const { judge } = await door({ clock })
  const junk = fill(0xff, 256 * 1024)
  for (let i = 0; i < 128; i++) assert.is(judge('eve', junk), 'reject')
  assert.is(judge('eve', junk), 'ignore')
  assert.is(judge('ann', junk), 'reject', 'another connection is not charged for it')
  clock.advance(32)
  assert.equal([judge('eve', junk), judge('eve', junk)], ['reject', 'ignore'])
})

test('runs that come while 16 MiB wait for the disk are ignored, until it has them', async () => {
  const cheap = cheapCrypto()
  const { judge, log, store } = await door({ crypto: cheap })
  const scribe = new Scribe(1, keys, cheap)
  const large = (): Uint8Array => scribe.write(...Array.from({ length: 7 }, () => ({ text: 'x'.repeat(32_000) })))
  const runs = Array.from({ length: 80 }, large)
  store.hold()
  const taken = runs.findIndex((run) => judge('ann', run) !== 'accept')
  const late = runs[taken] as Uint8Array
  const waiting = runs.slice(0, taken).reduce((sum, { length }) => sum + length, 0)
  assert.ok(waiting > MAX_GOSSIP_IN_FLIGHT && waiting < MAX_GOSSIP_IN_FLIGHT + late.length)
  assert.equal([judge('bob', late), log.size], ['ignore', 7 * taken])
  store.release()
  await waitFor(() => log.tips().length > 0, 'the disk to have them')
  assert.is(judge('ann', late), 'accept')
})

test('new authors are charged to the connection that brings them: 64 at once, then one a second', async () => {
  const clock = new VirtualClock()
  const { judge, log } = await door({ clock })
  let next = 0
  const fresh = (): Uint8Array => new Scribe(next++, keys, crypto).write()
  for (let i = 0; i < 64; i++) assert.is(judge('eve', fresh()), 'accept')
  const late = fresh()
  assert.equal([judge('eve', late), log.size], ['ignore', 64])
  assert.is(judge('ann', late), 'accept')
  clock.advance(1000)
  assert.equal([judge('eve', fresh()), judge('eve', fresh())], ['accept', 'ignore'])
})

test('a budget is a burst, then a rate, each name for itself', () => {
  const clock = new VirtualClock()
  const budget = new Budget({ burst: 3, rate: 2 }, clock)
  assert.equal(
    [1, 2, 3, 4].map(() => budget.spend('a')),
    [true, true, true, false],
  )
  assert.ok(budget.spend('b'))
  clock.advance(499)
  assert.not.ok(budget.spend('a'))
  clock.advance(1)
  assert.equal([budget.spend('a'), budget.spend('a')], [true, false])
  clock.advance(3_600_000)
  assert.equal(
    [1, 2, 3, 4].map(() => budget.spend('a')),
    [true, true, true, false],
    'never more than the burst',
  )
  assert.not.ok(new Budget({ burst: 5, rate: 1 }, clock).spend('a', 6))
  const whole = new Budget({ burst: 5, rate: 1 }, clock)
  assert.equal([whole.spend('a', 6), whole.spend('a', 5)], [false, true], 'a refusal costs nothing')
})

test('a budget forgets the names unused for longest, beyond 1,024', () => {
  const clock = new VirtualClock()
  const budget = new Budget({ burst: 1, rate: 0 }, clock)
  assert.ok(budget.spend('a'))
  for (let i = 0; i < 1023; i++) budget.spend(`${i}`)
  assert.not.ok(budget.spend('a'))
  for (let i = 0; i < 1024; i++) budget.spend(`x${i}`)
  assert.ok(budget.spend('a'))
})

test.run()
