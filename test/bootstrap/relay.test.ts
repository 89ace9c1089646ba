import '../../src/shims.node.ts'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type RelayProcess, type StartRelayInit, startRelay } from '../../bootstrap/relay.ts'
import { formatRelayStatus } from '../../src/cli/format-relay.ts'
import { componentLogger, createLog } from '../../src/cli/log.ts'
import type { Level } from '../../src/cli/options.ts'
import { RECORD_TTL } from '../../src/node/dht/constants.ts'
import type { Peer } from '../../src/node/index.ts'
import { Peers } from '../support/peers.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('bootstrap/relay')

let dir = ''
let running: RelayProcess[] = []
const peers = new Peers()
test.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'p2pnode-bootstrap-'))
})
test.after.each(async () => {
  await peers.close()
  await Promise.all(running.map((relay) => relay.stop()))
  running = []
  rmSync(dir, { recursive: true, force: true })
})

async function start(init: Partial<StartRelayInit> = {}): Promise<RelayProcess> {
  const relay = await startRelay({ dataDir: dir, listen: ['/ip4/127.0.0.1/tcp/0'], version: '1.2.3', ...init })
  running.push(relay)
  return relay
}

/** Two who can be reached through the relay only, and are connected. */
async function couple(relay: RelayProcess): Promise<[Peer, Peer]> {
  const [address] = relay.addresses()
  const [a, b] = await Promise.all([0, 1].map(() => peers.start({ listen: [], relays: [address as string] })))
  if (a === undefined || b === undefined) throw new Error('no peers')
  await waitFor(() => [a, b].every((peer) => peer.relays()[0]?.reserved), 'both reservations')
  await a.connect(b.addresses()[0] ?? '')
  return [a, b]
}

async function scrape({ metricsPort }: RelayProcess, path = '/metrics'): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${metricsPort}${path}`)).text()
}

function numberOf(text: string, figure: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${figure} `))
  return Number(line?.slice(figure.length))
}

test('its figures say how much there is, and of nobody who it is', async () => {
  const relay = await start({ metrics: 0 })
  const [a, b] = await couple(relay)
  const text = await scrape(relay)
  for (const [figure, value] of [
    ['p2pnode_relay_connections', 2],
    ['p2pnode_relay_connections_max', 4_096],
    ['p2pnode_relay_reservations', 2],
    ['p2pnode_relay_reservations_max', 1_024],
    ['p2pnode_relay_reservations_refused_total{reason="full"}', 0],
    ['p2pnode_relay_reservations_refused_total{reason="network"}', 0],
    ['p2pnode_relay_circuits', 1],
    ['p2pnode_relay_circuits_total', 1],
    [`p2pnode_relay_build_info{version="1.2.3",node="${process.version}"}`, 1],
  ] as const) {
    assert.is(numberOf(text, figure), value, figure)
  }
  for (const figure of [
    'p2pnode_relay_carried_bytes_total',
    'p2pnode_relay_uptime_seconds',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
    'process_cpu_seconds_total',
    'nodejs_heap_size_used_bytes',
    'nodejs_heap_size_total_bytes',
  ]) {
    assert.ok(numberOf(text, figure) > 0, figure)
  }
  for (const figure of ['nodejs_eventloop_lag_mean_seconds', 'nodejs_eventloop_lag_max_seconds']) {
    assert.ok(numberOf(text, figure) >= 0, figure)
  }
  for (const secret of [a.peerId, b.peerId, (await relay.status()).peerId, '127.0.0.1', '/ip4/']) assert.not.match(text, secret)
})

test('its figures say how many want to be found, under how many names, and not which', async () => {
  const relay = await start({ metrics: 0 })
  const [address = ''] = relay.addresses()
  const peer = await peers.start({ listen: [], relays: [address] })
  await waitFor(() => peer.relays()[0]?.reserved, 'the reservation')
  peer.meet(['p2pnode/anemone', 'p2pnode/borage'])
  await waitFor(async () => numberOf(await scrape(relay), 'p2pnode_rendezvous_registrations') === 2, 'the registrations')
  const text = await scrape(relay)
  assert.is(numberOf(text, 'p2pnode_rendezvous_peers'), 1)
  assert.ok(numberOf(text, 'p2pnode_rendezvous_served_total') >= 2)
  assert.is(numberOf(text, 'p2pnode_rendezvous_malformed_total'), 0)
  assert.not.match(text, /anemone|borage/)
})

test('a relay that keeps has figures of that, and another has none', async () => {
  assert.not.match(await scrape(await start({ metrics: 0 })), /keeper/)
  const text = await scrape(
    await start({ dataDir: join(dir, 'keeper'), metrics: 0, keep: { open: true, quotas: { totalBytes: 1_000 } } }),
  )
  assert.is(numberOf(text, 'p2pnode_keeper_rooms'), 0)
  assert.is(numberOf(text, 'p2pnode_keeper_bytes'), 0)
  assert.is(numberOf(text, 'p2pnode_keeper_bytes_max'), 1_000)
  assert.is(numberOf(text, 'p2pnode_keeper_refused_total{reason="not_allowed"}'), 0)
})

test('every figure has a name that Prometheus takes, and help; a name stands in one place', async () => {
  const text = await scrape(await start({ metrics: 0, keep: { open: true } }))
  const named = text.split('\n').filter((line) => line.startsWith('# TYPE '))
  assert.ok(named.length > 15)
  const names = named.map((line) => /^# TYPE ([a-z0-9_]+) (gauge|counter)$/.exec(line)?.[1] ?? `malformed: ${line}`)
  assert.is(new Set(names).size, names.length)
  for (const [at, name] of names.entries()) {
    assert.match(text, new RegExp(`^# HELP ${name} \\S`, 'm'))
    assert.is(named[at]?.endsWith(' counter'), name.endsWith('_total'), name)
  }
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  for (const line of samples) assert.match(line, /^[a-z0-9_]+(\{[a-z_]+="[^"]*"(,[a-z]+="[^"]*")*\})? \d+(\.\d+)?(e[+-]\d+)?$/)
})

test('what the DHT tells it of a peer is in its status, also when that has gone', async () => {
  const relay = await start()
  const namespace = 'p2pnode/anemone'
  const peer = await peers.start({ relays: relay.addresses() })
  peer.meet([namespace])
  await waitFor(async () => (await relay.status()).dht.records.length > 0, 'the record')
  const [address] = peer.addresses()
  await peer.stop()
  await waitFor(async () => (await relay.status()).connections === 0, 'the peer to be gone')
  const status = await relay.status()
  const { records } = status.dht
  const hash = createHash('sha256').update(namespace).digest('hex')
  assert.equal(
    records.map(({ peerId, hashes }) => [peerId, hashes.map((each) => each.hash)]),
    [[peer.peerId, [hash]]],
  )
  assert.ok(
    records[0]?.addresses.some((each) => address?.startsWith(`${each}/`)),
    `${records[0]?.addresses}`,
  )
  const expires = Date.parse(records[0]?.hashes[0]?.expires ?? '')
  assert.ok(expires > Date.now() && expires <= Date.now() + RECORD_TTL)
  const text = formatRelayStatus(status).join('\n')
  for (const each of [peer.peerId, `under ${hash} until `, ...(records[0]?.addresses ?? [])]) assert.match(text, each)
})

test('the servers of the DHT that it has heard of are in its status', async () => {
  const relay = await start()
  const [address = ''] = relay.addresses()
  const server = await peers.start({ relays: [address] })
  const dialler = await peers.start()
  await dialler.connect(server.addresses()[0] ?? '')
  const { servers } = await waitFor(async () => {
    const { dht } = await relay.status()
    return dht.servers.length > 0 ? dht : undefined
  }, 'a server to be known')
  assert.is(servers[0]?.peerId, server.peerId)
  assert.ok((servers[0]?.addresses.length ?? 0) > 0)
  assert.match(formatRelayStatus(await relay.status()).join('\n'), `${server.peerId} is a server of the DHT`)
})

test('it is well while it listens, and ill once it does not', async () => {
  const relay = await start({ metrics: 0 })
  assert.is(await scrape(relay, '/healthz'), 'ok\n')
  await relay.stop()
  assert.is(relay.problem(), 'it does not listen')
  assert.is(await scrape(relay, '/healthz').catch((error: Error) => error.message), 'fetch failed')
})

test('without --metrics nothing is served, and with a taken port nothing is left open', async () => {
  const first = await start({ metrics: 0 })
  const dataDir = join(dir, 'second')
  try {
    await start({ dataDir, metrics: first.metricsPort })
    assert.unreachable('the port was taken twice')
  } catch (error) {
    assert.match((error as Error).message, /^cannot serve metrics on 127\.0\.0\.1:\d+: address already in use/)
  }
  // The store is free again.
  assert.is((await start({ dataDir })).metricsPort, undefined)
})

test('is the same relay at every start', async () => {
  const first = await start()
  await first.stop()
  assert.is((await (await start()).status()).peerId, (await first.status()).peerId)
})

async function logged(level: Level): Promise<{ lines: string[]; secrets: string[] }> {
  const lines: string[] = []
  const log = createLog({ level, nameless: true, stream: { write: (line) => void lines.push(line) } })
  const relay = await start({ log, logger: componentLogger(log, 'debug') })
  const [a, b] = await couple(relay)
  const { peers: known } = await relay.status()
  const ports = known.flatMap(({ remote }) => remote.map((address) => /\/tcp\/\d+/.exec(address)?.[0] ?? ''))
  assert.is(ports.length, 2)
  // What goes wrong is where libp2p names people.
  const [address] = relay.addresses()
  await a.libp2p.dialProtocol(multiaddr(address ?? ''), '/nothing').catch(() => undefined)
  await Promise.all([a.stop(), b.stop()])
  await waitFor(async () => (await relay.status()).connections === 0, 'both to be gone')
  await relay.stop()
  return { lines, secrets: [a.peerId, b.peerId, ...ports] }
}

test('at info it logs that it started, where, and names none of those who come', async () => {
  const { lines, secrets } = await logged('info')
  assert.equal(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ['started'],
  )
  const started = JSON.parse(lines[0] ?? '') as { addresses: string[]; reach: string; version: string }
  assert.match(started.addresses[0] ?? '', /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3/)
  assert.equal([started.reach, started.version], ['machine', '1.2.3'])
  for (const secret of secrets) assert.not.match(lines.join(''), secret)
})

test('at trace it says all of it, for whoever looks for a fault', async () => {
  const { lines, secrets } = await logged('trace')
  for (const secret of secrets) assert.match(lines.join(''), secret)
})

test.run()
