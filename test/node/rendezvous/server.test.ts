import '../../../src/shims.node.ts'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RendezvousServer, RendezvousServerInit } from '../../../src/node/rendezvous/index.ts'
import { Peers } from '../../support/peers.ts'
import { waitFor } from '../../support/wait-for.ts'
import { ended, pointAmong, statusOf, unconnected } from './points.ts'
import {
  ADDRESS,
  discoverRequest,
  Foreigners,
  keyOf,
  registerRequest,
  signedRecord,
  THREE_DAYS,
  TWO_HOURS,
  unregisterRequest,
} from './support.ts'

const test = suite('node/rendezvous/server')
const peers = new Peers()
const foreigners = new Foreigners()
test.after.each(async () => {
  await peers.close() // first: a stranger that is gone does not answer that a connection is closed
  await foreigners.close()
})

const point = (init?: RendezvousServerInit) => pointAmong(peers, init)

test('registers a peer that speaks by the spec alone, and tells another of it, record for record', async () => {
  const { at, server } = await point()
  const [a, d] = [await foreigners.start(), await foreigners.start()]
  const record = await signedRecord(a.key, { addresses: [ADDRESS] })
  const registered = await a.ask(at, registerRequest({ ns: 'my-app', record }))
  assert.equal([registered.type, registered.status, registered.ttl], [1, 0, TWO_HOURS])
  const found = await d.ask(at, discoverRequest('my-app'))
  assert.equal([found.type, found.status], [4, 0])
  assert.equal(found.registrations, [{ ns: 'my-app', record, ttl: TWO_HOURS }])
  assert.ok((found.cookie?.length ?? 0) > 0)
  assert.equal(server.figures(), { peers: 1, namespaces: 1, registrations: 1, served: 2, refused: 0, malformed: 0 })
  const [known] = server.peers()
  assert.equal([known?.peerId, known?.addresses, known?.registrations[0]?.namespace], [a.id, [ADDRESS], 'my-app'])
})

test('answers with those of the namespace only', async () => {
  const { at, server } = await point()
  const [a, b] = [await foreigners.start(), await foreigners.start()]
  await a.register(at, 'one')
  await b.register(at, 'two')
  assert.is((await a.ask(at, discoverRequest('two'))).registrations.length, 1)
  assert.equal((await a.ask(at, discoverRequest('three'))).registrations, [])
  assert.equal(server.namespaces(), [
    { namespace: 'one', registrations: 1 },
    { namespace: 'two', registrations: 1 },
  ])
})

test('goes on with the cookie where the last answer ended: first the rest, then what is new', async () => {
  const { at } = await point()
  const all = await Promise.all(Array.from({ length: 5 }, () => foreigners.start()))
  for (const each of all.slice(0, 3)) await each.register(at, 'my-app')
  const [asker] = all
  if (asker === undefined) throw new Error('nobody')
  const first = await asker.ask(at, discoverRequest('my-app', { limit: 2 }))
  const second = await asker.ask(at, discoverRequest('my-app', { limit: 2, cookie: first.cookie as Uint8Array }))
  const none = await asker.ask(at, discoverRequest('my-app', { cookie: second.cookie as Uint8Array }))
  for (const each of all.slice(3)) await each.register(at, 'my-app')
  const third = await asker.ask(at, discoverRequest('my-app', { cookie: none.cookie as Uint8Array }))
  assert.equal(
    [first, second, none, third].map(({ registrations }) => registrations.length),
    [2, 1, 0, 2],
  )
  const records = [first, second, third].flatMap(({ registrations }) => registrations.map(({ record }) => String(record)))
  assert.is(new Set(records).size, 5)
})

test('gives at most 100 in an answer, whatever limit is asked for, and all of them page by page', async () => {
  const { register, wire } = await unconnected()
  for (let seed = 0; seed < 105; seed++) assert.is((await register(await keyOf(seed), 'my-app')).status, 0)
  const asker = await wire(await keyOf(200))
  for (const limit of [undefined, 0, 101, 2 ** 53]) {
    const request = discoverRequest('my-app', limit === undefined ? {} : { limit })
    assert.is((await asker.ask(request)).registrations.length, 100)
  }
  assert.is((await asker.ask(discoverRequest('my-app', { limit: 99 }))).registrations.length, 99)
  const first = await asker.ask(discoverRequest('my-app'))
  const second = await asker.ask(discoverRequest('my-app', { cookie: first.cookie as Uint8Array }))
  const records = [...first.registrations, ...second.registrations].map(({ record }) => String(record))
  assert.equal([second.registrations.length, new Set(records).size], [5, 105])
})

test('gives another sample each time', async () => {
  const { register, wire } = await unconnected()
  for (let seed = 0; seed < 20; seed++) await register(await keyOf(seed), 'my-app')
  const asker = await wire(await keyOf(200))
  const seen = new Set<string>()
  for (let i = 0; i < 40; i++) {
    const { registrations } = await asker.ask(discoverRequest('my-app', { limit: 5 }))
    for (const { record } of registrations) seen.add(String(record))
  }
  assert.is(seen.size, 20)
})

test('refuses a cookie that is not its own, of another namespace, or altered', async () => {
  const [one, two] = [await point(), await point()]
  const a = await foreigners.start()
  const cookie = (await a.ask(one.at, discoverRequest('my-app'))).cookie as Uint8Array
  const asked = (at: string, ns: string, with_: Uint8Array) => statusOf(a.ask(at, discoverRequest(ns, { cookie: with_ })))
  assert.is(await asked(one.at, 'my-app', cookie), 0)
  assert.is(await asked(one.at, 'other', cookie), 103)
  assert.is(await asked(two.at, 'my-app', cookie), 103)
  assert.is(
    await asked(
      one.at,
      'my-app',
      cookie.map((byte, i) => (i === 3 ? byte ^ 1 : byte)),
    ),
    103,
  )
  assert.is(await asked(one.at, 'my-app', Uint8Array.of(1)), 103)
})

test('tells nobody which namespaces there are', async () => {
  const { at } = await point()
  const a = await foreigners.start()
  await a.register(at, 'my-app')
  for (const ns of [undefined, '']) {
    const answer = await a.ask(at, discoverRequest(ns))
    assert.equal([answer.status, answer.registrations, answer.cookie], [100, [], undefined])
  }
})

test('refuses a namespace that is missing, empty, or longer than 255 bytes', async () => {
  const { at, server } = await point()
  const a = await foreigners.start()
  const record = await signedRecord(a.key)
  const asked = (ns?: string) => statusOf(a.ask(at, registerRequest({ record, ...(ns === undefined ? {} : { ns }) })))
  assert.equal([await asked(), await asked(''), await asked('x'.repeat(256)), await asked('ä'.repeat(128))], [100, 100, 100, 100])
  assert.equal([await asked('x'.repeat(255)), await asked('ä'.repeat(127))], [0, 0])
  assert.is(await statusOf(a.ask(at, discoverRequest('x'.repeat(256)))), 100)
  assert.equal([server.figures().refused, server.figures().registrations], [5, 2])
})

test('registers a peer only by its own word', async () => {
  const { at, server } = await point()
  const [a, b] = [await foreigners.start(), await foreigners.start()]
  const others = await signedRecord(b.key)
  assert.is(await statusOf(a.ask(at, registerRequest({ ns: 'my-app', record: others }))), 200)
  const bad: [what: string, record: Uint8Array | undefined][] = [
    ['no record', undefined],
    ['junk', Uint8Array.of(1, 2, 3)],
    ['a wrong signature', await signedRecord(a.key, { spoil: (signature) => signature.reverse() })],
    ['signed by a, naming b', await signedRecord(a.key, { peerId: b.libp2p.peerId.toMultihash().bytes })],
    ['signed by another, naming a', await signedRecord(await keyOf(9), { peerId: a.libp2p.peerId.toMultihash().bytes })],
    ['too many addresses', await signedRecord(a.key, { addresses: Array(33).fill(ADDRESS) })],
    ['too large', await signedRecord(a.key, { addresses: Array(8).fill(`/dns4/${'a'.repeat(600)}/tcp/1`) })],
  ]
  for (const [what, record] of bad) {
    const request = registerRequest({ ns: 'my-app', ...(record === undefined ? {} : { record }) })
    assert.is(await statusOf(a.ask(at, request)), 101, what)
  }
  assert.is(server.figures().registrations, 0)
})

test('takes no record older than the one it has', async () => {
  const { at } = await point()
  const a = await foreigners.start()
  const registered = (seq: number) => statusOf(a.register(at, 'my-app', { record: { seq } }))
  assert.equal([await registered(5), await registered(4), await registered(5), await registered(6)], [0, 101, 0, 0])
})

test('grants 2 to 72 hours, 2 when nothing is said, and no more than it is set to', async () => {
  const { at } = await point()
  const short = await point({ maxTtl: 3 * TWO_HOURS * 1_000 })
  const a = await foreigners.start()
  const asked = async (where: string, ttl?: number) => {
    const answer = await a.register(where, 'my-app', ttl === undefined ? {} : { ttl })
    return answer.status === 0 ? answer.ttl : answer.status
  }
  assert.is(await asked(at), TWO_HOURS)
  assert.equal([await asked(at, TWO_HOURS), await asked(at, THREE_DAYS)], [TWO_HOURS, THREE_DAYS])
  for (const ttl of [0, 1, TWO_HOURS - 1, THREE_DAYS + 1, 2 ** 53]) assert.is(await asked(at, ttl), 102, String(ttl))
  assert.equal([await asked(short.at, THREE_DAYS), await asked(short.at, THREE_DAYS + 1)], [3 * TWO_HOURS, 102])
})

test('forgets a registration when its time is over, and says how much is left', async () => {
  const { at, server, clock } = await point()
  const a = await foreigners.start()
  await a.register(at, 'my-app')
  clock.advance((TWO_HOURS - 1) * 1_000)
  const { registrations } = await a.ask(at, discoverRequest('my-app'))
  assert.equal(
    registrations.map(({ ttl }) => ttl),
    [1],
  )
  clock.advance(1_000)
  assert.equal((await a.ask(at, discoverRequest('my-app'))).registrations, [])
  assert.equal(server.peers(), [])
})

test('takes a registration back without an answer, and only the own one', async () => {
  const { at, server } = await point()
  const [a, b] = [await foreigners.start(), await foreigners.start()]
  await a.register(at, 'my-app')
  await b.register(at, 'my-app')
  const wire = await a.wire(at)
  wire.send(unregisterRequest('nowhere'))
  wire.send(unregisterRequest('my-app'))
  const answer = await wire.ask(discoverRequest('my-app'))
  assert.is(answer.type, 4, 'the first answer on the stream is to the question')
  assert.is(answer.registrations.length, 1)
  assert.equal(
    server.peers().map(({ peerId }) => peerId),
    [b.id],
  )
})

test('serves one request after the other on a stream, and closes it when the other side does', async () => {
  const { at, server } = await point()
  const a = await foreigners.start()
  const record = await signedRecord(a.key)
  const wire = await a.wire(at)
  // Both at once: the second waits.
  wire.send(registerRequest({ ns: 'my-app', record }))
  wire.send(discoverRequest('my-app'))
  await waitFor(() => server.figures().served === 2, 'both answers')
  await wire.receive()
  assert.is((await wire.ask(discoverRequest('my-app'))).registrations.length, 1)
  await wire.stream.close()
  await ended(wire)
  assert.is(wire.stream.status, 'closed')
  assert.is(server.figures().malformed, 0)
})

test('starts and stops more than once, and knows nothing after a stop', async () => {
  const { at, peer, server } = await point()
  const a = await foreigners.start()
  await a.register(at, 'my-app')
  const cookie = (await a.ask(at, discoverRequest('my-app'))).cookie as Uint8Array
  const service = server as RendezvousServer & { start(): Promise<void>; stop(): Promise<void> }
  await service.start()
  await service.stop()
  await service.stop()
  assert.is(server.figures().registrations, 0)
  await service.start()
  assert.is(await statusOf(a.ask(at, discoverRequest('my-app', { cookie }))), 103)
  assert.is(await statusOf(a.register(at, 'my-app')), 0)
  assert.is(peer.peers().length, 1)
})

test.run()
