/**
 * The Unix socket (or Windows pipe) of a running peer: where it is, how it is served, how it is reached. JSON-RPC lines, the
 * same as on stdio.
 */
import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RpcClient } from '../client/rpc-client.ts'
import { type RpcServer, type Served, serveRpc } from '../client/rpc-server.ts'
import { StorageError, UnreachableError } from '../errors.ts'
import { streamConnection } from './stream-connection.ts'

/** Bytes of a socket's path. Beyond 107 Linux truncates it silently and binds another file. */
export const MAX_SOCKET_PATH = 100
const PRIVATE_DIRECTORY = 0o700
const PRIVATE_FILE = 0o600
const OTHERS = 0o077
/** How long a peer may take to say `ready`, in milliseconds. */
const READY_PATIENCE = 10_000

export interface SocketPlace {
  /** What to bind or connect to. */
  path: string
  /** Its directory where that is not the data directory: made, and checked, by whoever serves or connects. */
  directory?: string
}

export interface SocketEnvironment {
  platform: NodeJS.Platform
  env: NodeJS.ProcessEnv
  tmpdir: string
  uid: number
}

function here(): SocketEnvironment {
  // Not `userInfo()`: in a container the user need not have a name.
  return { platform: process.platform, env: process.env, tmpdir: tmpdir(), uid: process.getuid?.() ?? -1 }
}

/** Where the socket of a data directory is. `dataDir` must be its real path. */
export function socketPlace(dataDir: string, { platform, env, tmpdir, uid }: SocketEnvironment = here()): SocketPlace {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  if (platform === 'win32') return { path: `\\\\.\\pipe\\p2pnode-${hash}` }
  const beside = join(dataDir, 'p2pnode.sock')
  if (Buffer.byteLength(beside) <= MAX_SOCKET_PATH) return { path: beside }
  const directory = env.XDG_RUNTIME_DIR || join(tmpdir, `p2pnode-${uid}`)
  return { path: join(directory, `${hash}.sock`), directory }
}

/** Errors: `StorageError` if the path is too long, or its directory is open to others or belongs to somebody else. */
function checkPlace({ path, directory }: SocketPlace, uid: number): void {
  if (process.platform === 'win32') return
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) throw new StorageError(`the socket's path is too long: ${path}`)
  if (directory === undefined) return
  const stat = lstatSync(directory)
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & OTHERS) !== 0) {
    throw new StorageError(`${directory} must be a directory of yours with mode 0700`, { code: 'EACCES' })
  }
}

export interface SocketServer {
  readonly path: string
  /** Ends every connection, with the reason as its last line, and removes the socket. */
  close(reason: string): Promise<void>
}

export interface SocketServerInit {
  dataDir: string
  client: Served
  onDefect?: (error: unknown) => void
  where?: SocketEnvironment
}

/**
 * Serves a client on the data directory's socket. Only whoever has the store open may call it: a socket that is there is then
 * a stale one, and is replaced.
 *
 * Errors: `StorageError`, and the system's own.
 */
export async function serveSocket({ dataDir, client, onDefect, where = here() }: SocketServerInit): Promise<SocketServer> {
  const place = socketPlace(realpathSync(dataDir), where)
  if (place.directory !== undefined) mkdirSync(place.directory, { recursive: true, mode: PRIVATE_DIRECTORY })
  checkPlace(place, where.uid)
  const isFile = where.platform !== 'win32'
  if (isFile) rmSync(place.path, { force: true })
  const open = new Set<RpcServer>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const rpc = serveRpc({ connection: streamConnection(socket, socket), client, pid: process.pid, onDefect })
    open.add(rpc)
    void rpc.ended.then(() => rpc.close('end of input')).then(() => open.delete(rpc))
  })
  await listen(server, place.path)
  if (isFile) chmodSync(place.path, PRIVATE_FILE)
  // Only accepting can fail from here on (too many open files): that connection is lost, the peer is not.
  server.on('error', (error) => onDefect?.(error))
  return {
    path: place.path,
    async close(reason) {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      await Promise.all([...open].map((rpc) => rpc.close(reason)))
      await closed
      if (isFile) rmSync(place.path, { force: true })
    },
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/**
 * The peer that runs on a data directory, once it has said `ready`; undefined if none does.
 *
 * Errors: `StorageError` if the socket is not safe to talk to, `UnreachableError` if the peer does not answer, `ClosedError` if
 * it ended at once.
 */
export async function connectSocket(dataDir: string, where: SocketEnvironment = here()): Promise<RpcClient | undefined> {
  const real = realPath(dataDir)
  if (real === undefined) return undefined
  const place = socketPlace(real, where)
  const socket = await dial(place, where.uid)
  if (socket === undefined) return undefined
  const client = new RpcClient(streamConnection(socket, socket))
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new UnreachableError('the peer that runs here does not answer')), READY_PATIENCE)
  })
  try {
    await Promise.race([client.ready, late])
    return client
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

async function dial(place: SocketPlace, uid: number): Promise<Socket | undefined> {
  try {
    checkPlace(place, uid)
    return await new Promise((resolve, reject) => {
      const socket = connect({ path: place.path, allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(socket)
      })
    })
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** No socket, or one that nobody serves any more. */
function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR' || code === 'ENOTSOCK'
}
