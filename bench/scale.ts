/**
 * `npm run scale [peers]`: what a relay needs for many guests. One relay as a process, and in this one as many real peers as asked
 * for, each from an address of its own, with a reservation, registered in a room of ten, whose members then connect through it.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import '../src/shims.node.ts'
import { tcp } from '@libp2p/tcp'
import { randomBytes } from '@noble/hashes/utils.js'
import type { RelayStatus } from '../bootstrap/relay.ts'
import { streamConnection } from '../src/cli/stream-connection.ts'
import { RpcClient } from '../src/client/rpc-client.ts'
import { createPeer, type Peer } from '../src/node/index.ts'
import { p2pnode } from './command.ts'

const PEERS = Number(process.argv[2] ?? 1_000)
const STEP = 250
const ROOM_SIZE = 10
/** Peers that are being started at once. */
const WIDTH = 20
/** Milliseconds. */
const IDLE = 60_000
const PATIENCE = 120_000
const MB = 1e6
/** USER_HZ of Linux. */
const TICKS = 100

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Seconds of CPU, and bytes. */
function usageOf(pid: number): { cpu: number; rss: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  const rss = 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  return { cpu: ((user ?? 0) + (system ?? 0)) / TICKS, rss }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await sleep(50)
  }
}

/** One of many machines: whoever shares a /24 shares a quota. */
async function guest(index: number, relay: string): Promise<Peer> {
  const localAddress = `127.${1 + (index >> 14)}.${(index >> 6) & 255}.${1 + (index & 63)}`
  const peer = await createPeer({
    seed: randomBytes(32),
    listen: [],
    mdns: false,
    relays: [relay],
    transports: [tcp({ dialOpts: { localAddress } as object })],
  })
  peer.meet([
    `p2pnode/${Math.floor(index / ROOM_SIZE)
      .toString(16)
      .padStart(32, '0')}`,
  ])
  await peer.start()
  return peer
}

const dir = mkdtempSync(join(tmpdir(), 'p2pnode-scale-'))
const [program = '', ...words] = p2pnode('relay', '--json', '--listen', '/ip4/127.0.0.1/tcp/0', '--data-dir', dir)
const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] })
const client = new RpcClient(streamConnection(child.stdout, child.stdin))
const peers: Peer[] = []
try {
  const { addresses } = await client.ready
  const [relay = ''] = addresses
  const pid = child.pid ?? 0
  const status = async (): Promise<RelayStatus> => (await client.status()) as unknown as RelayStatus
  let before = usageOf(pid)
  console.log(`| guests | RSS | CPU to take them in, each | reservations | registrations |\n| --- | --- | --- | --- | --- |`)
  console.log(`| 0 | ${(before.rss / MB).toFixed(0)} MB | | 0 | 0 |`)
  for (let count = STEP; count <= PEERS; count += STEP) {
    while (peers.length < count) {
      const some = Array.from({ length: Math.min(WIDTH, count - peers.length) }, (_, i) => guest(peers.length + i, relay))
      peers.push(...(await Promise.all(some)))
    }
    await until(() => peers.every((peer) => peer.relays()[0]?.reserved === true), 'reservations')
    await until(() => peers.every((peer) => peer.relays()[0]?.registered === 1), 'registrations')
    const { reservations, registrations } = await status()
    const after = usageOf(pid)
    const names = registrations.reduce((sum, each) => sum + each.names.length, 0)
    const each = ((1000 * (after.cpu - before.cpu)) / STEP).toFixed(1)
    console.log(`| ${count} | ${(after.rss / MB).toFixed(0)} MB | ${each} ms | ${reservations} | ${names} |`)
    before = usageOf(pid)
  }
  await sleep(IDLE)
  const idle = usageOf(pid)
  const percent = (100 * (idle.cpu - before.cpu)) / (IDLE / 1000)
  const { connections, carried } = await status()
  console.log(
    `\nidle: ${percent.toFixed(1)} % of a core with ${peers.length} guests, ${connections} connections, RSS ${(idle.rss / MB).toFixed(0)} MB`,
  )
  console.log(`through it since the start: ${carried.circuits} circuits, ${(carried.bytes / MB).toFixed(1)} MB`)
} finally {
  await Promise.all(peers.map((peer) => peer.stop()))
  child.kill('SIGKILL')
  await client.closed
  rmSync(dir, { recursive: true, force: true })
}
process.exit(0)
