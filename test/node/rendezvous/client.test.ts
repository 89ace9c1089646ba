import '../../../src/shims.node.ts'
import type { Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Peer } from '../../../src/node/index.ts'
import type { RendezvousClient } from '../../../src/node/rendezvous/client.ts'
import { type RendezvousServer, rendezvousClient, rendezvousServer } from '../../../src/node/rendezvous/index.ts'
import { addressOf, Peers } from '../../support/peers.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { ADDRESS, bytes, Foreigners, fieldsOf, keyOf, number, PROTOCOL, signedRecord, varint, Wire } from './support.ts'

const test = suite('node/rendezvous/client')
const peers = new Peers()
const foreigners = new Foreigners()
test.after.each(async () => {
  await peers.close() // first: a stranger that is gone does not answer that a connection is closed
  await foreigners.close()
})

const hour = 3_600_000

interface Asker {
  peer: Peer
  client: RendezvousClient
  clock: VirtualClock
}

async function asker(): Promise<Asker> {
  const clock = new VirtualClock()
  const peer = await peers.start({ services: { rendezvous: rendezvousClient({ clock }) } })
  return { peer, clock, client: peer.libp2p.services.rendezvous as RendezvousClient }
}

/** A real point, and two that are connected with it. */
async function three() {
  const point = await peers.start({ services: { rendezvous: rendezvousServer() } })
  const [a, b] = [await asker(), await asker()]
  for (const { peer } of [a, b]) await peer.connect(addressOf(point))
  return { at: point.libp2p.peerId, server: point.libp2p.services.rendezvous as RendezvousServer, a, b }
}

/** A point that answers what a test says. */
async function lying(answer: (request: Uint8Array, stream: Stream) => Promise<Uint8Array | undefined>) {
  const foreigner = await foreigners.start(['/ip4/127.0.0.1/tcp/0'])
  await foreigner.libp2p.handle(PROTOCOL, async (stream) => {
    const wire = new Wire(stream)
    const reply = await answer(await wire.receive(), stream)
    if (reply === undefined) return
    wire.send(reply)
    await stream.close()
  })
  const one = await asker()
  await one.peer.libp2p.dial(foreigner.libp2p.getMultiaddrs())
  return { ...one, point: foreigner.libp2p.peerId }
}

async function failure(promise: Promise<unknown>): Promise<Error & { status?: number }> {
  return await promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: Error) => error,
  )
}

const registration = (record: Uint8Array, ns = 'my-app'): Uint8Array =>
  bytes(1, concatBytes(bytes(1, ns), bytes(2, record), number(3, 60)))
const discovered = (...parts: Uint8Array[]): Uint8Array =>
  concatBytes(number(1, 4), bytes(6, concatBytes(...parts, bytes(2, Uint8Array.of(7)), number(3, 0))))

test('registers, finds the other by its own signed addresses, and takes the registration back', async () => {
  const { at, server, a, b } = await three()
  assert.is(await a.client.register(at, 'my-app'), 2 * hour)
  assert.is(await b.client.register(at, 'my-app', { ttl: 3 * hour + 1 }), 3 * hour + 1_000)
  const { registrations, cookie } = await a.client.discover(at, 'my-app')
  assert.equal(
    registrations.map(({ peerId, multiaddrs }) => [peerId.toString(), multiaddrs.map((each) => `${each}/p2p/${peerId}`)]),
    [[b.peer.peerId, b.peer.addresses()]],
    'not itself',
  )
  assert.ok((registrations[0]?.ttl ?? 0) > 2 * hour && (registrations[0]?.ttl ?? 0) <= 3 * hour + 1_000)
  assert.equal((await a.client.discover(at, 'my-app', { ...(cookie === undefined ? {} : { cookie }) })).registrations, [])
  await b.client.unregister(at, 'my-app')
  await b.client.unregister(at, 'elsewhere')
  await waitFor(() => server.figures().registrations === 1, 'the end of the registration')
  assert.equal((await a.client.discover(at, 'my-app')).registrations, [])
})

test('says with which status a point refused', async () => {
  const { at, a } = await three()
  assert.is((await failure(a.client.register(at, 'my-app', { ttl: 1_000 }))).status, 102)
  const error = await failure(a.client.discover(at, 'my-app', { cookie: Uint8Array.of(1) }))
  assert.equal([error.name, error.status], ['RefusedError', 103])
  assert.match(error.message, 'not a cookie')
})

test('asks nobody for what is no namespace', async () => {
  const { at, a } = await three()
  for (const ns of ['', 'x'.repeat(256), '\ud800']) {
    for (const asked of [a.client.register(at, ns), a.client.unregister(at, ns), a.client.discover(at, ns)])
      assert.is((await failure(asked)).name, 'InvalidArgumentError')
  }
})

test('dials nobody', async () => {
  const point = await peers.start({ services: { rendezvous: rendezvousServer() } })
  const { peer, client } = await asker()
  await peer.libp2p.peerStore.merge(point.libp2p.peerId, { multiaddrs: [multiaddr(addressOf(point))] })
  for (const asked of [client.register(point.libp2p.peerId, 'x'), client.discover(point.libp2p.peerId, 'x')])
    assert.is((await failure(asked)).name, 'UnreachableError')
  assert.is(peer.peers().length, 0)
})

test('believes of an answer only what the registered peers signed themselves', async () => {
  const [honest, other] = [await keyOf(1), await keyOf(2)]
  const good = await signedRecord(honest)
  const forged = [
    await signedRecord(honest, { spoil: (signature) => signature.reverse(), addresses: ['/ip4/198.51.100.1/tcp/1'] }),
    await signedRecord(other, { peerId: peerIdFromPrivateKey(await keyOf(3)).toMultihash().bytes }),
    await signedRecord(other, { domain: 'something else' }),
    Uint8Array.of(1, 2, 3),
    new Uint8Array(),
  ]
  const elsewhere = registration(await signedRecord(other), 'another-app')
  const { client, point } = await lying(async () =>
    discovered(...forged.map((each) => registration(each)), elsewhere, bytes(1, bytes(1, 'my-app')), registration(good)),
  )
  const { registrations, cookie } = await client.discover(point, 'my-app')
  assert.equal(
    registrations.map(({ peerId, multiaddrs, ttl }) => [peerId.toString(), multiaddrs.map(String), ttl]),
    [[peerIdFromPrivateKey(honest).toString(), [ADDRESS], 60_000]],
  )
  assert.equal(cookie, Uint8Array.of(7))
})

test('takes no more of an answer than it asked for, and a peer once', async () => {
  const records = await Promise.all([1, 1, 2, 3].map(async (seed) => registration(await signedRecord(await keyOf(seed)))))
  const { client, point } = await lying(async () => discovered(...records))
  assert.is((await client.discover(point, 'my-app', { limit: 3 })).registrations.length, 2)
  assert.is((await client.discover(point, 'my-app')).registrations.length, 3)
})

test('asks by the spec: namespace, record, time, limit, cookie', async () => {
  const requests: Uint8Array[] = []
  const { client, point } = await lying(async (request) => {
    requests.push(request)
    return requests.length === 1 ? concatBytes(number(1, 1), bytes(3, number(3, 1_234))) : discovered()
  })
  assert.is(await client.register(point, 'my-app', { ttl: 2_000 }), 1_234_000)
  await client.discover(point, 'my-app', { limit: 5, cookie: Uint8Array.of(9) })
  await client.discover(point, 'my-app', { limit: 1_000 })
  const sent = (request: number, field: number) => fieldsOf(requests[request] as Uint8Array).get(field)?.[0]
  const inside = (request: number, field: number) => fieldsOf(sent(request, field) as Uint8Array)
  assert.equal([sent(0, 1), sent(1, 1)], [0, 3])
  const register = inside(0, 2)
  assert.equal([register.get(1), register.get(3)], [[utf8ToBytes('my-app')], [2]])
  assert.ok(register.has(2))
  const discover = inside(1, 5)
  assert.equal([discover.get(1), discover.get(2), discover.get(3)], [[utf8ToBytes('my-app')], [5], [Uint8Array.of(9)]])
  assert.equal([inside(2, 5).get(2), inside(2, 5).has(3)], [[100], false])
})

test('shows a newer record after one was refused', async () => {
  const records: string[] = []
  const { client, point } = await lying(async (request) => {
    records.push(String(fieldsOf(fieldsOf(request).get(2)?.[0] as Uint8Array).get(2)?.[0]))
    return concatBytes(number(1, 1), bytes(3, number(1, records.length === 3 ? 101 : 0)))
  })
  await client.register(point, 'one')
  await client.register(point, 'two')
  assert.is((await failure(client.register(point, 'three'))).status, 101)
  await client.register(point, 'three')
  const [first, second, third, fourth] = records
  assert.equal([first === second, second === third, third === fourth], [true, true, false])
})

const LIES: Record<string, Uint8Array> = {
  'the answer to another question': concatBytes(number(1, 1), bytes(3, number(1, 0))),
  'an answer without its message': number(1, 4),
  'no protobuf': Uint8Array.of(0xff),
  'a cookie over 1 KiB': concatBytes(number(1, 4), bytes(6, bytes(2, new Uint8Array(1_025)))),
  'more than 1,000 registrations': discovered(...Array.from({ length: 1_001 }, () => bytes(1, new Uint8Array()))),
}

for (const [what, lie] of Object.entries(LIES)) {
  test(`refuses ${what}`, async () => {
    const { client, point } = await lying(async () => lie)
    assert.is((await failure(client.discover(point, 'my-app'))).name, 'InvalidEventError')
  })
}

test('reads no answer over 1 MiB', async () => {
  const { client, point } = await lying(async (_request, stream) => {
    stream.send(varint(1024 * 1024 + 1))
    return undefined
  })
  assert.is((await failure(client.discover(point, 'my-app'))).name, 'InvalidDataLengthError')
})

test('gives a silent point up after 10 s, or when it is told to, and ends the stream', async () => {
  const streams: Stream[] = []
  const { client, point, clock } = await lying(async (_request, stream) => {
    streams.push(stream)
    return undefined
  })
  const asked = failure(client.discover(point, 'my-app'))
  await waitFor(() => streams.length === 1, 'the request')
  clock.advance(10_000)
  await asked
  const stop = new AbortController()
  const stopped = failure(client.register(point, 'my-app', { signal: stop.signal }))
  await waitFor(() => streams.length === 2, 'the request')
  stop.abort()
  await stopped
  await waitFor(() => streams.every(({ status }) => status === 'reset'), 'the end of the streams')
  assert.is(clock.pending, 0)
})

test('leaves a point that does not close its side of a goodbye', async () => {
  const streams: Stream[] = []
  const { client, point, clock } = await lying(async (_request, stream) => {
    streams.push(stream)
    return undefined
  })
  const gone = client.unregister(point, 'my-app')
  await waitFor(() => streams[0]?.remoteWriteStatus === 'closed', 'the goodbye')
  clock.advance(10_000)
  await gone
  await waitFor(() => streams[0]?.status === 'reset', 'the end of the stream')
})

test('fails where the other side does not speak the protocol', async () => {
  const plain = await peers.start()
  const { peer, client } = await asker()
  await peer.connect(addressOf(plain))
  assert.is((await failure(client.discover(plain.libp2p.peerId, 'my-app'))).name, 'UnsupportedProtocolError')
})

test.run()
