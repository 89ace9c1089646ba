import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusters } from '../../src/view/clusters.ts'
import { anyText } from '../support/any-text.ts'

const test = suite('view/clusters')

const graphemes = new Intl.Segmenter()

function same(text: string): void {
  const expected = [...graphemes.segment(text)].map(({ segment, index }) => ({ segment, index }))
  assert.equal([...clusters(text)], expected, JSON.stringify(text))
}

/** What joins what is beside it, and letters of each script. */
const pieces = [
  ...'aZ 0~\n\r\t\u0007é©®·ßЖשعאあア日本語한글ᄀ각ᆨ！ﾞ々〆〰',
  '\u0301',
  '\u200d',
  '\u200c',
  '\ufe0f',
  '\u3099',
  '\u302a',
  '\u0483',
  '\u00ad',
  '\u0600',
  '\u0903',
  '\u094d',
  '\u0e33',
  '\u{110bd}',
  'क',
  'न',
  'ก',
  '👩',
  '👍',
  '🏽',
  '🇩',
  '🇪',
  '\u{e0067}',
  '\ud83d',
]

test('clusters are those of Intl.Segmenter', () => {
  for (const text of [
    '',
    'a',
    'e\u0301',
    '\u0301',
    'a👩‍👩‍👧b',
    '🇩🇪🇫🇷x',
    'ᄀ가나다',
    '\u0600ab',
    '👩\u200d©',
    'a\r\nb\n\u0301c',
    'नमस्ते',
    'กำ',
  ])
    same(text)
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...pieces), anyText({ maxLength: 2 })), { maxLength: 12 }), (some) =>
      same(some.join('')),
    ),
    { numRuns: 500 },
  )
})

test('every character that is taken to stand alone does', () => {
  let stretch = ''
  // Whatever is at the end of a stretch stands alone in any case: two are looked at.
  for (let code = 0; code < 0x10000; code++)
    if (/^\p{L}|^\p{N}|^\p{P}|^\p{S}/u.test(String.fromCharCode(code))) stretch += String.fromCharCode(code)
  stretch = stretch.replace(/[\u4e10-\u9ff0\u3410-\u4db0\uac10-\ud790]/g, '')
  same(stretch)
})

test.run()
