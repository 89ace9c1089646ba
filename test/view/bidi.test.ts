import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hasRightToLeft, isolate, isolateRows } from '../../src/view/bidi.ts'
import { textLines } from '../../src/view/sanitize.ts'
import { anyText } from '../support/any-text.ts'

const test = suite('view/bidi')

const ISOLATED = /^\u2068[^]*\u2069$/

test('text from right to left is isolated', () => {
  assert.is(isolate('שלום'), '\u2068שלום\u2069')
  assert.is(isolate('hello مرحبا'), '\u2068hello مرحبا\u2069')
})

test('other text is left as it is', () => {
  for (const text of ['', 'hello', 'größe', '日本語', 'हिन्दी', 'Ελληνικά', '👩‍👩‍👧', '1,234', 'e\u0301'])
    assert.is(isolate(text), text)
})

test('each line is isolated by itself', () => {
  assert.is(isolate('one\nשלום\nדג'), 'one\n\u2068שלום\u2069\n\u2068דג\u2069')
})

test('every script that runs from right to left is known', () => {
  const scripts =
    'Hebrew Arabic Syriac Thaana Nko Samaritan Mandaic Adlam Hanifi_Rohingya Mende_Kikakui Yezidi Avestan Chorasmian Cypriot Elymaic ' +
    'Hatran Imperial_Aramaic Inscriptional_Pahlavi Inscriptional_Parthian Kharoshthi Lydian Manichaean Meroitic_Cursive ' +
    'Meroitic_Hieroglyphs Nabataean Old_Hungarian Old_North_Arabian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Palmyrene ' +
    'Phoenician Psalter_Pahlavi Sogdian'
  for (const script of scripts.split(' ')) {
    const letter = new RegExp(`\\p{Script=${script}}`, 'u')
    let letters = 0
    for (let code = 0; code < 0x20000; code++) {
      const point = String.fromCodePoint(code)
      if (!letter.test(point) || !/\p{L}/u.test(point)) continue
      letters += 1
      assert.match(isolate(point), ISOLATED, `${script} U+${code.toString(16)}`)
    }
    assert.ok(letters > 0, script)
  }
})

test('isolates come in pairs, a line at a time, and nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(anyText({ maxLength: 4 }), fc.constantFrom('ש', 'ن', '\n', 'a'))), (pieces) => {
      const text = pieces.join('').replace(/[\u2066-\u2069]/g, '')
      const shown = isolate(text)
      assert.is(shown.replace(/[\u2068\u2069]/g, ''), text)
      for (const line of shown.split('\n')) assert.is(ISOLATED.test(line), hasRightToLeft(line))
    }),
  )
})

test('an isolate that goes on in the next row is one in each', () => {
  assert.equal(isolateRows(['a \u2068שלום', 'עולם', 'טוב\u2069 b', 'c']), [
    'a \u2068שלום\u2069',
    '\u2068עולם\u2069',
    '\u2068טוב\u2069 b',
    'c',
  ])
})

test('isolates that end in their row, and rows without any, are left as they are', () => {
  const rows = ['\u2068א\u2069 and \u2068ב\u2069', '', 'plain']
  assert.equal(isolateRows(rows), rows)
  assert.equal(isolateRows(['\u2068א\u2069 \u2068ב', 'ג\u2069']), ['\u2068א\u2069 \u2068ב\u2069', '\u2068ג\u2069'])
  assert.equal(isolateRows([]), [])
})

test('however it is wrapped, every row has as many ends as isolates', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyText({ maxLength: 20 }), fc.nat({ max: 20 })), { maxLength: 5 }), (parts) => {
      const rows = parts.flatMap(([text, at]) => {
        const shown = isolate(textLines(text).join(' '))
        return [shown.slice(0, at), shown.slice(at)]
      })
      for (const row of isolateRows(rows)) {
        assert.is(row.split('\u2068').length, row.split('\u2069').length, JSON.stringify(row))
        assert.not.match(row, /\u2068[^\u2069]*\u2068/)
      }
    }),
  )
})

test.run()
