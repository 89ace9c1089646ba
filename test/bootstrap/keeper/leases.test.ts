import { multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MIN_LEASE_AGE, MIN_SPACE, QUOTAS, type Quotas, ROOM_OVERHEAD } from '../../../bootstrap/keeper/constants.ts'
import { networkOf } from '../../../bootstrap/keeper/index.ts'
import type { KeeperInit } from '../../../bootstrap/keeper/keeper.ts'
import { KeptRooms } from '../../../bootstrap/keeper/kept-rooms.ts'
import { type Lease, Leases } from '../../../bootstrap/keeper/leases.ts'
import { bytesToHex } from '../../../src/chat/hex.ts'
import { Refusal } from '../../../src/chat/keep-codec.ts'
import { StorageError } from '../../../src/errors.ts'
import { cheapCrypto, fill, MapStore, rejection, roomKeys } from '../../chat/support.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { DAY, guest, HOUR, refusalOf, type Setting, setting, stored, visit, write } from './support.ts'

const test = suite('bootstrap/keeper/leases')
const MiB = 2 ** 20
const RELAY = '12D3KooWGRUDq9sQx2nUC8kHzWPNZpkjgLq1GpFqpTUSVYjVzxqp'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

test('a keeper keeps for nobody whom its operator does not allow', async () => {
  const here = await setting({ open: false })
  const ann = await guest(here, 'ann')
  await write(ann, 2)
  assert.is(await refusalOf(visit(here, ann)), 'notAllowed')
  assert.equal([here.keeper.status().rooms, await stored(here.store)], [[], 0])
  assert.equal(here.keeper.status().refused, { notAllowed: 1 })
})

for (const [what, init, options] of [
  ['a peer', { allow: ['ann'] }, {}],
  ['a room', { allow: [bytesToHex(roomKeys('harbour', cheapCrypto()).tag)] }, {}],
  ['whoever has the token', { token: 'for friends' }, { token: utf8('for friends') }],
] as [string, Partial<KeeperInit>, { token?: Uint8Array }][]) {
  test(`a keeper keeps for ${what} that its operator allows`, async () => {
    const here = await setting({ open: false, ...init })
    const ann = await guest(here, 'ann')
    await write(ann, 2)
    assert.ok((await visit(here, ann, options)).outcome.equal)
    assert.ok(here.keeper.status().rooms[0]?.allowed)
    const eve = await guest(here, 'eve', { room: 'cellar' })
    for (const token of [undefined, utf8('for friend'), utf8('for friendz'), utf8('for friends!'), new Uint8Array(64)])
      assert.is(await refusalOf(visit(here, eve, token === undefined ? {} : { token })), 'notAllowed')
  })
}

test('a keeper without a token knows none, an empty one included', async () => {
  const here = await setting({ open: false })
  const eve = await guest(here, 'eve')
  for (const token of [new Uint8Array(0), utf8('undefined')])
    assert.is(await refusalOf(visit(here, eve, { token })), 'notAllowed')
  for (const token of ['', 'x'.repeat(65)]) assert.is((await rejection(setting({ token }))).name, 'InvalidArgumentError')
})

test('one peer gets so many rooms, and another as many', async () => {
  const here = await setting({ quotas: { peerRooms: 3 } })
  const asking = async (peer: string, room: string) => refusalOf(visit(here, await guest(here, peer, { room })))
  for (const room of ['a', 'b', 'c']) assert.is(await asking('ann', room), undefined)
  assert.is(await asking('ann', 'd'), 'peerQuota')
  assert.is(await asking('ann', 'a'), undefined, 'those that are kept go on')
  assert.is(await asking('bob', 'd'), undefined)
})

test('one network gets so many rooms, whatever the peers are called', async () => {
  const here = await setting({ quotas: { networkRooms: 3 } })
  const asking = async (peer: string, network: string) => refusalOf(visit(here, await guest(here, peer, { room: peer, network })))
  for (const peer of ['a', 'b', 'c']) assert.is(await asking(peer, 'here'), undefined)
  assert.is(await asking('d', 'here'), 'networkQuota')
  assert.is(await asking('d', 'elsewhere'), undefined)
})

test('a room that somebody else asked for first is on that account', async () => {
  const here = await setting({ quotas: { peerRooms: 1 } })
  const asking = async (peer: string, room: string) => refusalOf(visit(here, await guest(here, peer, { room })))
  for (const room of ['a']) assert.is(await asking('ann', room), undefined)
  assert.is(await asking('bob', 'b'), undefined)
  assert.is(await asking('bob', 'a'), undefined)
  assert.equal(
    here.keeper.status().rooms.map(({ peer }) => peer),
    ['ann', 'bob'],
  )
})

test('what a room may take is what its peer, its network and all together leave it', async () => {
  const here = await setting({ quotas: { roomBytes: 700_000, peerBytes: 1_400_000, networkBytes: 1e9, totalBytes: 1e9 } })
  for (const [room, count] of [
    ['a', 600],
    ['b', 1200],
  ] as const) {
    const ann = await guest(here, 'ann', { room })
    await write(ann, count, { text: 'x'.repeat(1000) })
    await visit(here, ann)
  }
  const [a, b] = here.keeper.status().rooms
  assert.ok(a !== undefined && a.bytes > 600_000)
  assert.ok(b !== undefined && b.bytes > 300_000 && a.bytes + b.bytes + 2 * ROOM_OVERHEAD <= 1_400_000, `${b?.bytes}`)
  assert.is(await refusalOf(visit(here, await guest(here, 'ann', { room: 'c' }))), 'peerQuota')
  // Once the first is over there is place for another.
  here.clock.advance(8 * DAY)
  await here.keeper.sweep()
  assert.is(await refusalOf(visit(here, await guest(here, 'ann', { room: 'c' }))), undefined)
})

/** Fills a keeper of small size with rooms, a quarter of an hour apart. */
async function crowded(count: number, init: Partial<KeeperInit> = {}): Promise<Setting> {
  const here = await setting({ quotas: { totalRooms: count }, ...init })
  for (let i = 0; i < count; i++) {
    await visit(here, await guest(here, `peer ${i}`, { room: `room ${i}` }))
    here.clock.advance(HOUR / 4)
  }
  return here
}

const keptPeers = (here: Setting): string[] => here.keeper.status().rooms.map(({ peer }) => peer)

test('where all is taken, the lease ends that was renewed longest ago, so that a new room has place', async () => {
  const here = await crowded(8)
  await visit(here, await guest(here, 'peer 0', { room: 'room 0' }))
  assert.is(await refusalOf(visit(here, await guest(here, 'new', { room: 'new' }))), undefined)
  assert.equal(keptPeers(here), ['peer 0', 'peer 2', 'peer 3', 'peer 4', 'peer 5', 'peer 6', 'peer 7', 'new'])
})

test('a lease that was renewed within the hour is not ended for another', async () => {
  const here = await crowded(3)
  assert.ok(3 * (HOUR / 4) < MIN_LEASE_AGE)
  assert.is(await refusalOf(visit(here, await guest(here, 'new', { room: 'new' }))), 'totalQuota')
  assert.is(keptPeers(here).length, 3)
})

test('a room that the operator allows is never ended for another', async () => {
  const here = await crowded(4, { open: true, allow: ['peer 0', 'peer 1', 'peer 2', 'peer 3'] })
  here.clock.advance(DAY)
  assert.is(await refusalOf(visit(here, await guest(here, 'new', { room: 'new' }))), 'totalQuota')
  assert.is(keptPeers(here).length, 4)
})

test('who has used up his own quota ends nobody else’s lease', async () => {
  const here = await crowded(4, { quotas: { totalRooms: 4, peerRooms: 1 } })
  here.clock.advance(DAY)
  assert.is(await refusalOf(visit(here, await guest(here, 'peer 3', { room: 'another' }))), 'peerQuota')
  assert.is(keptPeers(here).length, 4)
})

test('space is made for what a visit may bring, before it comes', async () => {
  const quotas: Partial<Quotas> = { roomBytes: 300_000, totalBytes: 800_000 }
  const here = await setting({ quotas })
  for (const [i, room] of ['a', 'b', 'c', 'd'].entries()) {
    const ann = await guest(here, `peer ${i}`, { room })
    await write(ann, 100, { text: 'x'.repeat(3000) })
    await visit(here, ann)
    here.clock.advance(2 * HOUR)
    const { bytes } = here.keeper.status()
    assert.ok(bytes <= 800_000, `${bytes}`)
  }
  assert.ok(!keptPeers(here).includes('peer 0'))
  assert.ok(keptPeers(here).includes('peer 3'))
})

test('a room that was anybody’s is the operator’s when somebody comes whom he allows', async () => {
  const here = await setting({ open: true, allow: ['ann'] })
  await visit(here, await guest(here, 'eve'))
  assert.equal([keptPeers(here), here.keeper.status().rooms[0]?.allowed], [['eve'], false])
  await visit(here, await guest(here, 'ann'))
  assert.equal([keptPeers(here), here.keeper.status().rooms[0]?.allowed], [['ann'], true])
  await visit(here, await guest(here, 'eve'))
  assert.equal([keptPeers(here), here.keeper.status().rooms[0]?.allowed], [['ann'], true])
})

test('leases, accounts and sums are the same after a restart', async () => {
  const here = await setting({ allow: ['ann'] })
  for (const peer of ['ann', 'bob']) {
    const each = await guest(here, peer, { room: `room of ${peer}` })
    await write(each, 5)
    await visit(here, each)
  }
  const before = here.keeper.status()
  assert.is(before.bytes, before.rooms.reduce((sum, { bytes }) => sum + bytes, 0) + 2 * ROOM_OVERHEAD)
  const after = (await here.restart()).keeper.status()
  assert.equal([after.rooms, after.bytes], [before.rooms, before.bytes])
})

test('a lease that is damaged is found', async () => {
  const store = new MapStore()
  for (const value of [fill(0xff, 9), Uint8Array.of(0x81, 0x01)]) {
    await store.batch([{ type: 'put', key: ['lease', 1], value }])
    assert.is((await rejection(setting({ store }))).name, 'DamagedStoreError')
  }
})

async function rooms(): Promise<{
  store: MapStore
  leases: Leases
  kept: KeptRooms
  lease(tag: number, events?: number): Lease
}> {
  const [store, clock, crypto] = [new MapStore(), new VirtualClock(), cheapCrypto()]
  const leases = await Leases.open(store, clock, QUOTAS)
  const kept = new KeptRooms({ store, crypto, clock, leases, keptTime: DAY })
  const lease = (tag: number, events = 0): Lease => {
    const made = leases.add(fill(tag, 16), { peer: 'ann', network: 'here', allowed: true }, DAY)
    made.events = events
    return made
  }
  return { store, leases, kept, lease }
}

/** Stays in a room until it is told to leave, as if the room were as large as its lease says. */
async function stay(kept: KeptRooms, lease: Lease): Promise<{ leave: () => void; over: Promise<boolean> }> {
  const { events } = lease
  let leave = (): void => undefined
  const entered = new Promise<void>((resolve) => {
    leave = resolve
  })
  let inside = (): void => undefined
  const arrived = new Promise<void>((resolve) => {
    inside = resolve
  })
  const over = kept.use(lease, async () => {
    lease.events = events
    inside()
    await entered
  })
  await Promise.race([arrived, over])
  return { leave, over }
}

test('where the open rooms are as large as may be nobody is let into another, until one of them is left', async () => {
  const { kept, lease } = await rooms()
  const [large, other, third] = [lease(1, 200_000), lease(2, 100_000), lease(3, 1000)]
  const first = await stay(kept, large)
  assert.is(await kept.use(other, async () => undefined), false)
  assert.is(await kept.use(third, async () => undefined), true)
  first.leave()
  assert.is(await first.over, true)
  assert.is(await kept.use(other, async () => undefined), true)
  await kept.closeAll()
})

test('two who are in one room share its index', async () => {
  const { kept, lease } = await rooms()
  const one = lease(1)
  const seen: unknown[] = []
  await Promise.all([1, 2].map(() => kept.use(one, async ({ log }) => void seen.push(log))))
  assert.is(seen[0], seen[1])
  await kept.use(one, async ({ log }) => void seen.push(log))
  assert.is(seen[0], seen[2], 'it stays open for a while')
  await kept.close(one)
  await kept.use(one, async ({ log }) => void seen.push(log))
  assert.is.not(seen[0], seen[3])
})

test('of rooms in which nobody is the last 32 stay open', async () => {
  const { kept, lease } = await rooms()
  const leases = Array.from({ length: 40 }, (_, i) => lease(i + 1))
  const logs: unknown[] = []
  for (const each of leases) await kept.use(each, async ({ log }) => void logs.push(log))
  const again: unknown[] = []
  for (const each of [...leases].reverse()) await kept.use(each, async ({ log }) => void again.unshift(log))
  assert.is(again.filter((log, i) => log === logs[i]).length, 32)
})

test('a room at which the disk failed is read anew', async () => {
  const { kept, lease } = await rooms()
  const one = lease(1)
  const logs: unknown[] = []
  const failing = kept.use(one, async ({ log }) => {
    logs.push(log)
    throw new StorageError('no space left')
  })
  assert.is((await rejection(failing)).message, 'no space left')
  await kept.use(one, async ({ log }) => void logs.push(log))
  assert.is.not(logs[0], logs[1])
})

test('what is there counts, whatever a lease said before', async () => {
  const { kept, lease, leases } = await rooms()
  const one = lease(1, 77)
  one.bytes = 5000
  const before = leases.total.bytes
  await kept.use(one, async () => undefined)
  assert.equal([one.bytes, one.events, leases.total.bytes], [0, 0, before - 5000])
})

test('a room has the least number that is free, so that numbers do not grow for ever', async () => {
  const { leases, lease } = await rooms()
  const made = [1, 2, 3].map((tag) => lease(tag))
  assert.equal(
    made.map(({ room }) => room),
    [1, 2, 3],
  )
  leases.remove(made[1] as Lease)
  assert.is(lease(9).room, 2)
  assert.is(leases.refusal({ peer: 'ann', network: 'here', allowed: true }), undefined)
  leases.charge(made[0] as Lease, QUOTAS.peerBytes - 3 * ROOM_OVERHEAD - MIN_SPACE + 1, 0)
  assert.is(leases.refusal({ peer: 'ann', network: 'here', allowed: true }), Refusal.peerQuota)
  assert.ok(leases.limits(made[2] as Lease).bytes < MiB)
})

test('a network is a /24 of IPv4 or a /64 of IPv6; all relayed ones together are one', () => {
  const network = (address: string): string => networkOf(multiaddr(address))
  const relayed = (ip: string): string => network(`/ip4/${ip}/tcp/1/p2p/${RELAY}/p2p-circuit`)
  const groups = [
    [network('/ip4/192.0.2.77/tcp/4001'), network('/ip4/192.0.2.78/tcp/9/ws'), network('/ip6/::ffff:192.0.2.5/tcp/1')],
    [network('/ip4/192.0.3.77/tcp/4001')],
    [network('/ip6/2001:db8:1:2:3:4:5:6/tcp/1'), network('/ip6/2001:db8:1:2::9/tcp/1')],
    [network('/ip6/2001:db8::1/tcp/1')],
    [network('/ip6/::1/tcp/1')],
    [relayed('192.0.2.1'), relayed('198.51.100.1')],
    [network('/memory/7'), network('/dns4/relay.example/tcp/1')],
  ]
  for (const [first, ...others] of groups) for (const other of others) assert.is(other, first)
  assert.is(new Set(groups.map(([first]) => first)).size, groups.length)
})

test.run()
