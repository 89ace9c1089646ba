import type { ConnectionGater } from '@libp2p/interface'
import { isPrivate } from '@libp2p/utils'
import type { Bans } from './bans.ts'

/** Refuses banned peers both ways, and offline every address that is not of a private network. */
export function gater(bans: Bans, offline: boolean): ConnectionGater {
  return {
    denyDialPeer: (peer) => bans.has(peer.toString()),
    denyInboundEncryptedConnection: (peer) => bans.has(peer.toString()),
    denyOutboundEncryptedConnection: (peer) => bans.has(peer.toString()),
    denyDialMultiaddr: (address) => offline && leavesTheSite(address),
  }
}

/** In-process transports have no network address and go nowhere. */
export function leavesTheSite(address: Parameters<typeof isPrivate>[0]): boolean {
  return !isPrivate(address) && !address.getComponents().some(({ name }) => name === 'memory')
}
