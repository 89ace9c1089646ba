import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Editor } from '../../../src/cli/terminal/editor.ts'
import { frameOf } from '../../../src/cli/terminal/frame.ts'
import type { Typed } from '../../../src/cli/terminal/model.ts'
import { unwrap } from '../../../src/cli/terminal/reflow.ts'
import { widthOf } from '../../../src/cli/terminal/widths.ts'
import type { Room } from '../../../src/client/client.ts'
import type { RoomTab, View } from '../../../src/view/overview.ts'
import { plainStyle, type Style } from '../../../src/view/style.ts'

const test = suite('cli/terminal/frame')

const room = (name: string): Room => ({ id: name, name, kind: 'open', check: '', members: 1, online: 1, count: 0, unread: 0 })
const tab = (name: string, changes: Partial<RoomTab> = {}): RoomTab => ({
  id: name,
  name,
  current: false,
  unread: 0,
  mentions: 0,
  ...changes,
})
const person = (name: string, away = false) => ({ account: name, name, self: false, away })

const VIEW: View = {
  rooms: [tab('lobby', { current: true }), tab('team', { unread: 3 }), tab('dev', { unread: 4, mentions: 1 })],
  current: room('lobby'),
  people: [person('bob'), person('carol', true)],
  reach: { direct: 2, relayed: 1 },
  typing: [],
}
const TYPED: Typed = { phase: 'chat', editor: Editor.of('hello') }

function frame({
  typed = {},
  view = {},
  tail = [],
  columns = 80,
  rows = 24,
  style = plainStyle,
}: {
  typed?: Partial<Typed>
  view?: Partial<View>
  tail?: string[]
  columns?: number
  rows?: number
  style?: Style
} = {}) {
  return frameOf({ typed: { ...TYPED, ...typed }, view: { ...VIEW, ...view }, tail, columns, rows, style })
}

test('the room with its people, the line being typed, the rooms and the network', () => {
  const { lines, cursor } = frame()
  assert.equal(lines, [
    `── lobby ─ bob, carol (away) ${'─'.repeat(51)}`,
    'lobby> hello',
    '1 lobby  2 team 3  3 dev 4 @1                        2 direct, 1 through a relay',
  ])
  assert.equal(cursor, { x: 12, y: 1 })
})

test('what may still change stands above', () => {
  const { lines, cursor } = frame({ tail: ['12:00 alice: hi …'] })
  assert.equal([lines[0], cursor.y], ['12:00 alice: hi …', 2])
})

test('alone, starting, in no room, not known yet: the truth is told', () => {
  assert.match(frame({ view: { reach: { direct: 0, relayed: 0 } } }).lines[2] ?? '', /alone here$/)
  assert.match(
    frame({ view: { reach: { direct: 0, relayed: 0, relay: 'ready' } } }).lines[2] ?? '',
    /alone here, the relay is ready$/,
  )
  const unreachable = { direct: 0, relayed: 0, relay: 'unreachable' } as const
  assert.match(frame({ view: { reach: unreachable } }).lines[2] ?? '', /alone here, no relay answers: \/doctor$/)
  assert.match(frame({ view: { reach: undefined } }).lines[2] ?? '', /looking around…$/)
  assert.match(frame({ view: { reach: { direct: 0, relayed: 2 } } }).lines[2] ?? '', /[^,] 2 through a relay$/)
  assert.match(frame({ typed: { phase: 'starting' } }).lines[2] ?? '', /starting…$/)
  assert.match(frame({ view: { rooms: [], current: undefined } }).lines[2] ?? '', /in no room: \/join <room>$/)
  assert.match(frame({ view: { people: [], reach: { direct: 0, relayed: 0 } } }).lines[0] ?? '', /nobody else is here/)
  assert.match(frame({ view: { people: [], reach: { direct: 1, relayed: 0 } } }).lines[0] ?? '', /looking who is here…/)
})

test('a sync shows how far it is', () => {
  const { lines } = frame({ view: { rooms: [], sync: { have: 3200, missing: 6800 } } })
  assert.match(lines[2] ?? '', /███[^ ]*░+ syncing 3,200 of 10,000 · 2 direct/)
})

test('who holds what one wrote last', () => {
  const { lines } = frame({ view: { rooms: [], delivery: { id: 'x', held: { held: 3, members: 5, keepers: 0 } } } })
  assert.match(lines[2] ?? '', /your last: held by 3 of 5 · 2 direct/)
})

test('who types', () => {
  assert.match(frame({ view: { typing: ['bob'] } }).lines[0] ?? '', /bob is typing…/)
  assert.match(frame({ view: { typing: ['bob', 'eve'] } }).lines[0] ?? '', /bob and eve are typing…/)
  assert.match(frame({ view: { typing: ['a', 'b', 'c'] } }).lines[0] ?? '', /3 are typing…/)
})

test('a crowd is cut, and counted', () => {
  const people = Array.from({ length: 30 }, (_, at) => person(`person${at}`))
  const [rule = ''] = frame({ view: { people } }).lines
  const shown = rule.match(/person\d+/g)?.length ?? 0
  assert.ok(shown > 3, rule)
  assert.match(rule, new RegExp(`\\+${30 - shown}\\b`))
})

test('a secret is asked for, and not shown', () => {
  const { lines, cursor } = frame({ typed: { question: 'Passphrase: ', editor: Editor.of('hunter2') } })
  assert.equal([lines[1], cursor], ['Passphrase: ', { x: 12, y: 1 }])
  assert.not.match(lines.join('\n'), /hunter2/)
})

test('rooms to choose from, with what is new and the one that is chosen', () => {
  const rooms = VIEW.rooms.map((each, at) => ({ room: each, number: at + 1, marks: [] }))
  const { lines } = frame({ typed: { switcher: { query: Editor.of('e'), rooms, at: 2 } } })
  assert.equal(lines.slice(1, 5), ['go to: e', '  1 lobby', '  2 team 3', '› 3 dev 4 @1'])
  const { lines: none } = frame({ typed: { switcher: { query: Editor.of('x'), rooms: [], at: 0 } } })
  assert.match(none[2] ?? '', /no room is called so/)
})

test('no line is wider than the terminal, none of the frames as high, and the cursor is inside, whatever the size', () => {
  const long = 'a room with a name that is very long indeed'
  const people = Array.from({ length: 9 }, (_, at) => person(`日本語の名前${at}`))
  const rooms = [tab(long, { current: true }), ...Array.from({ length: 12 }, (_, at) => tab(`${long}${at}`, { unread: at }))]
  for (const columns of [8, 20, 33, 79, 80, 120, 200])
    for (const rows of [3, 5, 10, 24, 60]) {
      const { lines, cursor } = frame({
        typed: { editor: Editor.of('日本語 '.repeat(60)) },
        view: { people, rooms, current: room(long), delivery: { id: 'x', held: { held: 1, members: 2, keepers: 1 } } },
        tail: Array.from({ length: 8 }, () => 'x'.repeat(columns)),
        columns,
        rows,
      })
      const size = `${columns}x${rows}`
      assert.ok(lines.length < rows, size)
      for (const line of lines) assert.ok(widthOf(line) <= columns, `${size}: ${line}`)
      assert.ok(cursor.y < lines.length && cursor.x < Math.max(columns, 4), `${size}: ${JSON.stringify(cursor)}`)
    }
})

test('a narrower terminal has wrapped what was drawn: it is taken off by the rows it has now', () => {
  const drawn = { lines: ['─'.repeat(80), 'lobby> ', `1 lobby${' '.repeat(63)}alone here`], cursor: { x: 7, y: 1 } }
  assert.is(unwrap(drawn, 60, {}), '\r\u001b[2A\u001b[J\n\n\n\u001b[2A')
  assert.is(unwrap(drawn, 30, {}), '\r\u001b[3A\u001b[J\n\n\n\u001b[2A')
  assert.is(unwrap(drawn, 80, {}), '', 'nothing is wrapped')
  assert.is(unwrap(drawn, 60, { XTERM_VERSION: 'XTerm(379)' }), '', 'it cuts lines off')
})

test.run()
