import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_ADDRESSES } from '../../../src/node/dht/constants.ts'
import { Reach, Scope, scopeOf } from '../../../src/node/dht/reach.ts'
import { at, FakeNet, peerId } from './support.ts'

const test = suite('node/dht/reach')

const self = await peerId(1)
const other = await peerId(2)
const RELAY = `/p2p/${other}/p2p-circuit`
const LOOPBACK = '/ip4/127.0.0.1/tcp/1'
const HOME = '/ip4/192.168.1.5/tcp/1'
const PUBLIC = '/ip4/5.5.0.1/tcp/1'
const EVERYTHING = [
  LOOPBACK,
  '/ip6/::1/tcp/1',
  HOME,
  '/ip6/fd00::1/tcp/1',
  PUBLIC,
  '/dns4/example.org/tcp/1',
  `${PUBLIC}${RELAY}`,
  `${HOME}${RELAY}`,
]

/** `listening`: what the peer listens on, and tells. */
function setup({ listening = [LOOPBACK], internet = false } = {}) {
  const net = new FakeNet()
  net.listening = listening
  net.told = listening.map((address) => `${address}/p2p/${self}`)
  const reach = new Reach({ ...net, peerId: self }, internet)
  reach.start()
  const kept = (): string[] => reach.keep(EVERYTHING.map(at)).map(String)
  return { net, reach, kept }
}

test('an address reaches this machine, a site or everywhere', () => {
  assert.equal(
    EVERYTHING.map((address) => scopeOf(at(address))),
    [0, 0, 1, 1, 2, 2, 2, 1],
  )
  assert.is(scopeOf(at('/memory/5')), Scope.machine)
})

test('a peer that nobody outside this machine can know tells everything', () => {
  const { kept, reach } = setup()
  assert.is(reach.scope, Scope.machine)
  assert.equal(kept(), EVERYTHING)
})

test('a peer on a private network keeps loopback to itself', () => {
  const { kept, reach } = setup({ listening: [LOOPBACK, HOME] })
  assert.is(reach.scope, Scope.site)
  assert.equal(kept(), EVERYTHING.slice(2))
  assert.equal(reach.told().map(String), [HOME])
})

test('on the internet nothing private is told or taken, and what leads through a private relay is private', () => {
  const { kept, reach } = setup({ listening: [LOOPBACK, HOME], internet: true })
  assert.equal(kept(), [PUBLIC, '/dns4/example.org/tcp/1', `${PUBLIC}${RELAY}`])
  assert.equal(reach.told(), [])
})

test('a connection with a public address is the internet, and so it stays when it ends', () => {
  const { net, reach } = setup({ listening: [LOOPBACK, HOME] })
  const connection = net.connect(other, { from: PUBLIC })
  assert.is(reach.scope, Scope.internet)
  net.disconnect(connection)
  assert.is(reach.scope, Scope.internet)
  assert.equal(reach.told(), [])
})

test('a relayed connection says nothing of where this peer is', () => {
  const { net, reach } = setup()
  net.connect(other, { from: `${PUBLIC}${RELAY}/p2p/${other}`, relayed: true })
  assert.is(reach.scope, Scope.machine)
})

test('an interface with a public address is not yet one that others know of', () => {
  const { net, reach } = setup({ listening: [PUBLIC] })
  assert.is(reach.scope, Scope.internet, 'it is told')
  const unconfirmed = setup({ listening: [LOOPBACK] })
  unconfirmed.net.listening = [LOOPBACK, PUBLIC]
  unconfirmed.net.events.safeDispatchEvent('self:peer:update', { detail: { peer: undefined as never } })
  assert.is(unconfirmed.reach.scope, Scope.site)
  net.told = []
  assert.is(reach.scope, Scope.internet)
})

test('it tells its own addresses without its name, and through a relay', () => {
  const { net, reach } = setup({ internet: true })
  net.told = [`${PUBLIC}/p2p/${self}`, `${PUBLIC}${RELAY}/p2p/${self}`]
  assert.equal(reach.told().map(String), [PUBLIC, `${PUBLIC}${RELAY}`])
})

test('of many addresses some are taken, of a name that stands for others none', () => {
  const { reach } = setup()
  const many = Array.from({ length: 100 }, (_, port) => at(`/ip4/5.5.0.1/tcp/${port + 1}`))
  assert.is(reach.keep(many).length, MAX_ADDRESSES)
  assert.is(reach.keep([...many.slice(0, 1), ...many.slice(0, 1)]).length, 1)
  assert.equal(reach.keep([at(`/dnsaddr/example.org/p2p/${other}`)]), [])
})

test.run()
