import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_QUERY_BYTES } from '../../src/chat/constants.ts'
import { fold, isFrom, matches, parseQuery } from '../../src/chat/query.ts'
import { thrown } from './support.ts'

const test = suite('chat/query')

const found = (query: string, text: string): boolean => matches(parseQuery(query), text)
const by = (query: string, name: string, fingerprint = '3f2a0000deadbeef'): boolean =>
  isFrom(parseQuery(query), { account: 'a', name, fingerprint })

test('all words must occur, in any order and also within others', () => {
  assert.ok(found('build green', 'the builder says: evergreen'))
  assert.ok(found('green build', 'the builder says: evergreen'))
  assert.not.ok(found('build red', 'the builder says: evergreen'))
  assert.ok(found('  build\t\ngreen ', 'green build'))
})

test('case, accents and widths make no difference, in the text or in the query', () => {
  for (const [one, other] of [
    ['café', 'CAFE'],
    ['straße', 'STRASSE'],
    ['STRAẞE', 'strasse'],
    ['ＡＢＣ１', 'abc1'],
    ['ﾊﾟﾝ', 'パン'],
    ['ὈΔΥΣΣΕΎΣ', 'οδυσσευς'],
    ['İstanbul', 'istanbul'],
    ['ısı', 'ISI'],
    ['ﬁnance', 'FINANCE'],
    ['naïve', 'nai\u0308ve'],
    ['한글', '한글'.normalize('NFD')],
    ['Ⅷ', 'viii'],
  ] as const) {
    assert.is(fold(one), fold(other))
    assert.ok(found(one, `x${other}y`) && found(other, `x${one}y`), `${one} ${other}`)
  }
  assert.not.ok(found('a', 'ß'))
})

test('what stands in double quotes is one phrase, to the end where it is not closed', () => {
  assert.ok(found('"the build is"', 'so: The Build is green'))
  assert.not.ok(found('"build the"', 'the build'))
  assert.ok(found('"the bui', 'the build'))
  assert.ok(found('"the build" red', 'red: the build'))
  assert.not.ok(found('"the build" red', 'the red build'))
})

test('from: is the beginning of a name, a fingerprint, or a name with both; one of several does', () => {
  for (const query of [
    'from:bo',
    'from:BOB',
    'from:@bob',
    'From:"bob"',
    'from:3f2a',
    'from:3F',
    'from:bob·3f2a',
    'from:eve from:bob',
  ])
    assert.ok(by(query, 'Bób'), query)
  for (const query of ['from:ob', 'from:f2a', 'from:bob·4', 'from:bobby', 'from:eve']) assert.not.ok(by(query, 'Bob'), query)
  assert.ok(by('from:"ann lee"', 'Ann Lee-Smith'))
  assert.ok(by('hello', 'anybody'))
  assert.ok(found('from:bob', 'anything'))
  assert.ok(found('x from:', 'x'), 'a name that is not there yet')
  assert.not.ok(found('"from:bob"', 'hello'), 'in quotes it is text')
})

test('a query in which nothing is asked for, or too much, is refused', () => {
  for (const query of ['', ' \n', '""', '"', 'from:', 'from:""', '\u0301']) {
    const error = thrown(() => parseQuery(query)) as Error & { field: string }
    assert.equal([error.name, error.field], ['InvalidArgumentError', 'query'], query)
  }
  parseQuery('é'.repeat(MAX_QUERY_BYTES / 2))
  assert.is(thrown(() => parseQuery(`${'é'.repeat(MAX_QUERY_BYTES / 2)}x`)).name, 'InvalidArgumentError')
})

test.run()
