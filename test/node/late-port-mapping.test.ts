import '../../src/shims.node.ts'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PeerInit } from '../../src/node/index.ts'
import { createPeerWith } from '../../src/node/peer.ts'
import { type Endpoint, type Grant, type PortMapperInit, portMapper, type Way } from '../../src/node/port-mapping/index.ts'
import { nodePreset, type Preset } from '../../src/node/presets.ts'
import { randomSeed } from '../support/peers.ts'
import { waitFor } from '../support/wait-for.ts'
import { HERE, PUBLIC } from './port-mapping/fake-router.ts'

const test = suite('node/late-port-mapping')

const FAR = '/ip4/5.5.0.1/tcp/4747/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'

/** A machine whose only router is itself, and gives a port outside. */
function machine(): { preset: Preset; loaded: () => number; network: string; port: number; released: number } {
  let loads = 0
  const way: Way = async ({ internal }) => {
    if (state.port === 0) throw new Error('no ports left')
    return grantOf(internal)
  }
  const grantOf = (internal: Endpoint): Grant => ({
    by: 'UPnP',
    internal,
    external: { address: PUBLIC, port: state.port },
    lifetime: 600,
    renew: async () => await way({ gateway: HERE, internal, wanted: 0 }, new AbortController().signal),
    release: async () => void state.released++,
  })
  const load = async (init: PortMapperInit) => {
    loads++
    return portMapper({ ...init, routes: async () => [{ gateway: '127.0.0.2', local: HERE }], ways: [way] })
  }
  const preset: Preset = {
    ...nodePreset,
    dht: undefined as never,
    relayed: undefined as never,
    portMapper: load,
    networks: () => state.network,
  }
  const state = { preset, loaded: () => loads, network: 'home', port: 40_001, released: 0 }
  return state
}

const create = (preset: Preset, init: Partial<PeerInit> = {}) =>
  createPeerWith(preset, { seed: randomSeed(), mdns: false, listen: [`/ip4/${HERE}/tcp/0`], ...init })

test('a peer is reached at the address outside too, until it stops', async () => {
  const router = machine()
  const peer = await create(router.preset, { upnp: true })
  await peer.start()
  const outside = `/ip4/${PUBLIC}/tcp/40001/p2p/${peer.peerId}`
  await waitFor(() => peer.addresses().includes(outside), 'the address')
  assert.is(peer.addresses().length, 2)
  assert.equal(peer.diagnose().portMapping, { external: `${PUBLIC}:40001`, by: 'UPnP' })
  await peer.stop()
  assert.is(router.released, 1)
  assert.equal(peer.diagnose().portMapping, {})
  router.port = 40_002
  await peer.start()
  await waitFor(() => peer.addresses().some((address) => address.includes('/tcp/40002/')), 'the new address')
  assert.not.ok(peer.addresses().includes(outside))
  await peer.stop()
})

test('on another network, whose router gives nothing, it is told to others no more', async () => {
  const router = machine()
  const peer = await create(router.preset, { upnp: true })
  await peer.start()
  await waitFor(() => peer.addresses().length === 2, 'the address')
  router.port = 0
  router.network = 'elsewhere'
  await waitFor(() => peer.addresses().length === 1, 'no address outside')
  assert.equal(peer.diagnose().portMapping, { problem: 'no ports left' })
  await peer.stop()
})

test('only who is to reach somebody beyond this network, or wants to, asks; and nobody who stays or names his address', async () => {
  const cases: [Partial<PeerInit>, asks: boolean][] = [
    [{}, false],
    [{ connect: [FAR] }, true],
    [{ connect: ['/dns4/relay.example.org/tcp/4747'] }, true],
    [{ relays: [FAR] }, true],
    [{ connect: ['/ip4/192.168.1.7/tcp/1', '/ip4/127.0.0.1/tcp/1', '/memory/x'] }, false],
    [{ connect: [FAR], upnp: false }, false],
    [{ connect: [FAR], offline: true }, false],
    [{ upnp: true }, true],
    [{ upnp: true, offline: true }, false],
    [{ upnp: true, announce: ['/ip4/5.5.0.9/tcp/1'] }, false],
  ]
  for (const [init, asks] of cases) {
    const { preset } = machine()
    const peer = await create(preset, init)
    assert.is(peer.diagnose().portMapping !== undefined, asks, JSON.stringify(init))
  }
})

test('nothing is loaded before the peer runs, or where nobody is asked', async () => {
  const [asking, silent] = [machine(), machine()]
  const [a, b] = [await create(asking.preset, { upnp: true }), await create(silent.preset)]
  assert.is(asking.loaded(), 0)
  await Promise.all([a.start(), b.start()])
  await waitFor(() => asking.loaded() === 1, 'the mapper')
  assert.is(silent.loaded(), 0)
  await Promise.all([a.stop(), b.stop()])
})

test('a mapper that cannot be loaded is no reason not to run', async () => {
  const preset: Preset = { ...machine().preset, portMapper: () => Promise.reject(new Error('broken')) }
  const peer = await create(preset, { upnp: true })
  await peer.start()
  assert.is(peer.addresses().length, 1)
  await peer.stop()
})

test.run()
