/** What every command is handed, and the ways to a client. */
import type { Client } from '../client/client.ts'
import type { RpcClient } from '../client/rpc-client.ts'
import { StorageError, UnreachableError } from '../errors.ts'
import { dataDirExists } from './data-dir.ts'
import type { Io } from './io.ts'
import type { Settings } from './options.ts'
import { openOffline } from './runtime.ts'
import { storePassphrase } from './secret.ts'
import { connectSocket } from './socket.ts'

export interface Context {
  io: Io
  settings: Settings
  /** Absolute. */
  dataDir: string
  /** Aborted by SIGINT, SIGTERM, SIGHUP and a broken stdout; its reason is an `ExitError`. */
  signal: AbortSignal
  /** Ends the program as a signal would. */
  exit(reason: Error): void
}

/** Nobody lives in this data directory yet. */
export function noStore(dataDir: string): UnreachableError {
  return new UnreachableError(`nobody has started a peer in ${dataDir} yet: p2pnode start`)
}

async function openStore(dataDir: string, passphrase?: string): ReturnType<typeof openOffline> {
  try {
    return await openOffline({ dataDir, passphrase })
  } catch (error) {
    throw error instanceof StorageError && error.code === 'ENOENT' ? noStore(dataDir) : error
  }
}

/** Uses the peer that runs here. Errors: `UnreachableError` if none does. */
export async function withPeer<T>({ dataDir }: Context, use: (client: RpcClient) => Promise<T>): Promise<T> {
  const client = dataDirExists(dataDir) ? await connectSocket(dataDir) : undefined
  if (client === undefined) throw new UnreachableError('no peer is running here: start one with p2pnode start')
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

/** Uses the peer that runs here, or else the store itself, without a network: for what only reads. */
export async function withStore<T>(context: Context, use: (client: Client) => Promise<T>): Promise<T> {
  const { dataDir } = context
  if (!dataDirExists(dataDir)) throw noStore(dataDir)
  const client =
    (await connectSocket(dataDir)) ?? (await storePassphrase(context, (passphrase) => openStore(dataDir, passphrase)))
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}
