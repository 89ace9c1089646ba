import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeRun, encodeRun, Kind, suffixOf } from '../../src/chat/event.ts'
import { type Arrival, Log } from '../../src/chat/log.ts'
import { DamagedStoreError } from '../../src/errors.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { type cheapCrypto, fill, idsOf, type MapStore, member, rejection, roomKeys, Scribe, stripped } from './support.ts'

const test = suite('chat/log')

/** All runs of the store, as a restart would find them. */
async function reopened({
  store,
  crypto,
  keys,
}: {
  store: MapStore
  crypto: ReturnType<typeof cheapCrypto>
  keys: ReturnType<typeof roomKeys>
}): Promise<Log> {
  return Log.open({ store, crypto, keys, clock: new VirtualClock() })
}

test('an event that comes again, alone or in any other run, is ignored and told of once', async () => {
  const { log, keys, crypto, store } = await member()
  const arrived: Arrival[] = []
  log.listen({ onArrivals: (list) => arrived.push(...list) })
  const run = new Scribe(1, keys, crypto).run({}, {}, {})
  assert.is(log.ingest(encodeRun(run), 'gossip').verdict, 'accept')
  for (const again of [run, suffixOf(run, 1), suffixOf(run, 2), stripped(run)]) {
    const { verdict, fresh, durable } = log.ingest(encodeRun(again), 'sync')
    assert.equal([verdict, fresh], ['ignore', 0])
    await durable
  }
  assert.is(arrived.length, 3)
  assert.is(store.batches, 1)
  assert.is(log.size, 3)
})

test('a duplicate is durable no sooner than the original', async () => {
  const { log, keys, crypto, store } = await member()
  const bytes = new Scribe(1, keys, crypto).write()
  store.hold()
  log.ingest(bytes, 'gossip')
  let settled = false
  const { durable } = log.ingest(bytes, 'sync')
  void durable.then(() => {
    settled = true
  })
  await Promise.resolve()
  assert.not.ok(settled)
  store.release()
  await durable
  assert.ok(settled)
})

test('nothing is shown, ordered or in the frontier before it is on disk', async () => {
  const { log, keys, crypto, store } = await member()
  const empty = log.frontierDigest()
  store.hold()
  const { verdict, durable } = log.ingest(new Scribe(1, keys, crypto).write(), 'gossip')
  assert.is(verdict, 'accept')
  assert.equal([log.all().length, log.tips().length, [...log.authors()][0]?.segments().length], [0, 0, 0])
  assert.equal(log.frontierDigest(), empty)
  store.release()
  await durable
  assert.equal([log.all().length, log.tips().length, [...log.authors()][0]?.segments().length], [1, 1, 1])
  assert.not.equal(log.frontierDigest(), empty)
})

test('a tip is how far a log is held on disk without a gap', async () => {
  const { log, keys, crypto, store } = await member()
  const scribe = new Scribe(1, keys, crypto)
  await log.ingest(scribe.write(), 'gossip').durable
  store.hold()
  const { durable } = log.ingest(scribe.write(), 'gossip')
  const named = (): number[] => log.tips().map(({ seq }) => seq)
  assert.equal(named(), [1])
  store.release()
  await durable
  assert.equal(named(), [2])
  const [third, fourth, fifth] = [scribe.run({}), scribe.run({}), scribe.write()]
  await log.ingest(fifth, 'gossip').durable
  assert.equal(named(), [2], 'the third and fourth are missing')
  await log.ingest(encodeRun(stripped(third)), 'sync').durable
  await log.ingest(encodeRun(fourth), 'sync').durable
  assert.equal(named(), [2], 'of the third only the header is here')
  await log.ingest(encodeRun(third), 'sync').durable
  assert.equal(named(), [5])
  const headless = new Scribe(2, keys, crypto)
  headless.run({})
  await log.ingest(headless.write(), 'gossip').durable
  assert.equal(named(), [5], 'a log that begins with a hole is not named')
})

test('a log that was read from disk is the log that was written, frontier and order included', async () => {
  const one = await member()
  const [ann, bob] = [new Scribe(1, one.keys, one.crypto), new Scribe(2, one.keys, one.crypto)]
  const first = ann.run({}, {})
  for (const bytes of [
    encodeRun(first),
    bob.write({ parents: [first.ids[1]?.subarray(0, 16) as Uint8Array], hlc: 1 }),
    ann.write({}, {}, {}),
  ])
    await one.log.ingest(bytes, 'gossip').durable
  bob.run({})
  await one.log.ingest(bob.write({}), 'gossip').durable
  const two = await reopened(one)
  assert.equal(
    two.all().map((event) => event.id),
    one.log.all().map((event) => event.id),
  )
  assert.equal(two.frontierDigest(), one.log.frontierDigest())
  for (const author of one.log.authors()) assert.equal(two.author(author.name)?.segments(), author.segments())
  assert.equal(
    two.heads().map((event) => event.id),
    one.log.heads().map((event) => event.id),
  )
  assert.is(two.bytes, one.log.bytes)
  assert.equal(await two.verify(), { events: 7, authors: 2, forks: 0 })
})

test('a log read from disk goes on: what arrives later joins its ranges', async () => {
  const one = await member()
  const ann = new Scribe(1, one.keys, one.crypto)
  await one.log.ingest(ann.write({}, {}), 'gossip').durable
  const two = await reopened(one)
  await two.ingest(ann.write({}), 'gossip').durable
  assert.equal(
    two
      .author(ann.name)
      ?.segments()
      .map(({ from, to }) => [from, to]),
    [[1, 3]],
  )
})

test('an event of another room, with a wrong signature, or that does not open is rejected and leaves no trace', async () => {
  const { log, keys, crypto, store } = await member()
  const other = roomKeys('other', crypto)
  const run = new Scribe(1, keys, crypto).run({}, {})
  const wrongKey = { ...keys, messageKey: fill(9) }
  const bad: [string, Uint8Array][] = [
    ['event of another room', new Scribe(1, other, crypto).write()],
    ['signature does not verify', encodeRun({ ...run, signature: fill(0, 64) })],
    ['body does not open under the room key', new Scribe(1, wrongKey, crypto).write()],
    ['malformed body', new Scribe(1, keys, crypto).write({ body: { hlc: -1 } })],
    ['malformed text', new Scribe(1, keys, crypto).write({}, { body: { payload: 'no list' } })],
    ['not CBOR as the protocol allows it', fill(0xff, 10)],
  ]
  for (const [why, bytes] of bad) {
    const { verdict, reason } = log.ingest(bytes, 'sync')
    assert.equal([verdict, reason], ['reject', why])
  }
  assert.equal([log.size, store.batches, [...log.authors()].length], [0, 0, 0])
})

test('an author key that is not canonical or has a part of small order is rejected', async () => {
  const crypto = { ...nativeCrypto, verify: () => true }
  const { log, keys } = await member({ crypto, keys: roomKeys('test', crypto) })
  const scribe = new Scribe(1, keys, crypto)
  Object.assign(scribe, { key: hexToBytes(`01${'00'.repeat(31)}`) })
  assert.equal(log.ingest(scribe.write(), 'gossip').reason, 'inadmissible author key')
})

test('a control event opens under the control key only', async () => {
  const { log, keys, crypto } = await member()
  assert.is(log.ingest(new Scribe(1, keys, crypto).write({ kind: Kind.control, body: { type: 99 } }), 'gossip').verdict, 'accept')
  const swapped = { ...keys, controlKey: keys.messageKey }
  assert.is(
    log.ingest(new Scribe(2, swapped, crypto).write({ kind: Kind.control, body: { type: 99 } }), 'gossip').verdict,
    'reject',
  )
})

test('a header that comes without its body is a hole until the body comes', async () => {
  const one = await member()
  const { log, keys, crypto } = one
  const run = new Scribe(1, keys, crypto).run({}, {}, {})
  const partly = encodeRun(stripped(run, (i) => i === 1))
  await log.ingest(partly, 'sync').durable
  const author = log.author(bytesToHex(run.author))
  assert.equal(
    author?.segments().map(({ from, to }) => [from, to]),
    [
      [3, 3],
      [1, 1],
    ],
  )
  assert.is(log.all().length, 2)
  const { verdict, fresh, durable } = log.ingest(encodeRun(suffixOf(run, 1)), 'sync')
  assert.equal([verdict, fresh], ['accept', 1])
  await durable
  assert.equal(
    author?.segments().map(({ from, to }) => [from, to]),
    [[1, 3]],
  )
  assert.is(log.all().length, 3)
  const again = await reopened(one)
  assert.equal(again.author(bytesToHex(run.author))?.segments(), author?.segments())
  assert.is((await again.read(again.all())).length, 3)
})

test('a body that could not be stored leaves the header as it was, and can come again', async () => {
  const { log, keys, crypto, store } = await member()
  const run = new Scribe(1, keys, crypto).run({})
  await log.ingest(encodeRun(stripped(run)), 'sync').durable
  store.failures.push(new Error('no space'))
  await rejection(log.ingest(encodeRun(run), 'sync').durable)
  assert.equal([log.size, log.all().length], [1, 0])
  await log.ingest(encodeRun(run), 'sync').durable
  assert.is(log.all().length, 1)
})

test('a run that could not be stored is forgotten, and can come again', async () => {
  const { log, keys, crypto, store } = await member()
  const bytes = new Scribe(1, keys, crypto).write({}, {})
  const told: Arrival[] = []
  log.listen({ onArrivals: (list) => told.push(...list) })
  store.failures.push(new Error('no space'))
  assert.is((await rejection(log.ingest(bytes, 'gossip').durable)).message, 'no space')
  assert.equal([log.size, [...log.authors()].length, told.length], [0, 0, 0])
  const again = log.ingest(bytes, 'gossip')
  assert.is(again.verdict, 'accept')
  await again.durable
  assert.equal([log.size, told.length], [2, 2])
})

test('an event behind one that could not be stored stays, and joins it when it comes again', async () => {
  const { log, keys, crypto, store } = await member()
  const ann = new Scribe(1, keys, crypto)
  const [first, second] = [ann.write(), ann.write()]
  store.hold()
  store.failures.push(new Error('no space'))
  const failed = rejection(log.ingest(first, 'gossip').durable)
  const kept = log.ingest(second, 'gossip').durable
  store.release()
  await Promise.all([failed, kept])
  const ranges = (): [number, number][] =>
    log
      .author(ann.name)
      ?.segments()
      .map(({ from, to }): [number, number] => [from, to]) ?? []
  assert.equal(ranges(), [[2, 2]])
  await log.ingest(first, 'sync').durable
  assert.equal(ranges(), [[1, 2]])
  assert.equal(
    log.all().map((event) => event.seq),
    [1, 2],
  )
})

test('a run with a missing predecessor is a range of its own and joins the rest when that comes', async () => {
  const { log, keys, crypto } = await member()
  const ann = new Scribe(1, keys, crypto)
  const runs = [ann.write({}, {}), ann.write({}), ann.write({}, {})]
  await log.ingest(runs[2] as Uint8Array, 'gossip').durable
  await log.ingest(runs[0] as Uint8Array, 'gossip').durable
  const author = log.author(ann.name)
  assert.equal(
    author?.segments().map(({ from, to }) => [from, to]),
    [
      [4, 5],
      [1, 2],
    ],
  )
  await log.ingest(runs[1] as Uint8Array, 'sync').durable
  assert.equal(
    author?.segments().map(({ from, to }) => [from, to]),
    [[1, 5]],
  )
})

test('a fork keeps both branches, is told of once, and is counted by verify', async () => {
  const one = await member()
  const { log, keys, crypto } = one
  const forks: string[] = []
  log.listen({ onFork: (author) => forks.push(author.name) })
  const ann = new Scribe(1, keys, crypto)
  await log.ingest(ann.write({}), 'gossip').durable
  const copy = ann.fork()
  for (const bytes of [ann.write({ text: 'a' }, {}), copy.write({ text: 'b' }, {}), ann.write({}), copy.write({})])
    await log.ingest(bytes, 'gossip').durable
  assert.equal(forks, [ann.name])
  assert.is(log.all().length, 7)
  assert.is((await log.verify()).forks, 1)
  const again = await reopened(one)
  assert.equal(idsOf(again), idsOf(log))
  assert.equal(again.frontierDigest(), log.frontierDigest())
})

test('an event that names a predecessor other than the one held is a fork, wherever the branches part', async () => {
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
  ] as const) {
    const { log, keys, crypto } = await member()
    const ann = new Scribe(1, keys, crypto)
    const base = ann.write({})
    const copy = ann.fork()
    const short = ann.write({ text: 'a' })
    copy.run({ text: 'b' })
    const runs = [base, short, copy.write({ text: 'c' })]
    for (const i of order) await log.ingest(runs[i] as Uint8Array, 'gossip').durable
    assert.ok(log.author(ann.name)?.forked)
    assert.is((await log.verify()).forks, 1)
  }
})

test('an event of our own key that is not in our log is told of before it is stored', async () => {
  const { log, keys, crypto } = await member()
  let strangers = 0
  log.listen({ onStranger: () => strangers++ })
  const me = new Scribe(1, keys, crypto)
  const mine = me.write({})
  await log.ingest(mine, 'self').durable
  log.ownAuthor = me.name
  log.ingest(mine, 'gossip')
  assert.is(strangers, 0, 'an echo is nothing')
  const { verdict, durable } = log.ingest(me.write({ text: 'not I' }), 'gossip')
  assert.equal([verdict, strangers], ['accept', 1])
  await durable
  assert.is(log.size, 2)
})

test('a new author is taken only if admitted, a known one always', async () => {
  const { log, keys, crypto } = await member()
  const ann = new Scribe(1, keys, crypto)
  const first = ann.write()
  const put = log.ingest(first, 'gossip', () => false)
  assert.equal([put.verdict, log.size], ['ignore', 0])
  assert.is(log.ingest(first, 'gossip', () => true).verdict, 'accept')
  assert.is(log.ingest(ann.write(), 'gossip', () => false).verdict, 'accept')
  const asked: boolean[] = []
  log.ingest(fill(1), 'gossip', () => asked.push(true) > 0)
  assert.is(asked.length, 0, 'nobody is admitted by a malformed run')
})

test('a run without bodies is refused over gossip: it would open under any key', async () => {
  const { log, keys, crypto, store } = await member()
  const run = new Scribe(1, keys, crypto).run({}, {})
  for (const which of [() => true, (i: number) => i === 0]) {
    assert.is(log.ingest(encodeRun(stripped(run, which)), 'gossip').verdict, 'reject')
  }
  assert.equal([log.size, store.batches], [0, 0])
  assert.is(log.ingest(encodeRun(stripped(run)), 'sync').verdict, 'accept', 'a member may carry a chain past what is gone')
})

test('the clock goes on from the highest seen, and a clock in the far future does not pull it', async () => {
  const { log, keys, crypto, clock } = await member()
  const now = clock.now()
  assert.is(log.nextClock(), now)
  await log.ingest(new Scribe(1, keys, crypto).write({ hlc: now + 60_000 }), 'gossip').durable
  assert.is(log.nextClock(), now + 60_001)
  assert.is(log.nextClock(), now + 60_002)
  await log.ingest(new Scribe(2, keys, crypto).write({ hlc: now + 100_000 }), 'gossip').durable
  assert.is(log.nextClock(), now + 60_003)
  clock.advance(40_000)
  assert.is(log.nextClock(), now + 100_001, 'what was too far ahead counts once it is near')
})

test('what parents say is in the order, also when they come later', async () => {
  const { log, keys, crypto } = await member()
  const [ann, bob] = [new Scribe(1, keys, crypto), new Scribe(2, keys, crypto)]
  const parent = ann.run({ hlc: 9000 })
  const child = bob.write({ hlc: 10, parents: [parent.ids[0]?.subarray(0, 16) as Uint8Array] })
  await log.ingest(child, 'gossip').durable
  assert.equal(
    log.all().map((event) => event.hlc),
    [10],
  )
  await log.ingest(encodeRun(parent), 'gossip').durable
  assert.equal(
    log.all().map((event) => event.hlc),
    [9000, 10],
  )
  assert.equal(
    log.heads().map((event) => event.hlc),
    [10],
  )
})

test('a damaged record in the store is found when the log is opened or verified', async () => {
  const one = await member()
  await one.log.ingest(new Scribe(1, one.keys, one.crypto).write(), 'gossip').durable
  const [[name, [key, value]]] = [...one.store.records] as [[string, [readonly ['run', ...Uint8Array[]], Uint8Array]]]
  const damaged = Uint8Array.from(value)
  damaged[60] = (damaged[60] ?? 0) ^ 1
  one.store.records.set(name, [key, damaged])
  assert.instance(await rejection(one.log.verify()), DamagedStoreError)
  one.store.records.set(name, [key, fill(1, 20)])
  assert.instance(await rejection(reopened(one)), DamagedStoreError)
})

test('stored runs are served with their own bytes', async () => {
  const { log, keys, crypto } = await member()
  const bytes = new Scribe(1, keys, crypto).write({ text: 'as it came' })
  await log.ingest(bytes, 'gossip').durable
  const [event] = log.all()
  assert.ok(event)
  assert.equal(await log.bytesOf(event.author, event.stored), bytes)
  assert.equal(decodeRun(bytes, crypto).ids[0], hexToBytes(event.id))
})

test.run()
