import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  ERRAND_IDLE,
  ERRAND_INTERVAL,
  MAX_DIALS,
  MAX_ERRANDS,
  MAX_RESPONSE_BYTES,
  PROTOCOL,
} from '../../../src/node/dht/constants.ts'
import { Errands, type ErrandsComponents } from '../../../src/node/dht/errands.ts'
import { settled, VirtualClock } from '../../support/virtual-clock.ts'
import { at, FakeNet, type FakeStream, peerId, silent } from './support.ts'

const test = suite('node/dht/errands')

const PUBLIC = '/ip4/5.5.0.1/tcp/1'
const many = await Promise.all(Array.from({ length: 60 }, async (_, number) => await peerId(number + 1)))
const [alice] = many as [PeerId]

class TestStream extends EventTarget {
  aborted: Error | undefined
  abort(error: Error): void {
    this.aborted = error
  }
  receive(bytes: number): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: new Uint8Array(bytes) }))
  }
}

/** Everybody can be dialled; `wait` holds dials up. */
function setup() {
  const net = new FakeNet()
  const clock = new VirtualClock()
  const useful = new Set<string>()
  const seen = { dials: [] as string[], underWay: 0, most: 0, errandsWhenOpened: [] as boolean[], stream: new TestStream() }
  let wait: Promise<void> | undefined
  const withStreams = (connection: Connection): Connection =>
    Object.assign(connection, {
      newStream: async () => {
        seen.stream = new TestStream()
        return seen.stream as unknown as Stream
      },
    })
  const components = {
    events: net.events,
    peerStore: undefined as never,
    connectionManager: {
      ...net.connectionManager,
      openConnection: async (addresses: Multiaddr[], { signal }: { signal?: AbortSignal } = {}) => {
        seen.dials.push(...addresses.map(String))
        seen.most = Math.max(seen.most, ++seen.underWay)
        try {
          await wait
          signal?.throwIfAborted()
        } finally {
          seen.underWay--
        }
        const id = many.find((peer) => addresses[0]?.toString().endsWith(`/p2p/${peer}`)) as PeerId
        seen.errandsWhenOpened.push(errands.isErrand(id.toString()))
        return withStreams(net.connect(id, { from: PUBLIC, streams: [{ protocol: '/ipfs/id/1.0.0', status: 'open' }] }))
      },
    },
  } as unknown as ErrandsComponents
  const errands = new Errands(components, {
    addressesOf: async () => [at(PUBLIC)],
    isUseful: (peer) => useful.has(peer),
    clock,
    log: silent,
  })
  errands.start()
  const hold = (): (() => void) => {
    let release: () => void = () => undefined
    wait = new Promise((resolve) => {
      release = resolve
    })
    return () => {
      wait = undefined
      release()
    }
  }
  const streamsOf = (peer: PeerId): FakeStream[] =>
    net.connectionManager.getConnections(peer)[0]?.streams as unknown as FakeStream[]
  return { net, clock, useful, seen, errands, hold, withStreams, streamsOf }
}

test('a connection that was opened for a question is closed when it is not used any more', async () => {
  const { net, clock, errands, seen } = setup()
  await errands.openStream(alice, {})
  assert.equal(seen.dials, [`${PUBLIC}/p2p/${alice}`])
  assert.equal(seen.errandsWhenOpened, [true], 'it is known what it is for when it is open')
  assert.ok(errands.isErrand(alice.toString()))
  await clock.pass(ERRAND_IDLE - 1)
  await errands.openStream(alice, {})
  assert.is(seen.dials.length, 1, 'it is used again')
  await clock.pass(ERRAND_IDLE - 1)
  assert.equal(net.closed, [])
  await clock.pass(2 * ERRAND_INTERVAL)
  assert.equal(net.closed, [alice.toString()])
  assert.not(errands.isErrand(alice.toString()))
  assert.is(errands.size, 0)
  assert.is(clock.pending, 0)
})

test('a connection that was there before is left as it is', async () => {
  const { net, clock, errands, seen, withStreams } = setup()
  withStreams(net.connect(alice, { from: PUBLIC }))
  await errands.openStream(alice, {})
  await clock.pass(10 * ERRAND_IDLE)
  assert.equal([seen.dials, net.closed, errands.isErrand(alice.toString())], [[], [], false])
})

test('who is connected through a relay is no errand, and is asked directly', async () => {
  const { net, clock, errands, seen } = setup()
  net.connect(alice, { from: `${PUBLIC}/p2p/${many[1]}/p2p-circuit/p2p/${alice}`, relayed: true })
  await errands.openStream(alice, {})
  assert.is(seen.dials.length, 1)
  assert.not(errands.isErrand(alice.toString()))
  await clock.pass(10 * ERRAND_IDLE)
  assert.equal(net.closed, [])
})

test('one that has become useful stays, and is none to the others', async () => {
  const { net, clock, errands, useful } = setup()
  await errands.openStream(alice, {})
  useful.add(alice.toString())
  assert.not(errands.isErrand(alice.toString()))
  await clock.pass(10 * ERRAND_IDLE)
  assert.equal(net.closed, [])
  useful.clear()
  await clock.pass(2 * ERRAND_INTERVAL)
  assert.equal(net.closed, [alice.toString()])
})

test('one on which something is going on stays', async () => {
  const { net, clock, errands, streamsOf } = setup()
  await errands.openStream(alice, {})
  const sync = { protocol: '/p2pnode/sync/1.0.0', status: 'open' as const }
  streamsOf(alice).push({ protocol: '/meshsub/1.2.0', status: 'open' }, sync)
  await clock.pass(10 * ERRAND_IDLE)
  assert.equal(net.closed, [])
  Object.assign(sync, { status: 'closed' })
  await clock.pass(ERRAND_INTERVAL)
  assert.equal(net.closed, [alice.toString()])
})

test('there are not many at a time: the one unused for longest goes', async () => {
  const { net, clock, errands } = setup()
  for (const peer of many.slice(0, MAX_ERRANDS)) {
    await errands.openStream(peer, {})
    await clock.pass(1)
  }
  await errands.openStream(alice, {})
  await errands.openStream(many[MAX_ERRANDS] as PeerId, {})
  assert.equal(net.closed, [many[1]?.toString()])
  assert.is(errands.size, MAX_ERRANDS)
})

test('a few are dialled at a time, and the others when it is their turn', async () => {
  const { errands, seen, hold } = setup()
  const release = hold()
  const all = many.slice(0, 30).map((peer) => errands.openStream(peer, {}))
  await settled()
  assert.is(seen.underWay, MAX_DIALS)
  release()
  await Promise.all(all)
  assert.is(seen.dials.length, 30)
  assert.is(seen.most, MAX_DIALS)
})

test('who waits no longer dials nobody, and keeps nobody out', async () => {
  const { errands, seen, hold } = setup()
  const release = hold()
  const first = many.slice(0, MAX_DIALS).map((peer) => errands.openStream(peer, {}))
  const over = many.slice(20, 40).map(() => new AbortController())
  const tooLate = over.map(({ signal }, at) => errands.openStream(many[20 + at] as PeerId, { signal }).catch(() => 'gave up'))
  const last = errands.openStream(many[50] as PeerId, {})
  await settled()
  for (const controller of over) controller.abort()
  assert.equal(new Set(await Promise.all(tooLate)), new Set(['gave up']))
  release()
  await Promise.all([...first, last])
  assert.is(seen.dials.length, MAX_DIALS + 1)
  assert.is(errands.size, MAX_DIALS + 1)
})

test('who cannot be reached leaves nothing behind', async () => {
  const { errands, clock, hold } = setup()
  const release = hold()
  const over = new AbortController()
  const outcome = errands.openStream(alice, { signal: over.signal }).catch((error: Error) => error.name)
  await settled()
  over.abort()
  release()
  assert.is(await outcome, 'AbortError')
  assert.is(errands.size, 0)
  await clock.pass(ERRAND_INTERVAL)
  assert.is(clock.pending, 0)
})

test('an answer that does not end is cut', async () => {
  const { errands, seen } = setup()
  await errands.openStream(alice, {})
  seen.stream.receive(MAX_RESPONSE_BYTES)
  assert.is(seen.stream.aborted, undefined)
  seen.stream.receive(1)
  assert.match(seen.stream.aborted?.message ?? '', /too long/)
})

test('the stream is of the protocol, over the direct connection', async () => {
  const { net, errands, seen, withStreams } = setup()
  const protocols: string[] = []
  const note = (connection: Connection, name: string): void => {
    withStreams(connection)
    connection.newStream = async (protocol) => {
      protocols.push(`${name} ${protocol}`)
      return seen.stream as unknown as Stream
    }
  }
  note(net.connect(alice, { from: `${PUBLIC}/p2p/${many[1]}/p2p-circuit/p2p/${alice}`, relayed: true }), 'relayed')
  note(net.connect(alice, { from: PUBLIC }), 'direct')
  await errands.openStream(alice, {})
  assert.equal(protocols, [`direct ${PROTOCOL}`])
})

test.run()
