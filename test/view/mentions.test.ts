import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mentionRanges, mentions } from '../../src/view/mentions.ts'
import { anyText } from '../support/any-text.ts'

const test = suite('view/mentions')

/** The text with mentions in brackets. */
function marked(text: string, ...names: string[]): string {
  let at = 0
  let shown = ''
  for (const { from, to } of mentionRanges(text, names)) {
    shown += `${text.slice(at, from)}[${text.slice(from, to)}]`
    at = to
  }
  return shown + text.slice(at)
}
const none = (text: string, ...names: string[]): void => assert.is(marked(text, ...names), text)

test('a name mentions as a word of its own', () => {
  assert.is(marked('bob', 'bob'), '[bob]')
  assert.is(marked('hi bob!', 'bob'), 'hi [bob]!')
  assert.is(marked('bob: look', 'bob'), '[bob]: look')
  assert.is(marked('bob, look', 'bob'), '[bob], look')
  assert.is(marked("(bob) 'bob' bob's", 'bob'), "([bob]) '[bob]' [bob]'s")
  none('bobby kebob bob_2 bob2 2bob boböl', 'bob')
  none('nothing of it', 'bob')
  assert.ok(mentions('hi bob', ['alice', 'bob']))
  assert.not.ok(mentions('hi bobby', ['alice', 'bob']))
})

test('an @ belongs to the mention, but not in an address', () => {
  assert.is(marked('@bob and (@bob)', 'bob'), '[@bob] and ([@bob])')
  none('@bobby', 'bob')
  none('alice@bob.org', 'bob')
})

test('neither case nor width nor composition matters', () => {
  assert.is(marked('BOB, Ｂｏｂ', 'bob'), '[BOB], [Ｂｏｂ]')
  assert.is(marked('hi Jo\u0308rg', 'jÖrg'), 'hi [Jo\u0308rg]')
  assert.is(marked('ΟΔΥΣΣΕΥΣ', 'Οδυσσεύς'.normalize('NFD').replace(/\p{M}/gu, '')), '[ΟΔΥΣΣΕΥΣ]')
  assert.is(marked('STRASSE', 'Straße'), '[STRASSE]')
})

test('no character is cut in two', () => {
  none('bob\u0301', 'bob')
  assert.is(marked('👩‍👩‍👧 hi', '👩‍👩‍👧'), '[👩‍👩‍👧] hi')
  none('👩‍👩‍👧 hi', '👩')
})

test('in scripts without spaces a name has no edge', () => {
  assert.is(marked('田中さんは東京にいる', '田中'), '[田中]さんは東京にいる')
  assert.is(marked('bobさん', 'bob'), '[bob]さん')
  assert.is(marked('今日は、bob', 'bob'), '今日は、[bob]')
  assert.is(marked('철수야 안녕', '철수'), '[철수]야 안녕')
  none('李白', '李')
  assert.is(marked('@李 李: 你好', '李'), '[@李] [李]: 你好')
})

test('a suffix names a key, and only its owner is meant', () => {
  const me = 'bob·3f2a91c07de45b68'
  assert.is(marked('bob·3f2a: hi', me), '[bob·3f2a]: hi')
  assert.is(marked('@bob·3f2a91', me), '[@bob·3f2a91]')
  assert.is(marked('BOB·3F2A', me), '[BOB·3F2A]')
  none('bob·9999: hi', me)
  none('bob·3f2b: hi', me, 'bob')
  none('bob·3f2a: hi', 'bob')
  assert.is(marked('bob: hi', me), '[bob]: hi')
  assert.is(marked('bob·3f2a', 'bob', 'bob·3f2a'), '[bob·3f2a]')
  assert.is(marked('bob·zzz', me), '[bob]·zzz')
})

test('an address of the web mentions nobody', () => {
  none('https://bob.example/bob?bob=bob', 'bob')
  none('see www.bob.org', 'bob')
  none('bob://bob', 'bob')
  assert.is(marked('bob https://bob.org bob', 'bob'), '[bob] https://bob.org [bob]')
})

test('names may be of several words or hold no letter', () => {
  assert.is(marked('hi bob the builder', 'Bob the Builder'), 'hi [bob the builder]')
  assert.is(marked('hi ^_^!', '^_^'), 'hi [^_^]!')
  none('anything', '', '  ')
})

test('the longer of two names at one place counts', () => {
  assert.is(marked('bob smith', 'bob', 'bob smith'), '[bob smith]')
})

test('names are looked for in the beginning of a long text', () => {
  assert.ok(mentions(`${'x '.repeat(2000)}bob`, ['bob']))
  assert.not.ok(mentions(`${'x '.repeat(3000)}bob`, ['bob']))
})

test('ranges are in the text, in order, apart, and of whole clusters', () => {
  const piece = fc.oneof(
    anyText({ maxLength: 3 }),
    fc.constantFrom('bob', 'BOB', '@', '·3f2a', ' ', 'https://', '田中', '\u0301', 'ß', 'ﬁ'),
  )
  fc.assert(
    fc.property(
      fc.array(piece),
      fc.array(fc.oneof(anyText({ maxLength: 3 }), fc.constantFrom('bob', 'bob·3f2a', '田中', 's', 'fi'))),
      (pieces, names) => {
        const text = pieces.join('')
        const starts = [...new Intl.Segmenter().segment(text)].map(({ index }) => index)
        let end = 0
        for (const { from, to } of mentionRanges(text, names)) {
          assert.ok(from >= end && to > from && to <= text.length)
          assert.ok(starts.includes(from) && [...starts, text.length].includes(to))
          end = to
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('a name of letters that would be composed with their neighbours is found', () => {
  assert.ok(mentions('hello ㉠ￂ there', ['㉠ￂ']))
  assert.ok(mentions('hello STRASSE', ['straẞe']))
})

test('a name between spaces is always found', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
      fc.pre(name.trim() !== '' && !/[·:/]|www/i.test(name.normalize('NFKC')))
      assert.ok(mentions(`hello ${name} there`, [name]), JSON.stringify(name))
    }),
    { numRuns: 1000 },
  )
})

test.run()
