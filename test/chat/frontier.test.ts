import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AuthorLog, type LogEvent, prefixOf } from '../../src/chat/author-log.ts'
import { MAX_RUN_BYTES } from '../../src/chat/constants.ts'
import { type Run, suffixOf } from '../../src/chat/event.ts'
import {
  bucketOf,
  decodePage,
  decodeSegment,
  decodeWant,
  encodePage,
  encodeSegment,
  encodeWant,
  frontierDigest,
  missing,
  pageOf,
  type Want,
} from '../../src/chat/frontier.ts'
import type { Log } from '../../src/chat/log.ts'
import { portionsOf } from '../../src/chat/portions.ts'
import { plan, take, written } from './plans.ts'
import { fill, idsOf, member, Scribe, stripped } from './support.ts'

const test = suite('chat/frontier')

/** Everything the one asks of the other, page by page, as a sync does. */
function wantsOf(here: Log, there: Log): Want[] {
  const wants: Want[] = []
  for (const author of there.authors()) {
    for (let index = 0, more = true; more; index++) {
      const told = pageOf(author, index)
      more = told.more
      wants.push(...missing(here.findAuthor(told.page.author), told.page, here.find))
    }
  }
  return wants
}

/** `here` asks, `there` serves; answers how many events were new. */
async function fetchFrom(here: Log, there: Log): Promise<number> {
  let fresh = 0
  for (const portion of portionsOf(wantsOf(here, there), there)) {
    for (const stored of portion.runs) {
      const taken = here.ingest((await there.bytesOf(portion.first.author, stored)) as Uint8Array, 'sync')
      assert.is.not(taken.verdict, 'reject', taken.reason)
      await taken.durable
      fresh += taken.fresh
    }
  }
  return fresh
}

async function exchange(a: Log, b: Log): Promise<void> {
  for (let round = 0; ; round++) {
    assert.ok(round < 30, 'no end of rounds')
    if ((await fetchFrom(a, b)) + (await fetchFrom(b, a)) === 0) return
  }
}

test('two members with random holes and forks hold the union after asking and serving', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(plan, { minLength: 1, maxLength: 3 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
      async (plans, stream) => {
        const [a, b] = [await member(), await member()]
        const draw = (): number => stream.next().value ?? 0
        const runs = plans.flatMap((each, i) => written(each, i, a))
        const holders = new Map<Log, Run[]>([
          [a.log, []],
          [b.log, []],
        ])
        for (const run of runs) {
          const dice = draw()
          // Each run is at the one, the other, both or neither; some without their first events.
          const part = draw() === 0 ? suffixOf(run, run.entries.length - 1) : run
          if (dice < 6) holders.get(a.log)?.push(dice === 0 ? part : run)
          if (dice > 3 && dice < 9) holders.get(b.log)?.push(dice === 8 ? part : run)
        }
        for (const [log, held] of holders)
          await take(log, ...held.sort((x, y) => bytesToHex(x.signature).localeCompare(bytesToHex(y.signature))))
        const union = [...new Set([...idsOf(a.log), ...idsOf(b.log)])].sort()
        await exchange(a.log, b.log)
        assert.equal(idsOf(a.log), union)
        assert.equal(idsOf(b.log), union)
        assert.equal(a.log.frontierDigest(), b.log.frontierDigest())
        assert.equal(
          a.log.all().map((event) => event.id),
          b.log.all().map((event) => event.id),
        )
      },
    ),
    { numRuns: 100 },
  ))

test('what is held only as a header is asked for, and served with its body', async () => {
  const [a, b] = [await member(), await member()]
  const scribe = new Scribe(1, a.keys, a.crypto)
  const runs = [scribe.run({}, {}, {}), scribe.run({}, {})]
  await take(a.log, ...runs)
  await take(b.log, ...runs.map((run) => stripped(run, (i) => i === 1)))
  assert.equal(
    wantsOf(b.log, a.log).map(({ from, to }) => [from, to]),
    [
      [2, 2],
      [5, 5],
    ],
  )
  await exchange(a.log, b.log)
  assert.equal(idsOf(b.log, true), idsOf(a.log, true))
})

test('segments are a function of what is held, whatever the order in which it came', () =>
  fc.assert(
    fc.asyncProperty(plan, fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), async (each, keys) => {
      const [a, b] = [await member(), await member()]
      const runs = written(each, 1, a)
      const held = runs.filter((_, i) => (keys[i] ?? 0) % 3 !== 0)
      await take(a.log, ...held)
      const shuffled = held.map((run, i) => [keys[39 - i] ?? 0, run] as const).sort(([x], [y]) => x - y)
      for (const [, run] of shuffled) {
        await take(b.log, run)
        for (const author of b.log.authors()) author.segments() // asked for in between, as beacons do
      }
      const segmentsIn = (log: Log): unknown => [...log.authors()].map((author) => author.segments())
      assert.equal(segmentsIn(b.log), segmentsIn(a.log))
    }),
    { numRuns: 80 },
  ))

test('a member that has all is asked for nothing', async () => {
  const [a, b] = [await member(), await member()]
  const runs = [0, 1, 2].map((seed) => new Scribe(seed, a.keys, a.crypto).run({}, {}))
  await take(a.log, ...runs)
  await take(b.log, ...[...runs].reverse())
  assert.equal(wantsOf(a.log, b.log), [])
  assert.equal(a.log.frontierDigest(), b.log.frontierDigest())
})

test('a log with more than 64 ranges is told in pages that together say everything', async () => {
  const { log, keys, crypto } = await member()
  const scribe = new Scribe(1, keys, crypto)
  for (let i = 0; i < 300; i++) {
    const run = scribe.run({})
    if (i % 2 === 0) await take(log, run)
  }
  const author = [...log.authors()][0] as AuthorLog
  const pages = [0, 1, 2].map((index) => pageOf(author, index))
  assert.equal(
    pages.map(({ page, more }) => [page.segments.length, more]),
    [
      [64, true],
      [64, true],
      [22, false],
    ],
  )
  assert.equal(
    pages.flatMap(({ page }) => page.segments),
    author.segments(),
  )
  assert.is(pages[0]?.page.segments[0]?.to, 299, 'newest first')
})

test('what a liar claims costs as much as it wrote, not as much as it says', async () => {
  const { log, keys, crypto } = await member()
  const scribe = new Scribe(1, keys, crypto)
  await take(log, scribe.run({}))
  const claim = { author: prefixOf(scribe.name), segments: [{ from: 1, to: 2 ** 48 - 1, end: 'ab'.repeat(16) }] }
  assert.equal(
    missing(log.findAuthor(claim.author), claim, log.find).map(({ from, to }) => [from, to]),
    [[2, 2 ** 48 - 1]],
  )
  assert.equal(portionsOf([{ ...claim, from: 1, to: 2 ** 48 - 1, end: 'ab'.repeat(16) }], log), [])
})

test('a want is served only from the log of the author it names', async () => {
  const { log, keys, crypto } = await member()
  const run = new Scribe(1, keys, crypto).run({}, {})
  await take(log, run)
  const end = prefixOf(bytesToHex(run.ids[1] as Uint8Array))
  assert.is(portionsOf([{ author: prefixOf(bytesToHex(run.author)), from: 1, to: 2, end }], log).length, 1)
  assert.is(portionsOf([{ author: 'ff'.repeat(16), from: 1, to: 2, end }], log).length, 0)
})

test('adjacent runs are served as one, up to 256 events', async () => {
  const { log, keys, crypto } = await member()
  const scribe = new Scribe(1, keys, crypto)
  for (let i = 0; i < 60; i++) await take(log, scribe.run({}, {}, {}, {}, {}))
  const end = prefixOf(bytesToHex(scribe.tip as Uint8Array))
  const portions = portionsOf([{ author: prefixOf(scribe.name), from: 1, to: 300, end }], log)
  assert.equal(
    portions.map(({ events, first }) => [first.seq, events]),
    [
      [46, 255],
      [1, 45],
    ],
  )
})

test('adjacent runs are served as one, up to 256 KiB', async () => {
  const { log, keys, crypto } = await member()
  const scribe = new Scribe(1, keys, crypto)
  for (let i = 0; i < 20; i++) await take(log, scribe.run({ text: 'x'.repeat(30_000) }))
  const end = prefixOf(bytesToHex(scribe.tip as Uint8Array))
  const portions = portionsOf([{ author: prefixOf(scribe.name), from: 1, to: 20, end }], log)
  assert.equal(
    portions.map(({ events }) => events),
    [8, 8, 4],
  )
  for (const { size } of portions) assert.ok(size < MAX_RUN_BYTES)
})

test('what is not on disk is not served', async () => {
  const { log, keys, crypto, store } = await member()
  const scribe = new Scribe(1, keys, crypto)
  await take(log, scribe.run({}))
  store.hold()
  const taken = take(log, scribe.run({}, {}))
  const want = { author: prefixOf(scribe.name), from: 1, to: 3, end: prefixOf(bytesToHex(scribe.tip as Uint8Array)) }
  const served = (): [number, number][] => portionsOf([want], log).map(({ first, events }) => [first.seq, events])
  assert.equal(served(), [[1, 1]])
  store.release()
  await taken
  assert.equal(served(), [[1, 3]])
})

test('wants that each name another end of a chain cost a few walks along it, not one each', async () => {
  const { log, keys, crypto } = await member()
  const scribe = new Scribe(1, keys, crypto)
  for (let i = 0; i < 10; i++) await take(log, scribe.run(...Array.from({ length: 100 }, () => ({}))))
  const author = prefixOf(scribe.name)
  const wants = log.all().map(({ id, seq }) => ({ author, from: 1, to: seq, end: prefixOf(id) }))
  const covered = portionsOf(wants.reverse(), log).filter(({ first }) => first.seq === 1)
  assert.ok(covered.length >= 10 && covered.length <= 20, String(covered.length))
})

test('ten thousand wants of one chain cost one walk along it', async () => {
  const { log, keys, crypto } = await member()
  const scribe = new Scribe(1, keys, crypto)
  for (let i = 0; i < 20; i++) await take(log, scribe.run(...Array.from({ length: 50 }, () => ({}))))
  const end = prefixOf(bytesToHex(scribe.tip as Uint8Array))
  const wants = Array.from({ length: 10_000 }, () => ({ author: prefixOf(scribe.name), from: 1, to: 1, end }))
  assert.is(portionsOf(wants, log).length, 1)
})

test('an event leads to those behind it on its branch, over what is held alone', async () => {
  const { log, keys, crypto } = await member()
  const scribe = new Scribe(1, keys, crypto)
  const first = scribe.run({})
  const copy = scribe.fork()
  const [second, third] = [scribe.run({}), scribe.run({})]
  await take(log, first, third)
  const at = (run: Run): LogEvent => log.get(bytesToHex(run.ids[0] as Uint8Array)) as LogEvent
  const leads = (event: Run, end: Run): boolean => at(event).author.leads(at(event), at(end))
  assert.equal([leads(first, third), leads(first, first), leads(third, first)], [false, true, false])
  await take(log, stripped(second))
  assert.not.ok(leads(first, third), 'of the second only the header is here')
  await take(log, second)
  assert.ok(leads(first, third))
  const [twin, after] = [copy.run({ text: 'twin' }), copy.run({ text: 'after the twin' })]
  await take(log, twin)
  assert.equal([leads(first, twin), leads(second, twin), leads(twin, third), leads(second, third)], [true, false, false, true])
  await take(log, after)
  assert.equal([leads(twin, after), leads(second, after), leads(first, after), leads(first, third)], [true, false, true, true])
})

test('the digest of a frontier changes with every event, and not with the order of the logs', async () => {
  const { log, keys, crypto } = await member()
  const digests = new Set([bytesToHex(log.frontierDigest())])
  for (let i = 0; i < 5; i++) {
    await take(log, new Scribe(i, keys, crypto).run({}, {}))
    digests.add(bytesToHex(log.frontierDigest()))
  }
  assert.is(digests.size, 6)
  const logs = [...log.authors()]
  assert.equal(frontierDigest([...logs].reverse(), crypto), frontierDigest(logs, crypto))
  assert.is(bucketOf(logs[0] as AuthorLog, crypto), crypto.sha256((logs[0] as AuthorLog).key)[0])
})

test('segments, pages and wants survive the wire, and malformed ones do not', () => {
  const segment = { from: 1, to: 5, end: 'ab'.repeat(16) }
  const page = { author: 'cd'.repeat(16), segments: [segment, { ...segment, from: 7, to: 7 }] }
  const want = { ...segment, author: 'cd'.repeat(16) }
  assert.equal(decodeSegment(encodeSegment(segment)), segment)
  assert.equal(decodePage(encodePage(page)), page)
  assert.equal(decodeWant(encodeWant(want)), want)
  const end = fill(1, 16)
  for (const bad of [
    [0, 5, end],
    [6, 5, end],
    [1, 2 ** 48, end],
    [1, 5, fill(1, 15)],
    [1, 5],
    [1.5, 5, end],
    1,
    null,
    [1, 5, end, 0],
  ]) {
    assert.is(decodeSegment(bad), undefined, JSON.stringify(bad))
    assert.is(decodePage([end, [bad]]), undefined)
  }
  for (const bad of [
    [end, end, 0, 5],
    [end, end, 6, 5],
    [end, end, 1, 2 ** 48],
    [end, fill(1, 15), 1, 5],
    [fill(1), end, 1, 5],
    [end, end, 1],
    0,
  ])
    assert.is(decodeWant(bad), undefined, JSON.stringify(bad))
  const many = Array.from({ length: 65 }, (_, i) => [i + 1, i + 1, end])
  assert.is(decodePage([end, many]), undefined)
  assert.is(decodePage([end, many.slice(1)])?.segments.length, 64)
})

test.run()
