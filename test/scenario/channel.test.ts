import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Libp2pNetwork, type NetworkComponents } from '../../src/chat/libp2p-network.ts'
import type { Channel } from '../../src/chat/seams.ts'
import type { Peer } from '../../src/node/index.ts'
import { addressOf, connected, Peers } from '../support/peers.ts'

const test = suite('scenario/channel')
const PROTOCOL = '/test/channel/1.0.0'
const MESSAGE = 200_000
const COUNT = 260
/** Read as fast as they come: the stream's window grows with that. */
const QUICK = 200

const peers = new Peers()
test.after.each(() => peers.close())

async function onNetwork(): Promise<{ peer: Peer; network: Libp2pNetwork }> {
  let network: Libp2pNetwork | undefined
  const chat = (components: unknown): object => {
    network = new Libp2pNetwork(components as NetworkComponents)
    return {}
  }
  const peer = await peers.start({ services: { chat } })
  if (network === undefined) throw new Error('no network')
  return { peer, network }
}

/** Lets timers and sockets have their turn, often enough for everything under way to arrive. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('a reader that is slower than the sender gets every message, in order', async () => {
  const [near, far] = [await onNetwork(), await onNetwork()]
  await near.peer.connect(addressOf(far.peer))
  await connected(near.peer, far.peer)
  const accepted = new Promise<Channel>((resolve) => {
    void far.network.handle(PROTOCOL, async (channel) => resolve(channel))
  })
  const out = await near.network.open(far.network.self, PROTOCOL)
  const sending = (async () => {
    for (let i = 0; i < COUNT; i++) await out.send(new Uint8Array(MESSAGE).fill(i))
    await out.close()
  })()
  const channel = await accepted
  const firsts: number[] = []
  for (let message = await channel.receive(); message !== undefined; message = await channel.receive()) {
    assert.is(message.length, MESSAGE)
    firsts.push(message[0] as number)
    if (firsts.length > QUICK) await turns(1000)
  }
  await sending
  assert.equal(
    firsts,
    Array.from({ length: COUNT }, (_, i) => i % 256),
  )
})

test.run()
