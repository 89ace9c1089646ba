import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isPrivate, tryGetNetConfig } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import type { ResponsePacket } from 'multicast-dns'
import { LAN_MAX_ADDRESSES } from './constants.ts'
import type { LanInterface } from './lan-interfaces.ts'

/** A DNS record, as multicast-dns decodes it. */
export type LanRecord = ResponsePacket['answers'][number]

export const SERVICE_TAG = '_p2pnode._udp.local'

const PREFIX = 'dnsaddr='
/** Of a string in a TXT record: RFC 1035, 3.3.14. */
const MAX_TXT = 255
const TTL_SECONDS = 120

/** What is said of this peer on one link: the addresses it has there, and no others. Empty when it has none. */
export function announcement(link: LanInterface, tag: string, name: string, id: PeerId, addresses: Multiaddr[]): LanRecord[] {
  const owner = `${name}.${tag}`
  const texts = addresses
    .filter((address) => link.addresses.has(tryGetNetConfig(address)?.host ?? ''))
    .map((address) => `${PREFIX}${address}/p2p/${id}`)
    .filter((text) => text.length <= MAX_TXT)
    .slice(0, LAN_MAX_ADDRESSES)
  if (texts.length === 0) return []
  return [
    { name: tag, type: 'PTR', class: 'IN', ttl: TTL_SECONDS, data: owner },
    ...texts.map((data): LanRecord => ({ name: owner, type: 'TXT', class: 'IN', ttl: TTL_SECONDS, data })),
  ]
}

export interface HeardPeer {
  name: string
  id: PeerId
  multiaddrs: Multiaddr[]
}

/** The peer that records tell of; undefined for anything malformed or of another service. */
export function peerIn(records: LanRecord[], tag: string): HeardPeer | undefined {
  const pointer = records.find((record) => record.type === 'PTR' && record.name.toLowerCase() === tag)
  if (pointer?.type !== 'PTR') return undefined
  const name = pointer.data.split('.')[0] ?? ''
  const multiaddrs: Multiaddr[] = []
  let id: PeerId | undefined
  for (const record of records) {
    if (record.type !== 'TXT' || record.name !== pointer.data) continue
    for (const text of textsOf(record.data)) {
      if (!text.startsWith(PREFIX) || multiaddrs.length >= LAN_MAX_ADDRESSES) continue
      const parsed = parse(text.slice(PREFIX.length))
      if (parsed === undefined || (id !== undefined && !id.equals(parsed.id))) return undefined
      id = parsed.id
      multiaddrs.push(parsed.address)
    }
  }
  return id === undefined ? undefined : { name, id, multiaddrs }
}

/**
 * Of the addresses that a neighbour claims, those that are on the link it was heard on: nobody on the LAN can send us to hosts
 * elsewhere. The one its packet came from is the best, loopback the last.
 */
export function reachableOn(link: LanInterface, from: string, addresses: Multiaddr[]): Multiaddr[] {
  const usable = addresses.filter((address) => {
    const config = tryGetNetConfig(address)
    if (config?.type === 'ip4') return link.contains(config.host)
    return config?.type === 'ip6' && isPrivate(address)
  })
  const cost = (address: Multiaddr): number => {
    const config = tryGetNetConfig(address)
    return config?.host === from ? 0 : config?.type === 'ip4' ? 1 : 2
  }
  return usable.sort((a, b) => cost(a) - cost(b))
}

/** A peer id stands at the end, and nowhere else: nothing on a LAN is reached through a relay. */
function parse(text: string): { id: PeerId; address: Multiaddr } | undefined {
  try {
    const full = multiaddr(text)
    const parts = full.getComponents()
    const last = parts.at(-1)
    if (last?.name !== 'p2p' || last.value === undefined || parts.filter(({ name }) => name === 'p2p').length !== 1)
      return undefined
    return { id: peerIdFromString(last.value), address: full.decapsulate(`/p2p/${last.value}`) }
  } catch {
    return undefined
  }
}

function textsOf(data: string | Uint8Array | readonly (string | Uint8Array)[]): string[] {
  const decoder = new TextDecoder()
  const parts = typeof data === 'string' || data instanceof Uint8Array ? [data] : data
  return parts.map((part) => (typeof part === 'string' ? part : decoder.decode(part)))
}
