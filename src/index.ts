/**
 * p2pnode: a decentralized, end-to-end-encrypted chat as a library.
 *
 * @example
 * ```ts
 * import { createP2PNode } from 'p2pnode'
 *
 * const node = await createP2PNode({ dataDir: './alice', name: 'Alice' })
 * const room = await node.join('lobby')
 * room.addEventListener('message', ({ detail }) => console.log(detail.author.name, detail.text))
 * await room.send('hello')
 * ```
 *
 * @packageDocumentation
 */
import './shims.node.ts'
import { renewIfCopied } from './chat/identity.ts'
import type { Clock, Crypto } from './chat/seams.ts'
import { nativeCrypto } from './native-crypto.ts'
import { P2PNode } from './p2p-node.ts'
import type { P2PNodeInit, Platform } from './p2p-node-init.ts'
import type { Repaired } from './storage/repair-store.ts'
import type { Store } from './storage/store.ts'
import { systemClock } from './system-clock.ts'

export type { SendOptions } from './chat/compose.ts'
export type { Room } from './chat/room.ts'
export type { RoomEvents } from './chat/room-events.ts'
export type { Clock, Crypto, KeeperPeer } from './chat/seams.ts'
export type { Author, Held, Member, MemberChange, Message, Profile, RoomCheck, SafetyNumber } from './chat/types.ts'
export type { Check } from './doctor.ts'
export * from './errors.ts'
export type { PeerView, RelayView } from './node/index.ts'
export { P2PNode } from './p2p-node.ts'
export type { P2PNodeEvents } from './p2p-node-init.ts'
export type { Repaired } from './storage/repair-store.ts'
export type { Store } from './storage/store.ts'

export interface CreateP2PNodeInit extends P2PNodeInit {
  /** Where this device's store is; made if it is not there. Either this or `storage`. */
  dataDir?: string | undefined
  /** A store instead of a directory; it is closed with the node. */
  storage?: Store | undefined
  /** Of the store; a new store is made with it. */
  passphrase?: string | undefined
  clock?: Clock | undefined
  crypto?: Crypto | undefined
}

/** What a copied directory does not share with its original, and a restarted machine does not change. */
async function placeOf(dataDir: string): Promise<string> {
  const { stat } = await import('node:fs/promises')
  return String((await stat(dataDir, { bigint: true })).ino)
}

/** Reading does not tell: a disk may be full, or mounted for reading only. */
async function diskOf(dataDir: string): Promise<{ free?: number; problem?: string }> {
  const { access, constants, statfs } = await import('node:fs/promises')
  try {
    await access(dataDir, constants.W_OK)
    const { bavail, bsize } = await statfs(dataDir)
    return { free: bavail * bsize }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

async function platformOf(init: CreateP2PNodeInit, create: boolean): Promise<Platform> {
  const { dataDir, storage, passphrase, clock = systemClock, crypto = nativeCrypto } = init
  const { createPeer } = await import('./node/index.ts')
  if (storage !== undefined) return { store: storage, crypto, clock, createPeer }
  if (dataDir === undefined) throw new TypeError('createP2PNode needs a dataDir or a storage')
  const { openStore } = await import('./storage/open-store.ts')
  const { store } = await openStore({ dataDir, crypto, create, ...(passphrase === undefined ? {} : { passphrase }) })
  // Reading changes nothing: only who goes on the network must know whether it is a copy.
  const copied = create && (await renewIfCopied(store, crypto, await placeOf(dataDir)))
  return { store, crypto, clock, createPeer, copied, disk: () => diskOf(dataDir) }
}

/**
 * Opens the store, starts the peer, and rejoins every room it was in. The node runs until `stop()`.
 * @throws LockedError, WrongPassphraseError, StoreInUseError, DamagedStoreError, StorageError, InvalidArgumentError
 */
export async function createP2PNode(init: CreateP2PNodeInit): Promise<P2PNode> {
  const { dataDir: _d, storage: _s, passphrase: _p, clock: _c, crypto: _k, ...rest } = init
  return closingOnError(await platformOf(init, true), (platform) => P2PNode.create(platform, rest))
}

/** Reads what a store holds without going on the network. There must be a store. */
export async function openP2PNode(init: CreateP2PNodeInit): Promise<P2PNode> {
  return closingOnError(await platformOf(init, false), (platform) => P2PNode.offline(platform))
}

/**
 * Makes a damaged store usable: keeps what is whole, names what is not. Nothing of it may be running. Author keys are left behind, for
 * the end of their logs is in doubt: this device goes on under new ones, and what it lost comes back from other members.
 * @throws LockedError, WrongPassphraseError, StoreInUseError, StorageError, DamagedStoreError (a key file is itself damaged)
 */
export async function repairP2PNode(init: { dataDir: string; passphrase?: string | undefined }): Promise<Repaired> {
  const { repairStore } = await import('./storage/repair-store.ts')
  return repairStore({ ...init, crypto: nativeCrypto }, ([table, , name]) => table === 'own' && name === 'author')
}

async function closingOnError(platform: Platform, open: (platform: Platform) => Promise<P2PNode>): Promise<P2PNode> {
  try {
    return await open(platform)
  } catch (error) {
    await platform.store.close()
    throw error
  }
}
