/** The only way from the command line to the peer itself. All of it is loaded when it is needed and not before. */
import type { Client } from '../client/client.ts'
import type { LocalClient } from '../client/local.ts'
import type { CreateP2PNodeInit, Repaired } from '../index.ts'
import { version } from './version.ts'

export type NodeInit = Omit<CreateP2PNodeInit, 'storage' | 'clock' | 'crypto'>

export interface StoreInit {
  dataDir: string
  passphrase?: string
}

/** A peer in this process. Its client's `stop` stops it. */
export interface OwnPeer {
  readonly client: LocalClient
  /** False until a first room was joined in this data directory. */
  readonly knowsRooms: boolean
  /** Resolves when somebody has asked it to stop. */
  readonly stopping: Promise<void>
}

/** Starts the peer. Errors: those of `createP2PNode`. */
export async function startNode(init: NodeInit): Promise<OwnPeer> {
  const [{ createP2PNode }, { localClient }] = await Promise.all([import('../index.ts'), import('../client/local.ts')])
  const node = await createP2PNode(init)
  const { promise: stopping, resolve: stop } = Promise.withResolvers<void>()
  const client = localClient(node, version, () => {
    stop()
    return node.stop()
  })
  return { client, knowsRooms: node.knowsRooms, stopping }
}

/** Opens the store without a network. Errors: those of `openP2PNode`. */
export async function openOffline(init: StoreInit): Promise<Client & { close(): Promise<void> }> {
  const [{ openP2PNode }, { localClient }] = await Promise.all([import('../index.ts'), import('../client/local.ts')])
  const node = await openP2PNode(init)
  return { ...localClient(node, version), close: () => node.stop() }
}

/** The 24 words from which the account comes. Errors: those of `openP2PNode`. */
export async function recoveryPhrase(init: StoreInit): Promise<string> {
  const { openP2PNode } = await import('../index.ts')
  const node = await openP2PNode(init)
  try {
    return node.recoveryPhrase()
  } finally {
    await node.stop()
  }
}

/** Keeps what is whole of a damaged store. Errors: those of `repairP2PNode`. */
export async function repair(init: { dataDir: string; passphrase?: string }): Promise<Repaired> {
  const { repairP2PNode } = await import('../index.ts')
  return await repairP2PNode(init)
}

/** Sets, changes or (`next` undefined) removes the store's passphrase. Errors: those of `openStore`. */
export async function changePassphrase(init: { dataDir: string; old?: string; next?: string }): Promise<void> {
  const store = await import('../storage/open-store.ts')
  await store.changePassphrase(init)
}

/** The process that has the store open, if that can be known. */
export async function storeOwner(dataDir: string): Promise<number | undefined> {
  const owner = await import('../storage/owner.ts')
  return await owner.storeOwner(dataDir)
}
