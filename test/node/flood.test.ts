import '../../src/shims.node.ts'
import { multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { addressOf, listenIn, mates, Peers, pubsubOf, say } from '../support/peers.ts'
import { flood, rawPeer } from '../support/raw-gossip.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('node/flood')
const peers = new Peers()
test.after.each(() => peers.close())

test('cuts a flooder of rejected messages within ten seconds and refuses it, while honest messages arrive', async () => {
  const [a, b] = [await peers.start(), await peers.start()]
  const [heardA, heardB] = [listenIn(a, 'room'), listenIn(b, 'room')]
  await a.connect(addressOf(b))
  await mates(a, b, 'room')
  const flooder = await rawPeer()
  try {
    const { pubsub } = flooder.services
    pubsub.subscribe('room')
    const targets = [multiaddr(addressOf(a)), multiaddr(addressOf(b))]
    for (const target of targets) await flooder.dial(target)
    await waitFor(() => pubsub.getSubscribers('room').length === 2, 'the flooder to meet both')
    const warnings: string[] = []
    for (const peer of [a, b]) peer.addEventListener('warning', ({ detail }) => warnings.push(detail.code))
    let over = false
    const flooding = flood(pubsub, 'room', () => over)
    let said = 0
    const cut = () => flooder.getConnections().length === 0
    while (!cut() && said < 100) {
      await say(a, 'room', `honest ${said}`)
      await say(b, 'room', `honest too ${said++}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.ok(cut(), 'the flooder is cut by both within ten seconds')
    over = true
    await flooding
    assert.equal(warnings, ['FLOODER', 'FLOODER'])
    await waitFor(() => heardA.length === said && heardB.length === said, 'every honest message')
    assert.not.ok([...heardA, ...heardB].some((words) => words.startsWith('junk')))
    // The dial itself may succeed on the flooder's side, before the refusal arrives.
    await Promise.allSettled(targets.map((target) => flooder.dial(target)))
    await waitFor(cut, 'the flooder to be refused')
    assert.equal([a.peers().length, b.peers().length], [1, 1])
  } finally {
    await flooder.stop()
  }
})

test('holds nothing against a mate from before a room was left', async () => {
  const [a, b] = [await peers.start(), await peers.start()]
  const heard = listenIn(a, 'room')
  listenIn(b, 'room')
  await a.connect(addressOf(b))
  await mates(a, b, 'room')
  for (let n = 0; n < 12; n++) await say(b, 'room', `junk ${n}`)
  await waitFor(() => pubsubOf(a).getScore(b.peerId) < -20, 'the score to show it')
  pubsubOf(a).unsubscribe('room')
  pubsubOf(a).subscribe('room')
  await waitFor(() => pubsubOf(a).getScore(b.peerId) === 0, 'a clean slate', 5_000)
  await mates(a, b, 'room')
  await say(b, 'room', 'welcome back')
  await waitFor(() => heard.includes('welcome back'), 'a message after the return')
})

test('takes a few rejected messages from a mate without cutting it', async () => {
  const [a, b] = [await peers.start(), await peers.start()]
  const heard = listenIn(a, 'room')
  listenIn(b, 'room')
  await a.connect(addressOf(b))
  await mates(a, b, 'room')
  for (let n = 0; n < 5; n++) await say(b, 'room', `junk ${n}`)
  await say(b, 'room', 'sorry')
  await waitFor(() => heard.includes('sorry'), 'the message after them')
  await waitFor(() => pubsubOf(a).getScore(b.peerId) < 0, 'the score to show it')
  assert.is(a.peers().length, 1)
})

test.run()
