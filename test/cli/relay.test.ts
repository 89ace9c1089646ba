import '../../src/shims.node.ts'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT, ExitError, exitCodeOf } from '../../src/cli/exit.ts'
import { Io } from '../../src/cli/io.ts'
import { runProgram } from '../../src/cli/program.ts'
import { explain } from '../../src/view/explain.ts'
import { Peers } from '../support/peers.ts'
import { pipes } from '../support/screen.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('cli/relay')

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0']
const STRANGER = '12D3KooWA1bysjrTACSWqf6q172inxvwKHUxAnBtVgaVDKMxpZtx'

let base = ''
let dir = ''
let running: Run[] = []
const peers = new Peers()

/** One `p2pnode …`, in this process. */
class Run {
  readonly out: string[]
  readonly err: string[]
  readonly ended: Promise<{ code: number; line: string }>
  readonly #interruption = new AbortController()
  readonly #stdin: ReturnType<typeof pipes>['stdin']
  isOver = false

  constructor(args: string[]) {
    const { stdin, out, err, streams } = pipes()
    this.out = out
    this.err = err
    this.#stdin = stdin
    this.ended = runProgram(args, new Io(streams), this.#interruption)
      .then(
        () => ({ code: EXIT.OK as number, line: '' }),
        (error: unknown) => ({
          code: exitCodeOf(error),
          line: error instanceof ExitError && error.message === '' ? '' : explain(error),
        }),
      )
      .finally(() => {
        this.isOver = true
      })
  }

  say(request: object | string): void {
    this.#stdin.write(`${typeof request === 'string' ? request : JSON.stringify({ jsonrpc: '2.0', ...request })}\n`)
  }

  endInput(): void {
    this.#stdin.end()
  }

  /** As SIGTERM does. */
  terminate(): void {
    this.#interruption.abort(new ExitError(EXIT.OK))
  }

  async see(text: RegExp): Promise<string> {
    const find = (): string | undefined => [...this.out, ...this.err].find((line) => text.test(line))
    await waitFor(() => find() !== undefined || this.isOver, String(text))
    const found = find()
    if (found === undefined) throw new Error(`it ended without ${text}: ${JSON.stringify(await this.ended)}`)
    return found
  }

  get lines(): { id?: unknown; method?: string; params?: Record<string, unknown>; result?: unknown; error?: { code: number } }[] {
    return this.out.map((line) => JSON.parse(line))
  }
}

function run(...args: string[]): Run {
  const one = new Run(args)
  running.push(one)
  return one
}

const relay = (...args: string[]): Run => run('relay', '--data-dir', dir, ...LOOPBACK, ...args)

test.before.each(() => {
  base = mkdtempSync(join(tmpdir(), 'p2pnode-relay-'))
  dir = join(base, 'data')
})
test.after.each(async () => {
  await peers.close()
  for (const one of running) one.terminate()
  await Promise.all(running.map(({ ended }) => ended))
  running = []
  rmSync(base, { recursive: true, force: true })
})

test('says how it is reached and used, and stops cleanly when it is told to', async () => {
  const one = relay()
  await one.see(/^listening on \/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3/)
  await one.see(/^only this machine can reach it/)
  one.terminate()
  assert.equal(await one.ended, { code: 0, line: '' })
  assert.equal(one.out, [])
  assert.is(one.err.at(-1), 'stopped')
})

test('an announced address is the one that people are given', async () => {
  for (const [announce, more] of [
    ['/dns4/relay.example.org/tcp/4747', 0],
    ['/ip4/10.0.0.7/tcp/4747', 1],
  ] as const) {
    const one = relay('--announce', announce)
    const line = await one.see(/^people use it with: /)
    assert.match(line, `p2pnode start <room> --relay ${announce}/p2p/12D3`)
    assert.is(one.err.filter((each) => each.startsWith('only this network')).length, more)
    one.terminate()
    await one.ended
  }
})

test('a second one in the same place ends with 5 and names the first', async () => {
  const one = relay()
  await one.see(/^listening/)
  const { code, line } = await relay().ended
  assert.is(code, 5)
  assert.match(
    line,
    new RegExp(`^p2pnode relay is already running here \\(pid ${process.pid}\\)\\. For a second one: p2pnode relay `),
  )
})

test('a port that is taken ends with 2 and one line; nothing is left open', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (const args of [
    ['--listen', `/ip4/127.0.0.1/tcp/${port}`],
    ['--listen', `/ip4/127.0.0.1/tcp/${port}/ws`],
  ]) {
    const { code, line } = await relay(...args).ended
    assert.is(code, 2)
    assert.is(line, `cannot listen on ${args[1]}: address already in use (EADDRINUSE)`)
  }
  const { code, line } = await relay('--metrics', String(port)).ended
  assert.equal([code, line], [2, `cannot serve metrics on 127.0.0.1:${port}: address already in use (EADDRINUSE)`])
  server.close()
  const one = relay('--metrics', String(port))
  await one.see(/^figures for you alone: http:\/\/127\.0\.0\.1:\d+\/metrics$/)
})

test('a place that cannot be written ends with 6, one that is no directory with 2', async () => {
  const file = join(base, 'file')
  writeFileSync(file, '')
  assert.is((await run('relay', ...LOOPBACK, '--data-dir', file).ended).code, 2)
  // As when a volume is not mounted: whoever runs this, root included, makes no directory there.
  const dangling = join(base, 'dangling')
  symlinkSync(join(base, 'gone'), dangling)
  const { code, line } = await run('relay', ...LOOPBACK, '--data-dir', dangling).ended
  assert.is(code, 6)
  assert.match(line, /^[^\n]+$/)
})

test('lives beside a peer in the same data directory, in a place of its own', async () => {
  mkdirSync(dir, { mode: 0o700 })
  const one = relay()
  await one.see(/^listening/)
  assert.is(statSync(join(dir, 'relay', 'p2pnode.sock')).mode & 0o077, 0)
  // Nobody is taken for the other.
  const { code, line } = await run('status', '--data-dir', dir).ended
  assert.is(code, 7)
  assert.match(line, /^no peer is running here/)
})

test('status is what the running relay knows, and 7 when none runs', async () => {
  const none = await run('relay', 'status', '--data-dir', dir).ended
  assert.equal([none.code, none.line], [7, 'no relay is running here: start one with p2pnode relay'])
  const one = relay()
  await one.see(/^listening/)
  const status = run('relay', 'status', '--data-dir', dir)
  assert.is((await status.ended).code, 0)
  assert.match(
    status.out.join('\n'),
    /^version +\d.*\n.*\nWhat it knows of the people who use it, and nothing else:\n {2}nobody is here$/s,
  )
  one.terminate()
  await one.ended
  assert.is((await run('relay', 'status', '--data-dir', dir, '--json').ended).code, 7)
})

test('with --json: ready first, answers what a relay can, refuses what it cannot, and ends with its input', async () => {
  const one = relay('--json')
  one.say({ id: 1, method: 'status' })
  one.say({ id: 2, method: 'peers' })
  one.say({ id: 3, method: 'connect', params: { address: `/ip4/127.0.0.1/tcp/1/p2p/${STRANGER}` } })
  one.say({ id: 4, method: 'connect', params: { address: 'nowhere' } })
  one.say({ id: 5, method: 'disconnect', params: { peerId: STRANGER } })
  one.say({ id: 6, method: 'disconnect', params: { peerId: 'nobody' } })
  for (const [index, method] of ['send', 'rooms', 'join', 'history', 'profile', 'digest', 'nonsense'].entries()) {
    one.say({ id: 10 + index, method, params: { room: 'x', text: 'x' } })
  }
  one.say('no JSON')
  one.endInput()
  assert.equal(await one.ended, { code: 0, line: '' })
  const { lines } = one
  const [ready] = lines
  assert.is(ready?.method, 'ready')
  assert.equal(Object.keys(ready?.params ?? {}).sort(), ['addresses', 'peerId', 'pid'])
  const answer = (id: number): (typeof lines)[number] | undefined => lines.find((line) => line.id === id)
  assert.is((answer(1)?.result as { peerId: string } | undefined)?.peerId, ready?.params?.peerId)
  assert.equal(answer(2)?.result, [])
  assert.is(answer(3)?.error?.code, -32000)
  assert.is(answer(4)?.error?.code, -32602)
  assert.is(answer(5)?.result, null)
  assert.is(answer(6)?.error?.code, -32602)
  for (let id = 10; id < 17; id++) assert.is(answer(id)?.error?.code, -32601, String(id))
  assert.is(lines.find(({ id, error }) => id === null && error !== undefined)?.error?.code, -32700)
  assert.equal(lines.at(-1), { jsonrpc: '2.0', method: 'closing', params: { reason: 'end of input' } })
  assert.equal(one.err, [])
})

test('with --json: stop is answered, then closing is said', async () => {
  const one = relay('--json')
  one.say({ id: 'bye', method: 'stop' })
  assert.is((await one.ended).code, 0)
  assert.equal(one.lines.slice(-2), [
    { jsonrpc: '2.0', id: 'bye', result: null },
    { jsonrpc: '2.0', method: 'closing', params: { reason: 'stop' } },
  ])
})

test('without --json stdin is not read', async () => {
  const one = relay()
  one.say({ id: 1, method: 'stop' })
  one.endInput()
  await one.see(/^listening/)
  const status = run('relay', 'status', '--data-dir', dir)
  assert.is((await status.ended).code, 0)
  assert.not(one.isOver)
  assert.equal(one.out, [])
})

test('the log says that it started and why it ended, and names none of those who came', async () => {
  const file = join(base, 'log')
  const one = relay('--log-level', 'info', '--log-file', file, '--metrics', '0')
  const line = await one.see(/^listening on /)
  const address = line.slice('listening on '.length)
  const guest = await peers.start({ listen: [], relays: [address] })
  await waitFor(() => guest.relays()[0]?.reserved, 'a reservation')
  // What libp2p calls an error: nobody of that name is there.
  await guest.connect(`${address}/p2p-circuit/p2p/${STRANGER}`).catch(() => undefined)
  await peers.close()
  one.terminate()
  await one.ended
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  const entries = lines.map((line) => JSON.parse(line) as { msg: string; reason?: string })
  assert.equal(
    entries.map(({ msg, reason }) => [msg, reason]),
    [
      ['started', undefined],
      ['stopped', 'signal'],
    ],
  )
  assert.not.match(lines.join(''), guest.peerId)
})

test('--metrics can stand in the environment and in config.json too', async () => {
  mkdirSync(dir)
  writeFileSync(join(dir, 'config.json'), '{"metrics":0,"listen":["/ip4/127.0.0.1/tcp/0"]}')
  await run('relay', '--data-dir', dir).see(/^figures for you alone/)
})

test.run()
