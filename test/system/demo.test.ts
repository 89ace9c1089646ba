import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Message } from '../../src/client/client.ts'
import { endOf, runCli, spawnCli } from '../support/run-cli.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('system/demo')

/** For a loaded machine: it tells a hang from slowness. Milliseconds. */
const DEADLINE = 60_000

let dir = ''

test.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'p2pnode-demo-test-'))
})

test.after.each(() => rmSync(dir, { recursive: true, force: true }))

const digestOf = (ids: string[]): string => createHash('sha256').update(ids.join('\n')).digest('hex')

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

test('three peers are shown in plain lines off a terminal', async () => {
  const { code, stdout, stderr } = await runCli(['demo', '--fast', '--peers', '3'], { env: { TMPDIR: dir } })
  assert.equal([code, stderr], [0, ''])
  assert.not.match(stdout, '\u001b')
  for (const name of ['alice', 'bob  ', 'carol']) assert.match(stdout, `  ${name} | + `)
  const last = stdout.split('\n').filter((line) => line.includes('9 held'))
  assert.is(new Set(last.map((line) => line.split('|')[1])).size, 1)
  assert.is(last.length, 3)
  assert.match(stdout, /\nEqual: .* 9 written, 0 lost, 0 twice\.\n$/)
  assert.equal(readdirSync(dir), [])
})

test.run()
