import '../../../src/shims.node.ts'
import type { PeerInfo, Startable } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import { multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Peer } from '../../../src/node/index.ts'
import {
  type RendezvousDiscovery,
  type RendezvousServer,
  rendezvousDiscovery,
  rendezvousServer,
} from '../../../src/node/rendezvous/index.ts'
import { addressOf, connected, connectionsBetween, Peers, randomSeed } from '../../support/peers.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { Foreigners } from './support.ts'

const test = suite('node/rendezvous/discovery')
const peers = new Peers()
const foreigners = new Foreigners()
test.after.each(async () => {
  await foreigners.close()
  await peers.close()
})

const hour = 3_600_000

async function point(): Promise<{ peer: Peer; server: RendezvousServer; clock: VirtualClock }> {
  const clock = new VirtualClock()
  const peer = await peers.start({ services: { rendezvous: rendezvousServer({ clock }) } })
  return { peer, server: peer.libp2p.services.rendezvous as RendezvousServer, clock }
}

interface Seeker {
  peer: Peer
  rendezvous: RendezvousDiscovery & Startable
  clock: VirtualClock
  found: PeerInfo[]
  transportManager: TransportManager
}

/** Looks when it joins, and then when a test moves its clock. */
async function seeker(onPeer?: (peer: PeerInfo, self: Peer) => void): Promise<Seeker> {
  const clock = new VirtualClock()
  const found: PeerInfo[] = []
  const discovery = rendezvousDiscovery({
    clock,
    random: () => 0.5,
    onPeer(each) {
      found.push(each)
      onPeer?.(each, peer)
    },
  })
  const peer: Peer = await peers.start({
    services: {
      rendezvous: discovery,
      parts: ({ transportManager }: Pick<Seeker, 'transportManager'>) => ({ transportManager }),
    },
  })
  const { rendezvous, parts } = peer.libp2p.services as { rendezvous: Seeker['rendezvous']; parts: Seeker }
  return { peer, rendezvous, clock, found, transportManager: parts.transportManager }
}

async function meet(one: Seeker, at: Peer): Promise<void> {
  await one.peer.connect(addressOf(at))
  assert.ok(one.rendezvous.addPoint(at.libp2p.peerId))
}

const registrations = async (server: RendezvousServer, count: number): Promise<void> => {
  await waitFor(() => server.figures().registrations === count, `${count} registrations`)
}

test('two peers find each other through a third, and can dial what they found', async () => {
  const { peer: relay, server } = await point()
  const dial = ({ id, multiaddrs }: PeerInfo, self: Peer): void => {
    if (self.libp2p.getConnections(id).length === 0) self.libp2p.dial(multiaddrs.map((each) => each.encapsulate(`/p2p/${id}`)))
  }
  const [a, b] = [await seeker(), await seeker(dial)]
  a.rendezvous.join('room')
  await meet(a, relay)
  await registrations(server, 1)
  await meet(b, relay)
  b.rendezvous.join('room')
  await connected(b.peer, a.peer)
  assert.is(connectionsBetween(a.peer, b.peer), 1)
  assert.equal(a.found, [])
  await registrations(server, 2)
  a.clock.advance(1_000)
  await waitFor(() => a.found.length > 0, 'the first to find the second')
  assert.is(a.found[0]?.id.toString(), b.peer.peerId)
  assert.equal(a.rendezvous.points(), [{ peerId: relay.peerId, registered: 1 }])
})

test('finds nobody in another namespace, nor after the time of a registration is over', async () => {
  const { peer: relay, server, clock } = await point()
  const [a, b] = [await seeker(), await seeker()]
  for (const each of [a, b]) await meet(each, relay)
  a.rendezvous.join('room')
  a.rendezvous.join('other')
  await registrations(server, 2)
  clock.advance(2 * hour)
  b.rendezvous.join('room')
  await waitFor(() => server.figures().served === 6, 'everybody to have registered and looked')
  assert.equal([a.found, b.found], [[], []])
  assert.equal(
    server.peers().map(({ peerId }) => peerId),
    [b.peer.peerId],
  )
  // The first renews: then it is there again.
  a.clock.advance(hour)
  await registrations(server, 3)
  b.clock.advance(1_000)
  await waitFor(() => b.found.length === 1, 'the first to be found')
})

test('takes the registration back when it leaves, and all when it stops', async () => {
  const { peer: relay, server } = await point()
  const a = await seeker()
  await meet(a, relay)
  for (const room of ['one', 'two', 'three']) a.rendezvous.join(room)
  await registrations(server, 3)
  a.rendezvous.leave('two')
  a.rendezvous.leave('nowhere')
  await registrations(server, 2)
  assert.equal(
    server
      .namespaces()
      .map(({ namespace }) => namespace)
      .sort(),
    ['one', 'three'],
  )
  await a.peer.stop()
  await registrations(server, 0)
})

test('waits no longer than 1 s for points when it stops', async () => {
  const silent = await foreigners.start(['/ip4/127.0.0.1/tcp/0'])
  let asked = 0
  await silent.libp2p.handle('/rendezvous/1.0.0', () => void asked++)
  const a = await seeker()
  await a.peer.libp2p.dial(silent.libp2p.getMultiaddrs())
  a.rendezvous.addPoint(silent.libp2p.peerId)
  a.rendezvous.join('room')
  await waitFor(() => asked === 2, 'the point to be asked')
  const stopped = a.rendezvous.stop()
  await waitFor(() => asked === 3, 'the goodbye')
  a.clock.advance(1_000)
  await stopped
  assert.is(a.clock.pending, 0)
})

test('registers the new addresses when its own change', async () => {
  const { peer: relay, server } = await point()
  const a = await seeker()
  await meet(a, relay)
  a.rendezvous.join('room')
  await registrations(server, 1)
  const before = server.peers()[0]?.addresses ?? []
  assert.is(before.length, 1)
  await a.transportManager.listen([multiaddr('/ip4/127.0.0.1/tcp/0')])
  const after = await waitFor(() => {
    const [known] = server.peers()
    return known?.addresses.length === 2 ? known.addresses : undefined
  }, 'the second address')
  assert.ok(before.every((address) => after.includes(address)))
})

test('registers again at a point that comes back with nothing', async () => {
  const seed = randomSeed()
  const clock = new VirtualClock()
  const services = { rendezvous: rendezvousServer({ clock }) }
  const first = await peers.start({ seed, services })
  const a = await seeker()
  await meet(a, first)
  a.rendezvous.join('room')
  await registrations(first.libp2p.services.rendezvous as RendezvousServer, 1)
  await first.stop()
  a.rendezvous.removePoint(first.libp2p.peerId)
  assert.equal(a.rendezvous.points(), [])
  await waitFor(() => a.clock.pending === 0, 'nothing more to be planned')
  const again = await peers.start({ seed, services })
  await meet(a, again)
  await registrations(again.libp2p.services.rendezvous as RendezvousServer, 1)
})

test('asks every point, and goes on with one when another is silent', async () => {
  const [one, two] = [await point(), await foreigners.start(['/ip4/127.0.0.1/tcp/0'])]
  let asked = 0
  await two.libp2p.handle('/rendezvous/1.0.0', () => void asked++)
  const a = await seeker()
  await a.peer.libp2p.dial(two.libp2p.getMultiaddrs())
  a.rendezvous.addPoint(two.libp2p.peerId)
  await meet(a, one.peer)
  a.rendezvous.join('room')
  await registrations(one.server, 1)
  await waitFor(() => asked === 2, 'the other to be asked')
  a.clock.advance(1_000)
  await waitFor(() => one.server.figures().served === 3, 'the next look')
  assert.is(asked, 2)
})

test('does nothing before it is started or after it is stopped, and remembers what it was told', async () => {
  const { peer: relay, server } = await point()
  const a = await seeker()
  await a.rendezvous.stop()
  await a.rendezvous.stop()
  await meet(a, relay)
  a.rendezvous.join('room')
  assert.is(a.clock.pending, 0)
  assert.equal(a.rendezvous.points(), [{ peerId: relay.peerId, registered: 0 }])
  await a.rendezvous.start()
  await a.rendezvous.start()
  await registrations(server, 1)
  await a.rendezvous.stop()
  await registrations(server, 0)
  assert.is(a.clock.pending, 0)
})

test('asks a point only once, however often it is told of it, and at most 64', async () => {
  const { peer: relay, server } = await point()
  const a = await seeker()
  await meet(a, relay)
  a.rendezvous.join('room')
  a.rendezvous.join('room')
  await waitFor(() => server.figures().served === 2 && a.clock.pending === 1, 'a registration and a look')
  assert.ok(a.rendezvous.addPoint(relay.libp2p.peerId))
  assert.is(a.clock.pending, 1, 'nothing but the next look')
  const strangers = await Promise.all(Array.from({ length: 64 }, () => peers.create()))
  const added = strangers.map(({ libp2p }) => a.rendezvous.addPoint(libp2p.peerId))
  assert.equal([added.filter(Boolean).length, added.at(-1)], [63, false])
  assert.is(server.figures().served, 2)
})

test('takes no text for a namespace that is none, and at most 512', async () => {
  const { rendezvous } = await seeker()
  for (const namespace of ['', 'x'.repeat(256), '\ud800']) assert.throws(() => rendezvous.join(namespace), /namespace/)
  for (let i = 0; i < 512; i++) rendezvous.join(`room ${i}`)
  assert.throws(() => rendezvous.join('one more'), /512/)
  rendezvous.join('room 7')
  rendezvous.leave('room 7')
  rendezvous.join('one more')
})

test.run()
