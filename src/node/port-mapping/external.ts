import { BlockList, isIPv4 } from 'node:net'
import { isPrivate } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'

/** What libp2p takes for public and nobody can be reached at. */
const NOBODY = new BlockList()
NOBODY.addSubnet('224.0.0.0', 4)

/**
 * The address that a router says is its own outside, if somebody elsewhere can reach it. Behind a second router, or at a provider that
 * has many customers behind one address (RFC 6598), it is a private one: a port there leads nowhere.
 *
 * @throws Error saying what is wrong with it
 */
export function checkExternal(address: string, port: number): { address: string; port: number } {
  if (!isIPv4(address)) throw new Error('the router says no IPv4 address of its own')
  if (isPrivate(multiaddr(`/ip4/${address}`)) || NOBODY.check(address)) {
    throw new Error('the router has no public address itself: it is behind another one, or its provider shares addresses')
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('the router says no port')
  return { address, port }
}
