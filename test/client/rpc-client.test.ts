import '../../src/shims.ts'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Client, ClientEvents } from '../../src/client/client.ts'
import { RpcClient } from '../../src/client/rpc-client.ts'
import { type RpcServer, serveRpc } from '../../src/client/rpc-server.ts'
import * as errors from '../../src/errors.ts'
import { author, FakeClient } from '../support/fake-client.ts'
import { type LinePair, linePair } from '../support/line-pair.ts'

const test = suite('client/rpc-client')

function pairOf(local: FakeClient = new FakeClient()): {
  local: FakeClient
  remote: RpcClient
  server: RpcServer
  pair: LinePair
} {
  const pair = linePair()
  const server = serveRpc({ connection: pair.near, client: local, pid: 4711 })
  return { local, remote: new RpcClient(pair.far), server, pair }
}

async function thrown(work: Promise<unknown>): Promise<errors.P2PNodeError> {
  try {
    await work
  } catch (error) {
    if (error instanceof errors.P2PNodeError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

test('is the same client from afar: every method answers what the local one answers', async () => {
  const { local, remote } = pairOf()
  const address = '/ip4/127.0.0.1/tcp/4747/p2p/peer-bob'
  const both = async (ask: (client: Client) => Promise<unknown>): Promise<void> => {
    assert.equal(await ask(remote), (await ask(local)) ?? undefined)
  }
  await both((client) => client.join({ room: 'lobby' }))
  await both((client) => client.send({ room: 'lobby', text: 'hello', cid: 'c1' }))
  local.meet('lobby', author('bob'), 'joined')
  await both((client) => client.status())
  await both((client) => client.rooms())
  await both((client) => client.members({ room: 'lobby' }))
  await both((client) => client.history({ room: 'lobby', limit: 10 }))
  await both((client) => client.search({ query: 'hello' }))
  await both((client) => client.search({ query: 'nowhere', room: 'lobby', limit: 3 }))
  await both((client) => client.digest({ room: 'lobby' }))
  await both((client) => client.connect({ address }))
  await both((client) => client.peers())
  await both((client) => client.disconnect({ peerId: 'peer-bob' }))
  await both((client) => client.profile({}))
  await both((client) => client.profile({ who: 'bob' }))
  await both((client) => client.setProfile({ bio: 'b' }))
  await both((client) => client.preference({ key: 'notify' }))
  await both((client) => client.setPreference({ key: 'notify', value: 'off' }))
  await both((client) => client.preference({ key: 'notify' }))
  await both((client) => client.setPreference({ key: 'notify' }))
  await both((client) => client.preference({ key: 'notify' }))
  await both((client) => client.verify({ room: 'lobby' }))
  await both((client) => client.verify({ who: 'bob' }))
  await both((client) => client.away({ away: true }))
  await both((client) => client.members({ room: 'lobby' }))
  await both((client) => client.typing({ room: 'lobby' }))
  await both((client) => client.read({ room: 'lobby', id: 'a'.repeat(64) }))
  await both((client) => client.block({ who: 'bob' }))
  await both((client) => client.unblock({ who: 'bob' }))
  await remote.leave({ room: 'lobby' })
  assert.equal(await local.rooms(), [])
})

test('who aborts a search waits no longer, and the connection stays usable', async () => {
  const { local, remote } = pairOf()
  await local.join({ room: 'lobby' })
  const [before, during] = [AbortSignal.abort(new Error('too late')), new AbortController()]
  const searching = remote.search({ query: 'x' }, { signal: during.signal })
  during.abort(new Error('typed on'))
  for (const [search, why] of [
    [remote.search({ query: 'x' }, { signal: before }), 'too late'],
    [searching, 'typed on'],
  ] as const) {
    assert.is(
      await search.then(
        () => '',
        (error: Error) => error.message,
      ),
      why,
    )
  }
  assert.equal(await remote.search({ query: 'x' }, { signal: new AbortController().signal }), { messages: [], more: false })
})

test('knows who it talks to', async () => {
  const { remote } = pairOf()
  const ready = await remote.ready
  assert.is(ready.pid, 4711)
  assert.is(ready.peerId, 'peer-alice')
})

test('hears the events until it stops listening', async () => {
  const { local, remote } = pairOf()
  await local.join({ room: 'lobby' })
  await remote.ready
  const heard: string[] = []
  const listener = ({ text }: ClientEvents['message']): void => void heard.push(text)
  remote.on('message', listener)
  local.hear('lobby', author('bob'), 'one')
  await remote.rooms()
  const delivery = { room: 'r', id: 'i', held: 70, members: 90, keepers: 1, atLeast: true as const }
  const delivered: unknown[] = []
  remote.on('delivery', (event) => delivered.push(event))
  local.emit('delivery', delivery)
  await remote.rooms()
  assert.equal(delivered, [delivery])
  remote.off('message', listener)
  local.hear('lobby', author('bob'), 'two')
  await remote.rooms()
  assert.equal(heard, ['one'])
})

test('makes the class again that was thrown at the other end', async () => {
  const { local, remote } = pairOf()
  await local.join({ room: 'lobby' })
  const classes = [
    errors.UnknownRoomError,
    errors.RoomExistsError,
    errors.CidReusedError,
    errors.TooLargeError,
    errors.QuotaError,
    errors.WrongPassphraseError,
    errors.LockedError,
    errors.DamagedStoreError,
    errors.StoreInUseError,
    errors.ClosedError,
    errors.UnreachableError,
    errors.InvalidEventError,
    errors.P2PNodeError,
  ]
  for (const Class of classes) {
    local.beforeSend = () => Promise.reject(new Class('why'))
    const error = await thrown(remote.send({ room: 'lobby', text: 'x' }))
    assert.is(error.constructor, Class)
    assert.is(error.message, 'why')
  }
  local.beforeSend = () => Promise.reject(new errors.StorageError('full', { code: 'ENOSPC' }))
  const full = await thrown(remote.send({ room: 'lobby', text: 'x' }))
  assert.is(full.name, 'StorageError')
  assert.is(full.code, 'ENOSPC')
  const wrong = await thrown(remote.connect({ address: 'localhost' }))
  assert.instance(wrong, errors.InvalidArgumentError)
  assert.is((wrong as errors.InvalidArgumentError).field, 'address')
})

test('refuses a request that no line can carry, and goes on', async () => {
  const { local, remote } = pairOf()
  await local.join({ room: 'lobby' })
  const error = await thrown(remote.send({ room: 'lobby', text: 'x'.repeat(2_000_000) }))
  assert.is(error.code, 'TOO_LARGE')
  assert.is((await remote.rooms()).length, 1)
})

test('what is open when the other side goes away fails, and so does what comes later', async () => {
  const { local, remote, server } = pairOf()
  await local.join({ room: 'lobby' })
  await remote.ready
  local.beforeSend = () => new Promise(() => undefined)
  const open = thrown(remote.send({ room: 'lobby', text: 'x' }))
  await server.close('bye')
  assert.is(await remote.closed, 'bye')
  assert.is((await open).name, 'ClosedError')
  assert.is((await thrown(remote.rooms())).name, 'ClosedError')
})

test('ready fails when the other side ends before it', async () => {
  const pair = linePair()
  const remote = new RpcClient(pair.far)
  pair.near.finish()
  assert.is((await thrown(remote.ready)).name, 'ClosedError')
})

test('another side that does not speak JSON is the end of the connection', async () => {
  const pair = linePair()
  const remote = new RpcClient(pair.far)
  const open = thrown(remote.rooms())
  pair.near.push('HTTP/1.1 400 Bad Request\r\n\r\n')
  await remote.closed
  assert.is((await open).name, 'ClosedError')
})

test('stop stops the peer at the other end', async () => {
  const { local, remote, server } = pairOf()
  local.on('closing', ({ reason }) => void server.close(reason))
  await remote.stop()
  assert.is(local.stopped, true)
  assert.is(await remote.closed, 'stop')
})

test('closing the connection leaves the peer alone', async () => {
  const { local, remote, server } = pairOf()
  await remote.ready
  await remote.close()
  await server.ended
  assert.is(local.stopped, false)
})

test.run()
