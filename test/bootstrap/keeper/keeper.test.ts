import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { idsOf, MapStore } from '../../chat/support.ts'
import { memoryStore } from '../../storage/memory-store.ts'
import { DAY, guest, HOUR, refusalOf, setting, stored, visit, write } from './support.ts'

const test = suite('bootstrap/keeper')

for (const [what, make] of [
  ['a map', async () => new MapStore()],
  ['the encrypted store', () => memoryStore()],
] as const) {
  test(`whoever comes an hour later gets all 500 messages of who is gone, over ${what} and a restart`, async () => {
    const here = await setting({ store: await make() })
    const ann = await guest(here, 'ann')
    await write(ann, 500)
    const brought = await visit(here, ann)
    assert.ok(brought.outcome.equal)
    here.clock.advance(HOUR)
    const after = await here.restart()
    const bob = await guest(after, 'bob')
    const { outcome } = await visit(after, bob)
    assert.equal([outcome.received, outcome.equal], [500, true])
    assert.equal(idsOf(bob.log, true), idsOf(ann.log, true))
    assert.equal(bob.log.frontierDigest(), ann.log.frontierDigest())
    assert.is((await bob.log.verify()).events, 500)
  })
}

test('what several members bring is one history, and each takes what the others brought', async () => {
  const here = await setting()
  const guests = await Promise.all(['ann', 'bob', 'carl'].map((peer) => guest(here, peer)))
  for (const each of guests) await write(each, 20, { each: 4 })
  await Promise.all(guests.map((each) => visit(here, each)))
  for (const each of guests) await visit(here, each)
  assert.equal(
    guests.map(({ log }) => log.size),
    [60, 60, 60],
  )
  assert.equal(
    here.keeper.status().rooms.map(({ events }) => events),
    [60],
  )
})

test('a member that has nothing new exchanges a summary and nothing else', async () => {
  const here = await setting()
  const ann = await guest(here, 'ann')
  await write(ann, 3)
  await visit(here, ann)
  const { outcome } = await visit(here, ann)
  assert.equal(outcome, { received: 0, sent: 0, equal: true })
})

test('rooms are apart: a member of one learns nothing of another', async () => {
  const here = await setting()
  const ann = await guest(here, 'ann', { room: 'harbour' })
  await write(ann, 5)
  await visit(here, ann)
  const eve = await guest(here, 'eve', { room: 'cellar' })
  const { outcome } = await visit(here, eve)
  assert.equal([outcome.received, eve.log.size], [0, 0])
})

test('a lease lasts seven days from the last visit, then nothing of the room is left', async () => {
  const here = await setting()
  const { clock, store, keeper } = here
  const ann = await guest(here, 'ann')
  await write(ann, 10)
  const { grant } = await visit(here, ann)
  assert.is(grant.seconds, 7 * 86_400)
  clock.advance(6 * DAY)
  await visit(here, ann)
  clock.advance(6 * DAY)
  await keeper.sweep()
  assert.is(keeper.status().rooms.length, 1)
  const [room] = keeper.status().rooms
  assert.is((room?.until ?? 0) - clock.now(), DAY)
  clock.advance(DAY)
  await keeper.sweep()
  assert.equal([keeper.status().rooms, keeper.status().bytes], [[], 0])
  for (const table of ['kept', 'lease', 'horizon'] as const) assert.is(await stored(store, table), 0)
  const bob = await guest(here, 'bob')
  assert.is((await visit(here, bob)).outcome.received, 0)
})

test('leases that end are looked for without being told to', async () => {
  const here = await setting()
  const ann = await guest(here, 'ann')
  await write(ann, 3)
  await visit(here, ann)
  for (const time of [7 * DAY, HOUR]) {
    here.clock.advance(time)
    for (let i = 0; i < 200; i++) await Promise.resolve()
  }
  assert.equal(here.keeper.status().rooms, [])
  await here.keeper.close()
  assert.is(here.clock.pending, 0)
})

test('nobody can shorten a lease, and nobody gets a longer one than there is', async () => {
  const here = await setting({ leaseTime: DAY })
  const ann = await guest(here, 'ann')
  assert.is((await visit(here, ann, { seconds: 1e8 })).grant.seconds, 86_400)
  await visit(here, ann, { seconds: 0 })
  assert.is((here.keeper.status().rooms[0]?.until ?? 0) - here.clock.now(), DAY)
})

test('what was kept for thirty days goes, the lease stays', async () => {
  const here = await setting()
  const ann = await guest(here, 'ann')
  await write(ann, 10)
  await visit(here, ann)
  for (let day = 0; day < 28; day += 4) {
    here.clock.advance(4 * DAY)
    await visit(here, ann)
  }
  await write(ann, 1)
  await visit(here, ann)
  here.clock.advance(3 * DAY)
  await here.keeper.sweep()
  const bob = await guest(here, 'bob')
  await visit(here, bob)
  assert.equal([bob.log.size, bob.log.author([...ann.log.authors()][0]?.name ?? '')?.last?.seq], [1, 11])
  const { outcome } = await visit(here, ann)
  assert.is(outcome.sent, 0, 'it is not asked for again')
})

/** What is on the disk when the process dies right after the first write that `act` makes. */
async function dyingAfterOneWrite(store: MapStore, act: () => Promise<unknown>): Promise<void> {
  const { batch } = store
  let records: typeof store.records | undefined
  store.batch = async (operations) => {
    await batch.call(store, operations)
    records ??= new Map(store.records)
  }
  await act()
  store.batch = batch
  store.records.clear()
  for (const [key, record] of records ?? []) store.records.set(key, record)
}

test('a removal that a crash interrupted is finished at the next start', async () => {
  const store = new MapStore()
  const here = await setting({ store })
  const ann = await guest(here, 'ann')
  await write(ann, 20)
  await visit(here, ann)
  here.clock.advance(8 * DAY)
  await dyingAfterOneWrite(store, () => here.keeper.sweep())
  assert.ok((await stored(store)) > 0)
  await here.restart()
  assert.is(await stored(store), 0)
})

test('a room that was being removed for another is not there again after a crash', async () => {
  const store = new MapStore()
  const here = await setting({ store, quotas: { totalRooms: 1 } })
  const ann = await guest(here, 'ann')
  await write(ann, 20)
  await visit(here, ann)
  here.clock.advance(2 * HOUR)
  await dyingAfterOneWrite(store, async () => visit(here, await guest(here, 'bob', { room: 'another' })))
  assert.ok((await stored(store)) > 0)
  const { keeper } = await here.restart()
  assert.equal([keeper.status().rooms, await stored(store)], [[], 0])
})

test('runs whose lease is gone are removed at the start', async () => {
  const store = new MapStore()
  const here = await setting({ store })
  for (const room of ['one', 'two', 'three']) {
    const ann = await guest(here, 'ann', { room })
    await write(ann, 2)
    await visit(here, ann)
  }
  const [, second] = [...store.records.keys()].filter((key) => key.startsWith('lease/'))
  store.records.delete(second as string)
  const { keeper } = await here.restart()
  assert.is(keeper.status().rooms.length, 2)
  const rooms = new Set<unknown>()
  for await (const [key] of store.range(['kept'])) rooms.add(key[1])
  assert.is(rooms.size, 2)
})

test('a room that does not open any more is given up, and its members bring it again', async () => {
  const store = new MapStore()
  const here = await setting({ store })
  const ann = await guest(here, 'ann')
  await write(ann, 3)
  await visit(here, ann)
  for (const [key, [path]] of store.records) if (key.startsWith('kept/')) store.records.set(key, [path, Uint8Array.of(1)])
  const after = await here.restart()
  assert.is(await visit(after, ann).catch(() => 'broke'), 'broke')
  const { outcome } = await visit(after, ann)
  assert.equal([outcome.sent > 0, outcome.equal], [true, true])
  assert.is(after.keeper.status().rooms[0]?.events, 3)
})

test('what the disk refuses ends the visit, and is brought again by the next one', async () => {
  const store = new MapStore()
  const here = await setting({ store })
  const ann = await guest(here, 'ann')
  await visit(here, ann)
  await write(ann, 3)
  const { batch } = store
  store.batch = async (operations) => {
    if (operations.some(({ key }) => key[0] === 'kept')) throw new Error('no space left')
    await batch.call(store, operations)
  }
  assert.is(await visit(here, ann).catch(() => 'broke'), 'broke')
  store.batch = batch
  assert.is((await visit(here, ann)).outcome.equal, true)
  assert.equal(here.keeper.status().rooms[0]?.events, 3)
})

test('a keeper that stops ends its visits and leaves no timer', async () => {
  const here = await setting()
  const ann = await guest(here, 'ann')
  await write(ann, 2)
  let stopped: Promise<void> | undefined
  const ended = visit(here, ann, {
    fromKeeper(message) {
      stopped ??= here.keeper.close()
      return message
    },
  }).catch((error: Error) => error)
  assert.instance(await ended, Error)
  await stopped
  assert.is(here.clock.pending, 0)
  assert.is(await refusalOf(visit(here, ann)), 'busy')
})

test('the status lists rooms by their tags, and no more than is known', async () => {
  const here = await setting({ allow: ['ann'] })
  const ann = await guest(here, 'ann')
  await write(ann, 2, { each: 2 })
  await visit(here, ann)
  const { rooms, visits, refused, rejected } = here.keeper.status()
  assert.equal([visits, refused, rejected], [0, {}, 0])
  const [room] = rooms
  assert.equal(Object.keys(room ?? {}).sort(), [
    'allowed',
    'bytes',
    'events',
    'id',
    'network',
    'peer',
    'renewed',
    'since',
    'until',
  ])
  assert.equal([room?.peer, room?.network, room?.allowed, room?.events], ['ann', 'network of ann', true, 2])
})

test.run()
