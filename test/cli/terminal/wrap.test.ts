import fc from 'fast-check'
import stringWidth from 'string-width'
import stripAnsi from 'strip-ansi'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MIN_COLUMNS } from '../../../src/cli/terminal/constants.ts'
import { wrapLines } from '../../../src/cli/terminal/wrap.ts'
import { typedText } from '../../support/typed-text.ts'

const test = suite('cli/terminal/wrap')

const ESC = '\u001b'
const FAMILY = '👩‍👩‍👧'
const red = (text: string): string => `${ESC}[31m${text}${ESC}[39m`
const bold = (text: string): string => `${ESC}[1m${text}${ESC}[22m`

test('words are wrapped, behind an indent from the second row on', () => {
  assert.equal(wrapLines('12:01 bob: one two three four', 16, 6), ['12:01 bob: one', '      two three', '      four'])
  assert.equal(wrapLines('short', 16, 6), ['short'])
  assert.equal(wrapLines('', 16, 6), [''])
  assert.equal(wrapLines('one two', 7), ['one two'])
  assert.equal(wrapLines('one two', 6), ['one', 'two'])
})

test('each line of a text begins a row, and keeps its own spaces', () => {
  assert.equal(wrapLines('one\n  two\n\nthree', 10, 2), ['one', '    two', '', '  three'])
  assert.equal(wrapLines('  one  two three  ', 10), ['  one  two', 'three'])
  assert.equal(wrapLines('   ', 10), [''])
})

test('a word is broken only when it is longer than a row', () => {
  assert.equal(wrapLines('see abcdefgh', 10), ['see', 'abcdefgh'])
  assert.equal(wrapLines('see abcdefghijklmn', 10, 2), ['see', '  abcdefgh', '  ijklmn'])
  assert.equal(wrapLines('see abcdefghi', 10, 2), ['see', '  abcdefgh', '  i'])
  assert.equal(wrapLines('abcdefghijkl mn', 10, 2), ['abcdefghij', '  kl mn'])
})

test('a long word of visible ASCII can be left whole; what follows begins a row', () => {
  const whole = (text: string, indent = 0): string[] => wrapLines(text, 10, indent, true)
  assert.equal(whole('see abcdefghijklmn and more', 2), ['see', '  abcdefghijklmn', '  and more'])
  assert.equal(whole('abcdefghijkl 12:00 eve: hi', 2), ['abcdefghijkl', '  12:00', '  eve: hi'])
  assert.equal(whole('abcdefgh\u00a0ijklm', 2), ['abcdefgh\u00a0i', '  jklm'], 'a space that is none')
  assert.equal(whole('äbcdefghijkl'), ['äbcdefghij', 'kl'])
})

test('wide characters take two columns, and need no spaces to be parted', () => {
  assert.equal(wrapLines('日本語日本語', 7), ['日本語', '日本語'])
  assert.equal(wrapLines('see 日本語日本語', 9), ['see 日本', '語日本語'])
  assert.equal(wrapLines('日本語。日本', 6), ['日本', '語。日', '本'], 'no row begins with what closes')
  assert.equal(wrapLines('日本「語」', 6), ['日本', '「語」'], 'and none ends with what opens')
  assert.equal(wrapLines(FAMILY.repeat(4), 6), [FAMILY.repeat(3), FAMILY])
  assert.equal(wrapLines('한국어 한국어', 8), ['한국어', '한국어'], 'Korean has spaces')
})

test('a colour ends with the row and begins again in the next', () => {
  assert.equal(wrapLines(red('one two'), 5, 1), [red('one'), ` ${red('two')}`])
  assert.equal(wrapLines(`a ${red('b')} c`, 4), [`a ${red('b')}`, 'c'])
  assert.equal(wrapLines(`${red('one')} two`, 4), [red('one'), 'two'])
  assert.equal(wrapLines(`one ${red('two')}`, 4), ['one', red('two')])
  assert.equal(wrapLines(red('one\n\ntwo'), 9), [red('one'), red(''), red('two')])
  assert.equal(wrapLines(`${ESC}[1;38;5;9mone two${ESC}[0m x`, 4), [
    `${ESC}[1;38;5;9mone${ESC}[39m${ESC}[22m`,
    `${ESC}[1m${ESC}[38;5;9mtwo${ESC}[0m`,
    'x',
  ])
  assert.equal(wrapLines(bold(`one ${red('two')} three`), 6), [bold('one'), bold(red('two')), bold('three')])
})

test('so does a link', () => {
  const link = (text: string): string => `${ESC}]8;;https://x.org\u0007${text}${ESC}]8;;\u0007`
  assert.equal(wrapLines(`${link('one two')} three`, 5), [link('one'), link('two'), 'three'])
})

test('an indent that leaves no room is none', () => {
  assert.equal(wrapLines('one two', 5, 4), ['one', 'two'])
})

test('no row is wider than the terminal, and none loses a letter', () => {
  fc.assert(
    fc.property(
      typedText,
      fc.integer({ min: MIN_COLUMNS, max: 40 }),
      fc.nat(12),
      fc.boolean(),
      (text, columns, indent, coloured) => {
        const rows = wrapLines(coloured ? text.replace(/\S+/g, red('$&')) : text, columns, indent)
        for (const row of rows) assert.ok(stringWidth(row) <= columns, JSON.stringify(row))
        const letters = (some: string): string => some.replace(/\s/g, '')
        assert.is(letters(stripAnsi(rows.join(''))), letters(text))
        for (const row of rows) assert.is(row.split(`${ESC}[31m`).length, row.split(`${ESC}[39m`).length, JSON.stringify(row))
      },
    ),
    { numRuns: 1000 },
  )
})

test.run()
