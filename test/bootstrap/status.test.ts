import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { QUOTAS } from '../../bootstrap/keeper/constants.ts'
import type { KeeperStatus } from '../../bootstrap/keeper/index.ts'
import { type RelayStatus, statusOf } from '../../bootstrap/status.ts'
import { formatRelayStatus } from '../../src/cli/format-relay.ts'
import { MAX_LINE } from '../../src/client/lines.ts'
import type { Relay } from '../../src/node/relay/server.ts'

const test = suite('bootstrap/status')

const ADDRESSES = ['/ip4/203.0.113.7/tcp/4747', '/ip6/2001:db8::203:113:7/tcp/4747']
const since = new Date(0)
const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))
const peerIdOf = (at: number): string => `12D3KooW${String(at).padStart(44, 'x')}`

/** A relay of which so many entries are in each list. */
function relayWith(count: number): Relay {
  const relay = {
    peerId: peerIdOf(0),
    addresses: () => ADDRESSES,
    reservations: count,
    carried: { bytes: 0, circuits: 0 },
    guests: async () =>
      times(count, (at) => ({
        peerId: peerIdOf(at),
        remote: ADDRESSES,
        told: { addresses: ADDRESSES, protocols: ['/x'] },
        since,
      })),
    circuits: () => times(count, (at) => ({ from: peerIdOf(at), to: peerIdOf(at + 1), since, bytes: at })),
    rendezvous: {
      peers: () =>
        times(count, (at) => ({
          peerId: peerIdOf(at),
          addresses: ADDRESSES,
          registrations: [{ namespace: `p2pnode/${at}`, expiresIn: 1_000 }],
        })),
    },
    dht: {
      servers: async () => times(count, (at) => ({ peer: peerIdOf(at), addresses: ADDRESSES })),
      records: () =>
        times(2 * count, (at) => ({ key: `${at}`, peer: peerIdOf(at >> 1), addresses: ADDRESSES, expiresIn: 1_000 })),
    },
  }
  return relay as unknown as Relay
}

function keptWith(count: number): KeeperStatus {
  const lease = { since: 0, renewed: 0, until: 0, network: '203.0.113.0/24', allowed: false, bytes: 1_000, events: 1 }
  const rooms = times(count, (at) => ({ ...lease, id: `${at}`.padStart(32, '0'), peer: peerIdOf(at) }))
  return { rooms, bytes: 0, quotas: QUOTAS, visits: 0, refused: {}, rejected: 0 }
}

const status = (count: number): Promise<RelayStatus> =>
  statusOf(relayWith(count), { version: '1.2.3', since, kept: keptWith(count) })

const lengths = ({ peers, registrations, kept, dht, circuits }: RelayStatus): number[] =>
  [peers, registrations, kept?.rooms ?? [], dht.servers, dht.records, circuits].map(({ length }) => length)

test('a small relay leaves nothing out', async () => {
  const small = await status(20)
  assert.equal([lengths(small), small.omitted], [times(6, () => 20), undefined])
  assert.equal(
    small.dht.records[3]?.hashes.map(({ hash }) => hash),
    ['6', '7'],
  )
})

test('a full one answers what goes into a line, and how much does not', async () => {
  const count = 10_000
  const full = await status(count)
  assert.ok(Buffer.byteLength(JSON.stringify({ jsonrpc: '2.0', id: 1, result: full })) <= MAX_LINE)
  const { peers, registrations, kept, servers, records, circuits } = full.omitted ?? {}
  const omitted = [peers, registrations, kept, servers, records, circuits]
  assert.equal(
    lengths(full).map((length, at) => length + (omitted[at] ?? 0)),
    omitted.map(() => count),
  )
  for (const length of lengths(full)) assert.ok(length > 400, `${length}`)
  assert.match(formatRelayStatus(full).join('\n'), `… and ${circuits} more in circuits`)
})

test.run()
