import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cleanName, oneLine, textLines } from '../../src/view/sanitize.ts'
import { anyText } from '../support/any-text.ts'

const test = suite('view/sanitize')

/** C0, DEL, C1, everything that turns direction, the separators that a terminal may take for an end of line, halves. */
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]|\p{Cs}/u

const hostile = fc
  .array(
    fc.oneof(
      anyText(),
      fc.string(),
      fc.constantFrom(
        '\u001b[31m',
        '\u001b]0;title\u0007',
        '\u009b2J',
        '\u001b',
        '\u202e',
        '\u2066',
        '\r',
        '\n',
        '\u0085',
        '\b',
        '\t',
        '\ud800',
      ),
    ),
  )
  .map((parts) => parts.join(''))

test('no text brings a control character or a change of direction to the terminal', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      for (const line of [...textLines(text), oneLine(text), oneLine(text, 10), cleanName(text)]) {
        assert.not.match(line, FORBIDDEN)
        assert.ok(line.isWellFormed())
      }
    }),
    { numRuns: 5000 },
  )
})

test('cleaning what is clean changes nothing', () => {
  fc.assert(
    fc.property(hostile, (text) => assert.equal(textLines(textLines(text).join('\n')), textLines(text))),
    { numRuns: 1000 },
  )
  for (const text of ['hello', 'größe', 'עברית', 'हिन्दी', '日本語', '👩‍👩‍👧 👍🏽', 'می‌خواهم', 'e\u0301'])
    assert.equal(textLines(text), [text])
})

test('whole escape sequences go, not only their first character', () => {
  assert.equal(textLines('a\u001b[31mred\u001b[0m b'), ['ared b'])
  assert.equal(textLines('a\u009b31mred'), ['ared'])
  assert.equal(textLines('a\u001b]8;;http://x\u0007link\u001b]8;;\u0007'), ['alink'])
})

test('each way of ending a line ends one', () => {
  assert.equal(textLines('a\nb\r\nc\rd\u2028e\u0085f'), ['a', 'b', 'c', 'd', 'e', 'f'])
})

test('marks cannot be stacked over other lines', () => {
  const [line = ''] = textLines(`a${'\u0301'.repeat(500)}b`)
  assert.is(line, `a${'\u0301'.repeat(8)}b`)
})

test('a name is short, on one line and never empty', () => {
  assert.is(cleanName('\u202e\u0000\u200d'), 'unknown')
  assert.is(cleanName('\u3164\u115f\uffa0'), 'unknown', 'Hangul fillers')
  assert.is(cleanName('\ufe0f\u0301'), 'unknown', 'marks on nothing')
  assert.is(cleanName('bo\u00adb\u{e0061}'), 'bob')
  assert.is(cleanName('❤\ufe0f'), '❤\ufe0f')
  assert.is(cleanName('a\nb'), 'a b')
  assert.is([...cleanName('😀'.repeat(100))].length, 64)
})

test.run()
