import type { PeerInfo } from '@libp2p/interface'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  FIND_TIMEOUT,
  FIRST_LOOKS,
  LAST_LOOK_PAUSE,
  MAX_FOUND,
  MAX_NAMESPACES,
  MAX_TASKS,
  NAMESPACE_GAP,
  PROVIDE_INTERVAL,
  RECORD_TTL,
  REPORT_AGAIN,
} from '../../../src/node/dht/constants.ts'
import { DhtRoute } from '../../../src/node/dht/route.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { peerId, silent } from './support.ts'

const test = suite('node/dht/route')
const second = 1_000
const minute = 60 * second
const hour = 60 * minute

const people: PeerInfo[] = await Promise.all(
  Array.from({ length: 40 }, async (_, number) => ({ id: await peerId(number + 1), multiaddrs: [] })),
)

/** A DHT in which are those that `others` answers, and a route to it. */
function setup({ ready = true } = {}) {
  const clock = new VirtualClock()
  const dht = {
    ready,
    others: (_namespace: string): PeerInfo[] => [],
    /** How many servers take a record. */
    servers: 8,
    /** When somebody looked, and when a record was put. */
    looks: [] as number[],
    provides: [] as number[],
    offered: new Set<string>(),
    underWay: 0,
    most: 0,
    wait: undefined as Promise<void> | undefined,
    aborted: 0,
    /** Whether who is reported is of use. */
    wanted: true,
  }
  const under = async <T>(signal: AbortSignal, result: () => T): Promise<T> => {
    dht.most = Math.max(dht.most, ++dht.underWay)
    try {
      await Promise.race([
        dht.wait,
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            dht.aborted++
            reject(signal.reason)
          }),
        ),
      ])
      return result()
    } finally {
      dht.underWay--
    }
  }
  const reported: string[] = []
  const discovered = ({ id }: PeerInfo): boolean => {
    reported.push(id.toString())
    return dht.wanted
  }
  const route = new DhtRoute(
    {
      isReady: () => dht.ready,
      provide: async (_namespace, signal) => {
        dht.provides.push(clock.monotonic())
        return await under(signal, () => dht.servers)
      },
      find: async (namespace, found, signal) => {
        dht.looks.push(clock.monotonic())
        await under(signal, () => dht.others(namespace).every(found))
      },
      offer: (namespace) => void dht.offered.add(namespace),
      withdraw: (namespace) => void dht.offered.delete(namespace),
    },
    { discovered, clock, random: () => 0.5, log: silent },
  )
  dht.wait = Promise.resolve()
  return { clock, dht, reported, route }
}

/** Milliseconds between one and the next. */
const pauses = (times: number[]): number[] => times.slice(1).map((time, at) => time - (times[at] as number))

test('looks at once, a few times soon, and then with pauses that double', async () => {
  const { clock, dht, route } = setup()
  route.start()
  route.join('room')
  await clock.pass(3 * hour)
  route.stop()
  assert.equal(dht.looks.slice(0, FIRST_LOOKS.length), FIRST_LOOKS)
  assert.equal(
    pauses(dht.looks.slice(FIRST_LOOKS.length - 1)).slice(0, 5),
    [1, 2, 4, 8, 15].map((minutes) => minutes * minute),
  )
  assert.is(Math.max(...pauses(dht.looks)), LAST_LOOK_PAUSE)
})

test('who is found is reported once, and looked for more often again', async () => {
  const { clock, dht, reported, route } = setup()
  route.start()
  route.join('room')
  await clock.pass(2 * hour)
  dht.others = () => people.slice(0, 1)
  while (reported.length === 0) await clock.pass(second)
  assert.equal(reported, [people[0]?.id.toString()])
  const looks = dht.looks.length
  await clock.pass(2 * minute)
  assert.is(dht.looks.length - looks, 2)
  assert.is(reported.length, 1)
  await clock.pass(REPORT_AGAIN + LAST_LOOK_PAUSE)
  assert.ok(reported.length >= 2, 'and again much later')
  route.stop()
})

test('who is not wanted when found is reported at the next look again, and is no reason to look sooner', async () => {
  const { clock, dht, reported, route } = setup()
  Object.assign(dht, { others: () => people.slice(0, 1), wanted: false })
  route.start()
  route.join('room')
  await clock.pass(hour)
  assert.is(reported.length, dht.looks.length)
  assert.is(Math.max(...pauses(dht.looks)), LAST_LOOK_PAUSE)
  dht.wanted = true
  const [looks, reports] = [dht.looks.length, reported.length]
  await clock.pass(LAST_LOOK_PAUSE)
  assert.is(reported.length, reports + 1, 'it was taken')
  assert.ok(dht.looks.length > looks + 1)
  route.stop()
})

test('one look brings a number of people, and the next ones the others', async () => {
  const { clock, dht, reported, route } = setup()
  dht.others = () => people
  route.start()
  route.join('room')
  await clock.pass(0)
  assert.is(reported.length, MAX_FOUND)
  dht.others = () => [...people].reverse()
  await clock.pass(2 * second)
  assert.is(new Set(reported).size, 2 * MAX_FOUND)
  route.stop()
})

test('a record is renewed long before servers forget it', async () => {
  const { clock, dht, route } = setup()
  route.start()
  route.join('room')
  await clock.pass(24 * hour)
  route.stop()
  const between = pauses(dht.provides)
  assert.ok((between[0] as number) <= minute, 'once more when more servers are known')
  assert.ok(Math.max(...between) <= PROVIDE_INTERVAL)
  assert.ok(2 * Math.max(...between) < RECORD_TTL, 'one that gets lost does no harm')
  assert.ok(dht.provides.length < 24 * 5, `${dht.provides.length} times a day`)
})

test('a record that nobody took is put again soon, and less and less often', async () => {
  const { clock, dht, route } = setup()
  dht.servers = 0
  route.start()
  route.join('room')
  await clock.pass(hour)
  assert.ok((pauses(dht.provides)[0] as number) <= 5 * second)
  assert.ok(Math.max(...pauses(dht.provides)) <= 5 * minute)
  assert.ok(dht.provides.length < 30, `${dht.provides.length} times an hour`)
  dht.servers = 8
  await clock.pass(5 * minute)
  const before = dht.provides.length
  await clock.pass(10 * minute)
  assert.is(dht.provides.length, before)
  route.stop()
})

test('new addresses are told at once, one record for many changes', async () => {
  const { clock, dht, route } = setup()
  route.start()
  route.join('room')
  await clock.pass(5 * minute)
  const before = dht.provides.length
  for (let change = 0; change < 5; change++) route.announce()
  await clock.pass(5 * second)
  assert.is(dht.provides.length, before + 1)
  route.stop()
})

test('while nobody can be asked nothing is done; when somebody can, everything', async () => {
  const { clock, dht, route } = setup({ ready: false })
  route.start()
  route.join('room')
  await clock.pass(hour)
  assert.is(dht.looks.length + dht.provides.length, 0)
  assert.is(clock.pending, 0)
  dht.ready = true
  route.wake()
  await clock.pass(15 * second)
  assert.equal(
    dht.looks.map((time) => time - hour),
    FIRST_LOOKS,
  )
  assert.is(dht.provides.length, 1)
  route.stop()
})

test('what is under way for a room ends when it is left, and what it finds is not told', async () => {
  const { clock, dht, reported, route } = setup()
  dht.wait = new Promise(() => undefined)
  dht.others = () => people
  route.start()
  route.join('room')
  await clock.pass(second)
  assert.is(dht.underWay, 2)
  assert.ok(dht.offered.has('room'))
  route.leave('room')
  await clock.pass(0)
  assert.is(dht.underWay, 0)
  await clock.pass(hour)
  assert.is(dht.offered.size, 0)
  assert.equal(reported, [])
  assert.is(dht.looks.length, 1)
  assert.equal(route.namespaces, [])
})

test('a lookup that does not end is ended', async () => {
  const { clock, dht, route } = setup()
  dht.wait = new Promise(() => undefined)
  route.start()
  route.join('room')
  await clock.pass(FIND_TIMEOUT + second)
  assert.ok(dht.aborted >= 1)
  assert.ok(dht.looks.length >= 2, 'and there is another')
  route.stop()
})

test('many rooms are looked at a few at a time, and in turn', async () => {
  const { clock, dht, route } = setup()
  for (let number = 0; number < MAX_NAMESPACES; number++) route.join(`room ${number}`)
  assert.throws(() => route.join('one more'), /at most/)
  let release: () => void = () => undefined
  dht.wait = new Promise((resolve) => {
    release = resolve
  })
  route.start()
  await clock.pass(second)
  assert.is(dht.underWay, MAX_TASKS)
  release()
  await clock.pass(4 * hour)
  assert.is(dht.most, MAX_TASKS)
  const [looks, provides] = [dht.looks.length, dht.provides.length]
  await clock.pass(4 * hour)
  const every = (4 * hour) / (dht.looks.length - looks)
  assert.ok(every >= NAMESPACE_GAP / 2, `a look every ${every} ms`)
  assert.ok((dht.provides.length - provides) / MAX_NAMESPACES >= 4, 'and no record is left to expire')
  route.stop()
})

test('stopped, it does nothing; started again, all of it again', async () => {
  const { clock, dht, route } = setup()
  route.start()
  route.start()
  route.join('room')
  await clock.pass(minute)
  route.stop()
  route.stop()
  const looks = dht.looks.length
  await clock.pass(hour)
  assert.is(dht.looks.length, looks)
  assert.is(clock.pending, 0)
  route.start()
  await clock.pass(15 * second)
  assert.is(dht.looks.length, looks + FIRST_LOOKS.length)
  route.stop()
})

test.run()
