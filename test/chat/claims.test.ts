import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AuthorLog, prefixOf } from '../../src/chat/author-log.ts'
import { Claim, Claims } from '../../src/chat/claims.ts'
import { MAX_CLAIMED_RANGES, MAX_PAGE_RANGES } from '../../src/chat/constants.ts'
import { type Page, pageOf } from '../../src/chat/frontier.ts'
import type { Log } from '../../src/chat/log.ts'
import { plan, take, written } from './plans.ts'
import { idsOf, type Member, member, Scribe, stripped } from './support.ts'

const test = suite('chat/claims')

const only = (log: Log): AuthorLog => [...log.authors()][0] as AuthorLog

/** What `there` says in its beacon of the only log that `here` has. */
const tipsOf = (here: Log, there: Log): Page[] =>
  there
    .tips()
    .filter(({ author }) => only(here).name.startsWith(author))
    .map(({ author, seq, id }) => ({ author, segments: [{ from: 1, to: seq, end: id }] }))

/** Ids of `here` that are counted as held by whoever says this. */
function counted(here: Log, pages: Page[]): string[] {
  const claim = new Claim()
  pages.forEach((page, i) => {
    claim.note(only(here), page, i === 0, here.find)
  })
  return [...only(here).events()]
    .filter((event) => claim.covers(event))
    .map(({ id }) => id)
    .sort()
}

test('what a frontier or a tip says is held is held, whatever holes and forks there are; and all that is held is said', () =>
  fc.assert(
    fc.asyncProperty(plan, fc.array(fc.nat(11), { minLength: 30, maxLength: 30 }), fc.boolean(), async (each, dice, whole) => {
      const [a, b] = [await member(), await member()]
      for (const [i, run] of written(each, 1, a).entries()) {
        const draw = dice[i] ?? 0
        if (whole || draw % 4 !== 0) await take(a.log, run)
        if (draw > 1) await take(b.log, draw === 2 ? stripped(run, (index) => index % 2 === 0) : run)
      }
      if (a.log.size === 0 || b.log.size === 0) return
      const held = new Set(idsOf(b.log, true))
      const [told, tips] = [counted(a.log, [pageOf(only(b.log), 0).page]), counted(a.log, tipsOf(a.log, b.log))]
      for (const id of [...told, ...tips]) assert.ok(held.has(id))
      if (whole) assert.equal(told, [...held].sort())
    }),
    { numRuns: 150 },
  ))

test('a page covers the events of its chain and no twin beside it', async () => {
  const { log, keys, crypto } = await member()
  const scribe = new Scribe(1, keys, crypto)
  await take(log, scribe.run({}))
  const copy = scribe.fork()
  await take(log, scribe.run({}, {}), copy.run({ text: 'twin' }))
  const author = only(log)
  const end = prefixOf(bytesToHex(scribe.tip as Uint8Array))
  const covered = (from: number): (number | boolean)[][] => {
    const claim = new Claim()
    claim.note(author, { author: prefixOf(author.name), segments: [{ from, to: 3, end }] }, true, log.find)
    return [...author.events()].map((event) => [event.seq, claim.covers(event)]).sort()
  }
  const rest = [
    [2, false],
    [2, true],
    [3, true],
  ]
  assert.equal(covered(1), [[1, true], ...rest])
  assert.equal(covered(2), [[1, false], ...rest])
})

/** A log of which every other event is held: `count` segments. */
async function holes(here: Member, count: number): Promise<AuthorLog> {
  const scribe = new Scribe(count, here.keys, here.crypto)
  for (let i = 0; i < count; i++) {
    await take(here.log, scribe.run({}))
    scribe.run({})
  }
  return here.log.author(scribe.name) as AuthorLog
}

test('of one log no more ranges are kept than a page has, and of all together no more than four pages', async () => {
  const here = await member()
  const logs: AuthorLog[] = []
  for (let i = 0; i < 5; i++) logs.push(await holes(here, MAX_PAGE_RANGES + 1 + i))
  const claim = new Claim()
  const kept = (): number[] => logs.map((log) => [...log.events()].filter((event) => claim.covers(event)).length)
  for (const log of logs) {
    claim.note(log, pageOf(log, 0).page, true, here.log.find)
    claim.note(log, pageOf(log, 1).page, false, here.log.find)
  }
  assert.is(MAX_CLAIMED_RANGES, 4 * MAX_PAGE_RANGES)
  assert.equal(kept(), [64, 64, 64, 64, 0])
  claim.note(logs[0] as AuthorLog, { author: '', segments: [] }, true, here.log.find)
  claim.note(logs[4] as AuthorLog, pageOf(logs[4] as AuthorLog, 0).page, true, here.log.find)
  assert.equal(kept(), [0, 64, 64, 64, 64])
})

test('a log that nothing was said of is told from one of which nothing is held', async () => {
  const here = await member()
  const log = await holes(here, 1)
  const claim = new Claim()
  assert.not.ok(claim.speaksOf(log))
  assert.ok(claim.note(log, { author: prefixOf(log.name), segments: [] }, true, here.log.find))
  assert.ok(claim.speaksOf(log))
  assert.not.ok(claim.note(log, { author: prefixOf(log.name), segments: [] }, true, here.log.find), 'nothing new')
})

test('a claimant gives up its place when it was silent for long enough, and no sooner', () => {
  let now = 0
  const claims = new Claims({ limit: 2, patience: 100, now: () => now })
  const names = (): string[] => [...claims].map(([name]) => name)
  claims.hear('ann')
  now = 10
  claims.hear('bob')
  now = 50
  claims.hear('ann')
  assert.is(claims.hear('eve'), undefined)
  assert.equal([names(), claims.full], [['bob', 'ann'], true])
  now = 110
  assert.ok(claims.hear('eve'))
  assert.equal(names(), ['ann', 'eve'])
})

test('of two claims of one claimant the later one stands', () => {
  let now = 0
  const claims = new Claims({ limit: 2, patience: 0, now: () => now })
  const early = claims.hear('by its author key') as Claim
  now = 5
  const late = claims.hear('by its peer id') as Claim
  claims.take('by its author key')
  assert.is(claims.put('by its peer id', early), late)
  now = 9
  const last = claims.hear('by another key') as Claim
  claims.take('by another key')
  assert.is(claims.put('by its peer id', last), last)
  assert.is(claims.hear('by its peer id'), last)
})

test.run()
