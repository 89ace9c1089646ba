import '../../../src/shims.node.ts'
import { concatBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RendezvousServerInit } from '../../../src/node/rendezvous/index.ts'
import { Peers } from '../../support/peers.ts'
import { waitFor } from '../../support/wait-for.ts'
import { ended, pointAmong, statusOf, unconnected } from './points.ts'
import {
  bytes,
  discoverRequest,
  Foreigners,
  keyOf,
  number,
  registerRequest,
  signedRecord,
  unregisterRequest,
  varint,
  type Wire,
} from './support.ts'

const test = suite('node/rendezvous/server-limits')
const peers = new Peers()
const foreigners = new Foreigners()
test.after.each(async () => {
  await peers.close() // first: a stranger that is gone does not answer that a connection is closed
  await foreigners.close()
})

const point = (init?: RendezvousServerInit) => pointAmong(peers, init)

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

test.run()
