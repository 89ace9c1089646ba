import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { canRun } from '../support/requirements.ts'
import { assertNothingLostOrDoubled, converge } from '../support/room-checks.ts'

const suiteOf = suite('system/crowd')
const test = canRun(whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
const ROOM = 'harbour'
const PEERS = Number(process.env.P2PNODE_CROWD ?? 40)
/** Peers that start at once: each costs a core for a moment. */
const WIDTH = 4
const MESSAGES = 3

test(`${PEERS} peers on one address have one history`, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'p2pnode-crowd-'))
  const peers: CliPeer[] = []
  const start = (args: string[]): Promise<CliPeer> =>
    CliPeer.start({
      dataDir: join(dir, randomUUID()),
      args: [ROOM, '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', ...args],
    })
  try {
    const first = await start([])
    peers.push(first)
    const door = `${first.ready.addresses[0]?.replace(/\/p2p\/.*$/, '')}/p2p/${first.ready.peerId}`
    while (peers.length < PEERS) {
      const more = Math.min(WIDTH, PEERS - peers.length)
      peers.push(...(await Promise.all(Array.from({ length: more }, () => start(['--connect', door])))))
    }
    const ids: string[] = []
    for (const [index, peer] of peers.entries()) {
      for (let turn = 0; turn < MESSAGES; turn++) ids.push((await peer.send(ROOM, `message ${turn} of peer ${index}`)).id)
    }
    await converge(peers, ROOM, ids.length, 90 * second)
    for (const peer of peers) await assertNothingLostOrDoubled(peer, ROOM, ids)
    assert.equal(
      await Promise.all(peers.map((peer) => peer.stop())),
      peers.map(() => 0),
    )
  } finally {
    await Promise.all(peers.map((peer) => peer.kill()))
    rmSync(dir, { recursive: true, force: true })
  }
})

suiteOf.run()
