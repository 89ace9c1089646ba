import '../../../src/shims.node.ts'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { addressBlock } from '../../../src/address-block.ts'
import { Cookies } from '../../../src/node/rendezvous/cookie.ts'
import { type NewRegistration, Registrations } from '../../../src/node/rendezvous/registrations.ts'
import { type Cursor, newCursor, nextPage } from '../../../src/node/rendezvous/sample.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { ADDRESS, keyOf, signedRecord } from './support.ts'

const test = suite('node/rendezvous/registrations')
const envelope = await signedRecord(await keyOf(1))

function setup(limits: Partial<{ total: number; perPeer: number; perBlock: number }> = {}) {
  const clock = new VirtualClock()
  const registrations = new Registrations({ total: 100, perPeer: 3, perBlock: 5, ...limits }, clock)
  const add = (peer: string, namespace: string, more: Partial<NewRegistration> & { seq?: bigint } = {}) => {
    const record = more.record ?? { envelope, seq: more.seq ?? 1n }
    return registrations.add({ peer, namespace, ttl: 1_000, block: peer, ...more, record })
  }
  const there = (namespace: string): number => registrations.page(namespace, newCursor(1), 100).page.length
  return { clock, registrations, add, there }
}

test('keeps a registration until its time is over, to the millisecond', () => {
  const { clock, registrations, add, there } = setup()
  add('a', 'x')
  add('b', 'x', { ttl: 3_000 })
  clock.advance(999)
  assert.equal(
    registrations
      .page('x', newCursor(1), 10)
      .page.map(({ expiresIn }) => expiresIn)
      .sort((a, b) => a - b),
    [1, 2_001],
  )
  clock.advance(1)
  assert.is(there('x'), 1)
  assert.equal(registrations.counts(), { peers: 1, namespaces: 1, registrations: 1 })
  clock.advance(2_000)
  assert.equal(registrations.counts(), { peers: 0, namespaces: 0, registrations: 0 })
  assert.equal(registrations.namespaces(), [])
})

test('counts the time anew with each renewal, be it longer or shorter', () => {
  const { clock, registrations, add } = setup()
  add('a', 'x', { ttl: 5_000 })
  clock.advance(500)
  add('a', 'x', { ttl: 1_000 })
  assert.is(registrations.counts().registrations, 1)
  clock.advance(999)
  assert.is(registrations.counts().registrations, 1)
  clock.advance(1)
  assert.is(registrations.counts().registrations, 0)
})

test('tells all it knows of each peer, with the newest record for all its namespaces', async () => {
  const { clock, registrations, add } = setup()
  add('a', 'x')
  clock.advance(100)
  const later = await signedRecord(await keyOf(1), { addresses: ['/ip4/192.0.2.9/tcp/1'] })
  add('a', 'y', { record: { envelope: later, seq: 2n } })
  add('b', 'y')
  assert.equal(registrations.peers(), [
    {
      peerId: 'a',
      addresses: ['/ip4/192.0.2.9/tcp/1'],
      registrations: [
        { namespace: 'x', expiresIn: 900 },
        { namespace: 'y', expiresIn: 1_000 },
      ],
    },
    { peerId: 'b', addresses: [ADDRESS], registrations: [{ namespace: 'y', expiresIn: 1_000 }] },
  ])
  assert.equal(registrations.namespaces(), [
    { namespace: 'x', registrations: 1 },
    { namespace: 'y', registrations: 2 },
  ])
  assert.is(registrations.page('x', newCursor(1), 10).page[0]?.envelope, later)
})

test('refuses a record older than the one that is here, and takes an equal one', () => {
  const { registrations, add } = setup()
  assert.is(add('a', 'x', { seq: 5n }), 'kept')
  assert.is(add('a', 'x', { seq: 4n }), 'old')
  assert.is(add('a', 'y', { seq: 4n }), 'old')
  assert.is(add('a', 'y', { seq: 5n }), 'kept')
  assert.is(add('b', 'x', { seq: 1n }), 'kept')
  registrations.remove('a', 'x')
  assert.is(add('a', 'x', { seq: 4n }), 'old')
  registrations.remove('a', 'y')
  assert.is(add('a', 'x', { seq: 4n }), 'kept')
})

test('keeps no more namespaces of a peer than allowed, and renews those it has', () => {
  const { add, registrations } = setup({ perPeer: 2 })
  assert.equal(
    ['x', 'y', 'z', 'x'].map((namespace) => add('a', namespace)),
    ['kept', 'kept', 'full', 'kept'],
  )
  registrations.remove('a', 'x')
  assert.is(add('a', 'z'), 'kept')
})

test('keeps no more from one block of addresses than allowed, wherever a renewal comes from', () => {
  const { add, registrations, clock } = setup({ perBlock: 2 })
  const from = (block: string) => (peer: string) => add(peer, 'x', { block })
  assert.equal(['a', 'b', 'c', 'b'].map(from('one')), ['kept', 'kept', 'full', 'kept'])
  assert.equal(['c', 'd'].map(from('two')), ['kept', 'kept'])
  assert.is(from('two')('a'), 'full')
  assert.is(from('three')('a'), 'kept')
  assert.equal(['d', 'e'].map(from('one')), ['kept', 'full'])
  registrations.remove('b', 'x')
  assert.is(from('one')('e'), 'kept')
  clock.advance(1_000)
  assert.equal(['a', 'b', 'c'].map(from('one')), ['kept', 'kept', 'full'])
})

test('keeps no more in all than allowed', () => {
  const { add, registrations } = setup({ total: 2 })
  assert.equal(
    ['a', 'b', 'c', 'a'].map((peer) => add(peer, 'x')),
    ['kept', 'kept', 'full', 'kept'],
  )
  registrations.remove('nobody', 'x')
  registrations.remove('a', 'y')
  assert.is(add('c', 'x'), 'full')
  registrations.remove('b', 'x')
  assert.is(add('c', 'x'), 'kept')
})

test('forgets everything when told to', () => {
  const { add, registrations, there } = setup({ total: 1 })
  add('a', 'x')
  registrations.clear()
  assert.is(there('x'), 0)
  assert.is(add('b', 'x'), 'kept')
})

/** Asks page after page, with things happening in between, and holds that each comes once. */
function walk(limit: number, salt: number, steps: { add: number; ask: boolean }[]): { all: number[]; given: number[] } {
  const all: { number: number }[] = []
  const given: number[] = []
  let cursor: Cursor = newCursor(salt)
  const ask = (): number => {
    const next = nextPage(all, cursor, all.length, limit)
    assert.ok(next.page.length <= limit)
    cursor = next.cursor
    given.push(...next.page.map((each) => each.number))
    return next.page.length
  }
  for (const step of steps) {
    for (let left = step.add; left > 0; left--) all.push({ number: all.length + 1 })
    if (step.ask) ask()
  }
  while (ask() > 0) assert.ok(given.length <= all.length)
  return { all: all.map((each) => each.number), given }
}

test('gives each registration once, page after page, whatever is added in between', () => {
  const steps = fc.array(fc.record({ add: fc.nat(30), ask: fc.boolean() }), { maxLength: 12 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(0xffffffff), steps, (limit, salt, each) => {
      const { all, given } = walk(limit, salt, each)
      assert.equal(
        given.sort((a, b) => a - b),
        all,
      )
    }),
    { numRuns: 500 },
  )
})

test('fills every page while there is more', () => {
  const all = Array.from({ length: 25 }, (_, i) => ({ number: i + 1 }))
  const first = nextPage(all.slice(0, 15), newCursor(7), 15, 10)
  const second = nextPage(all, first.cursor, 25, 10)
  const third = nextPage(all, second.cursor, 25, 10)
  assert.equal(
    [first, second, third].map(({ page }) => page.length),
    [10, 10, 5],
  )
  assert.ok(
    all.slice(0, 15).every((each) => [...first.page, ...second.page].includes(each)),
    'what was left comes before what is new',
  )
})

test('gives every registration the same chance to be in a first answer', () => {
  const all = Array.from({ length: 50 }, (_, i) => ({ number: 1_000 + i }))
  const hits = new Map(all.map(({ number }) => [number, 0]))
  for (let salt = 0; salt < 2_000; salt++) {
    const { page } = nextPage(all, newCursor(Math.imul(salt, 0x9e3779b1)), 2_000, 10)
    assert.is(new Set(page).size, 10)
    for (const { number } of page) hits.set(number, (hits.get(number) ?? 0) + 1)
  }
  // 400 expected, 18 the standard deviation.
  for (const [number, count] of hits) assert.ok(count > 300 && count < 500, `${number}: ${count}`)
})

test('a renewed registration is new', () => {
  const { add, registrations } = setup()
  add('a', 'x')
  add('b', 'x')
  const { cursor } = registrations.page('x', newCursor(1), 10)
  assert.is(registrations.page('x', cursor, 10).page.length, 0)
  add('a', 'x')
  assert.is(registrations.page('x', cursor, 10).page.length, 1)
})

test('reads its own cookies, and none that were altered, cut, of another namespace or another point', () => {
  const cookies = new Cookies()
  const cursor = { salt: 0xfedcba98, from: 5, to: 2 ** 40, below: 2 ** 32 }
  const cookie = cookies.make(cursor, 'x')
  assert.equal(cookies.read(cookie, 'x'), cursor)
  assert.equal(cookies.read(Buffer.from(cookie), 'x'), cursor)
  assert.is(cookies.read(cookie, 'y'), undefined)
  assert.is(new Cookies().read(cookie, 'x'), undefined)
  for (let i = 0; i < cookie.length; i++) {
    assert.is(
      cookies.read(
        cookie.map((byte, at) => (at === i ? byte ^ 1 : byte)),
        'x',
      ),
      undefined,
    )
    assert.is(cookies.read(cookie.subarray(0, i), 'x'), undefined)
  }
  assert.is(cookies.read(Uint8Array.of(...cookie, 0), 'x'), undefined)
})

test('takes an IPv4 /24 and an IPv6 /64 for one block', () => {
  const block = (address: string): string => addressBlock(multiaddr(address))
  assert.is(block('/ip4/192.0.2.7/tcp/1'), block('/ip4/192.0.2.200/udp/9/quic-v1'))
  assert.is.not(block('/ip4/192.0.2.7/tcp/1'), block('/ip4/192.0.3.7/tcp/1'))
  assert.is(block('/ip6/2001:db8:1:2::1/tcp/1'), block('/ip6/2001:db8:1:2:ffff:1:2:3/tcp/1'))
  assert.is.not(block('/ip6/2001:db8:1:2::1/tcp/1'), block('/ip6/2001:db8:1:3::1/tcp/1'))
  assert.is(block('/ip6/::ffff:192.0.2.7/tcp/1'), block('/ip4/192.0.2.1/tcp/1'))
  assert.is(block('/ip6zone/eth0/ip6/fe80::1/tcp/1'), block('/ip6/fe80::2/tcp/1'))
  assert.is(block('/memory/a'), block('/memory/b'))
  assert.is(
    block('/ip4/192.0.2.7/tcp/1/p2p/12D3KooWA1bysjrTACSWqf6q172inxvwKHUxAnBtVgaVDKMxpZtx/p2p-circuit'),
    block('/ip4/192.0.2.1/tcp/1'),
  )
})

test.run()
