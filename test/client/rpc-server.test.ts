import '../../src/shims.ts'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_LINE, MAX_UNREAD } from '../../src/client/lines.ts'
import { type RpcServer, serveRpc } from '../../src/client/rpc-server.ts'
import { DamagedStoreError, StorageError } from '../../src/errors.ts'
import { author, FakeClient, sha256 } from '../support/fake-client.ts'
import { type LinePair, linePair } from '../support/line-pair.ts'

const test = suite('client/rpc-server')

interface Answer {
  jsonrpc: string
  id?: unknown
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { code: number; message: string; data?: { code?: string; field?: string } }
}

class Caller {
  readonly client: FakeClient
  readonly pair: LinePair = linePair()
  readonly defects: unknown[] = []
  readonly server: RpcServer
  readonly #lines: AsyncIterator<{ text: string } | { problem: string }>

  constructor(client: FakeClient = new FakeClient()) {
    this.client = client
    this.#lines = this.pair.far.lines[Symbol.asyncIterator]()
    this.server = serveRpc({ connection: this.pair.near, client, pid: 4711, onDefect: (error) => this.defects.push(error) })
  }

  /** The next line, parsed; undefined at the end. */
  async next(): Promise<Answer | undefined> {
    const { value, done } = await this.#lines.next()
    if (done === true) return undefined
    assert.ok('text' in value, 'a line is never too long and always UTF-8')
    return JSON.parse(value.text)
  }

  say(line: unknown): void {
    this.pair.far.push(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
  }

  async ask(method: string, params?: unknown, id: unknown = 1): Promise<Answer> {
    this.say({ jsonrpc: '2.0', id, method, params })
    return await this.answer(id)
  }

  /** The next line with this id; events in between are skipped. */
  async answer(id: unknown): Promise<Answer> {
    for (;;) {
      const line = await this.next()
      if (line === undefined) throw new Error('the connection ended')
      if (line.method === undefined && line.id === id) return line
    }
  }

  async rest(): Promise<Answer[]> {
    const lines: Answer[] = []
    for (let line = await this.next(); line !== undefined; line = await this.next()) lines.push(line)
    return lines
  }
}

async function inLobby(): Promise<Caller> {
  const client = new FakeClient()
  await client.join({ room: 'lobby' })
  const caller = new Caller(client)
  await caller.next()
  return caller
}

test('says ready first, and answers afterwards what was asked before', async () => {
  const caller = new Caller()
  caller.say({ jsonrpc: '2.0', id: 'a', method: 'rooms' })
  const ready = await caller.next()
  assert.is(ready?.method, 'ready')
  assert.equal(Object.keys(ready?.params ?? {}).sort(), ['account', 'addresses', 'peerId', 'pid', 'rooms'])
  assert.is(ready?.params?.pid, 4711)
  assert.equal(await caller.next(), { jsonrpc: '2.0', id: 'a', result: [] })
})

test('tells after ready what happened before it', async () => {
  const client = new FakeClient()
  await client.join({ room: 'lobby' })
  const caller = new Caller(client)
  client.hear('lobby', author('bob'), 'early')
  assert.is((await caller.next())?.method, 'ready')
  assert.is((await caller.next())?.params?.text, 'early')
})

test('carries every event but ready and closing as a notification', async () => {
  const caller = await inLobby()
  caller.client.emit('warning', { code: 'FORK', message: 'm' })
  caller.client.emit('reject', { reason: 'r' })
  caller.client.emit('closing', { reason: 'c' })
  caller.client.emit('peer', { peerId: 'p', change: 'connected', via: 'direct' })
  assert.equal(await caller.next(), { jsonrpc: '2.0', method: 'warning', params: { code: 'FORK', message: 'm' } })
  assert.equal(await caller.next(), { jsonrpc: '2.0', method: 'reject', params: { reason: 'r' } })
  assert.equal(await caller.next(), {
    jsonrpc: '2.0',
    method: 'peer',
    params: { peerId: 'p', change: 'connected', via: 'direct' },
  })
})

test('answers each way of being no request with its code, and goes on', async () => {
  const caller = await inLobby()
  const refused: [line: string, code: number, id: unknown][] = [
    ['{', -32700, null],
    ['nonsense', -32700, null],
    ['{"jsonrpc":"2.0","method":"rooms","id":1', -32700, null],
    ['1', -32600, null],
    ['"rooms"', -32600, null],
    ['null', -32600, null],
    ['{}', -32600, null],
    ['[]', -32600, null],
    ['{"method":"rooms","id":7}', -32600, 7],
    ['{"jsonrpc":"1.0","method":"rooms","id":7}', -32600, 7],
    ['{"jsonrpc":"2.0","method":7,"id":"x"}', -32600, 'x'],
    ['{"jsonrpc":"2.0","method":"rooms","id":{}}', -32600, null],
    ['{"jsonrpc":"2.0","method":"rooms","id":[1]}', -32600, null],
    ['{"jsonrpc":"2.0","method":"rooms","id":true}', -32600, null],
  ]
  for (const [line, code, id] of refused) {
    caller.say(line)
    const answer = await caller.next()
    assert.is(answer?.error?.code, code, line)
    assert.is(answer?.id, id, line)
  }
  assert.is((await caller.ask('rooms')).error, undefined)
})

test('does not know methods that are not built, nor names of object members', async () => {
  const caller = await inLobby()
  for (const method of ['edit', 'create', 'on', 'off', 'constructor', '__proto__', 'toString', '', 'rooms ']) {
    assert.is((await caller.ask(method)).error?.code, -32601, method)
  }
})

test('names the parameter that is wrong', async () => {
  const caller = await inLobby()
  const wrong: [method: string, params: unknown, field: string][] = [
    ['join', undefined, 'room'],
    ['join', {}, 'room'],
    ['join', { room: 1 }, 'room'],
    ['join', { room: '' }, 'room'],
    ['join', { room: null }, 'room'],
    ['join', { room: '\ud800' }, 'room'],
    ['join', { room: 'a', passphrase: 1 }, 'passphrase'],
    ['join', { room: 'a', as: false }, 'as'],
    ['join', ['lobby'], 'params'],
    ['rooms', 'x', 'params'],
    ['rooms', null, 'params'],
    ['send', { room: 'lobby' }, 'text'],
    ['send', { text: 'x' }, 'room'],
    ['send', { room: 'lobby', text: ['x'] }, 'text'],
    ['send', { room: 'lobby', text: 'half \udc00' }, 'text'],
    ['send', { room: 'lobby', text: 'x', cid: '' }, 'cid'],
    ['send', { room: 'lobby', text: 'x', cid: 'c'.repeat(65) }, 'cid'],
    ['send', { room: 'lobby', text: 'x', cid: 5 }, 'cid'],
    ['send', { room: 'lobby', text: 'x', replyTo: 'abc' }, 'replyTo'],
    ['send', { room: 'lobby', text: 'x', action: 'yes' }, 'action'],
    ['history', { room: 'lobby', limit: 0 }, 'limit'],
    ['history', { room: 'lobby', limit: 1001 }, 'limit'],
    ['history', { room: 'lobby', limit: 1.5 }, 'limit'],
    ['history', { room: 'lobby', limit: '5' }, 'limit'],
    ['history', { room: 'lobby', before: 'A'.repeat(64) }, 'before'],
    ['history', { room: 'lobby', after: 'g'.repeat(64) }, 'after'],
    ['search', { room: 'lobby' }, 'query'],
    ['search', { query: 'x', limit: 0 }, 'limit'],
    ['search', { query: 'x', room: 1 }, 'room'],
    ['read', { room: 'lobby' }, 'id'],
    ['connect', { address: 7 }, 'address'],
    ['connect', { address: 'localhost' }, 'address'],
    ['disconnect', {}, 'peerId'],
    ['verify', {}, 'room'],
    ['verify', { room: 'lobby', who: 'bob' }, 'room'],
    ['setProfile', { name: '' }, 'name'],
    ['away', {}, 'away'],
    ['away', { away: 1 }, 'away'],
    ['preference', {}, 'key'],
    ['preference', { key: 'Notify' }, 'key'],
    ['setPreference', { key: 'a'.repeat(33), value: 'x' }, 'key'],
    ['setPreference', { key: 'notify', value: 1 }, 'value'],
    ['setPreference', { key: 'notify', value: 'half \ud800' }, 'value'],
  ]
  for (const [method, params, field] of wrong) {
    const { error } = await caller.ask(method, params)
    assert.is(error?.code, -32602, `${method} ${JSON.stringify(params)}`)
    assert.is(error?.data?.field, field, `${method} ${JSON.stringify(params)}`)
  }
})

test('ignores parameters that it does not know', async () => {
  const caller = await inLobby()
  const { result } = await caller.ask('join', { room: 'dev', colour: 'red', __proto__: { as: 'x' } })
  assert.is(result?.name, 'dev')
})

test('tells by data.code what p2pnode refuses', async () => {
  const caller = await inLobby()
  const refused: [method: string, params: unknown, code: string][] = [
    ['send', { room: 'nowhere', text: 'x' }, 'ROOM_UNKNOWN'],
    ['join', { room: 'lobby', passphrase: 'p' }, 'ROOM_EXISTS'],
    ['send', { room: 'lobby', text: 'x'.repeat(40_000) }, 'TOO_LARGE'],
    ['connect', { address: '/ip4/127.0.0.1/tcp/1/p2p/x' }, 'UNREACHABLE'],
  ]
  for (const [method, params, code] of refused) {
    const { error } = await caller.ask(method, params)
    assert.is(error?.code, -32000, method)
    assert.is(error?.data?.code, code, method)
  }
  await caller.ask('send', { room: 'lobby', text: 'one', cid: 'c' })
  assert.is((await caller.ask('send', { room: 'lobby', text: 'two', cid: 'c' })).error?.data?.code, 'CID_REUSED')
})

test('tells what the disk said, and nothing of a defect', async () => {
  const caller = await inLobby()
  const thrown: [error: unknown, code: number, dataCode: string | undefined][] = [
    [new StorageError('full', { code: 'ENOSPC' }), -32000, 'ENOSPC'],
    [Object.assign(new Error('no space'), { code: 'ENOSPC' }), -32000, 'ENOSPC'],
    [new DamagedStoreError('cut'), -32000, 'DAMAGED'],
    [new RangeError('secret detail'), -32603, undefined],
    ['secret detail', -32603, undefined],
  ]
  for (const [error, code, dataCode] of thrown) {
    caller.client.beforeSend = () => Promise.reject(error)
    const answer = await caller.ask('send', { room: 'lobby', text: 'x' })
    assert.is(answer.error?.code, code)
    assert.is(answer.error?.data?.code, dataCode)
    assert.not.match(JSON.stringify(answer), 'secret')
  }
  assert.is(caller.defects.length, 2)
})

test('does what a notification says and does not answer it', async () => {
  const caller = await inLobby()
  caller.say({ jsonrpc: '2.0', method: 'send', params: { room: 'lobby', text: 'quiet' } })
  caller.say({ jsonrpc: '2.0', method: 'nonsense' })
  caller.say({ jsonrpc: '2.0', method: 'join', params: { room: 3 } })
  caller.say({ jsonrpc: '2.0', id: null, method: 'digest', params: { room: 'lobby' } })
  assert.is((await caller.next())?.method, 'message')
  const answer = await caller.next()
  assert.is(answer?.id, null)
  assert.is(answer?.result?.count, 1)
})

test('answers the sends of a room in the order in which they came', async () => {
  const caller = await inLobby()
  const held: (() => void)[] = []
  caller.client.beforeSend = () => new Promise((resolve) => held.push(resolve))
  for (let id = 1; id <= 20; id++) caller.say({ jsonrpc: '2.0', id, method: 'send', params: { room: 'lobby', text: `t${id}` } })
  caller.say({ jsonrpc: '2.0', id: 'other', method: 'connect', params: { address: '/ip4/1.2.3.4/tcp/5/p2p/x' } })
  assert.is((await caller.answer('other')).error, undefined, 'what is no send does not wait for them')
  assert.is(held.length, 20, 'all were started')
  for (const resolve of held.reverse()) resolve()
  const ids: unknown[] = []
  while (ids.length < 20) {
    const line = await caller.next()
    if (line?.method === undefined) ids.push(line?.id)
  }
  assert.equal(
    ids,
    Array.from({ length: 20 }, (_, index) => index + 1),
  )
})

test('a search under way holds nothing up, and sees what was sent before it', async () => {
  const caller = await inLobby()
  const { promise, resolve } = Promise.withResolvers<void>()
  const search = caller.client.search.bind(caller.client)
  caller.client.search = async (params) => {
    const found = await search(params)
    await promise
    return found
  }
  const steps = [
    ['send', { room: 'lobby', text: 'fish' }],
    ['search', { query: 'fish' }],
    ['send', { room: 'lobby', text: 'more fish' }],
    ['join', { room: 'dev' }],
    ['history', { room: 'dev' }],
  ] as const
  for (const [id, [method, params]] of steps.entries()) caller.say({ jsonrpc: '2.0', id, method, params })
  for (const id of [0, 2, 3, 4]) assert.is((await caller.answer(id)).error, undefined, String(id))
  resolve()
  const found = (await caller.answer(1)).result?.messages as { text: string }[] | undefined
  assert.equal(
    found?.map(({ text }) => text),
    ['fish'],
  )
})

test('lines written without waiting mean what they say', async () => {
  const client = new FakeClient()
  const caller = new Caller(client)
  const script = [
    ['join', { room: 'dev' }],
    ['send', { room: 'dev', text: 'one' }],
    ['send', { room: 'dev', text: 'two' }],
    ['digest', { room: 'dev' }],
    ['leave', { room: 'dev' }],
    ['send', { room: 'dev', text: 'three' }],
  ] as const
  for (const [index, [method, params]] of script.entries()) caller.say({ jsonrpc: '2.0', id: index, method, params })
  assert.is((await caller.answer(3)).result?.count, 2)
  assert.is((await caller.answer(5)).error?.data?.code, 'ROOM_UNKNOWN')
})

test('answers a batch with one line, and each wrong entry in it', async () => {
  const caller = await inLobby()
  caller.say([
    { jsonrpc: '2.0', id: 1, method: 'digest', params: { room: 'lobby' } },
    { jsonrpc: '2.0', method: 'typing', params: { room: 'lobby' } },
    7,
    { jsonrpc: '2.0', id: 2, method: 'nope' },
    [],
  ])
  const answers = (await caller.next()) as unknown as Answer[]
  assert.equal(
    answers.map(({ id, error }) => [id, error?.code]),
    [
      [1, undefined],
      [null, -32600],
      [2, -32601],
      [null, -32600],
    ],
  )
})

test('answers nothing to a batch of notifications, and one error to one without end', async () => {
  const caller = await inLobby()
  caller.say([{ jsonrpc: '2.0', method: 'typing', params: { room: 'lobby' } }])
  caller.say(`[${'1,'.repeat(1000)}1]`)
  const answer = await caller.next()
  assert.is(answer?.error?.code, -32600)
  assert.is(answer?.id, null)
})

test('no answer is longer than a line may be', async () => {
  const caller = await inLobby()
  for (let n = 0; n < 40; n++) caller.client.hear('lobby', author('bob'), '\u0007'.repeat(32_000))
  const call = (id: unknown, limit: number): object => ({
    jsonrpc: '2.0',
    id,
    method: 'history',
    params: { room: 'lobby', limit },
  })
  caller.say(call('all', 40))
  assert.is((await caller.answer('all')).error?.data?.code, 'TOO_LARGE')
  caller.say([call(1, 3), call(2, 3), call(3, 1)])
  const answers = (await caller.next()) as unknown as Answer[]
  assert.equal(
    answers.map(({ error }) => error?.data?.code),
    [undefined, 'TOO_LARGE', undefined],
  )
})

test('a line over 1 MiB is refused, one of 1 MiB is not, and the connection stays usable', async () => {
  const caller = await inLobby()
  const request = (padding: number): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'rooms', x: 'x'.repeat(padding) })
  caller.say(request(MAX_LINE - request(0).length))
  assert.is((await caller.next())?.id, 1)
  caller.say(request(MAX_LINE - request(0).length + 1))
  const answer = await caller.next()
  assert.is(answer?.error?.data?.code, 'TOO_LARGE')
  assert.is(answer?.id, null)
  assert.is((await caller.ask('rooms', {}, 2)).id, 2)
})

test('bytes that are no UTF-8 are a parse error', async () => {
  const caller = await inLobby()
  caller.pair.far.push(new Uint8Array([0x22, 0xff, 0xfe, 0x22, 10]))
  const answer = await caller.next()
  assert.is(answer?.error?.code, -32700)
  assert.is(answer?.id, null)
})

test('every line of junk gets an answer, and then a request its result', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' })), { maxLength: 20 }),
      async (junk) => {
        const caller = await inLobby()
        const lines = junk.map((line) => line.toWellFormed().replaceAll('\n', ' '))
        for (const line of lines) caller.say(line)
        caller.say({ jsonrpc: '2.0', id: 'end', method: 'rooms' })
        caller.pair.far.finish()
        await caller.server.ended
        await caller.server.close('done')
        const answers = (await caller.rest()).filter(({ method }) => method === undefined)
        assert.is(answers.length, 1 + lines.filter((line) => line.trim() !== '').length)
        assert.ok(answers.some(({ id, result }) => id === 'end' && result !== undefined))
        assert.equal(caller.defects, [])
      },
    ),
    { numRuns: 200 },
  )
})

test('answers what was read when the other side ends, and then has ended', async () => {
  const caller = await inLobby()
  let release: (() => void) | undefined
  caller.client.beforeSend = () =>
    new Promise((resolve) => {
      release = resolve
    })
  caller.say({ jsonrpc: '2.0', id: 1, method: 'send', params: { room: 'lobby', text: 'last' } })
  caller.pair.far.push('{"jsonrpc":"2.0","id":2,"method":"nope"}')
  caller.pair.far.finish()
  assert.is((await caller.answer(2)).error?.code, -32601, 'a last line needs no end')
  release?.()
  await caller.server.ended
  assert.is((await caller.answer(1)).error, undefined)
})

test('stop waits for what came before it, answers, and closing is the last line', async () => {
  const caller = await inLobby()
  caller.client.on('closing', ({ reason }) => void caller.server.close(reason))
  caller.say({ jsonrpc: '2.0', id: 1, method: 'send', params: { room: 'lobby', text: 'before' } })
  caller.say({ jsonrpc: '2.0', id: 2, method: 'stop' })
  const lines = await caller.rest()
  assert.equal(
    lines.map(({ method, id }) => method ?? id),
    ['message', 1, 2, 'closing'],
  )
  assert.is(lines.at(-1)?.params?.reason, 'stop')
  assert.is(caller.client.listeners(), 1, 'and nothing listens any more')
})

test('who leaves 8 MiB unread is closed, and nobody else notices', async () => {
  const caller = await inLobby()
  const other = new Caller(caller.client)
  await other.next()
  caller.pair.stall()
  for (let bytes = 0; bytes < MAX_UNREAD + MAX_LINE; bytes += 32_000) {
    caller.client.hear('lobby', author('bob'), 'x'.repeat(32_000))
    await other.next()
  }
  await caller.server.ended
  assert.equal([caller.server.cut, other.server.cut], [true, false])
  assert.is((await other.ask('rooms')).error, undefined)
})

test('who has much to read gets time to, and no more history meanwhile', async () => {
  const caller = await inLobby()
  caller.pair.stall()
  for (let bytes = 0; bytes < MAX_UNREAD / 4; bytes += 32_000) caller.client.hear('lobby', author('bob'), 'x'.repeat(32_000))
  assert.is(caller.client.holders, 1)
  caller.pair.resume()
  while (caller.client.holders > 0) await caller.next()
  assert.is((await caller.ask('rooms')).error, undefined)
})

test('ids of messages are as the client made them', async () => {
  const caller = await inLobby()
  const sent = await caller.ask('send', { room: 'lobby', text: 'x' })
  const { result } = await caller.ask('digest', { room: 'lobby' })
  assert.is(result?.digest, sha256(String(sent.result?.id)))
})

test.run()
