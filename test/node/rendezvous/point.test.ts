import '../../../src/shims.node.ts'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Discovered } from '../../../src/node/rendezvous/index.ts'
import { Point } from '../../../src/node/rendezvous/point.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { ADDRESS, keyOf, silent } from './support.ts'

const test = suite('node/rendezvous/point')
const peer = peerIdFromPrivateKey(await keyOf(1))
const other = peerIdFromPrivateKey(await keyOf(2))
const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** Everything that can go on without time passing has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Call {
  what: 'register' | 'unregister' | 'discover'
  namespace: string
  /** By the clock, from the start. */
  at: number
}

/** A point whose client answers at once, or as a test says. `random` is in the middle: nothing is spread. */
function setup() {
  const clock = new VirtualClock()
  const start = clock.monotonic()
  const calls: Call[] = []
  const found: string[] = []
  const answers = {
    register: async (_namespace: string): Promise<number> => 2 * hour,
    discover: async (_namespace: string): Promise<Discovered> => ({ registrations: [] }),
    unregister: async (_namespace: string): Promise<void> => undefined,
  }
  const call = (what: Call['what'], namespace: string): void => {
    calls.push({ what, namespace, at: clock.monotonic() - start })
  }
  const client = {
    async register(_point: PeerId, namespace: string) {
      call('register', namespace)
      return await answers.register(namespace)
    },
    async discover(_point: PeerId, namespace: string) {
      call('discover', namespace)
      return await answers.discover(namespace)
    },
    async unregister(_point: PeerId, namespace: string) {
      call('unregister', namespace)
      return await answers.unregister(namespace)
    },
  }
  const context = { client, clock, random: () => 0.5, log: silent, ttl: undefined }
  const point = new Point(peer, { ...context, onPeer: ({ id, multiaddrs }) => found.push(`${id} ${multiaddrs}`) })
  /** Second by second, so that what is done has its time. */
  const pass = async (milliseconds: number, step = second): Promise<void> => {
    await settled()
    for (let left = milliseconds; left > 0; left -= step) {
      clock.advance(Math.min(step, left))
      await settled()
    }
  }
  const times = (what: Call['what'], namespace = 'room'): number[] =>
    calls.filter((each) => each.what === what && each.namespace === namespace).map(({ at }) => at / second)
  return { clock, point, calls, found, answers, pass, times }
}

const never = (): Promise<never> => new Promise(() => undefined)

test('registers and looks at once, looks again after 1, 3 and 8 s, then every 30 s', async () => {
  const { point, pass, times } = setup()
  point.join('room')
  await pass(100 * second)
  assert.equal(times('register'), [0])
  assert.equal(times('discover'), [0, 1, 3, 8, 38, 68, 98])
})

test('tells of every peer that it finds, each time', async () => {
  const { point, pass, found, answers } = setup()
  answers.discover = async () => ({ registrations: [{ peerId: other, multiaddrs: [multiaddr(ADDRESS)], ttl: hour }] })
  point.join('room')
  await pass(1 * second)
  assert.equal(found, [`${other} ${ADDRESS}`, `${other} ${ADDRESS}`])
})

test('renews a registration half way through the time that was granted', async () => {
  const { point, pass, times, answers } = setup()
  point.join('room')
  await pass(1 * hour, minute)
  assert.equal(times('register'), [0, 3_600])
  answers.register = async () => 72 * hour
  await pass(40 * hour, 10 * minute)
  assert.equal(times('register'), [0, 3_600, 7_200, 7_200 + 36 * 3_600])
})

test('renews no more than once a minute and no less than every 36 h, whatever a point grants', async () => {
  const { point, pass, times, answers } = setup()
  answers.register = async () => 0
  point.join('room')
  await pass(120 * second)
  assert.equal(times('register'), [0, 60, 120])
  answers.register = async () => Number.MAX_SAFE_INTEGER
  await pass(36 * hour + 3 * minute, minute)
  assert.equal(times('register').slice(3), [180, 180 + 36 * 3_600])
})

test('tries again after a pause that doubles up to 5 min, and is as before once it succeeds', async () => {
  const { point, pass, times, answers } = setup()
  const fail = async (): Promise<never> => {
    throw new Error('no')
  }
  answers.register = fail
  answers.discover = fail
  point.join('room')
  await pass(1_200 * second)
  const pauses = (at: number[]): number[] => at.slice(1).map((each, i) => each - (at[i] ?? 0))
  assert.equal(pauses(times('register')), [2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  assert.is(point.registered, 0)
  assert.equal(pauses(times('discover')), [2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  answers.register = async () => 2 * hour
  await pass(300 * second)
  const before = times('register').length
  await pass(50 * minute, minute)
  assert.is(times('register').length, before)
  assert.is(point.registered, 1)
})

test('registers anew at once when the addresses are others, also while it is registering', async () => {
  const { point, pass, times, answers } = setup()
  point.join('room')
  await pass(10 * second)
  let finish: ((granted: number) => void) | undefined
  answers.register = () => new Promise((resolve) => (finish = resolve))
  point.announce()
  await pass(5 * second)
  assert.equal(times('register'), [0, 10])
  point.announce()
  await pass(5 * second)
  answers.register = async () => 2 * hour
  finish?.(2 * hour)
  await pass(5 * second)
  assert.equal(times('register'), [0, 10, 20])
})

test('begins with short pauses again when the addresses are others', async () => {
  const { point, pass, times, answers } = setup()
  answers.register = async () => {
    throw new Error('no')
  }
  point.join('room')
  await pass(100 * second)
  assert.equal(times('register'), [0, 2, 6, 14, 30, 62])
  point.announce()
  await pass(10 * second)
  assert.equal(times('register').slice(6), [100, 102, 106])
  answers.register = async () => 2 * hour
  point.announce()
  await settled()
  assert.is(point.registered, 1)
})

test('has at most four requests under way', async () => {
  const { point, pass, calls, answers } = setup()
  answers.register = never
  answers.discover = never
  for (let i = 0; i < 10; i++) point.join(`room ${i}`)
  await pass(10 * second)
  assert.equal([calls.length, point.registered], [4, 0])
})

test('registers in 64 namespaces, and in the next when one is left', async () => {
  const { point, pass, calls, times } = setup()
  for (let i = 0; i < 66; i++) point.join(`room ${i}`)
  await pass(20 * second)
  assert.is(new Set(calls.filter(({ what }) => what === 'register').map(({ namespace }) => namespace)).size, 64)
  assert.equal([times('register', 'room 65').length, point.registered], [0, 64])
  assert.ok(times('discover', 'room 65').length > 0)
  point.leave('room 3')
  await pass(40 * second)
  assert.is(times('unregister', 'room 3').length, 1)
  assert.is(times('register', 'room 64').length + times('register', 'room 65').length, 1)
})

test('looks no more than twice a second, however many namespaces there are', async () => {
  const { point, pass, calls, clock } = setup()
  for (let i = 0; i < 512; i++) point.join(`room ${i}`)
  await pass(60 * second)
  const before = calls.length
  const from = clock.monotonic()
  await pass(512 * second)
  assert.is(clock.monotonic() - from, 512 * second)
  const looks = calls.slice(before).filter(({ what }) => what === 'discover').length
  assert.ok(looks >= 512 && looks <= 1_100, String(looks))
})

test('takes a registration back when a namespace is left, and does nothing more for it', async () => {
  const { point, pass, calls, times } = setup()
  point.join('room')
  point.join('room')
  await pass(2 * second)
  point.leave('room')
  point.leave('room')
  await pass(3 * hour, minute)
  assert.equal(calls.slice(-1), [{ what: 'unregister', namespace: 'room', at: 2 * second }])
  assert.equal(times('unregister'), [2])
  point.join('room')
  await settled()
  assert.is(times('register').length, 2)
})

test('takes back a registration that comes through after the namespace was left, and tells of nobody', async () => {
  const { point, pass, times, answers, found } = setup()
  let finish: (() => void) | undefined
  const held = new Promise<void>((resolve) => (finish = resolve))
  answers.register = async () => {
    await held
    return 2 * hour
  }
  answers.discover = async () => {
    await held
    return { registrations: [{ peerId: other, multiaddrs: [], ttl: 1 }] }
  }
  point.join('room')
  await pass(1 * second)
  point.leave('room')
  assert.equal(times('unregister'), [])
  finish?.()
  await settled()
  assert.equal([times('unregister'), found], [[1], []])
})

test('does nothing more once it is closed', async () => {
  const { point, pass, calls, clock } = setup()
  point.join('room')
  await pass(2 * second)
  const before = calls.length
  point.close()
  await pass(3 * hour, minute)
  assert.equal([calls.length, clock.pending], [before, 0])
})

test('takes everything back when it says goodbye, as far as there is time', async () => {
  const { point, pass, calls, answers, clock } = setup()
  for (let i = 0; i < 6; i++) point.join(`room ${i}`)
  await pass(1 * second)
  const stop = new AbortController()
  answers.unregister = async () => {
    await new Promise((_, reject) => stop.signal.addEventListener('abort', reject, { once: true }))
  }
  const gone = point.goodbye(stop.signal)
  await settled()
  stop.abort()
  await gone
  const taken = calls.filter(({ what }) => what === 'unregister').map(({ namespace }) => namespace)
  assert.equal(taken, ['room 0', 'room 1', 'room 2', 'room 3'])
  assert.is(clock.pending, 0)
})

test.run()
