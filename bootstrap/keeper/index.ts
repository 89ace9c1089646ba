/**
 * A keeper as a libp2p service: stores ciphertext for rooms whose members ask it to, and serves it to those who prove their access. It
 * needs no gossip and knows no room.
 *
 * @example
 * ```ts
 * const keeper = createKeeper({ store, crypto: nativeCrypto, clock, token: 'for friends' })
 * const peer = await createPeer({ seed, services: { keeper } })
 * ```
 */
import type { ComponentLogger, Connection, PeerId, Startable } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { addressBlock } from '../../src/address-block.ts'
import { KEEP_PROTOCOL } from '../../src/chat/keep-codec.ts'
import type { Channel } from '../../src/chat/seams.ts'
import { handleChannels } from '../../src/chat/stream-channel.ts'
import { MAX_STREAMS } from './constants.ts'
import { Keeper, type KeeperInit, type KeeperStatus } from './keeper.ts'

export type { KeeperInit, KeeperStatus } from './keeper.ts'

export interface KeeperComponents {
  peerId: PeerId
  registrar: Registrar
  logger: ComponentLogger
}

export interface KeeperService extends Startable {
  /** All that the keeper knows about people; undefined while it does not run. */
  status(): KeeperStatus | undefined
}

/** Who has one address there, has many; all that come through relays are one. */
export function networkOf(address: Multiaddr): string {
  return address.getComponents().some(({ name }) => name === 'p2p-circuit') ? 'relayed' : addressBlock(address)
}

/** The keeper reads its leases when libp2p starts, and takes nothing more when it stops; the store is the caller's to close, after that. */
export function createKeeper(init: KeeperInit): (components: KeeperComponents) => KeeperService {
  return ({ peerId, registrar, logger }) => {
    let keeper: Keeper | undefined
    const accept = async (channel: Channel, { remoteAddr }: Connection): Promise<void> => {
      if (keeper === undefined) return channel.abort(new Error('the keeper does not run'))
      await keeper.accept(channel, networkOf(remoteAddr))
    }
    return {
      async start() {
        keeper ??= await Keeper.open(init, peerId.toString())
        const log = logger.forComponent('p2pnode:keeper')
        await handleChannels({ registrar, protocol: KEEP_PROTOCOL, log, streams: MAX_STREAMS }, accept)
      },
      async stop() {
        const running = keeper
        keeper = undefined
        await registrar.unhandle(KEEP_PROTOCOL)
        await running?.close()
      },
      status: () => keeper?.status(),
    }
  }
}
