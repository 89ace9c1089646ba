/** What a relay knows, for people. */
import type { RelayStatus } from '../../bootstrap/status.ts'
import { table } from '../view/format.ts'
import { oneLine } from '../view/sanitize.ts'

const LONGEST = 200
const KIB = 1024

/** Bytes as people say them. */
function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  for (; value >= KIB && unit < units.length - 1; unit++) value /= KIB
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

export function formatRelayStatus({ peers, circuits, registrations, kept, dht, omitted = {}, ...status }: RelayStatus): string[] {
  const { version, peerId, addresses, since, connections, reservations, carried } = status
  return [
    ...table([
      ['version', version],
      ['peer id', peerId],
      ['since', since],
      ...addresses.map((address, at) => [at === 0 ? 'listening' : '', address]),
      ['connections', String(connections)],
      ['reservations', String(reservations)],
      ['DHT', `${dht.servers.length} other servers known, ${dht.records.flatMap(({ hashes }) => hashes).length} records kept`],
      ['carried', `${sizeOf(carried.bytes)} in ${carried.circuits} connections between peers`],
    ]),
    '',
    'What it knows of the people who use it, and nothing else:',
    ...(peers.length === 0 ? ['  nobody is here'] : peers.flatMap(peerLines)),
    ...registrations.flatMap(({ peerId, addresses, names }) => [
      `  ${peerId} wants to be found:`,
      ...addresses.map(atLine),
      ...names.map(({ name, expires }) => `    under ${oneLine(name, LONGEST)} until ${expires}`),
    ]),
    ...(kept?.rooms ?? []).flatMap(keptLines),
    ...dht.servers.flatMap(({ peerId, addresses }) => [`  ${peerId} is a server of the DHT:`, ...addresses.map(atLine)]),
    ...dht.records.flatMap(({ peerId, addresses, hashes }) => [
      `  ${peerId} can be found in the DHT:`,
      ...addresses.map(atLine),
      ...hashes.map(({ hash, expires }) => `    under ${oneLine(hash, LONGEST)} until ${expires}`),
    ]),
    ...circuits.map(
      ({ from, to, since, bytes }) => `  ${from} is connected with ${to} through here since ${since}, ${sizeOf(bytes)}`,
    ),
    ...Object.entries(omitted).map(([list, count]) => `  … and ${count} more in ${list}, for which there is no room here`),
  ]
}

const atLine = (address: string): string => `    at ${oneLine(address, LONGEST)}`

function peerLines({ peerId, remote, told, since, reserved }: RelayStatus['peers'][number]): string[] {
  const agent = told.agent === undefined ? '' : `, runs ${oneLine(told.agent, LONGEST)}`
  return [
    `  ${peerId} since ${since}${reserved === undefined ? '' : `, can be reached through here until ${reserved}`}${agent}`,
    ...remote.map((address) => `    comes from ${oneLine(address, LONGEST)}`),
    ...told.addresses.map((address) => `    says it is at ${oneLine(address, LONGEST)}`),
  ]
}

const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString()

function keptLines({
  id,
  events,
  bytes,
  since,
  until,
  peer,
  network,
}: NonNullable<RelayStatus['kept']>['rooms'][number]): string[] {
  return [
    `  keeps ${events} events (${sizeOf(bytes)}) of a room that it knows as ${id}, since ${timeOf(since)}, until ${timeOf(until)}`,
    `    asked for first by ${peer} from ${network}`,
  ]
}
