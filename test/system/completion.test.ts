import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type SocketServer, serveSocket } from '../../src/cli/socket.ts'
import type { Member } from '../../src/client/client.ts'
import { BUILT, CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { author, FakeClient } from '../support/fake-client.ts'
import { canRun } from '../support/requirements.ts'
import { ShellTerminal, whyNoPrograms } from '../support/shells.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('system/completion')
const runs = canRun(whyNoCommand(), whyNoPrograms('bash', 'zsh', 'fish', 'tmux'))
const test = runs ? suiteOf : suiteOf.skip

/** For a loaded machine: it tells a hang from slowness. Milliseconds. */
const DEADLINE = 60_000

/** What a shell could take for more than a name; a room's has no spaces. Each would leave a file, or be another word. */
const TRICKS = [
  '$(>canary)',
  '`>canary`',
  ';>canary',
  '&>canary',
  '|tee<x>canary',
  '$\u007bx:=>canary}',
  "'>canary'",
  '">canary',
  "'$(>canary)'",
  '"$(>canary)"',
  '\\$(>canary)',
  '*',
  '?[!a]',
  '{1,2}',
  '~root',
  '!!',
  '!p2p',
  '^x^y',
  ':b=c:d',
  '=ls',
  '@host',
  '\\b',
  '#x',
  '%s%n',
  '$home',
  '(x)',
  '<x',
  'é→日本',
]
/** A beginning of its own for each, so that one Tab completes it. */
const named = (tricks: readonly string[]): string[] =>
  tricks.map((trick, index) => `${String.fromCharCode(97 + Math.floor(index / 20), 97 + (index % 20))}${trick}`)
const ROOMS = named(TRICKS)
const PEOPLE = named([...TRICKS.slice(0, 11), ' two words', ' $(>canary) `>canary`', ' it\'s "me" !!', ' --remove', ' ~ * ?'])
/** Names that no line can hold, or that would be an option. */
const ODD = ['tab\there', 'line\n>canary\nhere', '-rf']
const REAL_NAME = '$(>canary) `>canary` "bob"'

const base = mkdtempSync(join(tmpdir(), 'p2pnode-completion-'))
const [bin, cwd, out, alice, crowd] = ['bin', 'cwd', 'out', 'alice', 'crowd'].map((name) => join(base, name)) as [
  string,
  string,
  string,
  string,
  string,
]
const env = { PATH: `${bin}:${process.env.PATH}`, HOME: base, TERM: 'screen', LC_ALL: 'C.UTF-8', P2PNODE_HOME: alice }
const peers: CliPeer[] = []
let served: SocketServer | undefined

/** Completes as p2pnode does; run for anything else, it leaves what it was given in a file named by the last word. */
const STAND_IN = `#!/bin/sh
if [ "$1" = __complete ]; then exec '${process.execPath}' '${BUILT}' "$@"; fi
for last; do :; done
printf '%s\\0' "$@" > "${out}/part" && mv "${out}/part" "${out}/$last"
`

const script = (shell: string): string => join(base, `completion.${shell}`)

const programs: Record<string, string[]> = {
  bash: ['bash', '--noprofile', '--rcfile', join(base, 'bashrc'), '-i'],
  zsh: ['env', `ZDOTDIR=${base}`, 'zsh', '-d', '-i'],
  fish: ['fish', '--no-config', '-C', `source ${join(base, 'init.fish')}`, '-i'],
}

async function member(name: string): Promise<Member> {
  return { ...author(name), role: 'member', online: true, self: false }
}

suiteOf.before(async () => {
  if (!runs) return
  for (const dir of [bin, cwd, out, crowd]) mkdirSync(dir)
  writeFileSync(join(bin, 'p2pnode'), STAND_IN)
  chmodSync(join(bin, 'p2pnode'), 0o755)
  for (const shell of Object.keys(programs)) {
    writeFileSync(script(shell), execFileSync(process.execPath, [BUILT, 'completion', shell]))
  }
  writeFileSync(join(base, 'bashrc'), `PS1='ready> '\nsource ${script('bash')}\n`)
  const compinit = `autoload -Uz compinit && compinit -u -d ${join(base, 'zcompdump')}`
  writeFileSync(join(base, '.zshrc'), `PROMPT='ready> '\n${compinit}\nsource ${script('zsh')}\n`)
  const prompt = "function fish_prompt; echo -n 'ready> '; end\nset -g fish_autosuggestion_enabled 0\nset -g fish_greeting\n"
  writeFileSync(join(base, 'init.fish'), `${prompt}source ${script('fish')}\n`)

  const quiet = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
  const first = await CliPeer.start({ dataDir: alice, args: ['lobby', ...quiet, '--name', 'alice'] })
  peers.push(first)
  for (const room of ROOMS) await first.request('join', { room })
  const address = first.ready.addresses[0] ?? ''
  const args = ['lobby', ...quiet, '--name', REAL_NAME, '--connect', address]
  peers.push(await CliPeer.start({ dataDir: join(base, 'bob'), args }))
  const knowsBob = async (): Promise<boolean> =>
    (await first.request<Member[]>('members', { room: 'lobby' })).some(({ name }) => name === REAL_NAME)
  await waitFor(knowsBob, 'alice to know the name of bob', DEADLINE)

  const client = new FakeClient()
  await client.join({ room: 'lobby' })
  for (const name of [...PEOPLE, ...ODD]) client.meet('lobby', await member(name), 'joined')
  served = await serveSocket({ dataDir: crowd, client })
})

suiteOf.after(async () => {
  await Promise.all(peers.map((peer) => peer.stop()))
  await served?.close('test')
  rmSync(base, { recursive: true, force: true })
})

/** Nothing that stands in a name was run: such a file would be where the shells are. */
const noCanary = (): void => assert.equal(readdirSync(cwd), [])

/** What the command would get, had the completed line been entered. */
async function given(line: string): Promise<string[]> {
  const file = join(out, 'end')
  await waitFor(() => existsSync(file), `what ${line} becomes`, DEADLINE)
  const words = readFileSync(file, 'utf8').split('\0').slice(0, -1)
  rmSync(file)
  return words
}

for (const [shell, program] of Object.entries(programs)) {
  test(`in ${shell} Tab completes rooms and people, and what is entered is their very names`, async () => {
    const terminal = await ShellTerminal.open({ program, cwd, env })
    try {
      const enter = async (line: string): Promise<string[]> => {
        await terminal.type(line)
        await terminal.press('Tab')
        await terminal.type('end')
        await terminal.press('Enter')
        const words = await given(line)
        await terminal.untilReady()
        return words
      }
      assert.equal(await enter('p2pnode hist'), ['history', 'end'])
      for (const room of ROOMS) {
        const begin = room.slice(0, 2)
        assert.equal(await enter(`p2pnode send ${begin}`), ['send', room, 'end'])
      }
      for (const person of PEOPLE) {
        const begin = person.slice(0, 2)
        assert.equal(await enter(`p2pnode whois --data-dir ${crowd} ${begin}`), ['whois', '--data-dir', crowd, person, 'end'])
        for (const quote of ['"', "'"]) {
          const line = `p2pnode whois --data-dir ${crowd} ${quote}${begin}`
          assert.equal(await enter(line), ['whois', '--data-dir', crowd, person, 'end'], line)
        }
      }
      // Behind = and behind a colon, where bash begins a new word.
      assert.equal(await enter('p2pnode start --log-level=deb'), ['start', '--log-level=debug', 'end'])
      assert.equal(await enter(`p2pnode send ${ROOMS[18]?.slice(0, 5)}`), ['send', ROOMS[18], 'end'])
      noCanary()
    } finally {
      await terminal.close()
    }
  })

  test(`in ${shell} Tab at a person of a real room completes what the peer calls itself`, async () => {
    const terminal = await ShellTerminal.open({ program, cwd, env })
    try {
      await terminal.type('p2pnode whois ')
      await terminal.press('Tab')
      await terminal.type('end')
      await terminal.press('Enter')
      assert.equal(await given('p2pnode whois'), ['whois', REAL_NAME, 'end'])
      noCanary()
    } finally {
      await terminal.close()
    }
  })

  test(`in ${shell} files and directories are the shell's own to complete`, async () => {
    const files = join(base, `files-${shell}`)
    mkdirSync(join(files, 'store of bob'), { recursive: true })
    writeFileSync(join(files, 'secret words.txt'), 'x')
    const terminal = await ShellTerminal.open({ program, cwd: files, env })
    try {
      await terminal.type('p2pnode passphrase --new-passphrase-file se')
      await terminal.press('Tab')
      await terminal.type('end')
      await terminal.press('Enter')
      assert.equal(await given('--new-passphrase-file'), ['passphrase', '--new-passphrase-file', 'secret words.txt', 'end'])
      await terminal.untilReady()
      await terminal.type('p2pnode rooms --data-dir s')
      await terminal.press('Tab')
      await terminal.type(' end')
      await terminal.press('Enter')
      const [, , dir] = await given('--data-dir')
      assert.is(dir?.replace(/\/$/, ''), 'store of bob')
    } finally {
      await terminal.close()
    }
  })
}

test('many candidates are shown, in zsh and fish with what they are, and none of them is run', async () => {
  for (const [shell, program] of Object.entries(programs)) {
    const terminal = await ShellTerminal.open({ program, cwd, env: { ...env, P2PNODE_HOME: crowd } })
    try {
      await terminal.type('p2pnode whois a')
      await terminal.press('Tab', 'Tab')
      const shows = async (text: string): Promise<boolean> => (await terminal.screen()).some((line) => line.includes(text))
      await waitFor(() => shows('two'), `the people in ${shell}`, DEADLINE)
      if (shell !== 'bash') await waitFor(() => shows(author('al two words').fingerprint.slice(0, 8)), 'a fingerprint', DEADLINE)
      noCanary()
    } finally {
      await terminal.close()
    }
  }
})

/** Not waited for in this thread: the peer of the crowd is in it. */
async function output(program: string, args: readonly string[], home: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { cwd, env: { ...env, P2PNODE_HOME: home } })
  return stdout
}

/** What the function answers that bash calls. */
async function bashReply(line: string, home: string): Promise<string[]> {
  const call = `source ${script('bash')}
COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=("\${@:2}") COMP_CWORD=$(($# - 2))
_p2pnode p2pnode "\${@: -1}" ""
printf '%s\\0' "\${COMPREPLY[@]}"`
  const reply = await output('bash', ['--norc', '--noprofile', '-c', call, 'bash', line, ...line.split(' ')], home)
  return reply.split('\0').slice(0, -1)
}

test('what bash is answered, run as a line, is every room and person', async () => {
  const odd = ODD.map((name) => author(name).fingerprint)
  for (const [line, home, names] of [
    ['p2pnode send ', alice, ['lobby', ...ROOMS]],
    ['p2pnode whois ', alice, [REAL_NAME]],
    ['p2pnode whois ', crowd, [...PEOPLE, ...odd]],
  ] as const) {
    const reply = await bashReply(line, home)
    const shown = await output('bash', ['--norc', '--noprofile', '-c', `printf '%s\\0' ${reply.join(' ')}`], home)
    assert.equal(shown.split('\0').slice(0, -1).sort(), [...names].sort())
  }
  noCanary()
})

test('what fish is answered is every room and person, with what they are', async () => {
  const complete = async (line: string, home: string): Promise<string[]> => {
    const args = ['--no-config', '-c', `source ${script('fish')}; complete -C $argv[1]`, line]
    return (await output('fish', args, home)).trimEnd().split('\n')
  }
  const rooms = await complete('p2pnode send ', alice)
  assert.is(rooms.length, ROOMS.length + 1)
  assert.ok(
    rooms.every((line) => /\topen room, [12] members?$/.test(line)),
    rooms.join('\n'),
  )
  assert.is((await complete('p2pnode whois ', crowd)).length, PEOPLE.length + ODD.length)
  assert.is((await complete(`P2PNODE_HOME=${crowd} p2pnode whois aa`, alice)).length, 1)
  noCanary()
})

suiteOf.run()
