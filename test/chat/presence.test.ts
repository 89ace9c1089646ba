import { bytesToHex } from '@noble/hashes/utils.js'
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
  /** Whether nobody is looking at this device. */
  desk: { away: boolean }
  sent: Beacon[]
  changes: string[]
}

async function setup(): Promise<Setup> {
  const here = await member()
  const { keys, crypto } = here
  const sent: Beacon[] = []
  const changes: string[] = []
  const desk = { away: false }
  const presence = new Presence({
    ...here,
    members: new Members(keys.tag, crypto),
    network: {} as Network,
    seed: () => fill(1),
    publish: (bytes) => sent.push(decodeBeacon(bytes, keys, crypto)),
    isAway: () => desk.away,
    onChange: (_author, change, was) => changes.push(`${was} ${change}`),
    onTyping: () => undefined,
  })
  return { ...here, presence, desk, sent, changes }
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
  assert.equal(changes, ['offline online'])
  assert.ok(heard({ counter: 6, state: State.left }))
  assert.ok(heard({ start: 101, counter: 0 }), 'a later process counts anew')
  assert.equal(changes, ['offline online', 'here left', 'offline online'])
})

test('what this device said before it was restarted does not make another of it, what a copy of it says does', async () => {
  const { presence, changes, clock, crypto, log } = await setup()
  const own = crypto.publicKey(fill(1))
  log.ownAuthor = bytesToHex(own)
  const began = clock.now()
  assert.not.ok(presence.hear(beacon({ author: own, start: began - 1, counter: 9 })))
  assert.not.ok(presence.hear(beacon({ author: own, start: began })))
  assert.equal([changes, presence.online.size], [[], 0])
  assert.ok(presence.hear(beacon({ author: own, start: began + 1, counter: 0 })))
  assert.equal(changes, ['offline online'])
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
  assert.equal(changes, ['offline online'])
  clock.advance(80 * second)
  assert.equal([changes, presence.online.size], [['offline online', 'here offline'], 0])
  presence.stop(State.offline)
})

test('that nobody is looking is said at once and in every beacon until somebody is', async () => {
  const { presence, desk, sent, clock } = await setup()
  desk.away = true
  presence.turned()
  assert.equal(sent, [], 'to nobody before the start')
  presence.start()
  clock.advance(45 * second)
  presence.announce()
  presence.arrived()
  clock.advance(10 * second)
  const away = sent.length
  assert.ok(away >= 4, String(away))
  presence.typing()
  desk.away = false
  presence.turned()
  assert.equal(
    sent.map(({ state }) => state),
    [...Array.from({ length: away }, () => State.away), State.typing, State.online],
  )
  presence.stop(State.offline)
})

test('who is away is online, stays away while typing, and is back with any other state', async () => {
  const { presence, changes } = await setup()
  const where = [State.away, State.typing, State.online, State.typing, State.away, 99, State.away, State.offline, State.away].map(
    (state, counter) => {
      presence.hear(beacon({ counter, state }))
      return [presence.where('07'.repeat(32)), presence.online.size]
    },
  )
  assert.equal(where, [
    ...[
      ['away', 1],
      ['away', 1],
      ['here', 1],
      ['here', 1],
      ['away', 1],
      ['here', 1],
      ['away', 1],
      ['offline', 0],
      ['away', 1],
    ],
  ])
  assert.equal(changes, ['offline online', 'away back', 'here away', 'away back', 'here away', 'away offline', 'offline online'])
})

test('of a crowd no more are remembered than four times what is listed', async () => {
  const { presence } = await setup()
  for (let n = 0; n < 5 * MAX_PRESENCE; n++) assert.ok(presence.hear(beacon({ author: author(n) })))
  assert.is(presence.online.size, 4 * MAX_PRESENCE)
})

test.run()
