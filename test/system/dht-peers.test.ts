import '../../src/shims.node.ts'
import { identify } from '@libp2p/identify'
import type { Libp2p, PeerInfo, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { createLibp2p } from 'libp2p'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_ADDRESSES, MAX_FOUND, MAX_REQUEST_BYTES, PROTOCOL } from '../../src/node/dht/constants.ts'
import { type Dht, dht } from '../../src/node/dht/index.ts'
import { namespaceKey } from '../../src/node/dht/namespace-key.ts'
import type { Peer } from '../../src/node/index.ts'
import { createRelay, type Relay } from '../../src/node/relay/server.ts'
import { peerId } from '../node/dht/support.ts'
import { addressOf, connected, connectionsBetween, listenIn, mates, Peers, pubsubOf, randomSeed } from '../support/peers.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('system/dht-peers')
const peers = new Peers()
const others: { stop(): unknown }[] = []
test.after.each(async () => {
  await peers.close()
  await Promise.all(others.splice(0).map((other) => other.stop()))
})

const ROOM = 'p2pnode/000102030405060708090a0b0c0d0e0f'
const dhtOf = (peer: Peer) => peer.diagnose().dht ?? { mode: 'client', contacts: 0, records: 0, errands: 0, opened: 0 }

async function startRelay(): Promise<Relay> {
  const relay = await createRelay({ seed: randomSeed(), listen: ['/ip4/127.0.0.1/tcp/0'] })
  others.push(relay)
  await relay.start()
  return relay
}

/** A server, as somebody has dialled it. */
async function server(...known: Peer[]): Promise<Peer> {
  const peer = await peers.start({ dht: true, connect: known.map(addressOf) })
  const witness = await peers.start({ connect: [addressOf(peer)] })
  await connected(witness, peer)
  await waitFor(() => dhtOf(peer).mode === 'server', 'a server')
  return peer
}

/** A namespace that belongs to one rather than to the other: lookups go from those who are far to those who are near. */
function namespaceOf(near: Peer, far: Peer): string {
  const distance = (peer: Peer, key: Uint8Array): string =>
    bytesToHex(sha256(peer.libp2p.peerId.toMultihash().bytes).map((byte, at) => byte ^ (key[at] ?? 0)))
  for (let number = 0; ; number++) {
    const key = sha256(namespaceKey(`${ROOM}${number}`).multihash.bytes)
    if (distance(near, key) < distance(far, key)) return `${ROOM}${number}`
  }
}

interface Plain {
  libp2p: Libp2p
  dht: Dht
  found: PeerInfo[]
}

/** The DHT over a libp2p with nothing else, whose finds are kept. */
async function plain({ isServer = false } = {}): Promise<Plain> {
  const found: PeerInfo[] = []
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), dht: dht({ server: isServer, discovered: (peer) => found.push(peer) > 0 }) },
  })
  others.push(libp2p)
  return { libp2p, dht: libp2p.services.dht, found }
}

const dialled = async (from: Plain, to: Plain | Libp2p): Promise<unknown> =>
  await from.libp2p.dial(('libp2p' in to ? to.libp2p : to).getMultiaddrs())

/** A server that does with each question what it likes. */
async function stranger(answer: (stream: Stream) => void): Promise<Libp2p> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
  others.push(libp2p)
  await libp2p.handle(PROTOCOL, async (stream) => {
    const asked = lpStream(stream)
    await asked.read()
    answer(asked.unwrap())
  })
  return libp2p
}

/** The protobuf of a message: https://github.com/libp2p/specs/blob/master/kad-dht/README.md#rpc-messages */
function field(number: number, bytes: Uint8Array): number[] {
  assert.ok(bytes.length < 2 ** 14)
  return [number * 8 + 2, (bytes.length & 127) | 128, bytes.length >> 7, ...bytes]
}
const peerField = (number: number, id: Uint8Array, addresses: Multiaddr[]): number[] =>
  field(number, Uint8Array.from([...field(1, id), ...addresses.flatMap((address) => field(2, address.bytes))]))
const message = (type: number, ...fields: number[][]): Uint8Array => Uint8Array.from([8, type, ...fields.flat()])
const [PUT_VALUE, GET_VALUE, ADD_PROVIDER, GET_PROVIDERS, FIND_NODE] = [0, 1, 2, 3, 4]

test('two that know a third find each other while their relay is down', async () => {
  const relay = await startRelay()
  const third = await peers.start({ dht: true, relays: relay.addresses() })
  const given = { connect: [addressOf(third)], relays: relay.addresses() }
  const [a, b] = [await peers.start(given), await peers.start(given)]
  await waitFor(() => [a, b, third].every((peer) => dhtOf(peer).contacts > 0), 'all to know a server')
  await relay.stop()
  await waitFor(() => [a, b].every((peer) => !peer.relays().some(({ connected }) => connected)), 'the relay to be missed')
  a.meet([ROOM])
  b.meet([ROOM])
  await connected(a, b)
  assert.is(dhtOf(third).records, 2)
})

test('who dials is a client, and who was dialled a server', async () => {
  const [client, other] = [await peers.start({ dht: true }), await server()]
  await client.connect(addressOf(other))
  await waitFor(() => dhtOf(client).contacts === 1, 'the server to be known')
  assert.is(dhtOf(client).mode, 'client')
  assert.is(dhtOf(other).contacts, 0)
})

test('a relay is a server from the start, and says who can be found through it', async () => {
  const relay = await startRelay()
  assert.is(relay.dht.figures().mode, 'server')
  const peer = await peers.start({ relays: relay.addresses() })
  peer.meet([ROOM])
  const [record] = await waitFor(() => (relay.dht.records().length > 0 ? relay.dht.records() : undefined), 'the record')
  assert.is(record?.peer, peer.peerId)
  assert.ok((record?.expiresIn ?? 0) > 0)
})

test('who is offline, or wants none, or knows nobody, has no DHT', async () => {
  const other = await server()
  const known = { dht: true, connect: [addressOf(other)] }
  const without = [{ ...known, offline: true }, { ...known, dht: false }, {}]
  for (const init of without) {
    const peer = await peers.start(init)
    peer.meet([ROOM])
    if ('connect' in init) await connected(peer, other)
    assert.is(peer.diagnose().dht, undefined)
  }
})

test('who was given nobody to dial answers those who come, and asks nobody', async () => {
  const quiet = await peers.start()
  const known = { dht: true, connect: [addressOf(quiet)] }
  const [a, b] = [await peers.start(known), await peers.start(known)]
  const other = await server(quiet)
  await waitFor(() => dhtOf(quiet).contacts === 1, 'the other server to be known')
  for (const peer of [quiet, a, b]) peer.meet([ROOM])
  await connected(a, b)
  await other.stop()
  await waitFor(() => dhtOf(quiet).contacts === 0, 'it to be forgotten')
  assert.equal([dhtOf(quiet).mode, dhtOf(quiet).opened], ['server', 0])
})

test('who is asked for something learns nothing of rooms', async () => {
  const door = await server()
  const asked = await server(door)
  const asker = await peers.start({ dht: true, connect: [addressOf(door)] })
  listenIn(asker, 'topic')
  await waitFor(() => dhtOf(asker).contacts > 0 && dhtOf(door).contacts > 0, 'the door to know, and to be known')
  asker.meet([namespaceOf(asked, door)])
  await waitFor(() => connectionsBetween(asked, asker) > 0, 'the question')
  await waitFor(() => pubsubOf(door).getSubscribers('topic').length === 1, 'the door to know of the topic')
  await waitFor(() => dhtOf(asked).records === 1, 'the record')
  assert.equal(pubsubOf(asked).getSubscribers('topic'), [])
  assert.is(dhtOf(asker).errands, 1)
})

test('a room mate that was only asked is one from then on', async () => {
  const door = await server()
  const asked = await server(door)
  const asker = await peers.start({ dht: true, connect: [addressOf(door)] })
  const heard = listenIn(asked, 'topic')
  listenIn(asker, 'topic')
  await waitFor(() => dhtOf(asker).contacts > 0 && dhtOf(door).contacts > 0, 'the door to know, and to be known')
  asker.meet([namespaceOf(asked, door)])
  await mates(asker, asked, 'topic')
  await pubsubOf(asker).publish('topic', utf8ToBytes('hello'))
  await waitFor(() => heard.length === 1, 'the message')
})

test('a server that is gone is asked no more', async () => {
  const [asker, gone, there] = [await plain(), await plain({ isServer: true }), await plain({ isServer: true })]
  await dialled(asker, gone)
  await dialled(asker, there)
  await waitFor(() => asker.dht.figures().contacts === 2, 'both to be known')
  await gone.libp2p.stop()
  asker.dht.join(ROOM)
  await waitFor(() => asker.dht.figures().contacts === 1, 'one to be forgotten', 30_000)
  await waitFor(() => there.dht.figures().records === 1, 'the record where it can be')
})

test('values are neither kept nor given', async () => {
  const target = await plain({ isServer: true })
  const libp2p = await stranger(() => {})
  const { remotePeer } = await libp2p.dial(target.libp2p.getMultiaddrs())
  for (const type of [PUT_VALUE, GET_VALUE]) {
    const stream = await libp2p.dialProtocol(remotePeer, PROTOCOL)
    await lpStream(stream).write(message(type, field(2, utf8ToBytes('/pk/key')), field(3, Uint8Array.of(10, 1, 0))))
    await waitFor(() => stream.status !== 'open', 'the end of the stream')
  }
  assert.is(target.dht.figures().refused, 2)
})

test('nobody provides for others, nor under what is no hash', async () => {
  const target = await plain({ isServer: true })
  const libp2p = await stranger(() => {})
  const { hash, ids } = { hash: namespaceKey(ROOM).multihash.bytes, ids: [libp2p.peerId, await peerId(9)] }
  const { remotePeer } = await libp2p.dial(target.libp2p.getMultiaddrs())
  const tell = async (key: Uint8Array, id: Uint8Array): Promise<void> => {
    const stream = await libp2p.dialProtocol(remotePeer, PROTOCOL)
    await lpStream(stream).write(message(ADD_PROVIDER, field(2, key), peerField(9, id, [multiaddr('/ip4/127.0.0.1/tcp/9')])))
    await stream.close()
  }
  const [own, another] = ids.map((id) => id.toMultihash().bytes) as [Uint8Array, Uint8Array]
  await tell(hash, another)
  await tell(hash.subarray(1), own)
  await waitFor(() => target.dht.figures().served + target.dht.figures().refused === 2, 'both to be judged')
  assert.is(target.dht.figures().records, 0)
  await tell(hash, own)
  await waitFor(() => target.dht.figures().records === 1, 'the record')
})

test('of the peers that it knows a server tells those that serve or have a record, and no others', async () => {
  const [target, friend] = [await plain({ isServer: true }), await plain()]
  const libp2p = await stranger(() => {})
  const { remotePeer } = await libp2p.dial(target.libp2p.getMultiaddrs())
  await dialled(friend, target)
  const id = friend.libp2p.peerId.toMultihash().bytes
  const isTold = async (): Promise<boolean> => {
    const stream = lpStream(await libp2p.dialProtocol(remotePeer, PROTOCOL))
    await stream.write(message(FIND_NODE, field(2, id)))
    return bytesToHex((await stream.read()).subarray()).includes(bytesToHex(id))
  }
  const known = async () => await target.libp2p.peerStore.all()
  const isFriend = ({ id, addresses }: Awaited<ReturnType<typeof known>>[number]): boolean =>
    id.equals(friend.libp2p.peerId) && addresses.length > 0
  await waitFor(async () => (await known()).some(isFriend), 'the friend to be known')
  assert.not(await isTold())
  friend.dht.join(ROOM)
  await waitFor(() => target.dht.figures().records === 1, 'the record')
  await waitFor(isTold, 'the friend to be told of')
})

test('of an answer with very many providers some are taken, with some of their addresses, and never oneself', async () => {
  const asker = await plain()
  const ids = await Promise.all(Array.from({ length: 60 }, async (_, number) => (await peerId(number + 1)).toMultihash().bytes))
  const addresses = Array.from({ length: 40 }, (_, port) => multiaddr(`/ip4/127.0.0.1/tcp/${port + 1}`))
  const own = asker.libp2p.peerId.toMultihash().bytes
  const evil = await stranger((stream) => {
    const providers = [peerField(9, own, addresses), ...ids.map((id) => peerField(9, id, addresses))]
    void lpStream(stream).write(message(GET_PROVIDERS, ...providers))
  })
  await dialled(asker, evil)
  await waitFor(() => asker.dht.figures().contacts === 1, 'the stranger to be known')
  asker.dht.join(ROOM)
  await waitFor(() => asker.found.length > 0, 'somebody to be found')
  asker.dht.leave(ROOM)
  assert.is(asker.found.length, MAX_FOUND)
  assert.ok(asker.found.every(({ id, multiaddrs }) => !id.equals(asker.libp2p.peerId) && multiaddrs.length === MAX_ADDRESSES))
})

test('a look goes on at other servers when one has named many', async () => {
  const asker = await plain()
  const ids = await Promise.all(Array.from({ length: 20 }, async (_, number) => (await peerId(number + 1)).toMultihash().bytes))
  const addresses = [multiaddr('/ip4/127.0.0.1/tcp/1')]
  for (const half of [ids.slice(0, 10), ids.slice(10)]) {
    const providers = half.map((id) => peerField(9, id, addresses))
    await dialled(asker, await stranger((stream) => void lpStream(stream).write(message(GET_PROVIDERS, ...providers))))
  }
  await waitFor(() => asker.dht.figures().contacts === 2, 'both to be known')
  asker.dht.join(ROOM)
  await waitFor(() => asker.found.length > 10, 'those that the other names')
  asker.dht.leave(ROOM)
  assert.is(asker.found.length, MAX_FOUND)
})

test('a server that is in a room itself says so, and no longer when it has left', async () => {
  const [asker, host] = [await plain(), await plain({ isServer: true })]
  host.dht.join(ROOM)
  await dialled(asker, host)
  asker.dht.join(ROOM)
  await waitFor(() => asker.found.some(({ id }) => id.equals(host.libp2p.peerId)), 'the host')
  host.dht.leave(ROOM)
  const late = await plain()
  await dialled(late, host)
  late.dht.join(ROOM)
  await waitFor(() => late.found.length > 0, 'somebody')
  assert.ok(late.found.every(({ id }) => id.equals(asker.libp2p.peerId)))
})

test('what a server answers that is malformed, or does not end, leads nowhere and does no harm', async () => {
  const [asker, honest, mate] = [await plain(), await plain({ isServer: true }), await plain()]
  const junk = await stranger((stream) => void lpStream(stream).write(crypto.getRandomValues(new Uint8Array(500))))
  const endless = await stranger((stream) => {
    stream.send(Uint8Array.from([0xff, 0xff, 0xff, 0x7f]))
    const timer = setInterval(() => {
      if (stream.status === 'open') stream.send(new Uint8Array(64 * 1024))
      else clearInterval(timer)
    }, 5)
  })
  const wrongId = await stranger(
    (stream) => void lpStream(stream).write(message(GET_PROVIDERS, peerField(9, Uint8Array.of(1, 2), []))),
  )
  for (const server of [junk, endless, wrongId]) await dialled(asker, server)
  await waitFor(() => asker.dht.figures().contacts === 3, 'the strangers to be known')
  await dialled(mate, honest)
  mate.dht.join(ROOM)
  await waitFor(() => honest.dht.figures().records === 1, 'the record')
  asker.dht.join(ROOM)
  await waitFor(() => asker.dht.figures().contacts === 0, 'the strangers to be forgotten', 30_000)
  await dialled(asker, honest)
  await waitFor(() => asker.found.some(({ id }) => id.equals(mate.libp2p.peerId)), 'the mate', 30_000)
})

test('what is asked that is malformed, or does not end, ends its stream, and others are answered', async () => {
  const [target, asker] = [await plain({ isServer: true }), await plain()]
  const libp2p = await stranger(() => {})
  const { remotePeer } = await libp2p.dial(target.libp2p.getMultiaddrs())
  const streams: Stream[] = []
  const say = async (bytes: Uint8Array): Promise<void> => {
    const stream = await libp2p.dialProtocol(remotePeer, PROTOCOL)
    stream.send(bytes)
    streams.push(stream)
  }
  await say(new Uint8Array(2 * MAX_REQUEST_BYTES))
  await say(Uint8Array.from([3, 8, 99, 0]))
  for (let turn = 0; turn < 12; turn++) await say(Uint8Array.from([100, ...crypto.getRandomValues(new Uint8Array(100))]))
  await waitFor(() => streams.every(({ status }) => status !== 'open'), 'the streams to end')
  await dialled(asker, target)
  asker.dht.join(ROOM)
  await waitFor(() => target.dht.figures().records === 1, 'the record of another')
})

test('it starts and stops as often as one likes, and finds others again', async () => {
  const [a, b, point] = [await plain(), await plain(), await plain({ isServer: true })]
  await dialled(a, point)
  await dialled(b, point)
  b.dht.join(ROOM)
  await waitFor(() => point.dht.figures().records === 1, 'the record')
  await a.dht.start()
  await a.dht.stop()
  await a.dht.stop()
  assert.is(a.dht.figures().contacts, 0)
  await a.dht.start()
  await waitFor(() => a.dht.figures().contacts === 1, 'who is connected to be known again')
  a.dht.meet([ROOM])
  await waitFor(() => a.found.some(({ id }) => id.equals(b.libp2p.peerId)), 'the other')
  const recordsOf = ({ libp2p }: Plain): number =>
    point.dht.records().filter(({ peer }) => peer === libp2p.peerId.toString()).length
  await waitFor(() => recordsOf(a) === 1, 'the record')
  a.dht.meet(['another'])
  await waitFor(() => recordsOf(a) === 2, 'another')
})

test.run()
