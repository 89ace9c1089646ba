import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KEPT_RUN_OVERHEAD } from '../../src/chat/constants.ts'
import { decodeRun, encodeRun, type Run } from '../../src/chat/event.ts'
import { pageOf } from '../../src/chat/frontier.ts'
import { KeptLog, type KeptLogInit } from '../../src/chat/kept-log.ts'
import { StorageError } from '../../src/errors.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { cheapCrypto, fill, MapStore, member, rejection, roomKeys, Scribe, stripped } from './support.ts'

const test = suite('chat/kept-log')

interface Kept {
  log: KeptLog
  store: MapStore
  clock: VirtualClock
  /** What the owner was told that is kept. */
  told: { bytes: number; events: number }
  reopen(): Promise<Kept>
}

const crypto = cheapCrypto()
const keys = roomKeys('kept', crypto)
const PLENTY = { bytes: 1e9, events: 1e9, authors: 1e9 }

async function kept(init: Partial<KeptLogInit> = {}, store = new MapStore(), clock = new VirtualClock()): Promise<Kept> {
  const told = { bytes: 0, events: 0 }
  const log = await KeptLog.open({
    store,
    clock,
    crypto,
    tag: keys.tag,
    room: 3,
    limits: () => PLENTY,
    onCharge(bytes, events) {
      told.bytes += bytes
      told.events += events
      return [{ type: 'put', key: ['lease', 3], value: fill(told.events & 255, 4) }]
    },
    ...init,
  })
  return { log, store, clock, told, reopen: () => kept(init, store, clock) }
}

const scribe = (number: number): Scribe => new Scribe(number, keys, crypto)
const seqsOf = (log: KeptLog, author: Scribe): number[] =>
  [...(log.author(author.name)?.events() ?? [])].map(({ seq }) => seq).sort((a, b) => a - b)
const runsIn = (store: MapStore): number => [...store.records.keys()].filter((key) => key.startsWith('kept/')).length

/** So many runs of one event, stored one after the other. */
async function write(log: KeptLog, author: Scribe, count: number, text = 'x'.repeat(500)): Promise<void> {
  for (let i = 0; i < count; i++) await log.ingest(author.write({ text })).durable
  await log.trimmed()
}

test('keeps signed runs of its room without any key of it, and serves them byte for byte', async () => {
  const { log } = await kept()
  const bytes = scribe(1).write({}, {}, {})
  const { verdict, fresh, durable } = log.ingest(bytes)
  await durable
  assert.equal([verdict, fresh, log.size], ['accept', 3, 3])
  const [author] = log.authors()
  const event = author?.last
  assert.ok(author !== undefined && event !== undefined)
  assert.equal(await log.bytesOf(author, event.stored), bytes)
  assert.is(log.ingest(bytes).reason, 'nothing new')
})

test('what a member holds and what is kept of it have the same digest', async () => {
  const ann = await member({ crypto, keys })
  const { log } = await kept()
  for (const i of [1, 2]) {
    const bytes = scribe(i).write({}, {})
    await ann.log.ingest(bytes, 'sync').durable
    await log.ingest(bytes).durable
  }
  assert.equal(log.frontierDigest(), ann.log.frontierDigest())
})

test('refuses what is forged, malformed, or of another room', async () => {
  const { log, store } = await kept()
  const run = scribe(1).run({}, {})
  const other = new Scribe(1, roomKeys('other', crypto), crypto).write()
  const broken: Uint8Array[] = [
    encodeRun({ ...run, signature: fill(7, 64) }),
    encodeRun({ ...run, author: scribe(2).key }),
    encodeRun({ ...run, entries: run.entries.slice(0, 1) }),
    other,
    encodeRun(run).subarray(0, 90),
    fill(0xff, 200),
  ]
  for (const bytes of broken) assert.is(log.ingest(bytes).verdict, 'reject')
  assert.equal([log.size, store.batches], [0, 0])
})

test('an author key of small order is not taken, whatever it has signed', async () => {
  const small = new Uint8Array(32)
  small[0] = 1
  const { log } = await kept({ crypto: { ...nativeCrypto, verify: () => true } })
  const run: Run = { ...scribe(1).run({}), author: small }
  assert.is(log.ingest(encodeRun(run)).reason, 'inadmissible author key')
})

test('an event without its body is kept, is a hole, and is filled when the body comes', async () => {
  const { log, reopen } = await kept()
  const run = scribe(1).run({}, {}, {})
  await log.ingest(encodeRun(stripped(run, (i) => i === 1))).durable
  const author = log.author(scribe(1).name)
  assert.equal(
    author?.segments().map(({ from, to }) => [from, to]),
    [
      [3, 3],
      [1, 1],
    ],
  )
  await log.ingest(encodeRun(run)).durable
  for (const each of [log, (await reopen()).log])
    assert.equal(
      each
        .author(scribe(1).name)
        ?.segments()
        .map(({ from, to }) => [from, to]),
      [[1, 3]],
    )
})

test('a fork is kept, both branches of it', async () => {
  const { log } = await kept()
  const author = scribe(1)
  await log.ingest(author.write({})).durable
  const twin = author.fork()
  await log.ingest(author.write({ text: 'one' })).durable
  await log.ingest(twin.write({ text: 'two' })).durable
  assert.equal([log.size, log.author(author.name)?.forked], [3, true])
})

test('after a restart everything is there, and counts the same', async () => {
  const first = await kept()
  const author = scribe(1)
  await write(first.log, author, 5)
  await write(first.log, scribe(2), 2)
  const again = await first.reopen()
  assert.equal(again.log.frontierDigest(), first.log.frontierDigest())
  assert.equal([again.log.charged, again.log.events], [first.told.bytes, first.told.events])
  await write(again.log, author, 1)
  assert.equal(seqsOf(again.log, author), [1, 2, 3, 4, 5, 6])
})

test('no key on disk names an author or a room', async () => {
  const { log, store } = await kept()
  await write(log, scribe(1), 3)
  for (const [key] of store.records.values()) assert.not.ok(key.some((part) => part instanceof Uint8Array))
})

test('what the disk refuses is not kept, and does not count', async () => {
  const { log, store, told } = await kept()
  store.failures.push(new StorageError('no space left', { code: 'ENOSPC' }))
  const bytes = scribe(1).write()
  assert.is((await rejection(log.ingest(bytes).durable)).message, 'no space left')
  assert.equal([log.size, log.charged, told], [0, 0, { bytes: 0, events: 0 }])
  await log.ingest(bytes).durable
  assert.is(log.size, 1)
})

test('beyond its bytes the oldest of the largest logs are given up, the smaller ones are not', async () => {
  const small = scribe(1)
  const large = scribe(2)
  const limit = 40 * 1000
  const { log, store, told } = await kept({ limits: () => ({ ...PLENTY, bytes: limit }) })
  await write(log, small, 5)
  await write(log, large, 200)
  assert.ok(log.charged <= limit && log.charged > limit / 2, `${log.charged}`)
  assert.equal(told, { bytes: log.charged, events: log.events })
  assert.equal(seqsOf(log, small), [1, 2, 3, 4, 5])
  const left = seqsOf(log, large)
  assert.is(left.at(-1), 200)
  assert.is(left[0], 200 - left.length + 1, 'the latest, without a hole')
  assert.is(runsIn(store), 5 + left.length)
})

test('beyond its events the oldest are given up', async () => {
  const { log, store } = await kept({ limits: () => ({ ...PLENTY, events: 20 }) })
  await write(log, scribe(1), 50)
  assert.ok(log.events <= 20 && log.events >= 16, `${log.events}`)
  assert.is(runsIn(store), log.events)
})

test('who writes under many names loses his own first', async () => {
  const { log } = await kept({ limits: () => ({ ...PLENTY, bytes: 60_000 }) })
  const honest = scribe(1)
  await write(log, honest, 3, 'short')
  for (let i = 0; i < 20; i++) await write(log, scribe(100 + i), 12)
  assert.equal(seqsOf(log, honest), [1, 2, 3])
  assert.ok(log.charged <= 60_000)
})

test('no more is given up than must be, however large the runs are', async () => {
  const most = 100_000
  const { log } = await kept({ limits: () => ({ ...PLENTY, bytes: most }) })
  for (let i = 0; i < 40; i++) {
    const scribes = scribe(200 + i)
    await log.ingest(scribes.write(...Array.from({ length: 8 }, () => ({ text: 'x'.repeat(1000) })))).durable
    await log.trimmed()
    if (i >= 10) assert.ok(log.charged > most / 2 && log.charged <= most, `${log.charged}`)
  }
})

test('what was given up is neither asked for nor taken again, also after a restart', async () => {
  const first = await kept({ limits: () => ({ ...PLENTY, events: 8 }) })
  const author = scribe(1)
  const runs = Array.from({ length: 20 }, () => encodeRun(author.run({})))
  const everybody = await member({ crypto, keys })
  for (const run of runs) {
    await everybody.log.ingest(run, 'sync').durable
    await first.log.ingest(run).durable
  }
  await first.log.trimmed()
  const [whole] = everybody.log.authors()
  assert.ok(whole)
  for (const { log } of [first, await first.reopen()]) {
    const before = seqsOf(log, author)
    assert.ok(before.length > 0 && before.length <= 8)
    assert.equal(log.lacks(pageOf(whole, 0).page), [])
    for (const run of runs) assert.is(log.ingest(run).reason, 'nothing new')
    assert.equal(seqsOf(log, author), before)
  }
})

test('of a run that reaches over what was given up the rest is kept', async () => {
  const { log, clock, reopen } = await kept()
  const author = scribe(1)
  const [early, late] = [author.run({}, {}, {}), author.run({}, {}, {})]
  const joined = { ...early, entries: [...early.entries, ...late.entries], signature: late.signature }
  await log.ingest(encodeRun(early)).durable
  await log.expire(clock.now() + 1)
  assert.is(log.size, 0)
  const { fresh, durable } = log.ingest(encodeRun(joined))
  await durable
  assert.is(fresh, 3)
  for (const each of [log, (await reopen()).log]) assert.equal(seqsOf(each, author), [4, 5, 6])
})

test('what came too long ago is given up, with what is older in the same log', async () => {
  const { log, clock, reopen } = await kept()
  const author = scribe(1)
  const [early, late] = [author.run({}, {}), author.run({}, {})]
  const after = author.run({})
  await log.ingest(encodeRun(late)).durable // history comes newest first
  clock.advance(1000)
  await log.ingest(encodeRun(early)).durable
  await log.ingest(encodeRun(after)).durable
  await log.expire(clock.now() - 500)
  for (const each of [log, (await reopen()).log]) assert.equal(seqsOf(each, author), [5])
})

test('authors beyond the most that are kept are put off, and not asked for', async () => {
  const { log } = await kept({ limits: () => ({ ...PLENTY, authors: 2 }) })
  for (const i of [1, 2]) await write(log, scribe(i), 1)
  assert.is(log.ingest(scribe(3).write()).verdict, 'ignore')
  const segments = [{ from: 1, to: 9, end: 'ab'.repeat(16) }]
  assert.equal(log.lacks({ author: 'cd'.repeat(16), segments }), [])
  assert.is(log.lacks({ author: scribe(1).name.slice(0, 32), segments }).length, 1)
})

test('a crash while something is given up brings back none of it', async () => {
  const store = new MapStore()
  const first = await kept({}, store)
  const author = scribe(1)
  await write(first.log, author, 30)
  const cut = first.clock.now() + 1
  const before = new Map(store.records)
  await first.log.expire(cut)
  // The horizon reached the disk and the removals did not.
  const horizon = [...store.records].find(([key]) => key.startsWith('horizon/'))
  assert.ok(horizon)
  store.records.clear()
  for (const [key, record] of [...before, horizon]) store.records.set(key, record)
  const { log } = await first.reopen()
  assert.equal([log.size, log.events, log.charged, runsIn(store)], [0, 0, 0, 0])
  assert.equal([...log.authors()], [])
})

test('a run that is being written while its log is given up is removed as well, and never told of', async () => {
  const { log, store, clock, told } = await kept()
  const author = scribe(1)
  const runs = Array.from({ length: 6 }, () => encodeRun(author.run({})))
  const take = (...seqs: number[]) => Promise.all(seqs.map((seq) => log.ingest(runs[seq - 1] as Uint8Array).durable))
  await take(3, 4, 5)
  clock.advance(1000)
  await take(6)
  store.hold()
  const writing = take(1)
  const expiring = log.expire(clock.now() - 500)
  log.frontierDigest() // somebody asks meanwhile
  store.release()
  await Promise.all([writing, expiring])
  await log.trimmed()
  assert.equal([seqsOf(log, author), runsIn(store), told.events], [[6], 1, 1])
  assert.equal(
    log
      .author(author.name)
      ?.segments()
      .map(({ from, to }) => [from, to]),
    [[6, 6]],
  )
})

test('headers that were filled by bodies later leave nothing behind when the log is given up', async () => {
  const { log, store } = await kept()
  const run = scribe(1).run({}, {}, {})
  await log.ingest(encodeRun(stripped(run))).durable
  await log.ingest(encodeRun(run)).durable
  assert.is(runsIn(store), 2)
  await log.expire(Number.MAX_SAFE_INTEGER)
  assert.equal([runsIn(store), log.charged], [0, 0])
})

test('each run counts for its bytes and something more', async () => {
  const { log } = await kept()
  const bytes = scribe(1).write()
  await log.ingest(bytes).durable
  assert.equal([log.charged, log.bytes], [bytes.length + KEPT_RUN_OVERHEAD, bytes.length])
  assert.is(decodeRun(bytes, crypto).entries.length, log.events)
})

test('horizons that are damaged are found', async () => {
  const store = new MapStore()
  for (const value of [fill(0xff, 5), Uint8Array.of(0x01), Uint8Array.of(0x81, 0x01)]) {
    await store.batch([{ type: 'put', key: ['horizon', 3], value }])
    assert.is((await rejection(kept({}, store))).name, 'DamagedStoreError')
  }
})

test.run()
