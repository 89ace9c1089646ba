import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rank } from '../../src/view/fuzzy.ts'

const test = suite('view/fuzzy')

const found = (query: string, names: string[]): string[] => rank(query, names).map(({ name }) => name)
/** The name with its marked clusters in brackets. */
const marked = (query: string, name: string): string | undefined => {
  const [first] = rank(query, [name])
  return (
    first &&
    [...new Intl.Segmenter().segment(name)]
      .map(({ segment, index }) => (first.marks.includes(index) ? `[${segment}]` : segment))
      .join('')
  )
}

test('an empty query keeps all names in their order', () => {
  assert.equal(rank('', ['b', 'a']), [
    { name: 'b', marks: [] },
    { name: 'a', marks: [] },
  ])
  assert.equal(found('  ', ['b', 'a']), ['b', 'a'])
})

test('names are found by some of their letters, in order', () => {
  assert.equal(found('dv', ['lobby', 'dev', 'vd']), ['dev'])
  assert.equal(found('xyz', ['lobby', 'dev']), [])
})

test('the nearer match comes first', () => {
  assert.equal(found('dev', ['moderative', 'mydev', 'developers', 'dev']), ['dev', 'developers', 'mydev', 'moderative'])
})

test('equally good names stay in their order', () => {
  assert.equal(found('a', ['ab', 'ac', 'ad']), ['ab', 'ac', 'ad'])
})

test('all names are answered, not the best ten', () => {
  assert.is(
    rank(
      'r',
      Array.from({ length: 500 }, (_, n) => `room ${n}`),
    ).length,
    500,
  )
})

test('neither case nor width nor composition matters', () => {
  assert.equal(found('DEV', ['dev']), ['dev'])
  assert.equal(found('ｄｅｖ', ['Dev']), ['Dev'])
  assert.equal(found('dev', ['ＤＥＶ']), ['ＤＥＶ'])
  assert.equal(found('gro\u0308sse', ['GRÖßE']), ['GRÖßE'])
  assert.equal(found('日本', ['日本語']), ['日本語'])
  assert.equal(found('creme', ['Crème']), ['Crème'])
  assert.equal(found('Ǿ Œ', ['Ǿ Œ']), ['Ǿ Œ'])
})

test('marks are offsets of clusters in the name itself', () => {
  assert.is(marked('dv', 'dev'), '[d]e[v]')
  assert.is(marked('ss', 'straße'), 'stra[ß]e')
  assert.is(marked('ab', '👩‍👩‍👧a👩‍👩‍👧b'), '👩‍👩‍👧[a]👩‍👩‍👧[b]')
  assert.is(marked('fi', 'ﬁx'), '[ﬁ]x')
})

test('letters that would be composed with their neighbours are found as they are', () => {
  assert.equal(
    rank('ㄷㅏ ', ['ㄷㅏ ']).map(({ name }) => name),
    ['ㄷㅏ '],
  )
})

test('a name is found by itself, and what is marked is in it', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fc.array(name), name, (names, query) => {
      const ranked = rank(query, [...names, query])
      assert.ok(query.trim() === '' || ranked.some((each) => each.name === query))
      for (const each of ranked) {
        const starts = [...new Intl.Segmenter().segment(each.name)].map(({ index }) => index)
        assert.ok(each.marks.every((mark, at) => starts.includes(mark) && (at === 0 || mark > (each.marks[at - 1] ?? 0))))
      }
    }),
    { numRuns: 1000 },
  )
})

test.run()
