import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TextShow } from '../../src/cli/demo/show.ts'
import { demandOk, type Held, judge } from '../../src/cli/demo/verdict.ts'
import { EXIT, exitCodeOf } from '../../src/cli/exit.ts'
import { Io } from '../../src/cli/io.ts'
import type { Message } from '../../src/client/client.ts'
import { endOf, runCli, spawnCli } from '../support/run-cli.ts'
import { terminal } from '../support/screen.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('cli/demo')

/** For a loaded machine: it tells a hang from slowness. Milliseconds. */
const DEADLINE = 60_000

let dir = ''

test.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'p2pnode-demo-test-'))
})

test.after.each(() => rmSync(dir, { recursive: true, force: true }))

const digestOf = (ids: string[]): string => createHash('sha256').update(ids.join('\n')).digest('hex')
const held = (name: string, ids: string[]): Held => ({ name, ids, told: ids, digest: digestOf(ids) })

interface Event {
  event: string
  step: string
  peer: string
  pid: number
  count: number
  digest: string
  missed: boolean
  message: Message
}

const eventsIn = (stdout: string): Event[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event)

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('who has everything once, in one order, passes', () => {
  const verdict = judge(['a', 'b'], [held('alice', ['b', 'a']), held('bob', ['b', 'a'])])
  assert.equal(verdict, { ok: true, written: 2, lost: 0, twice: 0, problems: [] })
  demandOk(verdict)
})

const FAILURES: [what: string, bob: Held, problems: string[]][] = [
  ['a lost message', held('bob', ['a']), ['bob lost 1 message', 'alice and bob have different histories']],
  ['a doubled message', held('bob', ['a', 'b', 'b']), ['bob got 2 messages twice', 'alice and bob have different histories']],
  ['a message told twice', { ...held('bob', ['a', 'b']), told: ['a', 'b', 'a'] }, ['bob got 1 message twice']],
  [
    'a message of nobody',
    held('bob', ['a', 'b', 'c']),
    ['bob has 1 message that nobody wrote', 'alice and bob have different histories'],
  ],
  ['another order', held('bob', ['b', 'a']), ['alice and bob have different histories']],
  [
    'a wrong digest',
    { ...held('bob', ['a', 'b']), digest: digestOf(['a']) },
    ['bob has a digest that is not that of its messages'],
  ],
]

for (const [what, bob, problems] of FAILURES) {
  test(`${what} fails with exit code 1, and says who has it`, () => {
    const verdict = judge(['a', 'b'], [held('alice', ['a', 'b']), bob])
    assert.equal(verdict.problems, problems)
    assert.not(verdict.ok)
    try {
      demandOk(verdict)
      assert.unreachable('it passed')
    } catch (error) {
      assert.is(exitCodeOf(error), EXIT.FAILURE)
      assert.is((error as Error).message, problems.join('; '))
    }
  })
}

function shown(columns: number): string[] {
  const { screen, streams } = terminal(columns)
  const show = new TextShow(new Io(streams))
  const message = { kind: 'text', text: 'a text that is too long for a column', author: { account: '', name: 'bob' } } as Message
  show.begin(['alice', 'bob'])
  show.row([undefined, { peer: 'bob', message, missed: true }])
  return screen.lines.slice(2)
}

test('what the peers have stands side by side where there is room, else in a line each', () => {
  assert.equal(shown(80), [`${' '.repeat(42)}+ bob: a text that is too long for a …`])
  assert.equal(shown(79), ['  bob   | + bob: a text that is too long for a column'])
})

test('two peers talk, are cut off, write on, and end with the same; nothing stays behind', async () => {
  const { code, stdout, stderr } = await runCli(['demo', '--fast', '--json'], { env: { TMPDIR: dir } })
  assert.equal([code, stderr], [0, ''])
  const events = eventsIn(stdout)
  const of = (kind: string): Event[] => events.filter(({ event }) => event === kind)
  assert.equal(
    of('step').map(({ step }) => step),
    ['talk', 'cut', 'heal'],
  )
  const pids = of('peer').map(({ pid }) => pid)
  assert.is(new Set(pids).size, 2)
  assert.equal(pids.filter(isRunning), [])
  assert.equal(readdirSync(dir), [])

  const digests = of('digest')
  assert.equal(
    digests.map(({ peer, count }) => `${peer} ${count}`),
    ['alice 2', 'bob 2', 'alice 4', 'bob 5', 'alice 7', 'bob 7'],
  )
  const same = [0, 2, 4].map((at) => digests[at]?.digest === digests[at + 1]?.digest)
  assert.equal(same, [true, false, true])

  const healed = events.slice(events.findIndex(({ step }) => step === 'heal')).filter(({ event }) => event === 'message')
  for (const peer of ['alice', 'bob']) {
    const history = healed.filter((one) => one.peer === peer)
    assert.is(digestOf(history.map(({ message }) => message.id)), digests.at(-1)?.digest, 'the digest is that of what is shown')
    const missed = history.filter((one) => one.missed)
    assert.is(missed.length, peer === 'alice' ? 3 : 2)
    assert.ok(missed.every(({ message }) => message.author.name !== peer && message.via !== 'self'))
  }
  assert.equal(events.at(-1), { event: 'verdict', ok: true, written: 7, lost: 0, twice: 0, problems: [] })
})

test('Ctrl-C ends it with 130 and leaves nothing behind', async () => {
  const child = await spawnCli(['demo', '--json'], { TMPDIR: dir })
  const ended = endOf(child)
  let stdout = ''
  child.stdout.on('data', (bytes) => {
    stdout += String(bytes)
  })
  await waitFor(() => stdout.includes('"step":"talk"'), 'peers', DEADLINE)
  const pids = eventsIn(stdout.slice(0, stdout.lastIndexOf('\n')))
    .filter(({ event }) => event === 'peer')
    .map(({ pid }) => pid)
  assert.is(pids.filter(isRunning).length, 2)
  child.kill('SIGINT')
  const { code, stderr } = await ended
  assert.equal([code, stderr], [130, ''])
  assert.equal(pids.filter(isRunning), [])
  assert.equal(readdirSync(dir), [])
})

test('only two or three can take part', async () => {
  const { code, stderr } = await runCli(['demo', '--peers', '4'])
  assert.equal([code, stderr], [2, 'p2pnode: --peers must be 2 or 3\n'])
})

test.run()
