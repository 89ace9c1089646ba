import '../../../src/shims.node.ts'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRelay, type Relay, type RelayInit } from '../../../src/node/relay/server.ts'
import { connected, listenIn, mates, Peers, randomSeed, say } from '../../support/peers.ts'
import { waitFor } from '../../support/wait-for.ts'

const test = suite('node/relay')
const peers = new Peers()
const relays: Relay[] = []
test.after.each(async () => {
  await peers.close()
  await Promise.all(relays.splice(0).map((relay) => relay.stop()))
})

async function startRelay({
  seed = randomSeed(),
  port = 0,
  ...limits
}: Partial<RelayInit> & { port?: number } = {}): Promise<Relay> {
  const relay = await createRelay({ seed, listen: [`/ip4/127.0.0.1/tcp/${port}`], maxReservations: 8, ...limits })
  relays.push(relay)
  await relay.start()
  return relay
}
const address = (relay: Relay): string => relay.addresses()[0] as string

/** Reachable through the relay, and no other way that others know of. */
async function guest(...at: Relay[]): Promise<Awaited<ReturnType<Peers['start']>>> {
  const peer = await peers.start({ listen: [], relays: at.map(address) })
  await waitFor(() => peer.relays().every(({ reserved }) => reserved), 'a reservation')
  return peer
}

test('carries messages between two who can reach only the relay', async () => {
  const relay = await startRelay()
  const [a, b] = [await guest(relay), await guest(relay)]
  const [heardA, heardB] = [listenIn(a, 'room'), listenIn(b, 'room')]
  const [through] = b.addresses()
  assert.match(through ?? '', `/p2p/${relay.peerId}/p2p-circuit/p2p/${b.peerId}`)
  assert.is((await a.connect(through ?? '')).via, 'relay')
  await mates(a, b, 'room')
  await say(a, 'room', 'one')
  await say(b, 'room', 'two')
  await waitFor(() => heardA.length === 1 && heardB.length === 1, 'both messages')
  assert.equal(
    relay.circuits().map(({ from, to }) => [from, to]),
    [[a.peerId, b.peerId]],
  )
  assert.ok(relay.carried.bytes > 0)
  assert.is(relay.carried.circuits, 1)
  assert.is(relay.counts().circuits, 1)
  await a.stop()
  await waitFor(() => relay.counts().circuits === 0, 'the end of the circuit')
})

test('a reservation comes back when the relay does', async () => {
  const seed = randomSeed()
  const relay = await startRelay({ seed })
  const port = Number(/tcp\/(\d+)/.exec(address(relay))?.[1])
  const peer = await guest(relay)
  await relay.stop()
  await waitFor(() => peer.relays().every(({ connected, reserved }) => !connected && !reserved), 'the loss to be noticed')
  assert.equal(peer.addresses(), [])
  const again = await startRelay({ seed, port })
  await waitFor(() => peer.relays().every(({ reserved }) => reserved), 'the reservation')
  assert.is(again.reservations, 1)
  await waitFor(() => peer.addresses().length === 1, 'the address')
})

test('a relay without a place says so, and gives the next that is free', async () => {
  const relay = await startRelay({ maxReservations: 1 })
  const first = await guest(relay)
  const second = await peers.start({ listen: [], relays: [address(relay)] })
  await waitFor(() => second.relays()[0]?.problem !== undefined, 'the refusal')
  assert.equal(second.relays(), [
    { address: address(relay), connected: true, reserved: false, registered: 0, problem: 'it has no place left' },
  ])
  await first.stop()
  await waitFor(() => second.relays()[0]?.reserved === true, 'the place')
  assert.is(second.relays()[0]?.problem, undefined)
  const { full, network } = relay.counts().refused
  assert.ok(full > 0)
  assert.is(network, 0)
})

test('one network does not get all places, and keeps those it has', async () => {
  const relay = await startRelay({ maxReservationsPerNetwork: 1 })
  const first = await guest(relay)
  const second = await peers.start({ listen: [], relays: [address(relay)] })
  await waitFor(() => second.relays()[0]?.problem !== undefined, 'the refusal')
  assert.is(second.relays()[0]?.problem, 'it does not serve this peer')
  assert.ok(first.relays()[0]?.reserved)
  const { full, network } = relay.counts().refused
  assert.is(full, 0)
  assert.ok(network > 0)
})

test('there are only so many connections through a relay; who has ended one makes room', async () => {
  const relay = await startRelay({ maxCircuits: 1 })
  const [a, b, c] = [await guest(relay), await guest(relay), await guest(relay)]
  const through = b.addresses()[0] ?? ''
  await a.connect(through)
  const refusal = await c.connect(through).then(
    () => 'connected',
    (error: Error) => error.name,
  )
  assert.is(refusal, 'UnreachableError')
  assert.is(relay.counts().circuits, 1)
  await a.stop()
  await waitFor(() => relay.counts().circuits === 0, 'the end of the first')
  assert.is((await c.connect(through)).via, 'relay')
})

test('counts what there is, and knows whether it listens', async () => {
  const relay = await createRelay({ seed: randomSeed(), listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] })
  relays.push(relay)
  assert.not(relay.isListening)
  await relay.start()
  assert.ok(relay.isListening)
  await guest(relay)
  const { connections, reservations, maxReservations } = relay.counts()
  assert.equal({ connections, reservations, maxReservations }, { connections: 1, reservations: 1, maxReservations: 1_024 })
  await relay.stop()
  assert.not(relay.isListening)
})

test('a peer that is no relay is asked again and again, and reached all the same', async () => {
  const other = await peers.start()
  const peer = await peers.start({ listen: [], relays: [other.addresses()[0] as string] })
  await waitFor(() => peer.relays()[0]?.problem !== undefined, 'the refusal')
  assert.is(peer.relays()[0]?.problem, 'it is no relay')
  await connected(peer, other)
})

test('a relay knows of its guests what it tells', async () => {
  const relay = await startRelay()
  const peer = await guest(relay)
  const [known] = await relay.guests()
  assert.is(known?.peerId, peer.peerId)
  assert.match(known?.remote[0] ?? '', /^\/ip4\/127\.0\.0\.1\/tcp\/\d+/)
  assert.ok((known?.reserved?.getTime() ?? 0) > Date.now())
  await peer.stop()
  await waitFor(async () => (await relay.guests()).length === 0, 'the guest to be gone')
  assert.is(relay.reservations, 0)
})

test('a relay forgets who has gone, but for servers of the DHT', async () => {
  const relay = await startRelay()
  const [address = ''] = relay.addresses()
  const peer = await guest(relay)
  const server = await peers.start({ relays: [address] })
  await peer.connect(server.addresses()[0] ?? '')
  await waitFor(() => relay.dht.contacts().includes(server.peerId), 'the server to be known')
  const known = async (): Promise<string[]> => (await relay.libp2p.peerStore.all()).map(({ id }) => id.toString()).sort()
  assert.equal(await known(), [peer.peerId, server.peerId].sort())
  await Promise.all([peer.stop(), server.stop()])
  await waitFor(async () => !(await known()).includes(peer.peerId), 'the peer to be forgotten')
  assert.equal(await known(), [server.peerId])
  assert.ok(((await relay.dht.servers())[0]?.addresses.length ?? 0) > 0)
})

test('an address of a relay names its peer, and leads to it directly', async () => {
  const refused = async (relay: string): Promise<string> => {
    try {
      await peers.create({ relays: [relay] })
    } catch (error) {
      return (error as Error).message
    }
    return 'taken'
  }
  assert.match(await refused('/ip4/192.0.2.1/tcp/4747'), /names no peer/)
  const id = '12D3KooWA1bysjrTACSWqf6q172inxvwKHUxAnBtVgaVDKMxpZtx'
  assert.match(await refused(`/ip4/192.0.2.1/tcp/4747/p2p/${id}/p2p-circuit/p2p/${id}`), /leads through a relay/)
})

test.run()
