import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { diagnose, type Facts } from '../src/doctor.ts'

const test = suite('doctor')

const text = fc.constantFrom('connection refused (ECONNREFUSED)', 'no answer in time', 'another peer answers there', 'no route')
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined })
const address = fc.constantFrom('/ip4/127.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.9/tcp/2/p2p/x/p2p-circuit/p2p/y')
const problem = fc.oneof(fc.constant({}), fc.record({ problem: text }))
const network = fc.record({
  listening: fc.array(address),
  connections: fc.nat(3),
  lan: maybe(
    fc.record({
      interfaces: fc.array(fc.constantFrom('lan', 'wifi')),
      hearsItself: fc.boolean(),
      problems: fc.array(text, { maxLength: 2 }),
      heard: fc.nat(3),
    }),
  ),
  dialled: fc.array(
    fc.tuple(fc.record({ address, peer: maybe(fc.constant('x')), relay: fc.constant(false), connected: fc.boolean() }), problem),
  ),
  relays: fc.array(
    fc.tuple(fc.record({ address, connected: fc.boolean(), reserved: fc.boolean(), registered: fc.nat(3) }), problem),
  ),
  mesh: fc.nat(3),
  namespaces: fc.nat(3),
})
const room = fc.record({
  name: fc.constantFrom('harbour', 'tavern'),
  topic: fc.constant('topic'),
  mates: fc.nat(3),
  members: fc.nat(3),
  syncedAgo: maybe(fc.nat(1e7)),
  syncProblem: maybe(text),
  skew: maybe(fc.record({ ahead: fc.integer({ min: -1e7, max: 1e7 }), of: fc.integer({ min: 1, max: 9 }) })),
})
const facts: fc.Arbitrary<Facts> = fc
  .record({ network: maybe(network), offline: fc.boolean(), rooms: fc.array(room), disk: maybe(fc.record({ free: fc.nat() })) })
  .map(({ network, ...rest }) => ({
    ...rest,
    network: network && {
      ...network,
      dialled: network.dialled.map(([dial, why]) => ({ ...dial, ...why })),
      relays: network.relays.map(([relay, why]) => ({ ...relay, ...why })),
      topics: new Map([['topic', network.mesh]]),
    },
  }))

test('says what to do about everything that is wrong, and about nothing else', () => {
  fc.assert(
    fc.property(facts, (given) => {
      for (const { name, ok, detail, fix } of diagnose(given)) {
        assert.ok(name !== '' && detail !== '')
        assert.not.match([name, detail, fix ?? ''].join(' '), /undefined|\n/)
        assert.is(fix === undefined, ok, name)
      }
    }),
  )
})

test('a peer that is not on the network has one thing to do', () => {
  const checks = diagnose({ network: undefined, offline: false, rooms: [], disk: { problem: 'EROFS' } })
  assert.equal(
    checks.map(({ name, ok }) => [name, ok]),
    [
      ['disk', false],
      ['network', false],
    ],
  )
})

test('two minutes are no wrong clock', () => {
  const clockAt = (ahead: number): boolean | undefined => {
    const skew = { ahead, of: 1 }
    const rooms = [{ name: 'x', topic: 'x', mates: 0, members: 1, syncedAgo: undefined, syncProblem: undefined, skew }]
    const network = { listening: [], connections: 0, lan: undefined, dialled: [], relays: [], namespaces: 0, topics: new Map() }
    return diagnose({ network, offline: false, rooms, disk: undefined }).find(({ name }) => name === 'clock')?.ok
  }
  assert.equal([-120_001, -120_000, 0, 120_000, 120_001].map(clockAt), [false, true, true, true, false])
})

test('says where the router lets others in, and why it does not; neither is a fault', () => {
  const lineOf = (portMapping: object | undefined): [boolean, string] | undefined => {
    const network = { listening: [], connections: 0, lan: undefined, dialled: [], relays: [], namespaces: 0, topics: new Map() }
    const given = portMapping === undefined ? network : { ...network, portMapping }
    const check = diagnose({ network: given, offline: false, rooms: [], disk: undefined }).find(
      ({ name }) => name === 'port mapping',
    )
    return check && [check.ok, check.detail]
  }
  assert.is(lineOf(undefined), undefined)
  assert.equal(lineOf({}), [true, 'none: the router has not answered yet'])
  assert.equal(lineOf({ problem: 'the router does not answer UPnP' }), [true, 'none: the router does not answer UPnP'])
  const there = 'the router passes what comes to 5.5.0.11:40001 on to this peer (UPnP)'
  assert.equal(lineOf({ external: '5.5.0.11:40001', by: 'UPnP' }), [true, there])
})

test.run()
