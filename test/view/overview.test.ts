import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ClientEvents, Message, Room } from '../../src/client/client.ts'
import { Overview, type View } from '../../src/view/overview.ts'
import { People } from '../../src/view/people.ts'
import { FakeClient } from '../support/fake-client.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const test = suite('view/overview')

/** Longer than changes are gathered, and shorter than anything else takes. */
const SETTLED = 50

async function setup() {
  const client = new FakeClient()
  const clock = new VirtualClock()
  const overview = new Overview({ client, people: new People(), after: clock.after })
  const lobby = await client.join({ room: 'lobby' })
  const dev = await client.join({ room: 'dev' })
  let asked = 0
  const peers = client.peers.bind(client)
  client.peers = async () => {
    asked += 1
    return await peers()
  }
  overview.learn([lobby, dev])
  overview.enter(lobby.id)
  /** So much time, and whatever the connections' answer sets off. */
  const elapse = async (milliseconds: number): Promise<View> => {
    clock.advance(milliseconds)
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    clock.advance(0)
    return overview.view()
  }
  /** As `elapse`, with the changes told. */
  const settle = async (milliseconds: number = 0): Promise<View> => {
    await elapse(milliseconds)
    return await elapse(SETTLED)
  }
  return { client, clock, overview, lobby, dev, elapse, settle, asked: () => asked }
}

const message = ({ id }: Room, text = 'x'): Message => ({ id: text, room: id }) as Message
const tabOf = ({ rooms }: View, name: string) => {
  const { unread, mentions, current } = rooms.find((room) => room.name === name) ?? {}
  return { unread, mentions, current }
}

test('rooms are in their order, with the current one, and a name that is fit to be shown', async () => {
  const { overview, lobby, dev, settle } = await setup()
  const { rooms, current } = await settle()
  assert.equal(
    rooms.map(({ name }) => name),
    ['lobby', 'dev'],
  )
  assert.is(current?.id, lobby.id)
  overview.learn([dev, { ...lobby, name: '\u001b[31mlob\u202eby' }])
  assert.equal(
    (await settle()).rooms.map(({ name }) => name),
    ['dev', 'lobby'],
  )
})

test('what is said where nobody looks is counted, and nothing of it is left on entering', async () => {
  const { overview, dev, settle } = await setup()
  overview.missed(message(dev), false)
  overview.missed(message(dev), true)
  assert.equal(tabOf(await settle(), 'dev'), { unread: 2, mentions: 1, current: false })
  assert.is(overview.unread(dev.id), 2)
  overview.enter(dev.id)
  assert.equal(tabOf(await settle(), 'dev'), { unread: 0, mentions: 0, current: true })
})

test('what was unread before is counted on, and once', async () => {
  const { overview, lobby, dev, settle } = await setup()
  const team = { ...dev, id: 'team', name: 'team', unread: 3 }
  overview.learn([lobby, team])
  overview.missed(message(team), false)
  overview.learn([lobby, { ...team, unread: 9 }])
  assert.equal(tabOf(await settle(), 'team'), { unread: 4, mentions: 0, current: false })
  overview.mentioned('team', 9)
  assert.is(tabOf(await settle(), 'team').mentions, 4, 'never more than there are messages')
  overview.forget('team')
  assert.is(overview.unread('team'), 0)
})

test('who reaches the current room is told apart by the way, others do not count', async () => {
  const { client, overview, dev, settle } = await setup()
  assert.is(overview.view().reach, undefined)
  client.reach('a', 'direct', 'lobby')
  client.reach('b', 'direct', 'lobby', 'dev')
  client.reach('c', 'relay', 'lobby')
  client.reach('d', 'relay', 'dev')
  client.reach('e', 'direct')
  assert.equal((await settle()).reach, { direct: 2, relayed: 1 })
  overview.enter(dev.id)
  assert.equal((await settle()).reach, { direct: 1, relayed: 1 })
  overview.enter(undefined)
  assert.equal((await settle()).reach, { direct: 0, relayed: 0 })
})

test('it is unknown again in another room until the connections were looked at', async () => {
  const { client, overview, dev, clock, settle } = await setup()
  client.reach('a', 'direct', 'lobby')
  await settle()
  overview.enter(dev.id)
  clock.advance(SETTLED)
  assert.is(overview.view().reach, undefined)
  assert.equal((await settle()).reach, { direct: 0, relayed: 0 })
})

test('an answer about the room that was left meanwhile does not count', async () => {
  const { client, overview, dev, settle } = await setup()
  client.reach('a', 'direct', 'lobby')
  const { peers } = client
  let answer: (() => void) | undefined
  client.peers = async () => {
    await new Promise<void>((resolve) => {
      answer = resolve
    })
    return await peers()
  }
  await settle()
  client.peers = peers
  const late = answer
  overview.enter(dev.id)
  await settle()
  late?.()
  assert.equal((await settle()).reach, { direct: 0, relayed: 0 })
})

test('connections are looked at again when one came, when somebody did, and every 5 s', async () => {
  const { client, overview, elapse, settle, asked } = await setup()
  await settle()
  assert.is(asked(), 1)
  client.reach('a', 'direct', 'lobby')
  overview.moved()
  overview.moved()
  await elapse(99)
  assert.is(asked(), 1, 'what changes together is one question')
  await elapse(1)
  assert.is(asked(), 2)
  assert.equal((await settle()).reach, { direct: 1, relayed: 0 })
  client.reach('a', 'relay', 'lobby')
  await elapse(5000 - SETTLED - 1)
  assert.is(asked(), 2)
  assert.equal((await settle(1)).reach, { direct: 0, relayed: 1 })
  await settle(5000)
  assert.is(asked(), 4)
})

test('while nothing changes there is the same value, and nobody is told', async () => {
  const { overview, settle, asked } = await setup()
  const before = await settle()
  let told = 0
  overview.subscribe(() => told++)
  assert.is(await settle(5000), before)
  assert.is(await settle(5000), before)
  assert.is(asked(), 3)
  assert.is(told, 0)
})

test('of connections that cannot be read nothing is said', async () => {
  const { client, settle } = await setup()
  client.peers = () => Promise.reject(new Error('gone'))
  assert.is((await settle()).reach, undefined)
})

test('a sync of the current room is shown until it is over', async () => {
  const { overview, lobby, dev, settle } = await setup()
  const sync = (room: Room, state: 'running' | 'done', count: number, missing: number): void =>
    overview.synced({ room: room.id, state, count, missing, digest: '' })
  sync(lobby, 'running', 100, 900)
  assert.equal((await settle()).sync, { have: 100, missing: 900 })
  sync(dev, 'running', 5, 6)
  assert.equal((await settle()).sync, { have: 100, missing: 900 })
  sync(lobby, 'running', 1000, 0)
  assert.is((await settle()).sync, undefined, 'nothing is asked for')
  sync(lobby, 'running', 1000, 1)
  sync(lobby, 'done', 1000, 1)
  assert.is((await settle()).sync, undefined)
  overview.enter(dev.id)
  assert.equal((await settle()).sync, { have: 5, missing: 6 })
})

test('who types in the current room is shown for 6 s, anew with every word of it', async () => {
  const { overview, lobby, dev, settle } = await setup()
  overview.typed(lobby.id, 'b', 'bob')
  overview.typed(dev.id, 'c', 'carol')
  assert.equal((await settle()).typing, ['bob'])
  assert.equal((await settle(4000)).typing, ['bob'])
  overview.typed(lobby.id, 'b', 'bob')
  assert.equal((await settle(5800)).typing, ['bob'])
  assert.equal((await settle(200)).typing, [])
})

test('who has written types no more', async () => {
  const { overview, lobby, settle, clock } = await setup()
  overview.typed(lobby.id, 'b', 'bob')
  overview.typed(lobby.id, 'c', 'carol')
  await settle()
  const waiting = clock.pending
  overview.stoppedTyping('b')
  assert.equal((await settle()).typing, ['carol'])
  assert.is(clock.pending, waiting - 1, 'and nothing waits for it')
  const before = overview.view()
  overview.stoppedTyping('b')
  assert.is(await settle(), before)
})

test('who holds what one wrote is told of the newest in the room only', async () => {
  const { overview, lobby, dev, settle } = await setup()
  const held = (id: string, by: number): void =>
    overview.delivered({ room: lobby.id, id, held: by, members: 3, keepers: 0 } as ClientEvents['delivery'])
  overview.wrote(message(lobby, 'first'))
  overview.wrote(message(lobby, 'second'))
  overview.wrote(message(dev, 'elsewhere'))
  held('first', 3)
  assert.equal((await settle()).delivery, { id: 'second', held: undefined })
  held('second', 2)
  assert.equal((await settle()).delivery, { id: 'second', held: { held: 2, members: 3, keepers: 0 } })
  overview.wrote(message(lobby, 'third'))
  held('second', 3)
  assert.equal((await settle()).delivery, { id: 'third', held: undefined })
  overview.enter(dev.id)
  assert.is((await settle()).delivery?.id, 'elsewhere')
})

test('changes are told of together, and the value is replaced', async () => {
  const { overview, lobby, dev, clock, settle } = await setup()
  const before = await settle()
  let told = 0
  const off = overview.subscribe(() => told++)
  overview.missed(message(dev), false)
  overview.typed(lobby.id, 'b', 'bob')
  overview.wrote(message(lobby))
  assert.is(overview.view(), before)
  assert.is(told, 0)
  clock.advance(SETTLED)
  assert.is(told, 1)
  assert.is.not(overview.view(), before)
  assert.equal(before.typing, [], 'a value that somebody has is left as it is')
  off()
  overview.changed()
  clock.advance(SETTLED)
  assert.is(told, 1)
})

test('nothing happens after its end, whatever comes', async () => {
  const { overview, lobby, dev, clock, settle, asked } = await setup()
  const before = await settle()
  let told = 0
  overview.subscribe(() => told++)
  overview.typed(lobby.id, 'b', 'bob')
  overview.end()
  assert.is(clock.pending, 0)
  overview.missed(message(dev), true)
  overview.moved()
  overview.enter(dev.id)
  assert.is(clock.pending, 0)
  assert.is(await settle(10_000), before)
  assert.is(told, 0)
  assert.is(asked(), 1)
})

test('connections that answer after its end change nothing', async () => {
  const { client, overview, dev, clock, settle } = await setup()
  let answer: (() => void) | undefined
  client.peers = () =>
    new Promise((resolve) => {
      answer = () => resolve([])
    })
  const before = await settle()
  overview.end()
  answer?.()
  overview.missed(message(dev), true)
  assert.is(await settle(), before)
  assert.is(clock.pending, 0)
})

test.run()
