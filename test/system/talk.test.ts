/** The talk as it is drawn, and what happens in it: what only this face has. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { link, type Person, say, withTwo } from '../support/at-terminals.ts'
import { whyNoCommand } from '../support/cli-peer.ts'
import { drawn } from '../support/face.ts'
import { whyNoNamespaces } from '../support/namespaces.ts'
import { canRun } from '../support/requirements.ts'
import { type Size, whyNoTmux } from '../support/tmux.ts'
import { waitFor } from '../support/wait-for.ts'
import { bells, shownBy, withPeer } from '../support/with-peer.ts'

const suiteOf = suite('system/talk')
const test = canRun(whyNoCommand(), whyNoTmux(), whyNoNamespaces()) ? suiteOf : suiteOf.skip

const ROOMS = ['harbour', 'galley'] as const
const [HARBOUR, GALLEY] = ROOMS
const SIZES: readonly Size[] = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 200, rows: 60 },
]
const FOCUS_IN = '\u001b[I'
const FOCUS_OUT = '\u001b[O'
/** Messages that came in at once, and lines that are a flood. */
const MANY = 2_000
const FLOOD = 60

/** Everything from the greeting on, without what differs from run to run: times, addresses, who came when. */
function layoutOf({ terminal }: Person): string[] {
  const shown = terminal.scrollback({ joined: true }).join('\n')
  return shown
    .slice(shown.indexOf('p2pnode '))
    .replace(/\s+\/ip4\/\S+/g, ' <address>')
    .replace(/^p2pnode \S+:/m, 'p2pnode <version>:')
    .replace(/\d+ members?, \d+ online/, '<members>')
    .replace(/^\d\d:\d\d /gm, '<time> ')
    .replace(/— \w{3} \d+ \w{3} \d{4} —/g, '— <day> —')
    .split('\n')
    .filter((line) => !/ (?:has joined|is here) \(/.test(line))
}

const greeting = (name: string): string[] => [
  `p2pnode <version>: you are ${name} (/nick <name> changes it)`,
  'room: harbour',
  'others on this network join with: p2pnode start harbour',
  'listening on <address>',
  'from elsewhere: p2pnode start harbour --connect <address>',
  'waiting for others on this network…',
  '— harbour: <members> —',
]

const ruleWith = (text: string, columns: number): string => text.padEnd(columns, '─')

const statusWith = (rooms: string, truth: string, columns: number): string =>
  rooms + ' '.repeat(columns - rooms.length - truth.length) + truth

for (const size of SIZES) {
  const { columns, rows } = size
  test(`${columns}x${rows}: the talk above, then a rule, the line and the status, each as wide as the terminal`, () =>
    withTwo({ face: drawn, rooms: ROOMS, size }, async (alice, bob) => {
      await alice.terminal.see('── harbour ─ Bob ─')
      await bob.terminal.see('── harbour ─ Alice ─')
      await alice.terminal.see(/1 direct$/m)
      await bob.terminal.see(/1 direct$/m)
      say(alice, 'land ahoy')
      await bob.terminal.see(drawn.message('Alice', 'land ahoy'))
      say(bob, 'which land?')
      await alice.terminal.see(drawn.message('Bob', 'which land?'))
      await alice.terminal.see('land ahoy ✓')
      await bob.terminal.see('which land? ✓')
      await bob.terminal.see('held by 1 of 1')
      assert.equal(layoutOf(bob), [
        ...greeting('Bob'),
        '— <day> —',
        '<time> Alice: land ahoy',
        '<time> Bob: which land? ✓',
        ruleWith('── harbour ─ Alice ', columns),
        'harbour>',
        statusWith('1 harbour  2 galley', 'your last: held by 1 of 1 · 1 direct', columns),
      ])
      bob.terminal.press('M-2')
      await bob.terminal.see(drawn.input(GALLEY))
      say(bob, 'soup')
      await alice.terminal.see(drawn.unread(HARBOUR, GALLEY, 1))
      alice.terminal.type('half a line')
      await alice.terminal.see(drawn.input(HARBOUR, 'half a line'))
      await alice.terminal.see('held by 1 of 1')
      assert.equal(layoutOf(alice), [
        ...greeting('Alice'),
        '— <day> —',
        '<time> Alice: land ahoy ✓',
        '<time> Bob: which land?',
        ruleWith('── harbour ─ Bob ', columns),
        'harbour> half a line',
        statusWith('1 harbour  2 galley 1', 'your last: held by 1 of 1 · 1 direct', columns),
      ])
      const screen = alice.terminal.screen()
      const line = screen.length - 2
      assert.equal(alice.terminal.cursor(), { column: 'harbour> half a line'.length, row: line })
    }))
}

test('who is mentioned elsewhere sees it in the status and hears the bell, unless it is off or he looks', () =>
  withPeer({ rooms: ['lobby', 'dev'] }, async (bob, alice) => {
    say({ terminal: alice }, '/notify off')
    await alice.see('you are not told of mentions')
    await bob.send('dev', 'Alice: the first')
    await alice.see('2 dev 1 @1')
    assert.is(bells(alice), 0)
    alice.type(FOCUS_IN)
    say({ terminal: alice }, '/notify on')
    await alice.see('you are told when somebody mentions you')
    await bob.send('dev', 'Alice: the second')
    await alice.see('2 dev 2 @2')
    assert.is(bells(alice), 0)
    alice.type(FOCUS_OUT)
    // It is read before what comes next is shown.
    say({ terminal: alice }, '/notify on')
    await waitFor(() => alice.screen().filter((line) => line.startsWith('you are told')).length === 2, 'the second answer')
    await bob.send('dev', 'Alice: the third')
    await alice.see('2 dev 3 @3')
    await waitFor(() => bells(alice) === 1, 'the bell')
    assert.ok(alice.styled().at(-1)?.includes('\u001b[31m2 dev 3 @3'), alice.styled().at(-1))
    alice.press('C-o')
    await alice.see(drawn.input('dev'))
    await alice.see(drawn.message('Bob', 'Alice: the third'))
    assert.ok(
      alice.styled().some((line) => line.includes('\u001b[1mAlice: the third')),
      alice.styled().join('\n'),
    )
    await alice.lose('@3')
  }))

test('/search finds what was said long ago in another room, and says where and when', () =>
  withPeer({ rooms: ['lobby', 'dev'] }, async (bob, alice) => {
    await bob.send('dev', 'the treasure is under the old oak')
    for (let at = 0; at < 40; at++) await bob.send('dev', `nothing of interest ${at}`)
    await alice.see('2 dev 41')
    say({ terminal: alice }, '/search treasure oak')
    await alice.see(/^\d\d:\d\d \[dev \w{3} \d+ \w{3} \d{4}\] Bob: the treasure is under the old oak$/m)
    await alice.see('(1 message found, for treasure oak)')
    say({ terminal: alice }, '/search zeppelin')
    await alice.see('(nothing found, for zeppelin)')
  }))

test('without a network one is alone, and what one writes only here; when it is back it arrives, and that is said', () =>
  withTwo({ face: drawn, rooms: ROOMS }, async (alice, bob) => {
    await alice.terminal.see(/1 direct$/m)
    link(alice, 'down')
    await alice.terminal.see(/alone here$/m)
    say(alice, 'into the void')
    await alice.terminal.see(/into the void …$/m)
    await alice.terminal.see(/into the void \(only here\)$/m)
    link(alice, 'up')
    await bob.terminal.see(drawn.message('Alice', 'into the void'))
    await alice.terminal.see(/^what you wrote is held by 1 of 1 now$/m)
    await alice.terminal.see(/1 direct$/m)
  }))

test('what one writes is on its way, then held', () =>
  withPeer({ rooms: ['lobby'] }, async (bob, alice) => {
    await alice.see(/1 direct$/m)
    say({ terminal: alice }, 'a parcel')
    await bob.waitFor('message', ({ text }) => text === 'a parcel')
    await alice.see(/^\d\d:\d\d Alice: a parcel ✓$/m)
    assert.ok(shownBy(alice).includes('Alice: a parcel …'))
  }))

test(`${MANY} messages that come in at once do not flood the screen`, () =>
  withPeer(
    {
      rooms: ['lobby'],
      before: async (bob) => {
        await Promise.all(Array.from({ length: MANY }, (_, at) => bob.send('lobby', `message ${at}.`)))
      },
    },
    async (_, alice) => {
      await alice.see(drawn.message('Bob', `message ${MANY - 1}.`))
      await alice.lose('syncing')
      const lines = alice.scrollback()
      assert.ok(lines.includes('(1970 older messages came in: PgUp, /search)'), lines.join('\n'))
      assert.is(lines.filter((line) => / Bob: message \d+\.$/.test(line)).length, 30)
      assert.ok(lines.length < FLOOD, `${lines.length} lines`)
      assert.match(shownBy(alice), /[█▏▎▍▌▋▊▉]░* syncing [\d,]+ of [\d,]+/)
    },
  ))

suiteOf.run()
