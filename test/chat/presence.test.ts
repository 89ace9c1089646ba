import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Beacon, decodeBeacon, State } from '../../src/chat/beacon.ts'
import { MAX_PRESENCE } from '../../src/chat/constants.ts'
import { Members } from '../../src/chat/members.ts'
import { Presence } from '../../src/chat/presence.ts'
import type { Network } from '../../src/chat/seams.ts'
import { fill, type Member, member } from './support.ts'

const test = suite('chat/presence')
const second = 1000

interface Setup extends Member {
  presence: Presence
  sent: Beacon[]
  changes: string[]
}

async function setup(): Promise<Setup> {
  const here = await member()
  const { keys, crypto } = here
  const sent: Beacon[] = []
  const changes: string[] = []
  const presence = new Presence({
    ...here,
    members: new Members(keys.tag, crypto),
    network: {} as Network,
    seed: () => fill(1),
    publish: (bytes) => sent.push(decodeBeacon(bytes, keys, crypto)),
    onChange: (_author, change) => changes.push(change),
    onTyping: () => undefined,
  })
  return { ...here, presence, sent, changes }
}

const beacon = (init: Partial<Beacon> = {}): Beacon => ({
  author: fill(7),
  start: 100,
  counter: 5,
  state: State.online,
  digest: fill(0, 16),
  tips: [],
  ...init,
})

/** The `n`-th of many authors. */
const author = (n: number): Uint8Array => {
  const key = fill(9)
  new DataView(key.buffer).setUint32(0, n)
  return key
}

test('a beacon said again, or older than one that was heard, changes nothing', async () => {
  const { presence, changes } = await setup()
  const heard = (init: Partial<Beacon>): boolean => presence.hear(beacon(init))
  assert.ok(heard({}))
  assert.not.ok(heard({ state: State.left }), 'the same counter')
  assert.not.ok(heard({ counter: 4, state: State.left }))
  assert.not.ok(heard({ start: 99, counter: 1000, state: State.left }), 'an earlier process')
  assert.equal(changes, ['online'])
  assert.ok(heard({ counter: 6, state: State.left }))
  assert.ok(heard({ start: 101, counter: 0 }), 'a later process counts anew')
  assert.equal(changes, ['online', 'left', 'online'])
})

test('a room has at most two beacons a second, however many are there', async () => {
  const { presence, sent, clock } = await setup()
  for (let n = 0; n < 200; n++) presence.hear(beacon({ author: author(n) }))
  presence.start()
  assert.is(sent.length, 1)
  clock.advance(74 * second)
  assert.is(sent.length, 1, '200 times half a second, less a quarter at most')
  clock.advance(52 * second)
  assert.is(sent.length, 2)
  presence.stop(State.offline)
  assert.equal([sent.length, clock.pending], [3, 0])
})

test('in a small room one says every half a minute that one is there', async () => {
  const { presence, sent, clock } = await setup()
  presence.start()
  clock.advance(300 * second)
  assert.ok(sent.length >= 8 && sent.length <= 15, String(sent.length))
  assert.equal(
    sent.map(({ counter }) => counter),
    sent.map((_, i) => i),
  )
  presence.stop(State.offline)
})

test('newcomers without number are greeted every two seconds at most', async () => {
  const { presence, sent, clock } = await setup()
  presence.start()
  for (let i = 0; i < 100; i++) {
    presence.announce()
    clock.advance(100)
  }
  assert.ok(sent.length <= 6, String(sent.length))
  presence.stop(State.offline)
})

test('who is not heard for three intervals is offline', async () => {
  const { presence, changes, clock } = await setup()
  presence.start()
  presence.hear(beacon())
  clock.advance(85 * second)
  assert.equal(changes, ['online'])
  clock.advance(80 * second)
  assert.equal([changes, presence.online.size], [['online', 'offline'], 0])
  presence.stop(State.offline)
})

test('of a crowd no more are remembered than four times what is listed', async () => {
  const { presence } = await setup()
  for (let n = 0; n < 5 * MAX_PRESENCE; n++) assert.ok(presence.hear(beacon({ author: author(n) })))
  assert.is(presence.online.size, 4 * MAX_PRESENCE)
})

test.run()
