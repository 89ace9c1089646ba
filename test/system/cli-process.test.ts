import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CliOptions, type CliResult, endOf, runCli, spawnCli } from '../support/run-cli.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('system/cli-process')

/** For a loaded machine: it tells a hang from slowness. Milliseconds. */
const DEADLINE = 60_000
/** Nothing but this machine is spoken to. */
const QUIET = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']

let dir = ''
let running: Peer[] = []

class Peer {
  readonly ended: Promise<CliResult>
  readonly #child: Awaited<ReturnType<typeof spawnCli>>
  stdout = ''
  stderr = ''

  private constructor(child: Awaited<ReturnType<typeof spawnCli>>) {
    this.#child = child
    child.stdout.on('data', (bytes) => {
      this.stdout += String(bytes)
    })
    child.stderr.on('data', (bytes) => {
      this.stderr += String(bytes)
    })
    this.ended = endOf(child)
  }

  static async spawn(args: string[], env?: Record<string, string>): Promise<Peer> {
    const peer = new Peer(await spawnCli(['start', ...args, '--data-dir', dir, ...QUIET], env))
    running.push(peer)
    return peer
  }

  /** A peer that has said `ready`. */
  static async json(...args: string[]): Promise<Peer> {
    const peer = await Peer.spawn([...args, '--json'])
    await peer.see(/"method":"ready"/)
    return peer
  }

  async see(text: RegExp): Promise<void> {
    const ask = (): boolean => {
      if (this.#child.exitCode !== null) throw new Error(`it ended with ${this.#child.exitCode}: ${this.stderr}`)
      return text.test(this.stdout) || text.test(this.stderr)
    }
    await waitFor(ask, `${text}: ${this.stdout} ${this.stderr}`, DEADLINE)
  }

  say(line: string | object): void {
    this.#child.stdin.write(`${typeof line === 'string' ? line : JSON.stringify({ jsonrpc: '2.0', ...line })}\n`)
  }

  endInput(): void {
    this.#child.stdin.end()
  }

  closeOutput(): void {
    this.#child.stdout.destroy()
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  get lines(): {
    method?: string
    id?: unknown
    result?: unknown
    params?: Record<string, unknown>
    error?: { code: number; data?: { code: string } }
  }[] {
    return this.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
}

test.before.each(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'p2pnode-process-')), 'alice')
})

test.after.each(async () => {
  for (const peer of running) {
    peer.signal('SIGKILL')
    await peer.ended
  }
  running = []
  rmSync(join(dir, '..'), { recursive: true, force: true })
})

const cli = (args: string[], options?: CliOptions): Promise<CliResult> => runCli([...args, '--data-dir', dir], options)

test('ready is the first line, answers what was asked before it, and ends with its input', async () => {
  const peer = await Peer.spawn(['--json', '--name', 'Alice'])
  peer.say({ id: 1, method: 'send', params: { room: 'lobby', text: 'hello' } })
  peer.say({ id: 2, method: 'digest', params: { room: 'lobby' } })
  peer.endInput()
  const { code, stderr } = await peer.ended
  assert.is(code, 0, stderr)
  const { lines } = peer
  assert.is(lines[0]?.method, 'ready')
  assert.type(lines[0]?.params?.pid, 'number')
  assert.is(lines.filter(({ method }) => method === 'message').length, 1)
  assert.match(JSON.stringify(lines.find(({ id }) => id === 2)?.result), '"count":1,')
  assert.equal(lines.at(-1), { jsonrpc: '2.0', method: 'closing', params: { reason: 'end of input' } })
  assert.is(stderr, '')
})

test('stop is answered, then closing is said, then it ends with 0', async () => {
  const peer = await Peer.json()
  peer.say({ id: 'bye', method: 'stop' })
  assert.is((await peer.ended).code, 0)
  assert.equal(peer.lines.slice(-2), [
    { jsonrpc: '2.0', id: 'bye', result: null },
    { jsonrpc: '2.0', method: 'closing', params: { reason: 'stop' } },
  ])
})

test('SIGTERM is a clean stop with 0, SIGINT one with 130', async () => {
  for (const [name, code] of [
    ['SIGTERM', 0],
    ['SIGINT', 130],
  ] as const) {
    const peer = await Peer.json()
    peer.signal(name)
    const result = await peer.ended
    assert.is(result.code, code, result.stderr)
    assert.is(peer.lines.at(-1)?.method, 'closing')
    assert.not(existsSync(join(dir, 'p2pnode.sock')))
  }
})

test('a closed stdout is a clean stop with 0', async () => {
  const peer = await Peer.json()
  peer.closeOutput()
  peer.say({ id: 1, method: 'status' })
  const { code, stderr } = await peer.ended
  assert.is(code, 0, stderr)
  assert.is(stderr, '')
})

test('a line of 2 MiB is refused and the peer goes on', async () => {
  const peer = await Peer.json()
  peer.say(`{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(2_097_152)}"}`)
  peer.say({ id: 2, method: 'rooms' })
  await peer.see(/"id":2/)
  assert.is(peer.lines.find(({ error }) => error !== undefined)?.error?.data?.code, 'TOO_LARGE')
})

test('a second start ends with 5 and one line that names the first', async () => {
  const peer = await Peer.json()
  const { code, stdout, stderr } = await cli(['start', '--headless'])
  assert.is(code, 5)
  assert.is(stdout, '')
  const pid = peer.lines[0]?.params?.pid
  assert.is(
    stderr,
    `p2pnode is already running here (pid ${String(pid)}). To be a second person on this machine: p2pnode start --data-dir ./bob. ` +
      'To talk as the running one: p2pnode tail <room>, p2pnode send <room>.\n',
  )
})

test('the other commands speak to the running peer, and those that read also without it', async () => {
  const peer = await Peer.json('--name', 'Alice')
  const json = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await cli([...args, '--json'])
    assert.is(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout === '' ? undefined : JSON.parse(stdout)
  }
  assert.is(((await json('join', 'dev')) as { name: string }).name, 'dev')
  await cli(['send', 'dev', '-'], { input: 'one\n/two\n\nthree\n' })
  await json('send', 'dev', 'four')
  const history = (await json('history', 'dev')) as { messages: { text: string }[] }
  assert.equal(
    history.messages.map(({ text }) => text),
    ['one', '/two', 'three', 'four'],
  )
  const found = await json('search', 'T', 'from:alice')
  assert.equal(
    (found as typeof history).messages.map(({ text }) => text),
    ['/two', 'three'],
  )
  const digest = await json('digest', 'dev')
  assert.is(((await json('status')) as { name: string }).name, 'Alice')
  assert.is((await cli(['send', 'nowhere', 'x'])).code, 1)
  peer.endInput()
  assert.is((await peer.ended).code, 0)
  assert.equal(await json('digest', 'dev'), digest)
  assert.equal(((await json('search', 't')) as typeof history).messages.length, 2)
  assert.equal(((await json('rooms')) as { name: string }[]).map(({ name }) => name).sort(), ['dev', 'lobby'])
  assert.is(((await json('verify', 'dev')) as { ok: boolean }).ok, true)
  assert.is((await cli(['send', 'dev', 'five'])).code, 7)
  assert.is((await cli(['id', '--phrase'])).stdout.trim().split(' ').length, 24)
})

test('tail follows, and ends with the peer', async () => {
  const peer = await Peer.json()
  peer.say({ id: 1, method: 'send', params: { room: 'lobby', text: 'before' } })
  await peer.see(/"id":1/)
  const tail = await spawnCli(['tail', 'lobby', '--json', '--data-dir', dir])
  let out = ''
  tail.stdout.on('data', (bytes) => {
    out += String(bytes)
  })
  const ended = endOf(tail)
  await waitFor(() => out.includes('before'), 'the past', DEADLINE)
  peer.say({ id: 2, method: 'send', params: { room: 'lobby', text: 'after' } })
  await waitFor(() => out.includes('after'), 'the present', DEADLINE)
  peer.signal('SIGTERM')
  assert.is((await ended).code, 0)
  assert.equal(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).text),
    ['before', 'after'],
  )
})

test('lobby is joined by whoever never was in a room and names none, and leaving it is remembered', async () => {
  const roomsOf = (peer: Peer): unknown => {
    const rooms = peer.lines[0]?.params?.rooms as { name: string }[] | undefined
    return rooms?.map(({ name }) => name)
  }
  const first = await Peer.json()
  assert.equal(roomsOf(first), ['lobby'])
  first.say({ id: 1, method: 'leave', params: { room: 'lobby' } })
  first.endInput()
  await first.ended
  const second = await Peer.json()
  assert.equal(roomsOf(second), [])
  second.endInput()
  await second.ended
  const third = await Peer.json('dev', 'ops')
  assert.equal(roomsOf(third), ['dev', 'ops'])
})

test('a passphrase comes from a file; none ends with 3, a wrong one too, and no prompt waits', async () => {
  const [right, wrong, next] = ['right', 'wrong', 'next'].map((word) => {
    const file = join(dir, '..', word)
    writeFileSync(file, `${word}\n`)
    return file
  }) as [string, string, string]
  const peer = await Peer.json('--passphrase-file', right)
  assert.is((await cli(['passphrase', '--passphrase-file', right, '--new-passphrase-file', next])).code, 5)
  peer.endInput()
  await peer.ended
  assert.is((await cli(['rooms'])).code, 3)
  assert.is((await cli(['start', '--headless'])).code, 3)
  assert.is((await cli(['rooms', '--passphrase-file', wrong])).code, 3)
  assert.is((await cli(['rooms', '--passphrase-file', right])).code, 0)
  assert.is((await cli(['passphrase', '--passphrase-file', right, '--new-passphrase-file', next])).code, 0)
  assert.is((await cli(['rooms', '--passphrase-file', right])).code, 3)
  assert.is((await cli(['passphrase', '--passphrase-file', next, '--remove'])).code, 0)
  assert.is((await cli(['rooms'])).code, 0)
})

test('a pipe sends its lines and leaves; stdout holds data only', async () => {
  const peer = await Peer.spawn(['dev'])
  peer.say('/rooms')
  await peer.see(/1 {2}dev/)
  peer.endInput()
  const { code, stdout, stderr } = await peer.ended
  assert.is(code, 0)
  assert.match(stdout, /^1 {2}dev .*\n$/)
  assert.match(stderr, /listening on \/ip4\/127/)
})

test('--headless reads nothing, and a socket that stops it ends it', async () => {
  const peer = await Peer.spawn(['--headless', '--quiet'])
  peer.endInput()
  await waitFor(() => existsSync(join(dir, 'p2pnode.sock')), 'the socket', DEADLINE)
  assert.is((await cli(['rooms'])).code, 0)
  const socket = createConnection(join(dir, 'p2pnode.sock'))
  socket.write('{"jsonrpc":"2.0","id":1,"method":"stop"}\n')
  let answers = ''
  for await (const bytes of socket) answers += String(bytes)
  assert.match(answers, /"result":null\}\n.*"closing".*\n$/)
  const { code, stdout, stderr } = await peer.ended
  assert.equal([code, stdout, stderr], [0, '', ''])
})

test('nobody else can read what is written, whatever the umask', async () => {
  const before = process.umask(0)
  try {
    const log = join(dir, '..', 'logs', 'log')
    const peer = await Peer.json('--log-file', log, '--log-level', 'debug')
    for (const path of [dir, join(dir, 'p2pnode.sock'), log, join(log, '..')]) {
      assert.is(statSync(path).mode & 0o077, 0, path)
    }
    peer.endInput()
    await peer.ended
  } finally {
    process.umask(before)
  }
})

test.run()
