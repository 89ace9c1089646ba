/** What `relay status` answers: all that a relay knows of people. */
import type { GuestView } from '../src/node/relay/guests.ts'
import type { Relay } from '../src/node/relay/server.ts'
import { MAX_STATUS_LIST } from './constants.ts'
import type { KeeperStatus } from './keeper/index.ts'

/** Everything that the relay knows of people, as far as an answer has room for it. */
export interface RelayStatus {
  version: string
  peerId: string
  addresses: string[]
  since: string
  connections: number
  /** Peers that others can reach through it. */
  reservations: number
  /** Bytes carried, and connections made through it, since the start. */
  carried: { bytes: number; circuits: number }
  peers: (Omit<GuestView, 'since' | 'reserved'> & { since: string; reserved?: string })[]
  /** Under which names its guests are looked for by others, and until when: it cannot tell what a name stands for. */
  registrations: { peerId: string; addresses: string[]; names: { name: string; expires: string }[] }[]
  /** What it keeps, if it keeps anything: rooms by a tag that says nothing of them, who asked first, how much, until when. */
  kept?: KeeperStatus
  /** In the DHT: servers that it has heard of, and under which hashes peers can be found: each is the SHA-256, in hex, of a name. */
  dht: {
    servers: { peerId: string; addresses: string[] }[]
    records: { peerId: string; addresses: string[]; hashes: { hash: string; expires: string }[] }[]
  }
  /** Who is connected with whom through it, now. */
  circuits: { from: string; to: string; since: string; bytes: number }[]
  /** How many entries there was no room for, if there was none, by the list. */
  omitted?: Partial<Record<ListName, number>>
}

type ListName = 'peers' | 'registrations' | 'kept' | 'servers' | 'records' | 'circuits'

export interface StatusInit {
  version: string
  /** When it was started. */
  since: Date
  kept: KeeperStatus | undefined
}

export async function statusOf(relay: Relay, { version, since, kept }: StatusInit): Promise<RelayStatus> {
  const guests = await relay.guests()
  const servers = await relay.dht.servers()
  const lists = new Lists()
  return {
    version,
    peerId: relay.peerId,
    addresses: relay.addresses(),
    since: since.toISOString(),
    connections: guests.length,
    reservations: relay.reservations,
    carried: relay.carried,
    peers: lists.cut('peers', guests.map(guestOf)),
    registrations: lists.cut('registrations', registrationsOf(relay)),
    ...(kept === undefined ? {} : { kept: { ...kept, rooms: lists.cut('kept', kept.rooms) } }),
    dht: {
      servers: lists.cut(
        'servers',
        servers.map(({ peer, addresses }) => ({ peerId: peer, addresses })),
      ),
      records: lists.cut('records', recordsOf(relay)),
    },
    circuits: lists.cut(
      'circuits',
      relay.circuits().map((circuit) => ({ ...circuit, since: circuit.since.toISOString() })),
    ),
    ...lists.omitted,
  }
}

/** Keeps each list short enough, and counts what it leaves out. */
class Lists {
  readonly #omitted: Partial<Record<ListName, number>> = {}

  get omitted(): Pick<RelayStatus, 'omitted'> {
    return Object.keys(this.#omitted).length === 0 ? {} : { omitted: this.#omitted }
  }

  /** What fits, in order; an entry that does not is passed over. */
  cut<T>(name: ListName, entries: readonly T[]): T[] {
    let left = MAX_STATUS_LIST
    const kept = entries.filter((entry) => {
      const size = Buffer.byteLength(JSON.stringify(entry)) + 1
      if (size > left) return false
      left -= size
      return true
    })
    if (kept.length < entries.length) this.#omitted[name] = entries.length - kept.length
    return kept
  }
}

function guestOf({ since, reserved, ...guest }: GuestView): RelayStatus['peers'][number] {
  return { ...guest, since: since.toISOString(), ...(reserved === undefined ? {} : { reserved: reserved.toISOString() }) }
}

const dateIn = (milliseconds: number): string => new Date(Date.now() + milliseconds).toISOString()

function registrationsOf(relay: Relay): RelayStatus['registrations'] {
  return relay.rendezvous.peers().map(({ peerId, addresses, registrations }) => ({
    peerId,
    addresses,
    names: registrations.map(({ namespace, expiresIn }) => ({ name: namespace, expires: dateIn(expiresIn) })),
  }))
}

function recordsOf(relay: Relay): RelayStatus['dht']['records'] {
  const records = new Map<string, RelayStatus['dht']['records'][number]>()
  for (const { peer, addresses, key, expiresIn } of relay.dht.records()) {
    const record = records.get(peer) ?? { peerId: peer, addresses, hashes: [] }
    record.hashes.push({ hash: key, expires: dateIn(expiresIn) })
    records.set(peer, record)
  }
  return [...records.values()]
}
