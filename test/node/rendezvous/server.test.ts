import '../../../src/shims.node.ts'
import type { Connection, PrivateKey, Startable, StreamHandler, StreamHandlerOptions } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { concatBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Peer } from '../../../src/node/index.ts'
import { type RendezvousServer, type RendezvousServerInit, rendezvousServer } from '../../../src/node/rendezvous/index.ts'
import { VirtualClock } from '../../chat/support.ts'
import { addressOf, Peers } from '../../support/peers.ts'
import { waitFor } from '../../support/wait-for.ts'
import {
  ADDRESS,
  type Answer,
  bytes,
  discoverRequest,
  Foreigners,
  keyOf,
  number,
  registerRequest,
  signedRecord,
  silent,
  THREE_DAYS,
  TWO_HOURS,
  unregisterRequest,
  varint,
  Wire,
} from './support.ts'

const test = suite('node/rendezvous/server')
const peers = new Peers()
const foreigners = new Foreigners()
test.after.each(async () => {
  await foreigners.close()
  await peers.close()
})

async function point(init: RendezvousServerInit = {}): Promise<{
  at: string
  server: RendezvousServer
  clock: VirtualClock
  peer: Peer
}> {
  const clock = new VirtualClock()
  const peer = await peers.start({ services: { rendezvous: rendezvousServer({ clock, ...init }) } })
  return { at: addressOf(peer), server: peer.libp2p.services.rendezvous as RendezvousServer, clock, peer }
}

/** A point without a network: a stream goes straight to it, from whoever a test says. */
async function unconnected(init: RendezvousServerInit = {}) {
  let [serve, options] = [undefined as StreamHandler | undefined, undefined as StreamHandlerOptions | undefined]
  const registrar = {
    handle: async (_protocol: string, handler: StreamHandler, how: StreamHandlerOptions) => {
      ;[serve, options] = [handler, how]
    },
  } as unknown as Registrar
  const server = rendezvousServer({ clock: new VirtualClock(), ...init })({ registrar, logger: { forComponent: () => silent } })
  await (server as unknown as Startable).start()
  const wire = async (key: PrivateKey, connection: object = {}): Promise<Wire> => {
    const [ours, theirs] = await streamPair()
    const remotePeer = peerIdFromPrivateKey(key)
    const from = { remotePeer, remoteAddr: multiaddr(ADDRESS) }
    serve?.(theirs, Object.defineProperties(from, Object.getOwnPropertyDescriptors(connection)) as unknown as Connection)
    return new Wire(ours)
  }
  const register = async (key: PrivateKey, ns: string, connection?: object): Promise<Answer> => {
    const conversation = await wire(key, connection)
    const answer = await conversation.ask(registerRequest({ ns, record: await signedRecord(key) }))
    await conversation.stream.close()
    return answer
  }
  return { server, options, wire, register }
}

const statusOf = async (answer: Promise<{ status: number | undefined }>): Promise<number | undefined> => (await answer).status

async function ended(wire: Wire): Promise<void> {
  await waitFor(() => !wire.isOpen, 'the end of the stream')
}

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

test('keeps at most 64 namespaces of one peer', async () => {
  const { at, server } = await point()
  const a = await foreigners.start()
  const record = await signedRecord(a.key)
  const wire = await a.wire(at)
  const asked = async (ns: string) => (await wire.ask(registerRequest({ ns, record }))).status
  for (let i = 0; i < 64; i++) assert.is(await asked(`room ${i}`), 0)
  assert.equal([await asked('one more'), await asked('room 7')], [400, 0])
  wire.send(unregisterRequest('room 7'))
  assert.is(await asked('one more'), 0)
  assert.is(server.figures().registrations, 64)
})

test('keeps at most 256 registrations from one block of addresses', async () => {
  const { at, server } = await point()
  const all = await Promise.all(Array.from({ length: 5 }, () => foreigners.start()))
  const statuses = await Promise.all(
    all.map(async (each) => {
      const [wire, record] = [await each.wire(at), await signedRecord(each.key)]
      let kept = 0
      for (let i = 0; i < 64; i++) if ((await wire.ask(registerRequest({ ns: `room ${i}`, record }))).status === 0) kept++
      return kept
    }),
  )
  assert.is(
    statuses.reduce((sum, kept) => sum + kept),
    256,
  )
  assert.is(server.figures().registrations, 256)
})

test('keeps no more in all than it is set to', async () => {
  const { at } = await point({ maxRegistrations: 1 })
  const a = await foreigners.start()
  assert.equal([await statusOf(a.register(at, 'one')), await statusOf(a.register(at, 'two'))], [0, 400])
})

test('tells a connection once that it asks too much, then ends the stream, and serves it again later', async () => {
  const { at, clock, server } = await point({ requestBurst: 3, requestRate: 1 })
  const [a, b] = [await foreigners.start(), await foreigners.start()]
  const wire = await a.wire(at)
  const statuses: (number | undefined)[] = []
  for (let i = 0; i < 4; i++) statuses.push((await wire.ask(discoverRequest('my-app'))).status)
  assert.equal(statuses, [0, 0, 0, 400])
  wire.send(discoverRequest('my-app'))
  await ended(wire)
  const another = await a.wire(at)
  assert.is((await another.ask(discoverRequest('my-app'))).status, 400, 'a new stream is no new budget')
  assert.is(await statusOf(b.ask(at, discoverRequest('my-app'))), 0, 'another connection has its own')
  const unanswered = await a.wire(at)
  unanswered.send(unregisterRequest('my-app'))
  await ended(unanswered)
  clock.advance(2_000)
  const last = await a.wire(at)
  assert.equal([(await last.ask(discoverRequest('x'))).status, (await last.ask(discoverRequest('x'))).status], [0, 0])
  assert.is(server.figures().malformed, 0)
})

test('cuts a stream that is silent, or stops in the middle of a request, after 10 s', async () => {
  const { at, clock } = await point()
  const a = await foreigners.start()
  const [silent, slow] = [await a.wire(at), await a.wire(at)]
  const before = clock.pending
  slow.stream.send(concatBytes(varint(50), Uint8Array.of(8, 3)))
  await waitFor(() => clock.pending >= 2, 'both to be waited for')
  assert.ok(before <= 2)
  clock.advance(9_999)
  assert.ok(silent.isOpen && slow.isOpen)
  clock.advance(1)
  await ended(silent)
  await ended(slow)
  assert.equal([silent.stream.status, slow.stream.status], ['reset', 'reset'])
  assert.is(await statusOf(a.ask(at, discoverRequest('x'))), 0)
})

const MALFORMED: Record<string, Uint8Array> = {
  'no message': varint(0),
  'a message over 8 KiB': varint(8 * 1024 + 1),
  'a length over 4 GiB': varint(2 ** 40),
  'a length without an end': new Uint8Array(64).fill(0x80),
  'not protobuf': concatBytes(varint(3), Uint8Array.of(0xff, 0xff, 0xff)),
  'a type without its message': concatBytes(varint(2), number(1, 3)),
  'an answer': concatBytes(varint(6), number(1, 1), bytes(3, number(1, 0))),
  'a namespace that is not UTF-8': concatBytes(varint(8), number(1, 3), bytes(5, bytes(1, Uint8Array.of(0xc3, 0x28)))),
}

test('ends a stream that brings what is no request, counts it, and goes on serving', async () => {
  const { at, server } = await point()
  const a = await foreigners.start()
  let count = 0
  for (const [what, sent] of Object.entries(MALFORMED)) {
    const wire = await a.wire(at)
    wire.stream.send(sent)
    await ended(wire)
    assert.is(wire.stream.status, 'reset', what)
    assert.is(server.figures().malformed, ++count, what)
  }
  assert.is(await statusOf(a.register(at, 'my-app')), 0)
})

test('ends a stream that brings more than is read', async () => {
  const { wire } = await unconnected({ requestBurst: 1_000_000 })
  const flood = await wire(await keyOf(1))
  const request = discoverRequest('x'.repeat(255))
  const many = Array.from({ length: 200 }, () => concatBytes(varint(request.length), request))
  flood.stream.send(concatBytes(...many))
  await waitFor(() => flood.stream.status !== 'open', 'the end of the stream')
  assert.is(flood.stream.status, 'reset')
})

test('closes a stream whose other side leaves in the middle of a request', async () => {
  const { at, server } = await point()
  const a = await foreigners.start()
  const wire = await a.wire(at)
  wire.stream.send(concatBytes(varint(50), Uint8Array.of(8, 3)))
  await wire.stream.close()
  await ended(wire)
  assert.is(wire.stream.status, 'closed')
  assert.is(server.figures().malformed, 0)
})

test('answers E_INTERNAL_ERROR when it fails itself', async () => {
  const { server, register } = await unconnected()
  const key = await keyOf(1)
  const answer = await register(key, 'my-app', {
    get remoteAddr(): never {
      throw new Error('a secret of this machine')
    },
  })
  assert.equal([answer.status, answer.text], [300, 'internal error'])
  assert.equal([server.figures().refused, server.figures().registrations], [1, 0])
  assert.is((await register(key, 'my-app')).status, 0)
})

test('serves over connections with limits', async () => {
  const { options } = await unconnected()
  assert.equal(options, { maxInboundStreams: 8, maxOutboundStreams: 8, runOnLimitedConnection: true })
})

test('serves at most 8 streams of a connection at a time', async () => {
  const { at } = await point()
  const a = await foreigners.start()
  const wires = await Promise.all(Array.from({ length: 8 }, () => a.wire(at)))
  for (const wire of wires) assert.is((await wire.ask(discoverRequest('x'))).status, 0)
  const ninth = await a.wire(at).catch(() => undefined)
  if (ninth !== undefined) await ended(ninth)
  assert.is((await (wires[0] as Wire).ask(discoverRequest('x'))).status, 0)
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
