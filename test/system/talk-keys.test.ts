/** What one does in the drawn talk: look back, resize, recall, complete, paste; and terminals of little use. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { say } from '../support/at-terminals.ts'
import { BUILT, type CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { dataDirOf, drawn, startChat } from '../support/face.ts'
import { Needles } from '../support/needles.ts'
import { canRun } from '../support/requirements.ts'
import { piecesOf } from '../support/terminal-output.ts'
import { type Size, type Terminal, whyNoTmux } from '../support/tmux.ts'
import { waitFor } from '../support/wait-for.ts'
import { withPeer } from '../support/with-peer.ts'

const suiteOf = suite('system/talk-keys')
const test = canRun(whyNoCommand(), whyNoTmux()) ? suiteOf : suiteOf.skip

const INTERRUPTED = 130

const sendAll = async (bob: CliPeer, texts: readonly string[]): Promise<void> => {
  for (const text of texts) await bob.send('lobby', text)
}

const numbered = (count: number, text: string): string[] => Array.from({ length: count }, (_, at) => `${text} ${at}.`)

/** Without white space: where lines are wrapped is not what is asked. */
const everythingShown = (terminal: Terminal): string => terminal.scrollback({ joined: true }).join('').replace(/\s+/g, '')

test('PgUp looks back on the other screen, to the first message; what comes in meanwhile is in the scrollback afterwards', () =>
  withPeer({ rooms: ['lobby'], before: (bob) => sendAll(bob, numbered(300, 'message')) }, async (bob, alice) => {
    await alice.see(drawn.message('Bob', 'message 299.'))
    const before = alice.modes()
    alice.press('PageUp')
    await alice.see('q back to the talk')
    assert.ok(alice.alternate)
    await waitFor(() => {
      alice.press('Home')
      return alice.screen().some((line) => line.endsWith(' Bob: message 0.'))
    }, 'the first message')
    await alice.see('300 messages, all there are')
    await bob.send('lobby', 'said meanwhile')
    alice.type('q')
    await alice.see(drawn.message('Bob', 'said meanwhile'))
    assert.equal(alice.modes(), before)
    assert.is(alice.scrollback().filter((line) => line.endsWith('message 0.')).length, 0)
    alice.press('PageUp')
    await alice.see('q back to the talk')
    alice.press('C-c')
    await alice.see(drawn.input('lobby'))
    assert.is(alice.exitCode, undefined)
    assert.not(alice.alternate)
  }))

test('SIGTERM while one looks back leaves the terminal as it was', () =>
  withPeer({ rooms: ['lobby'], before: (bob) => sendAll(bob, numbered(50, 'message')) }, async (_, alice) => {
    await alice.see(drawn.message('Bob', 'message 49.'))
    alice.press('PageUp')
    await alice.see('q back to the talk')
    alice.signal('SIGTERM')
    assert.is(await alice.ended(), 0)
    const { alternate, cursor, bracketedPaste, focusReporting, synchronized } = alice.modes()
    assert.equal([alternate, cursor, bracketedPaste, focusReporting, synchronized], [false, true, false, false, false])
    const { before, after } = alice.lines()
    assert.is(after, before)
    assert.ok(drawn.message('Bob', 'message 49.').test(alice.scrollback().join('\n')))
  }))

/** The program has heard of the size, and drawn for it. */
function fits(terminal: Terminal, columns: number): boolean {
  const [rule = '', , status = ''] = terminal.screen().slice(-3)
  return rule.startsWith('── lobby') && rule.length === columns && status.length === columns
}

test('a narrower and a wider terminal lose no message, leave no drawing behind, and keep the line that is typed', () =>
  withPeer({ rooms: ['lobby'] }, async (bob, alice) => {
    const said = (columns: number): string =>
      `at ${columns} columns this is long enough to be broken where there are but forty of them`
    await sendAll(bob, numbered(10, 'message'))
    await alice.see(drawn.message('Bob', 'message 9.'))
    alice.type('half')
    // What is drawn between the terminal's change and the word of it is drawn for another width: nothing else is going on.
    await alice.see(/^── lobby ─ Bob /m)
    await alice.see('1 direct')
    await alice.see(drawn.input('lobby', 'half'))
    for (const [columns, typed] of [
      [60, 'half a'],
      [100, 'half a line'],
      [40, 'half a line that'],
      [80, 'half a line that stays'],
    ] as const) {
      alice.resize(columns, 24)
      await waitFor(() => fits(alice, columns), `${columns} columns`)
      alice.type(typed.slice(typed.lastIndexOf(' ')))
      await alice.see(drawn.input('lobby', typed))
      await bob.send('lobby', said(columns))
      await waitFor(() => everythingShown(alice).includes(said(columns).replaceAll(' ', '')), said(columns))
      await alice.see(drawn.input('lobby', typed))
    }
    const shown = everythingShown(alice)
    for (const text of numbered(10, 'message')) assert.ok(shown.includes(`Bob:${text.replaceAll(' ', '')}`), text)
    const lines = alice.scrollback()
    assert.is(lines.filter((line) => line.startsWith('lobby>')).length, 1, lines.join('\n'))
    assert.is(lines.filter((line) => line.startsWith('── ')).length, 1, lines.join('\n'))
    assert.is(lines.filter((line) => line.startsWith('1 lobby')).length, 1, lines.join('\n'))
  }))

test('lines are recalled at the next start, and on the disk nobody can read them', () =>
  withPeer({ rooms: ['lobby'] }, async (bob, alice) => {
    const canaries = ['a sentence about pelicans', '/search quetzalcoatl']
    for (const line of canaries) say({ terminal: alice }, line)
    await bob.waitFor('message', ({ text }) => text === canaries[0])
    await alice.see('(nothing found, for quetzalcoatl)')
    alice.press('C-d')
    assert.is(await alice.ended(), 0)
    const needles = new Needles()
    for (const line of ['about pelicans', 'quetzalcoatl']) needles.text(line, line)
    const dir = dataDirOf(alice)
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    assert.ok(files.length > 3)
    for (const { parentPath, name } of files) {
      const bytes = readFileSync(join(parentPath, name))
      assert.equal([...needles.in(bytes)], [], name)
    }
    await startChat(alice, { face: drawn, rooms: ['lobby'], args: ['--no-mdns'] })
    alice.press('Up')
    await alice.see(drawn.input('lobby', canaries[1]))
    alice.press('Up')
    await alice.see(drawn.input('lobby', canaries[0]))
  }))

test('who is away, and who types, is shown', () =>
  withPeer({ rooms: ['lobby'] }, async (bob, alice) => {
    await alice.see(/^── lobby ─ Bob ─/m)
    await bob.request('away', { away: true })
    await alice.see(/^── lobby ─ Bob \(away\) ─/m)
    await bob.request('away', { away: false })
    await alice.see(/^── lobby ─ Bob ─/m)
    await bob.request('typing', { room: bob.ready.rooms[0]?.id ?? '' })
    await alice.see(/^── lobby ─ Bob Bob is typing… ─/m)
    await bob.send('lobby', 'done')
    await alice.lose('is typing')
    await bob.waitFor('member', ({ change, member }) => change === 'online' && !member.self)
    say({ terminal: alice }, '/away')
    await bob.waitFor('member', ({ change, member }) => change === 'away' && !member.self)
    say({ terminal: alice }, '/away')
    await bob.waitFor('member', ({ change, member }) => change === 'back' && !member.self)
    alice.type('w')
    await bob.waitFor('typing', ({ member }) => member.name === 'Alice')
  }))

test('Tab completes names and rooms, Ctrl-T finds rooms, Ctrl-Z brings back what Esc took, a paste is one message', () =>
  withPeer({ rooms: ['lobby', 'development'] }, async (bob, alice) => {
    await alice.see(/^── lobby ─ Bob ─/m)
    alice.type('bo')
    alice.press('Tab')
    await alice.see(drawn.input('lobby', 'Bob:'))
    alice.press('Escape')
    await alice.see(drawn.input('lobby'))
    alice.press('C-z')
    await alice.see(drawn.input('lobby', 'Bob:'))
    alice.press('C-u')
    alice.type('/switch dev')
    alice.press('Tab')
    await alice.see(drawn.input('lobby', '/switch development'))
    alice.press('C-u', 'C-t')
    await alice.see(/^go to:$/m)
    alice.type('dvm')
    await alice.see(/^› 2 development$/m)
    alice.press('Enter')
    await alice.see(drawn.input('development'))
    alice.paste('one\ntwo\n  three')
    await alice.see(/^development> one\n {13}two\n {15}three$/m)
    alice.press('Enter')
    await bob.waitFor('message', ({ text }) => text === 'one\ntwo\n  three')
    await alice.see(/^\d\d:\d\d Alice: one\n {6}two\n {8}three ✓$/m)
    say({ terminal: alice }, '/clear')
    await alice.lose('three')
    say({ terminal: alice }, '/help')
    await alice.see(/^rooms {4}\/join [^]*^Anything else is sent/m)
    for (const line of alice.screen()) assert.not.match(line, /^ {1,8}\S/)
  }))

/** Sends a line and hears one, whatever the face; then leaves. */
async function talkAndLeave(bob: CliPeer, alice: Terminal, key: string, code: number): Promise<void> {
  say({ terminal: alice }, 'hi')
  await bob.waitFor('message', ({ text }) => text === 'hi')
  await bob.send('lobby', 'ho')
  await waitFor(() => everythingShown(alice).includes('Bob:ho'), 'the answer')
  alice.press(key)
  assert.is(await alice.ended(), code)
}

/** Where one does not see where one types. */
const startBlind = async (alice: Terminal, args: string[]): Promise<void> =>
  await alice.run([process.execPath, BUILT, 'start', 'lobby', '--data-dir', dataDirOf(alice), ...args])

const sizes: readonly Size[] = [
  { columns: 20, rows: 5 },
  { columns: 8, rows: 3 },
]
for (const { columns, rows } of sizes) {
  test(`${columns}x${rows} is enough to talk`, () =>
    withPeer({ rooms: ['lobby'], columns, rows, start: startBlind }, async (bob, alice) => {
      await waitFor(() => /^lob\S*>?/m.test(alice.screen().join('\n')), 'where one types')
      await talkAndLeave(bob, alice, 'C-c', INTERRUPTED)
      const { before, after } = alice.lines()
      assert.is(after, before)
    }))
}

test('a dumb terminal gets lines without a single escape sequence', () =>
  withPeer({ rooms: ['lobby'], term: 'dumb', start: startBlind }, async (bob, alice) => {
    await talkAndLeave(bob, alice, 'C-d', 0)
    assert.equal(
      piecesOf(alice.raw()).filter(({ kind }) => kind !== 'text' && kind !== 'c0'),
      [],
    )
  }))

test('with NO_COLOR nothing is coloured', () =>
  withPeer({ rooms: ['lobby'], env: { NO_COLOR: '1' } }, async (bob, alice) => {
    await talkAndLeave(bob, alice, 'C-c', INTERRUPTED)
    const look = piecesOf(alice.raw()).filter(({ kind, body }) => kind === 'csi' && body.endsWith('m'))
    assert.equal(look, [])
  }))

suiteOf.run()
