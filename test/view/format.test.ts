import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { styleFor } from '../../src/cli/style.ts'
import type { Message } from '../../src/client/client.ts'
import {
  clockTime,
  dayOf,
  formatHeld,
  formatMembers,
  formatMessage,
  formatStatus,
  formatVerified,
  table,
} from '../../src/view/format.ts'
import { author } from '../support/fake-client.ts'

const test = suite('view/format')

const message = (text: string, more: Partial<Message> = {}): Message => ({
  id: 'a'.repeat(64),
  room: 'r',
  seq: 1,
  kind: 'text',
  author: author('bob'),
  text,
  sentAt: '2026-11-21T12:00:00.000Z',
  receivedAt: '2026-11-21T12:00:00.000Z',
  via: 'gossip',
  ...more,
})

test('a message is its author and its text', () => {
  assert.is(formatMessage(message('hello'), { name: 'bob' }), 'bob: hello')
})

test('a time and a room stand in front', () => {
  assert.is(formatMessage(message('hello'), { name: 'bob', time: '12:00', room: 'dev' }), '12:00 [dev] bob: hello')
})

test('further lines stand below the first, behind the time, so that none can pass for a message', () => {
  assert.is(
    formatMessage(message('one\n12:01 alice: two'), { name: 'bob', time: '12:00' }),
    '12:00 bob: one\n      12:01 alice: two',
  )
  assert.is(formatMessage(message('one\nalice: two'), { name: 'bob' }), 'bob: one\n  alice: two')
})

test('what somebody does has no colon', () => {
  assert.is(formatMessage(message('waves', { kind: 'action' }), { name: 'bob' }), '* bob waves')
})

test('marks say what the order cannot', () => {
  assert.is(formatMessage(message('x', { late: true, clockAhead: true }), { name: 'bob' }), 'bob: x (late) (clock ahead)')
})

test('what nobody else is known to hold is marked where that is asked for', () => {
  const held = (n: number, keepers = 0): string =>
    formatMessage(message('x', { held: { held: n, members: 5, keepers } }), { name: 'bob', delivery: true })
  assert.equal([held(0), held(1), held(0, 1)], ['bob: x (only here)', 'bob: x', 'bob: x'])
  assert.is(formatMessage(message('x'), { name: 'bob', delivery: true }), 'bob: x', 'nobody can say')
  assert.is(formatMessage(message('x', { held: { held: 0, members: 5, keepers: 0 } }), { name: 'bob' }), 'bob: x')
})

test('who has a message is said as far as it is known', () => {
  assert.equal(
    [
      undefined,
      { held: 0, members: 5, keepers: 0 },
      { held: 3, members: 5, keepers: 0 },
      { held: 0, members: 5, keepers: 1 },
      { held: 70, members: 90, keepers: 2, atLeast: true as const },
    ].map(formatHeld),
    [
      'not known yet',
      'nobody else has it yet',
      'held by 3 of 5',
      'held by 0 of 5 and 1 keeper',
      'held by at least 70 of 90 and 2 keepers',
    ],
  )
})

test('what a newer version wrote says so and shows nothing of it', () => {
  assert.not.match(formatMessage(message('\u0000raw', { kind: 'unknown' }), { name: 'bob' }), 'raw')
})

test('no text and no name of a room reaches the terminal unclean', () => {
  const shown = formatMessage(message('a\u001b[2Jb\u202ec'), { name: 'bob', room: 'd\u001b]0;x\u0007ev' })
  assert.is(shown, '[dev] bob: abc')
})

test('colours mark the author and nothing else', () => {
  const style = styleFor({ isTTY: true, getColorDepth: () => 8 }, {})
  assert.match(formatMessage(message('hello'), { name: 'bob', style }), /^\u001b\[1;38;5;\d+mbob\u001b\[22;39m: hello$/)
})

test('times are local, and what is no time breaks nothing', () => {
  const noon = new Date(2026, 10, 21, 12, 7).toISOString()
  assert.is(clockTime(noon), '12:07')
  assert.is(dayOf(noon), 'Sat 21 Nov 2026')
  assert.is(clockTime('never'), '--:--')
  assert.is(dayOf('never'), 'some day')
})

test('columns are as wide as their widest cell', () => {
  assert.equal(
    table([
      ['a', 'bb'],
      ['ccc', 'd'],
    ]),
    ['a    bb', 'ccc  d'],
  )
})

test('of the members oneself is marked', () => {
  const members = [
    { ...author('alice'), role: 'member' as const, online: true, self: true },
    { ...author('bob'), role: 'member' as const, online: false, self: false },
  ]
  const lines = formatMembers(members, ({ name }) => name)
  assert.match(lines[0] ?? '', /^alice {2}you/)
  assert.match(lines[1] ?? '', /^bob {4}offline/)
})

test('a status without rooms says none', () => {
  const status = { version: '1', peerId: 'p', account: 'a', name: 'n', addresses: [], connections: 0, relays: [], rooms: [] }
  assert.match(formatStatus(status).join('\n'), /rooms +none/)
})

test('a safety number is in groups of five', () => {
  const lines = formatVerified({ ...author('bob'), safetyNumber: '0123456789'.repeat(6) })
  assert.is(lines.length, 3)
  assert.is(lines[1], '01234 56789 01234 56789 01234 56789')
})

test('a damaged room cannot be overlooked', () => {
  assert.match(formatVerified({ room: 'dev', events: 3, authors: 1, forks: 0, ok: false })[0] ?? '', 'IS DAMAGED')
})

test.run()
