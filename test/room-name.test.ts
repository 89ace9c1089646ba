import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canonicalRoomName } from '../src/room-name.ts'
import { thrown } from './chat/support.ts'
import { anyText } from './support/any-text.ts'

const test = suite('room-name')

test('a room has one name, however it is typed', () => {
  const same: [string, string][] = [
    ['lobby', 'lobby'],
    ['  Lobby\n', 'lobby'],
    ['#Lobby', 'lobby'],
    ['ＬＯＢＢＹ', 'lobby'],
    ['Cafe\u0301', 'café'],
    ['ﬁsh', 'fish'],
    ['STRASSE', 'strasse'],
    ['Straße', 'straße'],
    ['²', '2'],
    ['Ⅷ', 'viii'],
    ['日本', '日本'],
    ['a-b_c.d/e', 'a-b_c.d/e'],
    ['😀', '😀'],
    ['\ue000', '\ue000'],
    ['x'.repeat(64), 'x'.repeat(64)],
  ]
  for (const [typed, name] of same) assert.is(canonicalRoomName(typed), name, typed)
})

test('spaces, invisible characters, a leading @, and the empty and the overlong name are refused', () => {
  const refused = [
    '',
    '   ',
    '#',
    'a b',
    'a\tb',
    'a\u00a0b',
    'a\u3000b',
    'a\u200bb',
    'a\u202eb',
    '\ufeffa\ufeffb',
    'a\u0000b',
    'a\u2028b',
    '\ud800',
    '@bob',
    '#@bob',
    'x'.repeat(65),
    '😀'.repeat(65),
    'ﷺ'.repeat(4),
  ]
  for (const name of refused) {
    const error = thrown(() => canonicalRoomName(name))
    assert.equal([error.name, (error as Error & { field: string }).field], ['InvalidArgumentError', 'room'], JSON.stringify(name))
  }
})

test('a canonical name is its own canonical name, for names that people can type', () => {
  const typed = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(fc.oneof(typed, anyText({ maxLength: 8 })), (name) => {
      let canonical: string
      try {
        canonical = canonicalRoomName(name)
      } catch (error) {
        assert.is((error as Error).name, 'InvalidArgumentError')
        return
      }
      assert.is(canonicalRoomName(canonical), canonical)
    }),
    { numRuns: 3000, examples: [['##a'], ['###'], ['#＃a'], ['İ'], ['ϓ'], ['ᾳ'], ['ﬀ'], ['K'], ['ẞ']] },
  )
})

test.run()
