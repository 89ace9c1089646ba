/** What a room is handed. */
import type { Store } from '../storage/store.ts'
import type { Gate } from './gate.ts'
import type { Identity } from './identity.ts'
import type { KeeperTurns } from './keeper-turns.ts'
import type { RoomKeys } from './room-keys.ts'
import type { Clock, Crypto, Network } from './seams.ts'

export interface RoomInit {
  name: string
  keys: RoomKeys
  store: Store
  crypto: Crypto
  clock: Clock
  network: Network
  /** Passed before more history is fetched. */
  gate: Gate
  /** A place for each visit of a keeper, all rooms together. */
  turns: KeeperTurns
  identity: () => Identity
  isBlocked: (account: string) => boolean
  /** Nobody is looking at this device. */
  isAway: () => boolean
  onFailure: (error: unknown, peer: string) => void
}
