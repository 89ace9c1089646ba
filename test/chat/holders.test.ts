import { bytesToHex } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type LogEvent, prefixOf } from '../../src/chat/author-log.ts'
import type { Tip } from '../../src/chat/beacon.ts'
import { MAX_CLAIMANTS, MAX_COUNTED_MEMBERS, MAX_KEEPERS, MAX_STRANGERS } from '../../src/chat/constants.ts'
import { Holders } from '../../src/chat/holders.ts'
import { loadIdentity } from '../../src/chat/identity.ts'
import { type Holding, holding } from './holding.ts'
import { fill, MapStore } from './support.ts'

const test = suite('chat/holders')
const day = 24 * 3600 * 1000

interface Setup extends Holding {
  holders: Holders
  event: (seq: number) => LogEvent
  /** Own events from 2 on (the first is the profile) that `n` others hold, as a string of digits. */
  figures: () => string
}

async function setup(messages = 4): Promise<Setup> {
  const here = await holding()
  const holders = new Holders(here.init)
  await here.write(messages)
  const event = (seq: number): LogEvent => here.log.get(here.id(seq)) as LogEvent
  const figures = (): string => Array.from({ length: here.me.seq - 1 }, (_, i) => holders.count(event(i + 2)).held).join('')
  return { ...here, holders, event, figures }
}

const tip = (here: Setup, seq: number, id = here.id(seq)): Tip => ({ author: prefixOf(here.me.name), seq, id: prefixOf(id) })

test('a member holds what its frontier says, and what it says later stands in its place', async () => {
  const here = await setup()
  const { holders, figures, page, event } = here
  assert.equal([figures(), holders.count(event(2))], ['0000', { held: 0, members: 0, keepers: 0 }])
  const ann = await here.neighbour(1)
  holders.learned(ann.scribe.name)
  assert.is(holders.hearPage(page(1, 4), true, ann.peer), true)
  assert.equal([figures(), holders.count(event(2))], ['1110', { held: 1, members: 1, keepers: 0 }])
  assert.equal([...holders.of(event(2))], [ann.account])
  assert.is(holders.hearPage(page(1, 4), true, ann.peer), false, 'nothing new')
  holders.hearPage(page(3, 3), true, ann.peer)
  assert.is(figures(), '0100', 'it has lost its store')
  holders.hearPage(page(5, 5), false, ann.peer)
  assert.is(figures(), '0101', 'the next page of the same frontier')
  holders.hearPage({ ...page(1, 1), segments: [] }, true, ann.peer)
  assert.is(figures(), '0000')
})

test('a tip says that everything before it is held; an equal digest, that everything is', async () => {
  const here = await setup()
  const { holders, figures, log, beacon } = here
  const ann = await here.neighbour(1)
  assert.is(holders.hearBeacon(beacon(ann, { tips: [tip(here, 3)] })), true)
  assert.is(figures(), '1100')
  holders.hearBeacon(beacon(ann, { digest: log.frontierDigest() }))
  assert.is(figures(), '1111')
  await here.write()
  assert.is(figures(), '11110', 'it did not speak of what was written since')
  assert.is(holders.hearBeacon(beacon(ann)), false, 'says nothing of our log')
  assert.is(figures(), '11110')
  holders.hearBeacon(beacon(ann, { tips: [tip(here, 2)] }))
  assert.is(figures(), '10000')
})

test('what is said of an end that is not in our log counts for nothing', async () => {
  const here = await setup()
  const { holders, figures, page, beacon } = here
  const ann = await here.neighbour(1)
  await here.take(ann.scribe.write({}, {}, {}))
  assert.is(here.log.author(ann.scribe.name)?.last?.seq, 4)
  const foreign = here.log.author(ann.scribe.name)?.at(4)[0]?.id as string
  const unknown = 'ab'.repeat(32)
  for (const bad of [page(1, 9, unknown), page(1, 4, foreign), page(1, 4, here.id(3)), page(1, 2, here.id(3))]) {
    holders.hearPage(bad, true, ann.peer)
    assert.is(figures(), '0000')
  }
  for (const bad of [tip(here, 4, here.id(2)), tip(here, 9, unknown)]) {
    holders.hearBeacon(beacon(ann, { tips: [bad] }))
    assert.is(figures(), '0000')
  }
  holders.hearPage({ ...page(1, 4), author: prefixOf(ann.scribe.name) }, true, ann.peer)
  assert.is(figures(), '0000', 'a page about another log')
})

test('of a log with two branches, whoever holds one holds what is before it and nothing of the other', async () => {
  const here = await setup(2)
  const { holders, page, me, log } = here
  const copy = me.fork()
  await here.write(2)
  await here.take(copy.write({ text: 'twin' }), copy.write({ text: 'after the twin' }), copy.write({ text: 'the last' }))
  const ann = await here.neighbour(1)
  const all = [...(log.author(me.name)?.events() ?? [])].sort((a, b) => a.seq - b.seq || (a.stored.via < b.stored.via ? -1 : 1))
  const held = (): string[] => all.filter((event) => holders.of(event).size > 0).map(({ seq, stored }) => `${seq} ${stored.via}`)
  holders.hearPage(page(1, 5), true, ann.peer)
  assert.equal(held(), ['1 self', '2 self', '3 self', '4 self', '5 self'])
  holders.hearPage(page(1, 6, bytesToHex(copy.tip as Uint8Array)), true, ann.peer)
  assert.equal(held(), ['1 self', '2 self', '3 self', '4 sync', '5 sync', '6 sync'])
  holders.hearPage(page(4, 6, bytesToHex(copy.tip as Uint8Array)), true, ann.peer)
  holders.hearPage(page(2, 3), false, ann.peer)
  assert.equal(held(), ['2 self', '3 self', '4 sync', '5 sync', '6 sync'])
})

test('what is claimed beyond a hole of ours is not counted: nobody knows that it is our chain', async () => {
  const here = await setup(1)
  const { holders, page, me, log } = here
  const runs = [me.write(), me.write(), me.write()]
  await here.take(runs[0] as Uint8Array, runs[2] as Uint8Array)
  const ann = await here.neighbour(1)
  holders.hearPage(page(1, 5), true, ann.peer)
  const held = (): number[] => [1, 2, 3, 5].filter((seq) => holders.of(log.get(here.id(seq)) as LogEvent).size > 0)
  assert.equal(held(), [5])
  await here.take(runs[1] as Uint8Array)
  assert.equal(held(), [1, 2, 3, 5])
})

test('a peer counts once a profile has named it, for what it said before', async () => {
  const here = await setup()
  const { holders, figures, page, beacon } = here
  const ann = await here.person(1)
  holders.hearPage(page(1, 5), true, ann.peer)
  assert.is(figures(), '0000')
  await here.take(ann.profile)
  assert.is(holders.learned(ann.scribe.name), true)
  assert.is(figures(), '1111')
  const eve = await here.person(3)
  holders.hearBeacon(beacon(eve, { tips: [tip(here, 2)] }))
  await here.take(eve.profile)
  holders.learned(eve.scribe.name)
  assert.is(figures(), '2111')
  const bob = await here.person(2)
  holders.hearBeacon(beacon(bob, { tips: [tip(here, 3)] }))
  assert.is(figures(), '2111')
  here.clock.advance(1000)
  holders.hearPage(page(1, 2), true, bob.peer)
  await here.take(bob.profile)
  holders.learned(bob.scribe.name)
  assert.is(figures(), '3111', 'what was said last counts, however it was said')
})

test('two devices of one account are one holder; those of our own account are none', async () => {
  const here = await setup()
  const { holders, figures, page, crypto, clock, event } = here
  const { identity } = await loadIdentity(new MapStore(), crypto, clock)
  const other = { ...identity, device: crypto.publicKey(fill(9)), deviceSeed: fill(9) }
  const [phone, desk] = [await here.person(1, identity), await here.person(2, certified(other, here))]
  await here.take(phone.profile, desk.profile)
  assert.is(phone.account, desk.account)
  assert.is.not(phone.peer, desk.peer)
  holders.hearPage(page(1, 3), true, phone.peer)
  holders.hearPage(page(4, 5), true, desk.peer)
  assert.equal([figures(), holders.count(event(2)).members], ['1111', 1])
  const mine = await here.person(3, certified({ ...here.own, device: crypto.publicKey(fill(8)), deviceSeed: fill(8) }, here))
  await here.take(mine.profile)
  assert.is(holders.learned(mine.scribe.name), false)
  assert.is(holders.hearPage(page(1, 5), true, mine.peer), false)
  assert.is(holders.hearBeacon(here.beacon(mine, { digest: here.log.frontierDigest() })), false)
  assert.equal([figures(), holders.count(event(2)).members], ['1111', 1])
})

/** The account certifies another device. */
function certified<T extends { accountSeed: Uint8Array; device: Uint8Array; created: number }>(identity: T, here: Setup): T {
  const created = new Uint8Array(9)
  created[0] = 0x1b
  new DataView(created.buffer).setBigUint64(1, BigInt(identity.created))
  const text = new TextEncoder().encode('p2pnode/device/v1')
  const certificate = here.crypto.sign(identity.accountSeed, Uint8Array.from([...text, ...identity.device, ...created]))
  return { ...identity, certificate }
}

test('members are accounts that were heard in the last 30 days', async () => {
  const here = await setup()
  const { holders, clock, event, page } = here
  const [ann, bob] = [await here.neighbour(1), await here.neighbour(2)]
  holders.hearPage(page(1, 5), true, ann.peer)
  assert.equal(holders.count(event(2)), { held: 1, members: 2, keepers: 0 })
  clock.advance(31 * day)
  assert.equal(holders.count(event(2)), { held: 0, members: 0, keepers: 0 })
  here.heard.set(bob.scribe.name, clock.now())
  clock.advance(60_000)
  assert.equal(holders.count(event(2)), { held: 0, members: 1, keepers: 0 })
  holders.hearPage(page(1, 2), true, ann.peer)
  assert.equal(holders.count(event(2)), { held: 1, members: 2, keepers: 0 }, 'at once')
})

test('a member with a clock ten years ahead is a member for 30 days all the same', async () => {
  const here = await setup()
  const { holders, clock, event } = here
  const ann = await here.neighbour(1)
  await here.take(ann.scribe.write({ hlc: clock.now() + 3652 * day }))
  assert.is(holders.count(event(2)).members, 1)
  clock.advance(31 * day)
  assert.is(holders.count(event(2)).members, 0)
})

test('keepers are counted apart', async () => {
  const here = await setup()
  const { holders, event, page } = here
  await here.neighbour(1)
  assert.is(holders.hearKeeper(page(1, 3), true, 'keeper'), true)
  assert.equal(holders.count(event(3)), { held: 0, members: 1, keepers: 1 })
  assert.equal([holders.count(event(4)).keepers, [...holders.of(event(3))]], [0, []])
  assert.equal([holders.dropKeeper('keeper'), holders.dropKeeper('keeper')], [true, false])
  assert.is(holders.count(event(3)).keepers, 0)
  holders.hearKeeper(page(2, 5), true, 'keeper')
  assert.is(holders.hasAll(event(5)), false, 'it has given up the beginning')
  holders.hearKeeper(page(1, 5), true, 'keeper')
  assert.equal([holders.hasAll(event(5)), holders.of(event(5)).size], [true, 0])
  holders.dropKeeper('keeper')
  assert.is(holders.hasAll(event(5)), false)
  for (let i = 0; i < 2 * MAX_KEEPERS; i++) holders.hearKeeper(page(1, 5), true, `keeper ${i}`)
  assert.is(holders.count(event(3)).keepers, MAX_KEEPERS)
})

test('of what was read from the disk nothing is known until all have spoken, or somebody holds it', async () => {
  const here = await holding()
  await here.write(2)
  const [ann, bob] = [await here.neighbour(1), await here.neighbour(2)]
  const holders = new Holders(here.init)
  holders.open()
  const known = (seq: number): number | undefined => holders.known(here.log.get(here.id(seq)) as LogEvent)?.held
  await here.write()
  assert.equal([known(2), known(4)], [undefined, 0], 'nobody can have what was just written')
  holders.hearPage(here.page(1, 2), true, ann.peer)
  assert.equal([known(2), known(3), known(4)], [1, undefined, 0], 'Bob may have it')
  holders.hearPage({ ...here.page(1, 1), segments: [] }, true, bob.peer)
  assert.equal([known(2), known(3), known(4)], [1, 0, 0])
})

test('above 64 members it is at least as many, and a crowd is not remembered', async () => {
  const here = await setup()
  const { holders, event, page } = here
  const others = []
  for (let n = 1; n <= MAX_CLAIMANTS + 5; n++) {
    others.push(await here.neighbour(n))
    const { atLeast } = new Holders(here.init).count(event(2))
    assert.is(atLeast, n > MAX_COUNTED_MEMBERS ? true : undefined, `${n} members`)
  }
  for (const { peer } of others) holders.hearPage(page(1, 5), true, peer)
  assert.equal(holders.count(event(2)), { held: MAX_CLAIMANTS, members: MAX_CLAIMANTS + 5, keepers: 0, atLeast: true })
})

test('of strangers the last are remembered', async () => {
  const here = await setup()
  const { holders, figures, page } = here
  const [ann, bob] = [await here.person(1), await here.person(2)]
  holders.hearPage(page(1, 5), true, ann.peer)
  for (let n = 0; n < MAX_STRANGERS - 1; n++) holders.hearPage(page(1, 5), true, `stranger ${n}`)
  holders.hearPage(page(1, 5), true, bob.peer)
  await here.take(ann.profile, bob.profile)
  for (const { scribe } of [ann, bob]) holders.learned(scribe.name)
  assert.is(figures(), '1111')
})

test('a beacon of a crowd, in which nobody remembers what came first, claims nothing', async () => {
  const here = await setup()
  const { holders, figures, beacon } = here
  const ann = await here.neighbour(1)
  const said = beacon(ann, { digest: here.log.frontierDigest() })
  here.heard.delete(ann.scribe.name)
  assert.is(holders.hearBeacon(said), false)
  assert.is(figures(), '0000')
})

test('a log that was given up is asked about beside the one that is written now', async () => {
  const here = await setup(2)
  const { holders, log, me } = here
  const before = holders.ownPages()
  assert.equal(before, [here.page(1, 3)])
  const next = await here.person(7, here.own)
  await here.take(next.profile)
  await here.write()
  const tips = [me, next.scribe].map(({ name }) => [prefixOf(name), prefixOf(log.author(name)?.last?.id ?? '')])
  assert.equal(
    holders.ownPages().map(({ author, segments }) => [author, segments[0]?.end]),
    tips,
  )
  assert.is(before[0]?.segments[0]?.to, 3, 'a moment, not a view')
})

test.run()
