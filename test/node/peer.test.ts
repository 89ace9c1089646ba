import '../../src/shims.node.ts'
import type { AddressInfo } from 'node:net'
import { createConnection, createServer } from 'node:net'
import { memory } from '@libp2p/memory'
import { multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PeerView } from '../../src/node/index.ts'
import { probe } from '../../src/node/probe.ts'
import { settle } from '../../src/node/settle.ts'
import {
  addressOf,
  connected,
  connectionsBetween,
  listenIn,
  mates,
  orderedSeeds,
  Peers,
  pubsubOf,
  randomSeed,
  say,
} from '../support/peers.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('node/peer')
const peers = new Peers()
test.after.each(() => peers.close())

async function failure(promise: Promise<unknown>): Promise<Error & { field?: string; code?: string }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not fail')
}

test('delivers gossip between two peers over TCP, and tells each of the other once', async () => {
  const [a, b] = [await peers.start(), await peers.start()]
  const told: string[] = []
  b.addEventListener('connected', ({ detail }) => told.push(`connected ${detail.peerId} ${detail.via}`))
  b.addEventListener('disconnected', ({ detail }) => told.push(`disconnected ${detail.peerId} ${detail.via}`))
  const [heardA, heardB] = [listenIn(a, 'room'), listenIn(b, 'room')]
  const view = await a.connect(addressOf(b))
  assert.is(view.peerId, b.peerId)
  assert.is(view.via, 'direct')
  assert.is(view.direction, 'outbound')
  await mates(a, b, 'room')
  await say(a, 'room', 'hello')
  await say(b, 'room', 'hi')
  await waitFor(() => heardB.length === 1 && heardA.length === 1, 'both messages')
  assert.equal([heardA, heardB], [['hi'], ['hello']])
  await a.disconnect(b.peerId)
  await waitFor(() => told.length === 2, 'the end of the connection')
  assert.equal(told, [`connected ${a.peerId} direct`, `disconnected ${a.peerId} direct`])
})

test('neither delivers nor passes on what a validator rejects or ignores', async () => {
  const [a, b, c] = [await peers.start(), await peers.start(), await peers.start()]
  const heard = [a, b, c].map((peer) => listenIn(peer, 'room'))
  // `a` and `c` meet through `b` only.
  await a.connect(addressOf(b))
  await c.connect(addressOf(b))
  await mates(a, b, 'room')
  await mates(b, c, 'room')
  for (const words of ['junk 1', 'early 1', 'last']) await say(a, 'room', words)
  await waitFor(() => heard[2]?.length, 'the accepted message at the far end')
  assert.equal(heard, [[], ['last'], ['last']])
})

test('runs over an in-memory transport that is handed in', async () => {
  const [a, b] = [
    await peers.start({ transports: [memory()], listen: ['/memory/node-a'] }),
    await peers.start({ transports: [memory()], listen: ['/memory/node-b'], offline: true }),
  ]
  const heard = listenIn(b, 'room')
  listenIn(a, 'room')
  await b.connect('/memory/node-a')
  await mates(a, b, 'room')
  await say(a, 'room', 'hello')
  await waitFor(() => heard.length, 'the message')
  assert.equal(heard, ['hello'])
})

test('measures the latency of a peer without making anybody wait for it', async () => {
  const [a, b] = [await peers.start(), await peers.start()]
  await a.connect(addressOf(b))
  const view = await waitFor<PeerView | undefined>(() => a.peers().find(({ latencyMs }) => latencyMs !== undefined), 'a latency')
  assert.ok((view.latencyMs ?? 0) > 0)
})

test('finds a configured peer again after that peer restarted on the same port', async () => {
  const seed = randomSeed()
  const b = await peers.start({ seed })
  const a = await peers.start({ connect: [addressOf(b)], supervisor: { firstBackoff: 50, lastBackoff: 200 } })
  await connected(a, b)
  const port = b.port()
  await b.stop()
  await waitFor(() => a.peers().length === 0, 'the loss')
  const again = await peers.start({ seed, listen: [`/ip4/127.0.0.1/tcp/${port}`] })
  await connected(a, again)
})

test('remembers of those who have gone only whom it is to find again', async () => {
  const [a, b, stranger, last] = [await peers.start(), await peers.start(), await peers.start(), await peers.start()]
  a.keep(b.peerId)
  for (const other of [b, stranger, last]) {
    await other.connect(addressOf(a))
    await connected(a, other)
    await waitFor(() => a.libp2p.peerStore.has(other.libp2p.peerId), 'it to be known')
  }
  for (const other of [b, stranger, last]) {
    await other.stop()
    await waitFor(() => connectionsBetween(a, other) === 0, 'it to be gone')
  }
  await waitFor(async () => !(await a.libp2p.peerStore.has(stranger.libp2p.peerId)), 'the stranger to be forgotten')
  assert.ok(await a.libp2p.peerStore.has(b.libp2p.peerId))
})

test('dials a kept peer again from the side that dialled, and a forgotten one no more', async () => {
  const seed = randomSeed()
  const b = await peers.start({ seed })
  const a = await peers.start({ supervisor: { firstBackoff: 50, lastBackoff: 200 } })
  await a.libp2p.dial(multiaddr(addressOf(b)))
  a.keep(b.peerId)
  const port = b.port()
  await b.stop()
  await waitFor(() => a.peers().length === 0, 'the loss')
  const again = await peers.start({ seed, listen: [`/ip4/127.0.0.1/tcp/${port}`] })
  await connected(a, again)
})

test('waits for a configured peer that is not there yet', async () => {
  const seed = randomSeed()
  const b = await peers.start({ seed })
  const [address, port] = [addressOf(b), b.port()]
  await b.stop()
  const a = await peers.start({ connect: [address], supervisor: { firstBackoff: 50, lastBackoff: 200 } })
  const error = await failure(a.connect(address))
  assert.is(error.name, 'UnreachableError')
  assert.match(error.message, `127.0.0.1/tcp/${port}`)
  assert.match(error.message, 'connection refused')
  const again = await peers.start({ seed, listen: [`/ip4/127.0.0.1/tcp/${port}`] })
  await connected(a, again)
})

test('keeps one connection when two peers dial each other at once, and gossip goes on', async () => {
  const [smaller, larger] = await orderedSeeds()
  const [a, b] = [await peers.start({ seed: smaller }), await peers.start({ seed: larger })]
  const [heardA, heardB] = [listenIn(a, 'room'), listenIn(b, 'room')]
  const opened = { a: 0, b: 0 }
  a.libp2p.addEventListener('connection:open', () => opened.a++)
  await Promise.all([a.connect(addressOf(b)), b.connect(addressOf(a))])
  await waitFor(() => opened.a === 2, 'two connections')
  await waitFor(() => connectionsBetween(a, b) === 1 && connectionsBetween(b, a) === 1, 'one connection to be left')
  assert.is(a.peers()[0]?.direction, 'outbound', 'the one that the smaller id dialled')
  assert.is(b.peers()[0]?.direction, 'inbound')
  await mates(a, b, 'room')
  await waitFor(() => pubsubOf(a).streamsOutbound.has(b.peerId) && pubsubOf(b).streamsOutbound.has(a.peerId), 'gossip streams')
  await mates(a, b, 'room')
  await say(a, 'room', 'one')
  await say(b, 'room', 'two')
  await waitFor(() => heardA.length === 1 && heardB.length === 1, 'messages over the connection that is left')
})

test('what is under way on a surplus connection comes to its end before that is closed', async () => {
  const [smaller, larger] = await orderedSeeds()
  const [a, b] = [await peers.start({ seed: smaller }), await peers.start({ seed: larger })]
  await b.libp2p.handle('/busy/1', () => undefined)
  await b.connect(addressOf(a))
  await connected(a, b)
  const [surplus] = a.libp2p.getConnections()
  assert.ok(surplus)
  const stream = await surplus.newStream('/busy/1')
  await a.libp2p.dial(multiaddr(addressOf(b)), { force: true })
  const settling = settle(a.peerId, a.libp2p.getConnections(), a.libp2p.logger.forComponent('test'))
  for (let i = 0; i < 10; i++) await probe(surplus, AbortSignal.timeout(60_000))
  assert.is(surplus.status, 'open')
  assert.is(stream.status, 'open')
  stream.abort(new Error('done'))
  await settling
  assert.is(surplus.status, 'closed')
  assert.is(connectionsBetween(a, b), 1)
})

test('delivers again after every stream of a living connection broke', async () => {
  const [a, b] = [await peers.start(), await peers.start()]
  const [heardA, heardB] = [listenIn(a, 'room'), listenIn(b, 'room')]
  await a.connect(addressOf(b))
  await mates(a, b, 'room')
  const [connection] = a.libp2p.getConnections()
  // Both have told who they are, and have their streams: what breaks is all there is.
  const all = [a, b].flatMap(({ libp2p }) => libp2p.getConnections())
  const isIdentified = (): boolean =>
    all.every(({ streams }) => streams.every(({ protocol }) => !protocol.startsWith('/ipfs/id/')))
  const gossips = [pubsubOf(a).streamsOutbound, pubsubOf(b).streamsOutbound]
  await waitFor(() => isIdentified() && gossips.every(({ size }) => size === 1), 'the peers to know each other')
  // The new one may be there before anybody has looked whether the old one is gone.
  const old = pubsubOf(a).streamsOutbound.get(b.peerId)
  // Of a copy: what is aborted leaves the list.
  for (const stream of [...(connection?.streams ?? [])]) stream.abort(new Error('broken'))
  const renewed = (): boolean => ![undefined, old].includes(pubsubOf(a).streamsOutbound.get(b.peerId))
  await waitFor(() => renewed() && pubsubOf(b).streamsOutbound.has(a.peerId), 'new streams')
  await mates(a, b, 'room')
  await say(a, 'room', 'one')
  await say(b, 'room', 'two')
  await waitFor(() => heardA.length === 1 && heardB.length === 1, 'messages over the new streams')
  assert.is(a.libp2p.getConnections()[0], connection)
})

test('answers an honest dial while hundreds of connections say nothing', async () => {
  const [a, b] = [await peers.start(), await peers.start()]
  const silent = Array.from({ length: 300 }, () => createConnection({ host: '127.0.0.1', port: b.port() ?? 0 }))
  try {
    await waitFor(() => silent.every(({ connecting }) => !connecting), 'the silent ones')
    for (const socket of silent) socket.on('error', () => undefined)
    assert.is((await a.connect(addressOf(b))).peerId, b.peerId)
    assert.ok(
      silent.some(({ destroyed }) => !destroyed),
      'they were still there',
    )
  } finally {
    for (const socket of silent) socket.destroy()
  }
})

test('closes the connection that does not answer, also if it is the one to be kept', async () => {
  const [smaller, larger] = await orderedSeeds()
  const [a, b] = [await peers.start({ seed: smaller }), await peers.start({ seed: larger })]
  await a.connect(addressOf(b))
  await connected(a, b)
  // To `b` the connection that `a` dialled looks alive, and answers nothing.
  const [dead] = b.libp2p.getConnections()
  assert.ok(dead)
  dead.newStream = () => Promise.reject(new Error('nothing comes back'))
  await b.libp2p.dial(multiaddr(addressOf(a)), { force: true })
  await waitFor(() => dead.status !== 'open', 'the dead one to be cut')
  await waitFor(() => connectionsBetween(a, b) === 1 && connectionsBetween(b, a) === 1, 'one connection to be left')
  assert.is(b.peers()[0]?.direction, 'outbound')
})

test('does not dial a peer again that was hung up on, while that one may', async () => {
  const [a, b] = [await peers.start(), await peers.start({ supervisor: { firstBackoff: 50, tieBreak: 50 } })]
  a.keep(b.peerId)
  b.keep(a.peerId)
  await b.connect(addressOf(a))
  await connected(a, b)
  await a.disconnect(b.peerId)
  await connected(a, b)
  assert.is(a.peers()[0]?.direction, 'inbound')
  assert.is(connectionsBetween(a, b), 1)
})

test('opens nothing when an address cannot be listened on, and says which', async () => {
  const squatter = createServer()
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
  const taken = (squatter.address() as AddressInfo).port
  const peer = await peers.create({ listen: ['/ip4/127.0.0.1/tcp/0', `/ip4/127.0.0.1/tcp/${taken}`] })
  const error = await failure(peer.start())
  squatter.close()
  assert.is(error.name, 'InvalidArgumentError')
  assert.is(error.field, 'listen')
  assert.match(error.message, `/ip4/127.0.0.1/tcp/${taken}: address already in use (EADDRINUSE)`)
  assert.equal(peer.addresses(), [])
  assert.is(peer.libp2p.status, 'stopped')
})

test('takes another port when the remembered one is taken', async () => {
  const squatter = createServer()
  await new Promise<void>((resolve) => squatter.listen(0, '0.0.0.0', resolve))
  const taken = (squatter.address() as AddressInfo).port
  const peer = await peers.start({ listen: undefined, port: taken })
  squatter.close()
  assert.ok(peer.port())
  assert.is.not(peer.port(), taken)
})

test('listens on the remembered port again', async () => {
  const first = await peers.start({ listen: undefined })
  const port = first.port()
  await first.stop()
  const second = await peers.start({ listen: undefined, port })
  assert.is(second.port(), port)
})

test('stops what had started when a service of the chat fails to start', async () => {
  const peer = await peers.create({
    services: {
      chat: () => ({
        start: async () => {
          throw new Error('the chat did not start')
        },
        stop: async () => undefined,
      }),
    },
  })
  const error = await failure(peer.start())
  assert.match(error.message, 'the chat did not start')
  assert.is(peer.libp2p.status, 'stopped')
  assert.equal(peer.addresses(), [])
})

test('starts and stops any number of times', async () => {
  const peer = await peers.create()
  await Promise.all([peer.start(), peer.start()])
  assert.is(peer.addresses().length, 1)
  await Promise.all([peer.stop(), peer.stop()])
  await peer.stop()
  assert.equal(peer.addresses(), [])
  await peer.start()
  assert.is(peer.addresses().length, 1)
})

for (const bad of [
  '',
  'nonsense',
  '/ip4/999.1.1.1/tcp/1',
  '/ip4/127.0.0.1/tcp/4001/p2p/nobody',
  '/ip4/127.0.0.1/udp/4001/quic-v1',
]) {
  test(`says that ${JSON.stringify(bad)} is no address to connect to`, async () => {
    const peer = await peers.start()
    const error = await failure(peer.connect(bad))
    assert.is(error.name, 'InvalidArgumentError')
    assert.is(error.field, 'address')
  })
}

test('does not dial itself', async () => {
  const peer = await peers.start()
  assert.is((await failure(peer.connect(addressOf(peer)))).name, 'InvalidArgumentError')
})

test('says so when another peer answers at an address', async () => {
  const [a, b, c] = [await peers.start(), await peers.start(), await peers.start()]
  const error = await failure(a.connect(addressOf(b).replace(b.peerId, c.peerId)))
  assert.is(error.name, 'UnreachableError')
  assert.match(error.message, 'another peer answers there')
})

test('survives a WebSocket dial that is refused, and dials one that is not', async () => {
  const [a, b] = [await peers.start(), await peers.start({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] })]
  const squatter = createServer()
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
  const { port } = squatter.address() as AddressInfo
  await new Promise((resolve) => squatter.close(resolve))
  const error = await failure(a.connect(`/ip4/127.0.0.1/tcp/${port}/ws`))
  assert.is(error.name, 'UnreachableError')
  assert.match(error.message, /: connection (refused|failed)/)
  assert.is((await a.connect(addressOf(b))).peerId, b.peerId)
})

test('dials nothing but private addresses when offline', async () => {
  const peer = await peers.start({ offline: true })
  const error = await failure(peer.connect('/ip4/5.5.0.1/tcp/4001'))
  assert.match(error.message, 'offline')
})

test('refuses a banned peer both ways', async () => {
  const [a, b] = [await peers.start(), await peers.start()]
  await a.connect(addressOf(b))
  await connected(a, b)
  b.ban(a.peerId, 60_000)
  await waitFor(() => connectionsBetween(b, a) === 0, 'the end of the connection')
  assert.match((await failure(b.connect(addressOf(a)))).message, 'banned')
  // The dial itself may succeed on this side, before the refusal arrives.
  await Promise.allSettled([a.connect(addressOf(b))])
  await waitFor(() => connectionsBetween(a, b) === 0, 'the refusal')
  assert.is(connectionsBetween(b, a), 0)
})

test.run()
