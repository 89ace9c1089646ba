import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { bytesToHex } from '@noble/hashes/utils.js'

/** ::ffff:0:0/96, by which a socket for both kinds names IPv4 addresses. */
const MAPPED_IPV4 = '00000000000000000000ffff'

/**
 * The block of addresses that somebody has who has this one: an IPv4 /24, an IPv6 /64. Of a relayed address it is the relay's;
 * all that have no IP address are one block.
 */
export function addressBlock(address: Multiaddr | undefined): string {
  const ip = address?.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')
  if (ip === undefined) return 'other'
  const hex = bytesToHex(multiaddr(`/${ip.name}/${ip.value}`).bytes.subarray(1))
  if (ip.name === 'ip4') return hex.slice(0, 6)
  return hex.startsWith(MAPPED_IPV4) ? hex.slice(24, 30) : hex.slice(0, 16)
}
