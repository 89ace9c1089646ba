import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { link, type Person, say, withOne, withTwo } from '../support/at-terminals.ts'
import { whyNoCommand } from '../support/cli-peer.ts'
import { FACES, type Face, startChat } from '../support/face.ts'
import { whyNoNamespaces } from '../support/namespaces.ts'
import { canRun } from '../support/requirements.ts'
import { violationsIn } from '../support/terminal-output.ts'
import { type Size, type Terminal, whyNoTmux } from '../support/tmux.ts'

const suiteOf = suite('system/terminal')
const test = canRun(whyNoCommand(), whyNoTmux(), whyNoNamespaces()) ? suiteOf : suiteOf.skip

const ROOMS = ['harbour', 'galley'] as const
const [HARBOUR, GALLEY] = ROOMS
const CRASH = join(import.meta.dirname, '../support/crash-on-signal.js')
const SIZES: readonly Size[] = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 200, rows: 60 },
]
/** Shell's: 128 and the number of the signal. */
const KILLED = 137
const INTERRUPTED = 130
const FAILED = 1

/** The shell has the terminal back, as it was. */
async function assertLeft(face: Face, { terminal, before }: Person, code: number): Promise<void> {
  assert.is(await terminal.ended(), code)
  const lines = terminal.lines()
  assert.is(lines.after, lines.before)
  assert.equal(violationsIn(await terminal.rawToNow(), face.own), [])
  assert.equal(terminal.modes(), before)
  await assertShellWorks(terminal)
}

async function assertShellWorks(terminal: Terminal): Promise<void> {
  terminal.type('echo $((40 + 2)) ok')
  terminal.press('Enter')
  await terminal.see(/^42 ok$/m)
}

for (const face of FACES) {
  for (const size of SIZES) {
    const { columns, rows } = size
    test(`${face.name}: two people in two rooms talk, switch and part at ${columns}x${rows}`, () =>
      withTwo({ face, rooms: ROOMS, size }, async (alice, bob) => {
        say(alice, 'land ahoy')
        await bob.terminal.see(face.message('Alice', 'land ahoy'))
        await alice.terminal.see(face.message('Alice', 'land ahoy'))
        alice.terminal.press('M-2')
        await alice.terminal.see(face.input(GALLEY))
        say(alice, 'soup is ready')
        await bob.terminal.see(face.unread(HARBOUR, GALLEY, 1))
        say(bob, `/switch ${GALLEY}`)
        await bob.terminal.see(face.input(GALLEY))
        await bob.terminal.see(face.message('Alice', 'soup is ready'))
        bob.terminal.type('half a li')
        await bob.terminal.see(face.input(GALLEY, 'half a li'))
        say(alice, 'Bob: what kind?')
        await bob.terminal.see(face.message('Alice', 'Bob: what kind?'))
        await bob.terminal.see(face.input(GALLEY, 'half a li'))
        say(bob, 'ne')
        await alice.terminal.see(face.message('Bob', 'half a line'))
        bob.terminal.press('M-1')
        await bob.terminal.see(face.input(HARBOUR))
        for (const person of [alice, bob]) {
          person.terminal.press('C-c')
          await assertLeft(face, person, INTERRUPTED)
        }
      }))
  }

  test(`${face.name}: what is written without a network arrives when it is back`, () =>
    withTwo({ face, rooms: ROOMS }, async (alice, bob) => {
      say(alice, 'still here')
      await bob.terminal.see(face.message('Alice', 'still here'))
      link(bob, 'down')
      say(bob, 'into the void')
      await bob.terminal.see(face.message('Bob', 'into the void'))
      say(alice, 'Bob: are you there?')
      await alice.terminal.see(face.message('Alice', 'Bob: are you there?'))
      link(bob, 'up')
      await bob.terminal.see(face.message('Alice', 'Bob: are you there?'))
      await alice.terminal.see(face.message('Bob', 'into the void'))
      say(bob, 'back again')
      await alice.terminal.see(face.message('Bob', 'back again'))
    }))

  test(`${face.name}: a paste is not torn by the size changing, nor is the line that is typed`, () =>
    withOne({ face, rooms: ROOMS }, async ({ terminal }) => {
      terminal.paste('a pasted word')
      await terminal.see(face.input(HARBOUR, 'a pasted word'))
      terminal.resize(120, 40)
      terminal.type(' and')
      await terminal.see(face.input(HARBOUR, 'a pasted word and'))
      terminal.resize(80, 24)
      terminal.type(' more')
      await terminal.see(face.input(HARBOUR, 'a pasted word and more'))
    }))

  const ends: [how: string, end: (alice: Person) => void, code: number, node?: string[]][] = [
    ['Ctrl-C', ({ terminal }) => terminal.press('C-c'), INTERRUPTED],
    ['Ctrl-D', ({ terminal }) => terminal.press('C-d'), 0],
    ['/quit', (alice) => say(alice, '/quit'), 0],
    ['SIGTERM', ({ terminal }) => terminal.signal('SIGTERM'), 0],
    ['SIGHUP', ({ terminal }) => terminal.signal('SIGHUP'), 0],
    ['SIGINT', ({ terminal }) => terminal.signal('SIGINT'), INTERRUPTED],
    ['a crash', ({ terminal }) => terminal.signal('SIGUSR2'), FAILED, ['--import', CRASH]],
  ]
  for (const [how, end, code, node] of ends) {
    test(`${face.name}: ${how} ends with ${code} and leaves the terminal as it was`, () =>
      withOne({ face, rooms: ROOMS, node }, async (alice) => {
        if (how !== '/quit' && how !== 'Ctrl-D') alice.terminal.type('half a line')
        end(alice)
        await assertLeft(face, alice, code)
      }))
  }

  // Nobody can tidy up after that: the shell gives the line its modes back, what was written is the program's own, and what was
  // said is still on the screen, as it would not be behind an alternate one.
  test(`${face.name}: after kill -9 the shell works, and the next chat does`, () =>
    withOne({ face, rooms: ROOMS }, async ({ terminal }) => {
      terminal.signal('SIGKILL')
      assert.is(await terminal.ended(), KILLED)
      assert.not(terminal.alternate)
      assert.equal(violationsIn(await terminal.rawToNow(), face.own), [])
      await assertShellWorks(terminal)
      await startChat(terminal, { face, rooms: ROOMS })
      say({ terminal }, 'I live')
      await terminal.see(face.message('Alice', 'I live'))
    }))
}

suiteOf.run()
