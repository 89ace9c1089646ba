import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ChaosNet } from '../support/chaos-net.ts'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { whyNoNamespaces } from '../support/namespaces.ts'
import { every } from '../support/pace.ts'
import { canRun } from '../support/requirements.ts'
import { assertNothingLostOrDoubled, converge } from '../support/room-checks.ts'

const suiteOf = suite('system/partition')
const test = canRun(whyNoNamespaces(), whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
const ROOM = 'harbour'
const PEERS = 5
const PARTITION = 20 * second
/** From the heal to one digest everywhere. */
const HEAL_DEADLINE = 15 * second
/** Between two messages of one peer. */
const PACE = 500

/** Peers on a switch, all joined to one room and all connected with each other. */
async function withPeers(work: (net: ChaosNet, peers: CliPeer[]) => Promise<void>): Promise<void> {
  const net = await ChaosNet.create(PEERS, 4711)
  const peers: CliPeer[] = []
  try {
    for (const space of net.spaces) peers.push(await CliPeer.start({ space, dataDir: join(space.home, 'data'), args: [ROOM] }))
    for (const peer of peers) {
      for (const other of peers) if (other !== peer) await peer.untilConnected(other)
    }
    await work(net, peers)
    for (const peer of peers) assert.equal(peer.strayLines, [])
    assert.equal(
      await Promise.all(peers.map((peer) => peer.stop())),
      peers.map(() => 0),
    )
  } finally {
    await Promise.all(peers.map((peer) => peer.kill()))
    await net.destroy()
  }
}

/** Every peer writes at a pace for a while. Answers the acknowledged ids. */
async function writeAll(peers: readonly CliPeer[], duration: number): Promise<string[]> {
  const ids: string[] = []
  const write = async (peer: CliPeer, index: number): Promise<void> => {
    await every(PACE, duration, async (turn) => {
      ids.push((await peer.send(ROOM, `message ${turn} of peer ${index}`)).id)
    })
  }
  await Promise.all(peers.map(write))
  return ids
}

test('five peers that wrote through a partition have one history soon after it heals', () =>
  withPeers(async (net, peers) => {
    const before = await writeAll(peers, 2 * second)
    await converge(peers, ROOM, before.length, HEAL_DEADLINE)
    await net.partition([0, 1], [2, 3, 4])
    const during = await writeAll(peers, PARTITION)
    const apart = await Promise.all(peers.map((peer) => peer.digest(ROOM)))
    assert.ok(apart[0]?.digest !== apart[4]?.digest, 'the partition kept the two sides apart')
    await net.heal()
    await converge(peers, ROOM, before.length + during.length, HEAL_DEADLINE)
    for (const peer of peers) await assertNothingLostOrDoubled(peer, ROOM, [...before, ...during])
  }))

test('nothing is lost or doubled where every link loses a fifth of its frames each way', () =>
  withPeers(async (net, peers) => {
    await net.link({ loss: 0.2, delay: 20, jitter: 5, duplicate: 0.05, reorder: 0.1 })
    const ids = await writeAll(peers, PARTITION)
    await converge(peers, ROOM, ids.length, 60 * second)
    for (const peer of peers) await assertNothingLostOrDoubled(peer, ROOM, ids)
  }))

suiteOf.run()
