/** What `/metrics` tells, one line a figure. Names that every Node program has are those that ready-made dashboards know. */
import { Refusal } from '../src/chat/keep-codec.ts'
import type { RelayCounts } from '../src/node/relay/server.ts'
import type { RendezvousFigures } from '../src/node/rendezvous/index.ts'
import { maxDescriptors, openDescriptors } from './descriptors.ts'
import { counter, type Figure, gauge } from './exposition.ts'
import type { KeeperStatus } from './keeper/index.ts'
import type { LoopDelay } from './loop-delay.ts'

export function relayFigures(counts: () => RelayCounts): Figure[] {
  const refused = 'Reservations that were refused: every place was taken, or every place for one network.'
  return [
    gauge('p2pnode_relay_connections', 'Open connections, both directions.', () => counts().connections),
    gauge('p2pnode_relay_connections_max', 'Connections at which newcomers are refused.', () => counts().maxConnections),
    gauge('p2pnode_relay_reservations', 'Peers that others can reach through this relay.', () => counts().reservations),
    gauge('p2pnode_relay_reservations_max', 'Reservations at which no more are given.', () => counts().maxReservations),
    counter('p2pnode_relay_reservations_refused_total', refused, () => counts().refused.full, { reason: 'full' }),
    counter('p2pnode_relay_reservations_refused_total', refused, () => counts().refused.network, { reason: 'network' }),
    gauge('p2pnode_relay_circuits', 'Open connections between two peers through this relay.', () => counts().circuits),
    gauge('p2pnode_relay_waiting_bytes', 'Bytes that came and that the other side has not taken.', () => counts().waiting),
    counter('p2pnode_relay_circuits_total', 'Connections made through this relay.', () => counts().carried.circuits),
    counter('p2pnode_relay_carried_bytes_total', 'Bytes carried between peers, both ways.', () => counts().carried.bytes),
  ]
}

export function rendezvousFigures(figures: () => RendezvousFigures): Figure[] {
  return [
    gauge('p2pnode_rendezvous_peers', 'Peers that want to be found.', () => figures().peers),
    gauge('p2pnode_rendezvous_registrations', 'Names under which they want to be.', () => figures().registrations),
    counter('p2pnode_rendezvous_served_total', 'Requests that were granted.', () => figures().served),
    counter('p2pnode_rendezvous_refused_total', 'Requests that were refused.', () => figures().refused),
    counter('p2pnode_rendezvous_malformed_total', 'Streams that were cut for what they sent.', () => figures().malformed),
  ]
}

/** Of a relay that keeps; `status` is undefined before it does and after. */
export function keeperFigures(status: () => KeeperStatus | undefined): Figure[] {
  const reasons = Object.keys(Refusal) as (keyof typeof Refusal)[]
  const refused = (reason: keyof typeof Refusal): Figure =>
    counter('p2pnode_keeper_refused_total', 'Requests that were refused.', () => status()?.refused[reason] ?? 0, {
      reason: reason.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    })
  return [
    gauge('p2pnode_keeper_rooms', 'Rooms that are kept for.', () => status()?.rooms.length ?? 0),
    gauge('p2pnode_keeper_bytes', 'What is kept, as the quotas count it.', () => status()?.bytes ?? 0),
    gauge(
      'p2pnode_keeper_bytes_max',
      'Bytes at which what was used least recently goes.',
      () => status()?.quotas.totalBytes ?? 0,
    ),
    gauge('p2pnode_keeper_visits', 'Visits under way.', () => status()?.visits ?? 0),
    counter('p2pnode_keeper_rejected_total', 'Streams that broke the rules.', () => status()?.rejected ?? 0),
    ...reasons.map(refused),
  ]
}

export function processFigures(version: string, loop: LoopDelay): Figure[] {
  const build = { version, node: process.version }
  return [
    gauge('p2pnode_relay_build_info', 'Always 1; the labels say what runs.', () => 1, build),
    gauge('p2pnode_relay_uptime_seconds', 'Time since the start.', () => process.uptime()),
    gauge('process_start_time_seconds', 'When the process began, since 1970.', () => performance.timeOrigin / 1_000),
    counter('process_cpu_seconds_total', 'Processor time used.', cpuSeconds),
    gauge('process_resident_memory_bytes', 'Memory that the process occupies.', () => process.memoryUsage.rss()),
    gauge('nodejs_heap_size_used_bytes', "What of V8's heap is in use.", () => process.memoryUsage().heapUsed),
    gauge('nodejs_heap_size_total_bytes', "V8's heap.", () => process.memoryUsage().heapTotal),
    gauge('nodejs_eventloop_lag_mean_seconds', 'How late it comes to its work, on average over ten seconds.', () => loop.mean),
    gauge('nodejs_eventloop_lag_max_seconds', 'How late it came to its work at worst in ten seconds.', () => loop.max),
    ...descriptorFigures(),
  ]
}

function descriptorFigures(): Figure[] {
  if (openDescriptors() === undefined || maxDescriptors() === undefined) return []
  return [
    gauge('process_open_fds', 'Open file descriptors.', () => openDescriptors() ?? Number.NaN),
    gauge('process_max_fds', 'File descriptors that may be open.', () => maxDescriptors() ?? Number.NaN),
  ]
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
