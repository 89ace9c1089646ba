import { isLoopback, isPrivate } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'

/** Who can reach a relay: this machine alone, those on its own network, everybody. */
export type Reach = 'machine' | 'network' | 'world'

/** What these multiaddrs say of that; whether they lead here, only a dial from there can say. */
export function reachOf(addresses: readonly string[]): Reach {
  const parsed = addresses.map((address) => multiaddr(address))
  if (parsed.some((address) => !isPrivate(address))) return 'world'
  return parsed.some((address) => !isLoopback(address)) ? 'network' : 'machine'
}
