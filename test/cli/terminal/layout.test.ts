import fc from 'fast-check'
import stringWidth from 'string-width'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MIN_COLUMNS } from '../../../src/cli/terminal/constants.ts'
import { fitLine, formatCount, layoutComposer, progressBar } from '../../../src/cli/terminal/layout.ts'
import { cut } from '../../../src/cli/terminal/widths.ts'
import { typedText } from '../../support/typed-text.ts'

const test = suite('cli/terminal/layout')

const FAMILY = '👩‍👩‍👧'

/** The rows with a bar where the cursor is. */
function compose(text: string, cursor: number, columns: number, maxRows: number = 9): string[] {
  const { rows, cursor: place } = layoutComposer('> ', { text, cursor }, columns, maxRows)
  return rows.map((row, y) => {
    if (y !== place.y) return row
    let at = 0
    for (const { segment } of new Intl.Segmenter().segment(row)) if (stringWidth(row.slice(0, at)) < place.x) at += segment.length
    return `${row.slice(0, at)}|${row.slice(at)}`
  })
}

test('the text stands behind its prompt, and the cursor in it', () => {
  assert.equal(compose('', 0, 10), ['> |'])
  assert.equal(compose('hello', 5, 10), ['> hello|'])
  assert.equal(compose('hello', 0, 10), ['> |hello'])
  assert.equal(compose('a\nb', 1, 10), ['> a|', '  b'])
  assert.equal(compose('a\nb', 2, 10), ['> a', '  |b'])
  assert.equal(compose('a\n', 2, 10), ['> a', '  |'])
})

test('a cursor behind the last column is in the next row', () => {
  assert.equal(compose('abcd', 4, 6), ['> abcd', '  |'])
  assert.equal(compose('abcde', 4, 6), ['> abcd', '  |e'])
  assert.equal(compose('abcd', 3, 6), ['> abc|d'])
})

test('a wide character goes to the next row as a whole', () => {
  assert.equal(compose('abc日', 4, 6), ['> abc', '  日|'])
  assert.equal(compose('abc日', 3, 6), ['> abc', '  |日'])
  assert.equal(compose(`${FAMILY}x`, FAMILY.length, 6), [`> ${FAMILY}|x`])
})

test('the rows around the cursor are shown when there are too many', () => {
  const text = Array.from({ length: 20 }, (_, n) => `${n}`).join('\n')
  assert.equal(compose(text, text.length, 10, 3), ['  17', '  18', '  19|'])
  assert.equal(compose(text, 0, 10, 3), ['> |0', '  1', '  2'])
  const { above, below } = layoutComposer('> ', { text, cursor: text.indexOf('10') }, 10, 3)
  assert.equal([above, below], [9, 8])
})

test('a prompt leaves half of the row to the text', () => {
  assert.equal(layoutComposer('[long-room-name] ', { text: 'x', cursor: 1 }, 12, 3).rows, ['[long…x'])
})

test('the cursor is always shown, and no row is wider than the terminal', () => {
  fc.assert(
    fc.property(
      typedText,
      fc.nat(),
      fc.integer({ min: MIN_COLUMNS, max: 30 }),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom('', '> ', '日本 ', '[a-long-room] '),
      (text, steps, columns, maxRows, prompt) => {
        const boundaries = [...[...new Intl.Segmenter().segment(text)].map(({ index }) => index), text.length]
        const cursor = boundaries[steps % boundaries.length] ?? 0
        const { rows, cursor: place, above, below, indent } = layoutComposer(prompt, { text, cursor }, columns, maxRows)
        assert.ok(rows.length >= 1 && rows.length <= maxRows && above >= 0 && below >= 0)
        for (const row of rows) assert.ok(stringWidth(row) <= columns, JSON.stringify(row))
        assert.ok(place.y >= 0 && place.y < rows.length)
        assert.ok(place.x >= indent && place.x < columns)
        const all = layoutComposer('', { text, cursor }, columns, Infinity)
        assert.is(all.rows.join('').replaceAll(' ', ''), text.replaceAll('\n', '').replaceAll(' ', ''))
      },
    ),
    { numRuns: 1000 },
  )
})

test('a text that is cut says so', () => {
  assert.is(cut('hello', 5), 'hello')
  assert.is(cut('hello', 4), 'hel…')
  assert.is(cut('日本語', 5), '日本…')
  assert.is(cut('日本語', 4), '日…')
  assert.is(cut('hello', 1), '…')
  assert.is(cut('hello', 0), '')
})

const parts = [
  { text: 'lobby', importance: 9 },
  { text: 'syncing 3,200 of 10,000', importance: 5, least: 8 },
  { text: 'alice', importance: 3 },
  { text: '/help', importance: 1 },
]
const line = (columns: number): string =>
  fitLine(parts, columns)
    .map(({ text }) => text)
    .join(' ')

test('of a status line the least important goes first', () => {
  assert.is(line(80), 'lobby syncing 3,200 of 10,000 alice /help')
  assert.is(line(40), 'lobby syncing 3,200 of 10,000 alice')
  assert.is(line(34), 'lobby syncing 3,200 of 10,000')
  assert.is(line(20), 'lobby syncing 3,200…')
  assert.is(line(13), 'lobby')
  assert.is(line(3), 'lo…')
  assert.is(line(0), '')
})

test('of equally important parts the last goes', () => {
  assert.equal(
    fitLine(
      [
        { text: 'one', importance: 1 },
        { text: 'two', importance: 1 },
      ],
      5,
    ),
    [{ text: 'one', importance: 1 }],
  )
})

test('a part that takes no column goes like any other', () => {
  const [first, second] = [
    { text: 'lobby', importance: 1 },
    { text: '\u0301', importance: 0 },
  ]
  assert.equal(fitLine([first, second], 6), [first, second])
  assert.equal(fitLine([first, second], 5), [first])
})

test('a status line always fits', () => {
  const part = fc.record({
    text: typedText.map((text) => text.replaceAll('\n', '')),
    importance: fc.nat(3),
    least: fc.option(fc.nat(9), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(part), fc.nat(60), fc.nat(3), (some, columns, gap) => {
      const fitted = fitLine(some, columns, gap)
      const width = fitted.reduce((sum, { text }) => sum + stringWidth(text) + gap, -gap)
      assert.ok(fitted.length === 0 || width <= columns)
    }),
  )
})

test('a bar is as full as what is there, and full only with all of it', () => {
  assert.is(progressBar(0, 10, 4), '░░░░')
  assert.is(progressBar(5, 10, 4), '██░░')
  assert.is(progressBar(1, 16, 4), '▎░░░')
  assert.is(progressBar(9_999_999, 10_000_000, 4), '███▉')
  assert.is(progressBar(10, 10, 4), '████')
  assert.is(progressBar(20, 10, 4), '████')
  assert.is(progressBar(0, 0, 4), '████')
  assert.is(progressBar(5, 10, 4, true), '##--')
  assert.is(progressBar(99, 100, 4, true), '###-')
  fc.assert(
    fc.property(fc.double(), fc.double(), fc.nat(50), fc.boolean(), (have, of, width, ascii) =>
      assert.is(stringWidth(progressBar(have, of, width, ascii)), width),
    ),
  )
})

test('thousands are set apart', () => {
  assert.equal([0, 999, 3200, 1234567].map(formatCount), ['0', '999', '3,200', '1,234,567'])
})

test.run()
