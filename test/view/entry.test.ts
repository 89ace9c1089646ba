import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Message } from '../../src/client/client.ts'
import { type Entry, formatEntry, type MessageEntry } from '../../src/view/entry.ts'
import { clockTime } from '../../src/view/format.ts'
import { plainStyle, type Style } from '../../src/view/style.ts'

const test = suite('view/entry')

const RTL = '\u2068'
const END = '\u2069'
/** What is marked up, readable. */
const marking: Style = { format: (tone, text) => `<${tone} ${text}>`, author: (account, text) => `<${account} ${text}>` }
const SENT_AT = '2026-11-21T12:07:00.000Z'
const TIME = clockTime(SENT_AT)

function message(text: string, changes: Partial<MessageEntry> = {}, of: Partial<Message> = {}): MessageEntry {
  const author = { account: 'bob', name: 'bob', fingerprint: 'f' }
  const said = { id: '1', kind: 'text', author, text, sentAt: SENT_AT, room: 'r', via: 'gossip', ...of } as Message
  return { kind: 'message', message: said, name: 'bob', own: false, mention: false, ...changes }
}

const plain = (entry: Entry, timed = false): string => formatEntry(entry, { style: plainStyle, timed })

test('a message has its time, its room and its author', () => {
  assert.is(plain(message('hello')), 'bob: hello')
  assert.is(plain(message('hello'), true), `${TIME} bob: hello`)
  assert.is(plain(message('hello', { room: 'dev' })), '[dev] bob: hello')
  assert.is(plain(message('hello', { room: 'dev' }), true), `${TIME} [dev] bob: hello`)
  assert.is(plain(message('waves', {}, { kind: 'action' })), '* bob waves')
})

test('lines after the first stand below the first, or where it is said', () => {
  assert.is(plain(message('one\ntwo\r\nthree')), 'bob: one\n  two\n  three')
  assert.is(plain(message('one\ntwo'), true), `${TIME} bob: one\n${' '.repeat(6)}two`)
  assert.is(formatEntry(message('one\ntwo'), { style: plainStyle, timed: true, indent: 0 }), `${TIME} bob: one\ntwo`)
})

test('names and texts that run from right to left turn nothing beside them, each line by itself', () => {
  const entry = message('שלום\nhello\nדג', { name: 'דוד', room: 'חדר' })
  assert.is(
    plain(entry),
    `[${RTL}חדר${END}] ${RTL}דוד${END}: ${RTL}שלום${END}\n${' '.repeat(6)}hello\n${' '.repeat(6)}${RTL}דג${END}`,
  )
})

test('the author’s colour is around the isolate, which no text can close', () => {
  assert.is(
    formatEntry(message('ש\u2069\u202eלום', { name: 'דוד' }), { style: marking, timed: false }),
    `<bob ${RTL}דוד${END}>: ${RTL}שלום${END}`,
  )
})

test('what names whoever reads it is marked', () => {
  const marked = (entry: Entry): string => formatEntry(entry, { style: marking, timed: false })
  assert.is(marked(message('alice: hello')), '<bob bob>: alice: hello')
  assert.is(marked(message('alice: hello', { mention: true })), '<bob bob>: <bold alice: hello>')
  assert.is(marked(message('alice: hello', { room: 'dev' })), '<dim [dev]> <bob bob>: alice: hello')
})

test('no text brings a sequence or a line of its own', () => {
  assert.is(plain(message('a\u001b[2Jb\u0007\u2028c')), 'bob: ab\n  c')
})

test('what a newer version wrote is said to be so', () => {
  assert.is(plain(message('', {}, { kind: 'unknown' })), 'bob: (something that needs a newer version)')
})

test('what is not part of the talk is told apart', () => {
  const all: Entry[] = [
    { kind: 'line', text: 'a line' },
    { kind: 'note', text: 'bob is here' },
    { kind: 'failure', text: 'the disk is full' },
    { kind: 'day', day: 'Sat 21 Nov 2026' },
    { kind: 'entered', title: 'lobby: 1 member' },
    { kind: 'new', count: 3 },
  ]
  assert.equal(
    all.map((entry) => formatEntry(entry, { style: marking, timed: true })),
    [
      'a line',
      '<dim bob is here>',
      '<red ! the disk is full>',
      '<dim — Sat 21 Nov 2026 —>',
      '<dim — lobby: 1 member —>',
      '<yellow — 3 new —>',
    ],
  )
})

test.run()
