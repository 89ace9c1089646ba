/** Strangers against real processes. HOSTILE_SECONDS=n for another length. */
import '../../src/shims.node.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stream } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { deriveRoomKeys, openRoomSecret } from '../../src/chat/room-keys.ts'
import type { Status } from '../../src/client/client.ts'
import { nativeCrypto as crypto } from '../../src/native-crypto.ts'
import { canonicalRoomName } from '../../src/room-name.ts'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { percentile, TimedCrowd } from '../support/load.ts'
import { every } from '../support/pace.ts'
import { flood, rawPeer } from '../support/raw-gossip.ts'
import { canRun } from '../support/requirements.ts'
import { assertNothingLostOrDoubled, converge } from '../support/room-checks.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('long/hostile')
const test = canRun(whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
const ROOM = 'harbour'
const DURATION = Number(process.env.HOSTILE_SECONDS ?? 40) * second
const DEADLINE = 60 * second
/** Between two messages of an honest peer. */
const PACE = 200
/** Between two connections on which nobody proves a key: ten times what a slow attacker needs. */
const HALF_OPEN_PACE = 20
/** Streams of each protocol, opened by one stranger. */
const SILENT_STREAMS = 32
/** An honest peer is let in within this time. */
const MAX_DIAL = 3 * second
const NEWCOMERS = 6
/** A flooder is cut within this time. */
const MAX_FLOOD = 10 * second

/** Everything that the honest said is held and was told, whatever happened meanwhile; answers how long deliveries took. */
async function assertUnharmed(crowd: TimedCrowd): Promise<string> {
  const ids = await crowd.acknowledged()
  await converge(crowd.peers, ROOM, ids.length, DEADLINE)
  for (const peer of crowd.peers) await assertNothingLostOrDoubled(peer, ROOM, ids)
  const [p50 = 0, p95 = 0] = [0.5, 0.95].map((p) => percentile(crowd.latencies, p))
  return `${ids.length} honest messages all delivered, p50 ${p50.toFixed(0)}, p95 ${p95.toFixed(0)} ms`
}

/** Connects and proves no key; every second one says a byte a second. */
function openHalf(address: Multiaddr, talks: boolean): Socket {
  const [, , host, , port] = address.toString().split('/')
  const socket = createConnection({ host, port: Number(port) })
  const timer = talks ? setInterval(() => socket.write(new Uint8Array(1)), second) : undefined
  socket.on('error', () => undefined).on('close', () => clearInterval(timer))
  socket.resume()
  return socket
}

/** A peer that opens all the streams it can and says nothing on them. */
async function openSilent(address: Multiaddr): Promise<{ stop(): Promise<void>; streams: number; protocols: number }> {
  const stranger = await rawPeer()
  const { remotePeer } = await stranger.dial(address)
  const known = async (): Promise<string[]> => (await stranger.peerStore.get(remotePeer)).protocols
  // One is known by having been spoken: all are once it has told them.
  const protocols = await waitFor(async () => ((await known()).length > 1 ? known() : undefined), 'its protocols')
  const streams: Stream[] = []
  for (const protocol of protocols) {
    const options = { maxOutboundStreams: SILENT_STREAMS, signal: AbortSignal.timeout(DEADLINE) }
    for (let turn = 0; turn < SILENT_STREAMS; turn++) {
      // refused above its limits, which is well
      const stream = await stranger.dialProtocol(remotePeer, protocol, options).catch(() => undefined)
      if (stream !== undefined) streams.push(stream)
    }
  }
  return { stop: async () => stranger.stop(), streams: streams.length, protocols: protocols.length }
}

/** Milliseconds that a new honest peer needs to connect. */
async function timeToConnect(target: CliPeer): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'p2pnode-newcomer-'))
  const newcomer = await CliPeer.start({ dataDir, args: [ROOM, '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0'] })
  try {
    const start = performance.now()
    await newcomer.request('connect', { address: target.ready.addresses[0] })
    return performance.now() - start
  } finally {
    await newcomer.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

test('connections and streams on which nothing is said keep no honest peer out', () =>
  TimedCrowd.with(2, ROOM, async (crowd) => {
    const [victim, friend] = crowd.peers as [CliPeer, CliPeer]
    const address = multiaddr(victim.ready.addresses[0] as string)
    const silent = await openSilent(address)
    const sockets: Socket[] = []
    const dials: number[] = []
    try {
      await Promise.all([
        every(HALF_OPEN_PACE, DURATION, async (turn) => void sockets.push(openHalf(address, turn % 2 === 0))),
        every(PACE, DURATION, async () => crowd.say(friend)),
        every(DURATION / NEWCOMERS, DURATION, async () => void dials.push(await timeToConnect(victim))),
      ])
    } finally {
      for (const socket of sockets) socket.destroy()
      await silent.stop()
    }
    const slowest = Math.max(...dials)
    const outcome = await assertUnharmed(crowd)
    console.log(
      `slowloris: ${DURATION / second} s, ${sockets.length} half-open connections, ${silent.streams} silent streams of ` +
        `${silent.protocols} protocols, ${dials.length} honest dials, slowest ${slowest.toFixed(0)} ms; ${outcome}`,
    )
    assert.ok(silent.streams >= SILENT_STREAMS, 'streams were opened')
    assert.ok(slowest < MAX_DIAL, `an honest dial took ${slowest} ms`)
  }))

/** Milliseconds that a new honest peer needs to be reachable through a relay. */
async function timeToReserve(address: Multiaddr): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'p2pnode-newcomer-'))
  const start = performance.now()
  const args = [ROOM, '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--relay', address.toString()]
  const newcomer = await CliPeer.start({ dataDir, args })
  const ready = performance.now() - start
  try {
    const reserved = async (): Promise<boolean> => (await newcomer.request<Status>('status')).relays[0]?.reserved === true
    await waitFor(reserved, 'a reservation', DEADLINE)
    return performance.now() - start - ready
  } finally {
    await newcomer.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

test('connections and streams on which nothing is said keep no honest peer from a relay', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'p2pnode-relay-'))
  const relay = await CliPeer.start({ dataDir, command: 'relay', args: ['--listen', '/ip4/127.0.0.1/tcp/0'] })
  const address = multiaddr(relay.ready.addresses[0] as string)
  const silent = await openSilent(address)
  const sockets: Socket[] = []
  const waits: number[] = []
  try {
    await Promise.all([
      every(HALF_OPEN_PACE, DURATION, async (turn) => void sockets.push(openHalf(address, turn % 2 === 0))),
      every(DURATION / NEWCOMERS, DURATION, async () => void waits.push(await timeToReserve(address))),
    ])
  } finally {
    for (const socket of sockets) socket.destroy()
    await silent.stop()
    await relay.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
  const slowest = Math.max(...waits)
  console.log(
    `relay: ${DURATION / second} s, ${sockets.length} half-open connections, ${silent.streams} silent streams of ` +
      `${silent.protocols} protocols, ${waits.length} honest peers, the slowest reachable after ${slowest.toFixed(0)} ms`,
  )
  assert.ok(silent.streams >= SILENT_STREAMS, 'streams were opened')
  assert.ok(slowest < MAX_DIAL, `an honest peer had its place after ${slowest} ms`)
})

/** One identity's flood of a room, until it is cut; milliseconds. */
async function floodOnce(topic: string, addresses: Multiaddr[]): Promise<number> {
  const flooder = await rawPeer()
  try {
    const { pubsub } = flooder.services
    pubsub.subscribe(topic)
    for (const address of addresses) await flooder.dial(address)
    await waitFor(() => pubsub.getSubscribers(topic).length === addresses.length, 'the flooder to meet all')
    const start = performance.now()
    let over = false
    const flooding = flood(pubsub, topic, () => over)
    await waitFor(() => flooder.getConnections().length === 0, 'the flooder to be cut', DEADLINE)
    const lasted = performance.now() - start
    over = true
    await flooding
    return lasted
  } finally {
    await flooder.stop()
  }
}

test('a flooder at 1,000 messages a second, under one new name after the other, harms nobody', () =>
  TimedCrowd.with(3, ROOM, async (crowd) => {
    const { topic } = deriveRoomKeys('open', openRoomSecret(canonicalRoomName(ROOM), crypto), crypto)
    const addresses = crowd.peers.map(({ ready }) => multiaddr(ready.addresses[0] as string))
    const lasted: number[] = []
    const end = performance.now() + DURATION
    const floods = async (): Promise<void> => {
      while (performance.now() < end) lasted.push(await floodOnce(topic, addresses))
    }
    await Promise.all([floods(), ...crowd.peers.map((peer) => every(PACE, DURATION, async () => crowd.say(peer)))])
    const outcome = await assertUnharmed(crowd)
    const longest = Math.max(...lasted)
    console.log(
      `flood: ${DURATION / second} s, ${lasted.length} identities, each cut by all, the last after ${longest.toFixed(0)} ms; ${outcome}`,
    )
    assert.ok(longest < MAX_FLOOD, `a flooder was cut after ${longest} ms`)
    for (const peer of crowd.peers) {
      const lost = peer.events('peer').filter(({ change, peerId }) => change === 'disconnected' && crowd.has(peerId))
      assert.equal(lost, [], 'honest peers stay connected with each other')
    }
  }))

suiteOf.run()
