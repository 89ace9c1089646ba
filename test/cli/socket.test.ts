import '../../src/shims.ts'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  connectSocket,
  MAX_SOCKET_PATH,
  type SocketEnvironment,
  type SocketServer,
  serveSocket,
  socketPlace,
} from '../../src/cli/socket.ts'
import { FakeClient } from '../support/fake-client.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('cli/socket')

let base = ''
let servers: SocketServer[] = []

test.before.each(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'p2pnode-socket-')))
})

test.after.each(async () => {
  for (const server of servers.splice(0)) await server.close('end of the test')
  rmSync(base, { recursive: true, force: true })
  servers = []
})

const linux = (more: Partial<SocketEnvironment> = {}): SocketEnvironment => ({
  platform: 'linux',
  env: {},
  tmpdir: '/tmp',
  uid: process.getuid?.() ?? 0,
  ...more,
})

/** A data directory whose socket would have a path that is too long. */
function deepDir(): string {
  const deep = join(base, 'd'.repeat(MAX_SOCKET_PATH))
  mkdirSync(deep)
  return deep
}

async function serve(dataDir: string, where?: SocketEnvironment, client: FakeClient = new FakeClient()): Promise<SocketServer> {
  const server = await serveSocket({ dataDir, client, where })
  servers.push(server)
  return server
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )
}

test('lies in the data directory as long as its path has at most 100 bytes', () => {
  const fitting = `/${'é'.repeat(42)}x`
  assert.is(Buffer.byteLength(`${fitting}/p2pnode.sock`), 99)
  assert.is(socketPlace(fitting, linux()).path, `${fitting}/p2pnode.sock`)
  assert.is(socketPlace(`${fitting}y`, linux()).path, `${fitting}y/p2pnode.sock`)
  assert.not.match(socketPlace(`${fitting}yz`, linux()).path, fitting)
})

test('else lies in the runtime directory, under 16 hex of the SHA-256 of the path', () => {
  const long = `/${'d'.repeat(120)}`
  const place = socketPlace(long, linux({ env: { XDG_RUNTIME_DIR: '/run/user/7' } }))
  assert.match(place.path, /^\/run\/user\/7\/[0-9a-f]{16}\.sock$/)
  assert.is(place.directory, '/run/user/7')
  assert.match(socketPlace(long, linux({ uid: 7, env: { XDG_RUNTIME_DIR: '' } })).path, /^\/tmp\/p2pnode-7\/[0-9a-f]{16}\.sock$/)
  assert.is.not(socketPlace(`${long}x`, linux()).path, socketPlace(long, linux()).path)
})

test('is a pipe on Windows', () => {
  assert.match(socketPlace('C:\\Users\\a', linux({ platform: 'win32' })).path, /^\\\\\.\\pipe\\p2pnode-[0-9a-f]{16}$/)
})

test('serves the same client to everybody who connects, for the owner alone', async () => {
  const { path } = await serve(base)
  assert.is(path, join(base, 'p2pnode.sock'))
  assert.is(statSync(path).mode & 0o777, 0o600)
  const [one, two] = [await connectSocket(base), await connectSocket(base)]
  await one?.join({ room: 'dev' })
  assert.equal(
    (await two?.rooms())?.map(({ name }) => name),
    ['dev'],
  )
  assert.is((await one?.ready)?.pid, process.pid)
  await one?.close()
  await two?.close()
})

test('where no peer runs there is none, and no error', async () => {
  assert.is(await connectSocket(base), undefined)
  assert.is(await connectSocket(join(base, 'not', 'there')), undefined)
  writeFileSync(join(base, 'p2pnode.sock'), 'not a socket')
  assert.is(await connectSocket(base), undefined)
})

test('a socket that nobody serves any more is replaced', async () => {
  const path = join(base, 'p2pnode.sock')
  writeFileSync(path, '')
  await serve(base)
  const client = await connectSocket(base)
  assert.is((await client?.status())?.name, 'alice')
  await client?.close()
})

test('is gone once it is closed, and says why to whoever is connected', async () => {
  const server = await serve(base)
  const client = await connectSocket(base)
  await server.close('stop')
  assert.is(await client?.closed, 'stop')
  assert.not(existsSync(server.path))
  assert.is(await connectSocket(base), undefined)
})

test('a path that is too long for the data directory is served from the runtime directory', async () => {
  const where = linux({ env: { XDG_RUNTIME_DIR: join(base, 'run') } })
  const dataDir = deepDir()
  const { path } = await serve(dataDir, where)
  assert.ok(path.startsWith(join(base, 'run')))
  assert.is(statSync(join(base, 'run')).mode & 0o777, 0o700)
  const client = await connectSocket(dataDir, where)
  assert.is((await client?.status())?.name, 'alice')
  await client?.close()
})

test('a runtime directory that others can enter is used by neither side', async () => {
  const where = linux({ env: { XDG_RUNTIME_DIR: join(base, 'run') } })
  mkdirSync(join(base, 'run'))
  chmodSync(join(base, 'run'), 0o755)
  const dataDir = deepDir()
  assert.is(await codeOf(serve(dataDir, where)), 'EACCES')
  assert.is(await codeOf(connectSocket(dataDir, where)), 'EACCES')
})

test("somebody else's runtime directory is used by neither side", async () => {
  mkdirSync(join(base, 'run'), { mode: 0o700 })
  const where = linux({ uid: 12_345, env: { XDG_RUNTIME_DIR: join(base, 'run') } })
  const dataDir = deepDir()
  assert.is(await codeOf(serve(dataDir, where)), 'EACCES')
  assert.is(await codeOf(connectSocket(dataDir, where)), 'EACCES')
})

test('who asks and ends is answered first', async () => {
  const { path } = await serve(base)
  const socket = connect({ path, allowHalfOpen: true })
  socket.end('{"jsonrpc":"2.0","id":1,"method":"status"}\n')
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.is(lines[0].method, 'ready')
  assert.is(lines[1].result.name, 'alice')
  assert.is(lines.at(-1).method, 'closing')
})

test('who breaks off is forgotten, with all its listeners', async () => {
  const client = new FakeClient()
  const { path } = await serve(base, undefined, client)
  const socket = connect({ path })
  await new Promise((resolve) => socket.once('data', resolve))
  assert.ok(client.listeners() > 0)
  socket.destroy()
  await waitFor(() => client.listeners() === 0, 'no listeners')
})

test('a socket that speaks something else is an error, not a peer', async () => {
  const server = createServer((socket) => void socket.end('220 smtp ready\r\n')).listen(join(base, 'p2pnode.sock'))
  await new Promise((resolve) => server.once('listening', resolve))
  assert.is(await codeOf(connectSocket(base)), 'CLOSED')
  server.close()
})

test.run()
