import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EVIDENCE_TTL } from '../../../src/node/dht/constants.ts'
import { Reach } from '../../../src/node/dht/reach.ts'
import { type Mode, Serving } from '../../../src/node/dht/serving.ts'
import { settled, VirtualClock } from '../../support/virtual-clock.ts'
import { FakeNet, peerId, silent } from './support.ts'

const test = suite('node/dht/serving')

const self = await peerId(1)
const [alice, bob] = [await peerId(2), await peerId(3)]
const LOOPBACK = '/ip4/127.0.0.1/tcp/1'
const HOME = '/ip4/192.168.1.5/tcp/1'
const PUBLIC = '/ip4/5.5.0.1/tcp/1'
const ABROAD = '/ip4/6.6.0.1/tcp/1'

interface Setup {
  listening?: string[]
  told?: string[]
  internet?: boolean
  always?: boolean
}

function setup({ listening = [LOOPBACK, HOME], told = listening, internet = false, always = false }: Setup = {}) {
  const net = new FakeNet()
  net.listening = listening
  net.told = told
  const clock = new VirtualClock()
  const modes: Mode[] = []
  const reach = new Reach({ ...net, peerId: self }, internet)
  const serving = new Serving(net, {
    reach,
    always,
    setMode: async (mode) => void modes.push(mode),
    clock,
    log: silent,
  })
  reach.start()
  serving.start()
  return { net, clock, modes, serving }
}

test('who dialled somebody serves nobody', async () => {
  const { net, modes } = setup()
  net.connect(alice, { from: HOME, direction: 'outbound' })
  await settled()
  assert.equal(modes, [])
})

test('who was dialled on its network serves', async () => {
  const { net, modes } = setup()
  net.connect(alice, { from: HOME, direction: 'inbound' })
  await settled()
  assert.equal(modes, ['server'])
})

test('another program of this machine is no evidence, unless nobody else could dial', async () => {
  const { net, modes } = setup()
  net.connect(alice, { from: LOOPBACK, direction: 'inbound' })
  await settled()
  assert.equal(modes, [])
  const alone = setup({ listening: [LOOPBACK] })
  alone.net.connect(alice, { from: LOOPBACK, direction: 'inbound' })
  await settled()
  assert.equal(alone.modes, ['server'])
})

test('nor is who came through a relay', async () => {
  const { net, modes } = setup()
  net.connect(alice, { from: `${HOME}/p2p/${bob}/p2p-circuit/p2p/${alice}`, direction: 'inbound', relayed: true })
  await settled()
  assert.equal(modes, [])
})

const tell = (net: FakeNet, told: string[]): void => {
  net.told = told
  net.events.safeDispatchEvent('self:peer:update', { detail: { peer: undefined as never } })
}

test('on the internet it takes somebody from there, and a public address', async () => {
  const { net, modes } = setup({ internet: true })
  net.connect(alice, { from: HOME, direction: 'inbound' })
  tell(net, [PUBLIC])
  await settled()
  assert.equal(modes, [], 'a neighbour is no evidence')
  tell(net, [HOME, `${PUBLIC}/p2p/${bob}/p2p-circuit`])
  net.connect(bob, { from: ABROAD, direction: 'inbound' })
  await settled()
  assert.equal(modes, [], 'nor is an address of no use to others')
  tell(net, [PUBLIC])
  await settled()
  assert.equal(modes, ['server'])
  tell(net, [])
  await settled()
  assert.equal(modes, ['server', 'client'])
})

test('a neighbour with a public address comes from no further than others do', async () => {
  const [own, neighbour, stranger] = ['/ip6/2a02:8108::1/tcp/1', '/ip6/2a02:8108::2/tcp/1', '/ip6/2a02:9999::2/tcp/1']
  const { net, modes } = setup({ listening: [HOME, own as string] })
  net.connect(alice, { from: neighbour as string, direction: 'inbound' })
  await settled()
  assert.equal(modes, [])
  net.connect(bob, { from: stranger as string, direction: 'inbound' })
  await settled()
  assert.equal(modes, ['server'])
})

test('a hole that was punched shows nothing of others', async () => {
  const { net, modes } = setup({ internet: true, told: [PUBLIC] })
  net.connect(bob, { from: `${PUBLIC}/p2p/${alice}/p2p-circuit/p2p/${bob}`, direction: 'inbound', relayed: true })
  net.connect(bob, { from: ABROAD, direction: 'inbound' })
  await settled()
  assert.equal(modes, [])
})

test('evidence lasts for a while after its connection', async () => {
  const { net, clock, modes } = setup()
  const connection = net.connect(alice, { from: HOME, direction: 'inbound' })
  await clock.pass(10 * EVIDENCE_TTL)
  net.disconnect(connection)
  await clock.pass(EVIDENCE_TTL - 1)
  assert.equal(modes, ['server'])
  await clock.pass(1)
  assert.equal(modes, ['server', 'client'])
})

test('evidence that was renewed meanwhile lasts longer', async () => {
  const { net, clock, modes } = setup()
  net.disconnect(net.connect(alice, { from: HOME, direction: 'inbound' }))
  await clock.pass(0)
  net.connect(alice, { from: HOME, direction: 'inbound' })
  await clock.pass(EVIDENCE_TTL / 2)
  for (const connection of net.connectionManager.getConnections()) net.disconnect(connection)
  await clock.pass(EVIDENCE_TTL - 1)
  assert.is(modes.at(-1), 'server')
  await clock.pass(1)
  assert.is(modes.at(-1), 'client')
})

test('a relay serves always', async () => {
  const { modes, serving, clock } = setup({ always: true })
  await settled()
  assert.equal(modes, ['server'])
  await serving.stop()
  assert.is(clock.pending, 0)
})

test.run()
