import { getEventListeners } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { LogEvent } from '../../src/chat/author-log.ts'
import { DELIVERY_DOUBT, DELIVERY_INTERVAL, MAX_TOLD_MESSAGES } from '../../src/chat/constants.ts'
import { Delivery } from '../../src/chat/delivery.ts'
import type { Held } from '../../src/chat/types.ts'
import { type Holding, holding } from './holding.ts'
import { rejection } from './support.ts'

const test = suite('chat/delivery')

/** Ours, and not the profile. */
const isOwnMessage = ({ stored, seq }: LogEvent): boolean => stored.via === 'self' && seq > 1

interface Setup extends Holding {
  delivery: Delivery
  /** What was told, as `seq held/members`. */
  told: string[]
  doubts: () => number
}

async function setup(): Promise<Setup> {
  const told: string[] = []
  let doubts = 0
  const here = await holding((arrivals) => {
    for (const { event } of arrivals) if (isOwnMessage(event)) delivery.wrote(event)
  })
  const delivery: Delivery = new Delivery({
    ...here.init,
    isOwnMessage,
    onChange: ({ seq }, { held, members, keepers }: Held) =>
      told.push(`${seq} ${held}/${members}${keepers > 0 ? ` ${keepers}` : ''}`),
    onDoubt: () => {
      doubts++
    },
  })
  return { ...here, delivery, told, doubts: () => doubts }
}

/** When all that waits for nothing outside is done. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

/** Whether what was written is held by another, by now. */
async function isHeld(delivery: Delivery): Promise<boolean> {
  const over = new AbortController()
  const asked = delivery
    .all(() => undefined, over.signal)
    .then(
      () => true,
      () => false,
    )
  await settled()
  over.abort()
  return asked
}

test('who holds what was written is told a moment later, once, and all that changed together', async () => {
  const { delivery, told, clock, write, page, neighbour } = await setup()
  const [ann, bob] = [await neighbour(1), await neighbour(2)]
  await write(3)
  delivery.hearPage(page(1, 2), true, ann.peer)
  delivery.hearPage(page(1, 3), true, ann.peer)
  delivery.hearPage(page(1, 3), true, bob.peer)
  assert.equal(told, [])
  clock.advance(DELIVERY_INTERVAL)
  assert.equal(told.splice(0), ['2 2/2', '3 2/2'])
  delivery.hearPage(page(1, 3), true, bob.peer)
  clock.advance(60_000)
  assert.equal(told.splice(0), [], 'nothing has changed')
  delivery.hearPage(page(1, 2), true, bob.peer)
  delivery.hearPage(page(1, 4), true, ann.peer)
  clock.advance(DELIVERY_INTERVAL)
  assert.equal(told.splice(0), ['3 1/2', '4 1/2'])
  delivery.hearKeeper(page(1, 2), true, 'keeper')
  clock.advance(DELIVERY_INTERVAL)
  assert.equal(told.splice(0), ['2 2/2 1'])
  delivery.dropKeeper('keeper')
  clock.advance(DELIVERY_INTERVAL)
  assert.equal(told, ['2 2/2'])
})

test('of many messages the newest are told of, of all the figures are there', async () => {
  const { delivery, told, clock, write, page, neighbour, log, id } = await setup()
  const ann = await neighbour(1)
  await write(200)
  delivery.hearPage(page(1, 201), true, ann.peer)
  clock.advance(DELIVERY_INTERVAL)
  assert.equal([told.length, told[0], told.at(-1)], [MAX_TOLD_MESSAGES, '152 1/1', '201 1/1'])
  for (const seq of [2, 100, 201])
    assert.equal(delivery.of(log.get(id(seq)) as LogEvent), { held: 1, members: 1, keepers: 0 }, `message ${seq}`)
})

test('a member more or less is told of too', async () => {
  const here = await setup()
  const { delivery, told, clock, write, take } = here
  await write()
  const ann = await here.person(1)
  await take(ann.profile)
  delivery.learned(ann.scribe.name)
  clock.advance(DELIVERY_INTERVAL)
  assert.equal(told, ['2 0/1'])
})

test('of what was read from the disk the newest messages are told of once something is known', async () => {
  const here = await setup()
  const { told, clock, write, page, neighbour } = here
  await write(60)
  const ann = await neighbour(1)
  const later = new Delivery({
    ...here.init,
    isOwnMessage,
    onChange: ({ seq }, { held }) => told.push(`${seq} ${held}`),
    onDoubt: () => undefined,
  })
  later.open()
  later.hearPage(page(1, 1), true, ann.peer)
  later.hearPage(page(1, 13), true, ann.peer)
  clock.advance(DELIVERY_INTERVAL)
  assert.equal([told.length, told[0], told[1], told[2]], [50, '12 1', '13 1', '14 0'], 'the only member has spoken')
  const unknown = new Delivery({
    ...here.init,
    isOwnMessage: () => true,
    onChange: () => assert.unreachable(),
    onDoubt: () => undefined,
  })
  unknown.open()
  await neighbour(2)
  unknown.hearPage({ ...page(1, 1), segments: [] }, true, ann.peer)
  clock.advance(DELIVERY_INTERVAL)
  assert.is(unknown.of(here.log.get(here.id(5)) as LogEvent), undefined)
})

test('what nobody is known to hold after a while is asked for, once, and what was written last too', async () => {
  const { delivery, doubts, clock, write, page, neighbour } = await setup()
  const ann = await neighbour(1)
  await write()
  clock.advance(DELIVERY_DOUBT / 2)
  await write()
  clock.advance(DELIVERY_DOUBT / 2)
  assert.is(doubts(), 1)
  clock.advance(DELIVERY_DOUBT)
  assert.is(doubts(), 2)
  clock.advance(10 * DELIVERY_DOUBT)
  assert.equal([doubts(), clock.pending], [2, 0])
  await write(2)
  delivery.hearPage(page(1, 5), true, ann.peer)
  clock.advance(DELIVERY_DOUBT)
  assert.equal([doubts(), clock.pending], [2, 0], 'both are held')
})

test('what was stopped tells and asks nothing more', async () => {
  const { delivery, told, doubts, clock, write, page, neighbour } = await setup()
  const ann = await neighbour(1)
  await write()
  delivery.hearPage(page(1, 2), true, ann.peer)
  delivery.stop()
  await write()
  delivery.hearPage(page(1, 3), true, ann.peer)
  assert.is(clock.pending, 0)
  clock.advance(10 * DELIVERY_DOUBT)
  assert.equal([told, doubts()], [[], 0])
  const late = await setup()
  const bob = await late.neighbour(1)
  late.delivery.stop()
  await late.write()
  late.delivery.hearPage(late.page(1, 2), true, bob.peer)
  assert.is(late.clock.pending, 0)
})

test('all is held when another member says that it holds all', async () => {
  const { delivery, write, page, neighbour } = await setup()
  const ann = await neighbour(1)
  await write(3)
  let asked = 0
  const all = delivery.all(() => asked++)
  assert.is(asked, 1)
  delivery.hearPage(page(1, 3), true, ann.peer)
  assert.not.ok(await isHeld(delivery), 'the last one is not')
  delivery.hearPage(page(2, 4), true, ann.peer)
  assert.not.ok(await isHeld(delivery), 'the first one is not')
  delivery.hearPage(page(1, 4), true, ann.peer)
  await all
  assert.ok(await isHeld(delivery))
  await write()
  assert.not.ok(await isHeld(delivery), 'there is more')
})

test('what was held under a key that was given up counts for nothing under the next', async () => {
  const here = await setup()
  const { delivery, write, page, neighbour, log, take } = here
  const ann = await neighbour(1)
  await write()
  delivery.hearPage(page(1, 2), true, ann.peer)
  assert.ok(await isHeld(delivery))
  const next = await here.person(3, here.own)
  await take(next.profile)
  log.ownAuthor = next.scribe.name
  assert.not.ok(await isHeld(delivery))
})

test('who waits through many changes listens to what may end it once, and then not any more', async () => {
  const { delivery, write, page, neighbour } = await setup()
  const ann = await neighbour(1)
  await write(20)
  const over = new AbortController()
  const listeners = (): number => getEventListeners(over.signal, 'abort').length
  let asked = 0
  const all = delivery.all(() => asked++, over.signal)
  for (let to = 1; to <= 20; to++) {
    delivery.hearPage(page(1, to), true, ann.peer)
    await settled()
    assert.is(listeners(), 1)
  }
  assert.ok(asked > 10)
  delivery.hearPage(page(1, 21), true, ann.peer)
  await all
  assert.is(listeners(), 0)
})

test('waiting ends with the reason of whoever ends it', async () => {
  const { delivery, write } = await setup()
  await write()
  const over = new AbortController()
  const waiting = rejection(delivery.all(() => undefined, over.signal))
  over.abort(new Error('enough'))
  assert.is((await waiting).message, 'enough')
})

test.run()
