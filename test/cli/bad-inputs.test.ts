import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CliOptions, type CliResult, runCli } from '../support/run-cli.ts'

const test = suite('cli/bad-inputs')

/** Processes at once. */
const PARALLEL = 4

const base = mkdtempSync(join(tmpdir(), 'p2pnode-bad-'))
const dir = join(base, 'alice')
const file = join(base, 'a-file')
const empty = join(base, 'empty')
const absent = join(base, 'absent')

function dirWithConfig(name: string, config: string): string {
  const path = join(base, name)
  mkdirSync(path)
  writeFileSync(join(path, 'config.json'), config)
  return path
}

mkdirSync(dir)
writeFileSync(file, 'x')
writeFileSync(empty, '')
const noJson = dirWithConfig('no-json', '{')
const noObject = dirWithConfig('no-object', '[]')
const unknownKey = dirWithConfig('unknown-key', '{"prot":1}')
const wrongType = dirWithConfig('wrong-type', '{"port":"x"}')

test.after(() => rmSync(base, { recursive: true, force: true }))

type Bad = string[] | ({ args: string[] } & CliOptions)

const at = (...args: string[]): string[] => [...args, '--data-dir', dir]

/** Each is refused before anything is opened, made or dialled. */
const bad: Bad[] = [
  [],
  ['jion'],
  ['Start'],
  ['--nonsense'],
  ['-x'],
  ['start', '--nonsense'],
  ['start', '--prot', '3'],
  at('start', '--port'),
  at('start', '--port', ''),
  at('start', '--port', '-1'),
  at('start', '--port', '65536'),
  at('start', '--port', '1.5'),
  at('start', '--port', 'http'),
  at('start', '--log-level', 'loud'),
  at('start', '--log-level', ''),
  at('start', '--name', ''),
  at('start', '--name', '   '),
  at('start', '--listen', ''),
  at('start', '--listen', 'localhost:4747'),
  at('start', '--listen', '/ip4/999.0.0.1/tcp/0'),
  at('start', '--announce', 'example.org'),
  at('start', '--connect', 'bob'),
  at('start', '--connect', '/ip4/127.0.0.1'),
  at('start', ''),
  at('start', 'two words'),
  at('start', 'x'.repeat(65)),
  at('start', 'tab\there'),
  at('start', 'dev', 'bell\u0007'),
  at('start', '--locked'),
  at('start', 'a', 'b', '--locked'),
  at('start', 'a', '--locked'),
  at('start', 'a', '--locked', '--room-passphrase-file', absent),
  at('start', 'a', '--locked', '--room-passphrase-file', empty),
  at('start', 'a', '--json', '--room-passphrase-file', '-'),
  at('start', '--passphrase-file', absent),
  at('start', '--passphrase-file', empty),
  at('start', '--passphrase-file', base),
  ['start', '--data-dir', ''],
  ['start', '--data-dir', file],
  ['start', '--data-dir', join(file, 'below')],
  ['start', '--data-dir', noJson],
  ['start', '--data-dir', noObject],
  ['start', '--data-dir', unknownKey],
  ['start', '--data-dir', wrongType],
  { args: at('start'), env: { P2PNODE_PORT: 'x' } },
  { args: at('start'), env: { P2PNODE_JSON: 'maybe' } },
  { args: at('start'), env: { P2PNODE_LOG_LEVEL: '9' } },
  { args: ['rooms'], env: { P2PNODE_HOME: file } },
  at('join'),
  at('join', ''),
  at('join', '#'),
  at('join', 'a', 'b'),
  at('join', 'a', '--locked'),
  at('leave'),
  at('members'),
  at('send'),
  at('send', 'dev', ''),
  at('send', 'dev', 'two', 'texts'),
  at('send', ' ', 'text'),
  at('history'),
  at('history', 'dev', '--limit', '0'),
  at('history', 'dev', '--limit', '1001'),
  at('history', 'dev', '--limit', 'many'),
  at('history', 'dev', '--before', 'x'),
  at('history', 'dev', '--after', 'A'.repeat(64)),
  at('search'),
  at('search', ' '),
  at('search', 'x', '--limit', '1001'),
  at('search', 'x', '--room', ''),
  at('tail', 'dev', '--limit', '-5'),
  at('digest'),
  at('digest', 'a', 'b'),
  at('rooms', 'extra'),
  at('connect'),
  at('connect', 'localhost:4747'),
  at('whois'),
  at('verify', ''),
  at('profile', 'get'),
  at('profile', 'set'),
  at('profile', 'set', 'name'),
  at('profile', 'set', 'name='),
  at('profile', 'set', 'colour=red'),
  at('passphrase'),
  at('passphrase', '--remove', '--new-passphrase-file', file),
  at('passphrase', '--new-passphrase-file', absent),
  at('relay', 'stop'),
  at('relay', 'status', 'extra'),
  at('relay', '--metrics'),
  at('relay', '--metrics', '65536'),
  at('relay', '--metrics', '127.0.0.1:9464'),
  at('relay', '--port', '4747'),
  at('relay', '--listen', 'localhost:4747'),
  at('relay', '--announce', 'relay.example.org'),
  { args: at('relay'), env: { P2PNODE_METRICS: 'yes' } },
]

test('each of more than 60 wrong command lines ends with 2 and one line that says why', async () => {
  assert.ok(bad.length >= 60)
  const waiting = bad.map((input) => (Array.isArray(input) ? { args: input } : input))
  const wrong: string[] = []
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const problem = problemOf(await runCli(next.args, next))
      if (problem !== undefined) wrong.push(`${JSON.stringify(next.args.join(' '))}: ${problem}`)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  assert.equal(wrong, [])
})

function problemOf({ code, stdout, stderr }: CliResult): string | undefined {
  if (code !== 2) return `it ended with ${code}: ${stderr}`
  if (stdout !== '') return `stdout: ${stdout}`
  if (!/^p2pnode: [^\n]+\n$/.test(stderr)) return `stderr: ${stderr}`
  return /\n? {4}at /.test(stderr) ? `a stack: ${stderr}` : undefined
}

test('help and version are asked for, not refused, and load no peer', async () => {
  for (const args of [['--help'], ['help', 'start'], ['start', '--help'], ['history', '-h']]) {
    const { code, stdout, stderr } = await runCli(args)
    assert.is(code, 0)
    assert.match(stdout, /^Usage: p2pnode/)
    assert.match(stdout, /Example:\n {2}\$ .*p2pnode /)
    assert.is(stderr, '')
  }
  assert.match((await runCli(['--version'])).stdout, /^\d+\.\d+\.\d+\S*\n$/)
})

test('without a peer those that need one end with 7', async () => {
  for (const args of [
    ['status'],
    ['peers'],
    ['send', 'dev', 'x'],
    ['join', 'dev'],
    ['tail', 'dev'],
    ['history', 'dev'],
    ['search', 'x'],
    ['id'],
  ]) {
    const { code, stdout, stderr } = await runCli([...args, '--data-dir', absent])
    assert.is(code, 7, args.join(' '))
    assert.is(stdout, '')
    assert.match(stderr, /^p2pnode: [^\n]*p2pnode start[^\n]*\n$/)
  }
})

test('a directory that cannot be made ends with 6, and does end', async () => {
  if (!existsSync('/proc/self')) return
  for (const command of ['start', 'relay']) {
    const { code, stderr } = await runCli([command, '--data-dir', '/proc/self/alice'])
    assert.is(code, 6, command)
    assert.match(stderr, /^p2pnode: [^\n]*\/proc\/self\/alice[^\n]*\n$/)
  }
})

test.run()
