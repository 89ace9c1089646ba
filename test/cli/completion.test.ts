import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ask } from '../../src/cli/completion/ask.ts'
import { quoteForBash, readBashLine } from '../../src/cli/completion/bash-line.ts'
import { candidatesAt, type Known } from '../../src/cli/completion/candidates.ts'
import { MAX_CANDIDATES, MAX_ROOMS_ASKED } from '../../src/cli/completion/constants.ts'
import { type CommandLine, placeIn } from '../../src/cli/completion/place.ts'
import { globalOptions, startOptions } from '../../src/cli/options.ts'
import { serveSocket } from '../../src/cli/socket.ts'
import type { Member } from '../../src/client/client.ts'
import { anyText } from '../support/any-text.ts'
import { author, FakeClient } from '../support/fake-client.ts'
import { runCli } from '../support/run-cli.ts'

const test = suite('cli/completion')

/** With many of the characters that mean something to a shell. */
const text = fc.oneof(anyText(), fc.string())

const base = mkdtempSync(join(tmpdir(), 'p2pnode-completion-'))
test.after(() => rmSync(base, { recursive: true, force: true }))

const line: CommandLine = {
  globals: globalOptions,
  commands: [
    { usage: 'start [room...]', description: 'run', options: startOptions, joins: true },
    { usage: 'relay [status]', description: 'relay', begins: ['status'] },
    { usage: 'send <room> [text]', description: 'send' },
    { usage: 'search <query>', description: 'search', own: [['--room <room>', 'in this room']] },
    { usage: 'whois <who>', description: 'whois' },
    { usage: 'verify <who|room>', description: 'verify' },
    { usage: 'passphrase', description: 'passphrase', own: [['--new-passphrase-file <file>', 'the new one']] },
    { usage: 'completion <shell>', description: 'completion' },
  ],
}

const someone = (name: string, account?: string): Member => ({
  ...author(name, account),
  role: 'member',
  online: true,
  self: false,
})
const room = (name: string, members = 2): Known['rooms'][number] => ({
  id: createHash('sha256').update(name).digest('hex').slice(0, 32),
  name,
  kind: 'open',
  check: 'apple river',
  members,
  online: 1,
  count: 0,
  unread: 0,
})

const known: Known = { rooms: [room('dev', 1), room('team:ops')], members: [someone('bob'), someone('carol smith')] }

const answer = (words: string[], about: Known = known): ReturnType<typeof candidatesAt> =>
  candidatesAt(placeIn(words, line), line, about)
const values = (words: string[], about?: Known): string[] => answer(words, about).candidates.map(({ value }) => value)

test('the first word is a command, with its description', () => {
  assert.equal(answer(['']).candidates[0], { value: 'start', description: 'run' })
  assert.is(values(['']).length, line.commands.length)
  assert.equal(values(['--quiet', 'ver']).slice(0, 1), ['verify'])
})

test('a dash asks for the options of the command and of all', () => {
  const found = values(['start', '-'])
  for (const name of ['--name', '--locked', '--data-dir', '--log-level', '--help']) assert.ok(found.includes(name), name)
  assert.not.ok(found.includes('--version'))
  assert.ok(values(['-']).includes('--version'))
  assert.not.ok(values(['-']).includes('--name'))
})

test('an option that was given is not offered again', () => {
  assert.not.ok(values(['start', '--locked', '-']).includes('--locked'))
  assert.not.ok(values(['start', '--name=x', '-']).includes('--name'))
})

test('where every argument is there, options are offered', () => {
  assert.equal(values(['passphrase', '']).slice(0, 1), ['--new-passphrase-file'])
  assert.equal(values(['passphrase', '--', '']), [])
})

test('the value of an option is completed by its kind', () => {
  const levels = ['silent', 'error', 'warn', 'info', 'debug', 'trace']
  assert.equal(values(['start', '--log-level', '']), levels)
  assert.equal(
    values(['start', '--log-level=']),
    levels.map((level) => `--log-level=${level}`),
  )
  assert.equal(values(['search', '--room', '']), ['dev', 'team:ops'])
  assert.equal(values(['search', '--room=d']).slice(0, 1), ['--room=dev'])
  assert.equal(values(['start', '--name', '']), [])
})

test('files and directories are left to the shell', () => {
  assert.equal(answer(['--data-dir', '']), { candidates: [], paths: 'dirs' })
  assert.equal(answer(['start', '--log-file', '']), { candidates: [], paths: 'files' })
  assert.equal(answer(['start', '--room-passphrase-file=']), { candidates: [], paths: 'files' })
  assert.equal(answer(['passphrase', '--new-passphrase-file', 'x']), { candidates: [], paths: 'files' })
})

test('rooms stand where a command takes a room, and nowhere else', () => {
  assert.equal(answer(['send', '']).candidates, [
    { value: 'dev', description: 'open room, 1 member' },
    { value: 'team:ops', description: 'open room, 2 members' },
  ])
  assert.equal(values(['start', 'a', 'b', '']), ['dev', 'team:ops'])
  assert.equal(values(['--data-dir', './bob', 'send', '--json', '']), ['dev', 'team:ops'])
  assert.equal(values(['send', 'dev', '']), [])
  assert.equal(values(['search', '']), [])
})

test('people stand where a command takes a person, with their fingerprints', () => {
  assert.equal(answer(['whois', '']).candidates, [
    { value: 'bob', description: author('bob').fingerprint },
    { value: 'carol smith', description: author('carol smith').fingerprint },
  ])
  assert.equal(values(['verify', '']), ['bob', 'carol smith', 'dev', 'team:ops'])
})

test('the words a command begins with, and the shells, are offered', () => {
  assert.equal(values(['relay', '']), ['status'])
  assert.equal(values(['completion', '']), ['bash', 'zsh', 'fish'])
})

test('oneself is nobody to look up', () => {
  assert.equal(values(['whois', ''], { rooms: [], members: [{ ...someone('alice'), self: true }] }), [])
})

test('somebody in several rooms is offered once', () => {
  assert.equal(values(['whois', ''], { rooms: [], members: [someone('bob'), someone('bob')] }), ['bob'])
})

test('whose name looks like another one is offered by fingerprint, with the name as it is shown', () => {
  const [one, two] = [someone('bob', '1'), someone('b0b', '2')]
  assert.equal(answer(['whois', ''], { rooms: [], members: [one, two] }).candidates, [
    { value: one.fingerprint, description: `bob·${one.fingerprint.slice(0, 4)}` },
    { value: two.fingerprint, description: `b0b·${two.fingerprint.slice(0, 4)}` },
  ])
})

test('a name that would mean somebody or something else is offered by fingerprint', () => {
  for (const name of [
    '-rf',
    '@bob',
    '#dev',
    'dev',
    'DEV',
    'cafe',
    '0123456789abcdef',
    'a\tb',
    'a\nb',
    ' a',
    '\u202ea',
    'unknown',
    '',
  ]) {
    const who = someone(name)
    assert.equal(values(['whois', ''], { rooms: [room('dev')], members: [who] }), [who.fingerprint], JSON.stringify(name))
  }
})

test('a room that would be taken for an option is offered by its id, but not where the id would be a new name', () => {
  const about: Known = { rooms: [room('-rf')], members: [] }
  assert.equal(answer(['send', ''], about).candidates, [{ value: room('-rf').id, description: '-rf, open room, 2 members' }])
  assert.equal(values(['start', ''], about), [])
})

test('no candidate and no description holds a control character or begins like an option', () => {
  fc.assert(
    fc.property(text, (name) => {
      const { candidates } = answer(['verify', ''], { rooms: [room(name)], members: [someone(name)] })
      for (const { value, description } of candidates) {
        assert.not.match(value + description, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
        assert.not.match(value, /^(-|$)/)
      }
    }),
  )
})

test('what begins as typed comes first, and there is an end to it', () => {
  const rooms = Array.from({ length: MAX_CANDIDATES + 10 }, (_, index) => room(`r${index}`))
  const found = values(['send', 'r1009'], { rooms, members: [] })
  assert.is(found.length, MAX_CANDIDATES)
  assert.is(found[0], 'r1009')
})

test('an unknown command has no candidates', () => {
  assert.equal(values(['jion', '']), [])
  assert.equal(values(['jion', '-']), [])
})

test('the data directory on the line is found, also behind =', () => {
  assert.is(placeIn(['send', '--data-dir', '/b', ''], line).dataDir, '/b')
  assert.is(placeIn(['--data-dir=/c', 'send', ''], line).dataDir, '/c')
  assert.is(placeIn(['send', '--', '--data-dir=/c', ''], line).dataDir, undefined)
})

test('a client is asked for people only where they are wanted, and not in every one of many rooms', async () => {
  const client = new FakeClient()
  for (let index = 0; index < MAX_ROOMS_ASKED + 5; index++) await client.join({ room: `r${index}` })
  let asked = 0
  const counting = {
    rooms: () => client.rooms(),
    members: (params: { room: string }) => client.members(params).finally(() => asked++),
  }
  const found = { rooms: [], members: [] }
  await ask(counting, false, found)
  assert.equal([found.rooms.length, asked], [MAX_ROOMS_ASKED + 5, 0])
  await ask(counting, true, found)
  assert.is(asked, MAX_ROOMS_ASKED)
})

test('what came before a client fell silent is there', async () => {
  const found: Known & { members: Member[] } = { rooms: [], members: [] }
  const members = async ({ room: id }: { room: string }): Promise<Member[]> => {
    if (id === room('b').id) throw new Error('gone')
    return [someone('bob')]
  }
  await ask({ rooms: async () => [room('a'), room('b')], members }, true, found as never).catch(() => undefined)
  assert.equal([found.rooms.length, found.members.length], [2, 1])
})

const BREAKS = ' \t\n"\'@><=;|&(:'

test('a line is read as bash reads it', () => {
  assert.equal(readBashLine('p2pnode send ', BREAKS), { words: ['p2pnode', 'send', ''], kept: 0, quote: '' })
  assert.equal(readBashLine('p2pnode  send de', BREAKS), { words: ['p2pnode', 'send', 'de'], kept: 0, quote: '' })
  assert.equal(readBashLine('p2pnode whois "carol s', BREAKS), { words: ['p2pnode', 'whois', 'carol s'], kept: 0, quote: '"' })
  assert.equal(readBashLine("x 'a b' c\\ d", BREAKS), { words: ['x', 'a b', 'c d'], kept: 0, quote: '' })
  assert.equal(readBashLine('x --room=team:o', BREAKS), { words: ['x', '--room=team:o'], kept: 12, quote: '' })
  assert.equal(readBashLine('x a\\:o', BREAKS), { words: ['x', 'a:o'], kept: 0, quote: '' })
  assert.equal(readBashLine("x --room='te", BREAKS), { words: ['x', '--room=te'], kept: 7, quote: "'" })
  assert.equal(readBashLine('x "" "a\\"b\\c', BREAKS), { words: ['x', '', 'a"b\\c'], kept: 0, quote: '"' })
  assert.equal(readBashLine('x a\\', BREAKS), { words: ['x', 'a'], kept: 0, quote: '' })
})

test('what is quoted for bash is read as it was, whatever quote is open', () => {
  fc.assert(
    fc.property(text, fc.constantFrom('' as const, '"' as const, "'" as const), (any, quote) => {
      const name = any.replace(/\p{Cc}/gu, '')
      const quoted = quoteForBash(name, quote)
      // As readline does it.
      const closing = quoted.endsWith(quote) && quoted !== '' ? '' : quote
      const read = readBashLine(`x ${quote}${quoted}${closing}`, BREAKS)
      assert.equal([read.words, read.quote], [['x', name], ''])
    }),
  )
})

test('nothing that bash or its history would read is left without a quote', () => {
  assert.is(quoteForBash('$(x)`y`!*~', ''), '\\$\\(x\\)\\`y\\`\\!\\*\\~')
  assert.is(quoteForBash('$(x)`y`!"', '"'), '\\$(x)\\`y\\`"\\!"\\""')
  assert.is(quoteForBash("$(x)'!", "'"), "$(x)'\\''!")
})

const SILENT = { code: 0, stderr: '' }

async function completed(words: string[], env: Record<string, string> = {}): Promise<string[]> {
  const { stdout, ...end } = await runCli(['__complete', 'zsh', '--', ...words], { env: { HOME: base, ...env } })
  assert.equal(end, SILENT)
  return stdout.split('\n').slice(0, -1)
}

/** Every file, with its content and the time of its last change. */
function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const stat = statSync(join(dir, name))
      return `${name} ${stat.mtimeMs} ${
        stat.isFile()
          ? createHash('sha256')
              .update(readFileSync(join(dir, name)))
              .digest('hex')
          : ''
      }`
    })
}

test('the running peer is asked, wherever the line or the environment says that it is', async () => {
  const dir = join(base, 'running')
  mkdirSync(dir)
  const client = new FakeClient()
  await client.join({ room: 'dev' })
  client.meet('dev', author('bob'), 'joined')
  const served = await serveSocket({ dataDir: dir, client })
  try {
    const expected = ['dev\topen room, 2 members']
    assert.equal(await completed(['send', '--data-dir', dir, '']), expected)
    assert.equal(await completed(['--data-dir=~/running', 'send', '']), expected)
    assert.equal(await completed(['send', ''], { P2PNODE_HOME: dir }), expected)
    assert.equal(await completed(['send', ''], { P2PNODE_DATA_DIR: dir, P2PNODE_HOME: base }), expected)
    assert.equal(await completed(['whois', ''], { P2PNODE_HOME: dir }), [`bob\t${author('bob').fingerprint}`])
    assert.equal(await completed(['whois', '--data-dir', base, ''], { P2PNODE_HOME: dir }), [])
  } finally {
    await served.close('test')
  }
})

test('a peer that does not answer is not waited for', async () => {
  const dir = join(base, 'silent')
  mkdirSync(dir)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(dir, 'p2pnode.sock'), resolve))
  try {
    assert.equal(await completed(['send', ''], { P2PNODE_HOME: dir }), [])
  } finally {
    server.close()
  }
})

test('without a peer nothing is made, written or complained of', async () => {
  const dir = join(base, 'nobody')
  assert.equal(await completed(['send', ''], { P2PNODE_HOME: dir }), [])
  assert.not.ok(existsSync(dir))
  mkdirSync(dir)
  for (const [name, content] of Object.entries({ keys: 'damaged', ledger: '', 'config.json': '{' }))
    writeFileSync(join(dir, name), content)
  const before = filesIn(dir)
  assert.equal(await completed(['send', ''], { P2PNODE_HOME: dir, P2PNODE_LOG_LEVEL: 'loud' }), [])
  assert.equal(filesIn(dir), before)
  assert.equal(await completed(['send', '--data-dir', join(dir, 'keys'), '']), [])
  assert.equal(await completed(['send', '--data-dir', '']), ['\tdirs'])
})

test('odd words are answered with nothing', async () => {
  for (const words of [['--'], ['--data-dir=', 'send', ''], ['send', '--data-dir', 'a'.repeat(5_000), ''], ['\u0007', '']]) {
    await completed(words)
  }
  for (const args of [['__complete'], ['__complete', 'bash'], ['__complete', 'bash', '--'], ['__complete', 'tcsh', '--', '']]) {
    const { stdout, ...end } = await runCli(args, { env: { HOME: base } })
    assert.equal(end, SILENT)
  }
})

test('a script says how to install it, and so does the help, for each shell', async () => {
  const help = (await runCli(['completion', '--help'])).stdout
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, ...end } = await runCli(['completion', shell])
    assert.equal(end, SILENT)
    assert.match(stdout.split('\n').slice(0, 4).join('\n'), `p2pnode completion ${shell}`)
    assert.match(help, `p2pnode completion ${shell}`)
  }
})

test('there is no script for another shell', async () => {
  for (const args of [['completion'], ['completion', 'tcsh'], ['completion', 'bash', 'zsh']]) {
    const { code, stdout, stderr } = await runCli(args)
    assert.equal([code, stdout, stderr.trim().split('\n').length], [2, '', 1])
  }
})

test.run()
