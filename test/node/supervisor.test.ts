import '../../src/shims.node.ts'
import type { Connection, PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Supervisor } from '../../src/node/supervisor.ts'
import { settled } from '../support/virtual-clock.ts'
import { waitFor } from '../support/wait-for.ts'
import { at, FakeNet, peerId, silent } from './dht/support.ts'

const test = suite('node/supervisor')

const [self, ann, bob, eve] = (await Promise.all([1, 2, 3, 4].map(peerId))) as [PeerId, PeerId, PeerId, PeerId]
const addressOf = (peer: PeerId, port = 1): string => `/ip4/192.0.2.7/tcp/${port}/p2p/${peer}`
const info = (peer: PeerId, port?: number) => ({ id: peer, multiaddrs: [at(addressOf(peer, port))] })

/** A started supervisor of a peer that nobody is polite to; every dial succeeds. */
function setup() {
  const net = new FakeNet()
  const state = { enough: false, dialled: [] as string[] }
  const openConnection = async (to: unknown): Promise<Connection> => {
    const [address] = [to].flat() as { toString(): string }[]
    const peer = [ann, bob, eve].find((each) => String(address).includes(each.toString())) as PeerId
    state.dialled.push(peer.toString())
    return net.connect(peer, { from: addressOf(peer) })
  }
  const connectionManager = { ...net.connectionManager, openConnection } as unknown as ConnectionManager
  const components = { peerId: self, connectionManager, events: net.events, isBanned: () => false, hasEnough: () => state.enough }
  const supervisor = new Supervisor(components, silent, { tieBreak: 0, firstBackoff: 1 })
  supervisor.start()
  const dialled = async (...peers: PeerId[]): Promise<void> => {
    await waitFor(() => peers.every((peer) => state.dialled.includes(peer.toString())), 'the dials')
    await settled()
    assert.equal(new Set(state.dialled), new Set(peers.map(String)))
  }
  return { net, state, supervisor, dialled }
}

const check = (name: string, task: (here: ReturnType<typeof setup>) => Promise<void>): void =>
  void test(name, async () => {
    const here = setup()
    try {
      await task(here)
    } finally {
      here.supervisor.stop()
    }
  })

check('who is found while there are enough is not dialled, nor is it wanted', async ({ state, supervisor, dialled }) => {
  state.enough = true
  assert.is(supervisor.found(info(ann)), false)
  assert.not.ok(supervisor.isWanted(ann.toString()))
  state.enough = false
  assert.is(supervisor.found(info(bob)), true)
  await dialled(bob)
})

check('who was found while there were enough is dialled when it is found and there are not any more', async (here) => {
  const { state, supervisor, dialled } = here
  state.enough = true
  supervisor.found(info(ann))
  state.enough = false
  supervisor.found(info(ann))
  await dialled(ann)
})

check('who is near, was given to dial, or was a mate is dialled however many there are', async (here) => {
  const { net, state, supervisor, dialled } = here
  state.enough = true
  supervisor.discovered(info(ann))
  supervisor.configure(at(addressOf(bob)))
  const mate = net.connect(eve, { from: addressOf(eve) })
  supervisor.keep(eve.toString())
  net.disconnect(mate)
  await dialled(ann, bob, eve)
})

check('who was dialled before there were enough is dialled again when lost', async ({ net, state, supervisor, dialled }) => {
  supervisor.found(info(ann))
  await dialled(ann)
  state.enough = true
  state.dialled = []
  const [connection] = net.connectionManager.getConnections(ann)
  net.disconnect(connection as Connection)
  await dialled(ann)
})

test.run()
