import '../../../src/shims.node.ts'
import { createHash, randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2'
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CARRIED_AT_ONCE, RELAY_STREAM_WINDOW } from '../../../src/node/constants.ts'
import { createRelay, type Relay, type RelayInit } from '../../../src/node/relay/server.ts'
import { Peers, randomSeed } from '../../support/peers.ts'
import { waitFor } from '../../support/wait-for.ts'

const test = suite('node/relay/flow')

const MIB = 1_048_576
/** Looks after which what does not change is taken to stand still. */
const STILL = 25

const peers = new Peers()
let relay: Relay
async function start(init: Partial<RelayInit> = {}): Promise<void> {
  relay = await createRelay({ seed: randomSeed(), listen: ['/ip4/127.0.0.1/tcp/0'], ...init })
  await relay.start()
}
test.after.each(async () => {
  await peers.close()
  await relay.stop()
})

/**
 * The two ends of a circuit, as the bare streams that the relay joins: what https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md
 * calls CONNECT, and STATUS with OK.
 */
async function circuit(): Promise<{ near: Stream; far: Stream }> {
  const address = relay.addresses()[0] as string
  const [a, b] = [await peers.start({ listen: [] }), await peers.start({ listen: [], relays: [address] })]
  await waitFor(() => b.relays()[0]?.reserved, 'the reservation')
  let far: Stream | undefined
  await b.libp2p.unhandle(RELAY_V2_STOP_CODEC)
  await b.libp2p.handle(RELAY_V2_STOP_CODEC, async (stream) => {
    const messages = lpStream(stream)
    await messages.read()
    await messages.write(Uint8Array.of(8, 1, 32, 100))
    far = messages.unwrap()
  })
  const messages = lpStream(await a.libp2p.dialProtocol(multiaddr(address), RELAY_V2_HOP_CODEC))
  const id = b.libp2p.peerId.toMultihash().bytes
  await messages.write(Uint8Array.of(8, 1, 18, id.length + 2, 10, id.length, ...id))
  await messages.read()
  return { near: messages.unwrap(), far: await waitFor(() => far, 'the other end') }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const sha256 = (chunks: Uint8Array[]): string =>
  chunks.reduce((hash, chunk) => hash.update(chunk), createHash('sha256')).digest('hex')

/** Resolves when the relay reads no more. */
async function untilStill(): Promise<void> {
  let [last, times] = [-1, 0]
  await waitFor(() => {
    const { bytes } = relay.carried
    times = bytes === last && bytes > 0 ? times + 1 : 0
    last = bytes
    return times > STILL
  }, 'the relay to stand still')
}

test('what was carried is not kept', async () => {
  await start()
  const { near, far } = await circuit()
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    let taken = 0
    to.addEventListener('message', ({ data }) => {
      taken += data.byteLength
    })
    collectGarbage()
    const before = process.memoryUsage().arrayBuffers
    for (let sent = 0; sent < 32 * MIB; sent += MIB / 8) {
      if (!from.send(randomBytes(MIB / 8)))
        await new Promise((resolve) => from.addEventListener('drain', resolve, { once: true }))
    }
    await waitFor(() => taken === 32 * MIB, 'all of it', 60_000)
    // The last pieces are let go a moment after they were taken; what is kept until the circuit ends stays.
    const isLetGo = (): boolean => {
      collectGarbage()
      return process.memoryUsage().arrayBuffers - before < 16 * MIB
    }
    await waitFor(isLetGo, 'what was carried to be let go')
  }
})

test('what one side does not take, the other cannot send; all of it arrives when it does, and the end after it', async () => {
  await start()
  const { near, far } = await circuit()
  far.pause()
  const sent = Array.from({ length: 128 }, () => randomBytes(MIB / 8))
  for (const chunk of sent) near.send(chunk)
  const closed = near.close()
  await untilStill()
  const { waiting } = relay.counts()
  // What the other side's own window took had left.
  assert.ok(relay.carried.bytes < 4 * MIB, String(relay.carried.bytes))
  assert.ok(waiting > CARRIED_AT_ONCE / 2 && waiting <= 2 * (CARRIED_AT_ONCE + RELAY_STREAM_WINDOW), String(waiting))
  const received: Uint8Array[] = []
  far.addEventListener('message', ({ data }) => received.push(data.subarray()))
  let ended = false
  far.addEventListener('remoteCloseWrite', () => {
    ended = true
  })
  far.resume()
  await waitFor(() => ended, 'the end', 60_000)
  await closed
  assert.is(sha256(received), sha256(sent))
  assert.is(relay.carried.bytes, 16 * MIB)
  await waitFor(() => relay.counts().waiting === 0, 'nothing to wait')
})

test('both directions flow at once, and one that stands still does not stop the other', async () => {
  await start()
  const { near, far } = await circuit()
  far.pause()
  near.send(randomBytes(8 * MIB))
  await untilStill()
  let received = 0
  near.addEventListener('message', ({ data }) => {
    received += data.byteLength
  })
  far.send(randomBytes(8 * MIB))
  await waitFor(() => received === 8 * MIB, 'the other direction', 60_000)
})

test('who asks for nothing that there is, or leaves in the middle of it, is refused and harms nobody', async () => {
  await start()
  const peer = await peers.start({ listen: [] })
  const ask = async (bytes: Uint8Array): Promise<Stream> => {
    const stream = await peer.libp2p.dialProtocol(multiaddr(relay.addresses()[0] as string), RELAY_V2_HOP_CODEC)
    stream.send(bytes)
    return stream
  }
  const id = peer.libp2p.peerId.toMultihash().bytes
  const connect = (to: Uint8Array): Uint8Array => Uint8Array.of(to.length + 6, 8, 1, 18, to.length + 2, 10, to.length, ...to)
  const requests = [
    Uint8Array.of(0),
    Uint8Array.of(2, 8, 9), // a type that does not exist
    Uint8Array.of(2, 8, 1), // to nobody
    Uint8Array.of(255, 255, 255, 255, 127), // a length of 32 GiB
    connect(randomBytes(38)),
    connect(id),
    ...Array.from({ length: 20 }, () => randomBytes(64)),
  ]
  for (const request of requests) {
    const answered = await ask(request)
    let answers = 0
    answered.addEventListener('message', () => answers++)
    await answered.close()
    await waitFor(() => answers > 0 || answered.status !== 'open', `an answer to ${String(request)}`)
    answered.abort(new Error('enough'))
    const left = await ask(request)
    left.abort(new Error('changed my mind'))
  }
  const { near, far } = await circuit()
  near.send(Uint8Array.of(1))
  await waitFor(() => relay.carried.bytes === 1, 'a connection through it')
  far.abort(new Error('enough'))
  await waitFor(() => relay.counts().circuits === 0, 'its end')
})

test('where all together keep too much waiting, the one that does so most is ended', async () => {
  await start({ maxBacklog: CARRIED_AT_ONCE / 4 })
  const [full, other] = [await circuit(), await circuit()]
  full.far.pause()
  full.near.send(randomBytes(8 * MIB))
  await waitFor(() => relay.counts().circuits === 1, 'the end of the full one')
  await waitFor(() => full.near.status === 'reset' && full.far.status === 'reset', 'both ends to hear of it')
  let received = 0
  other.far.addEventListener('message', ({ data }) => {
    received += data.byteLength
  })
  other.near.send(randomBytes(1_000))
  await waitFor(() => received === 1_000, 'the other one to go on')
  assert.is(relay.counts().waiting, 0)
})

test.run()
