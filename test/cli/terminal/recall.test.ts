import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_RECALL_BYTES, MAX_RECALLED } from '../../../src/cli/terminal/constants.ts'
import { Recall } from '../../../src/cli/terminal/recall.ts'
import { anyText } from '../../support/any-text.ts'

const test = suite('cli/terminal/recall')

function of(...lines: string[]): Recall {
  const recall = new Recall()
  for (const line of lines) recall.add(line)
  return recall
}
const kept = (recall: Recall): string => JSON.stringify(recall)

test('goes back through the lines and forth to what was not finished', () => {
  const recall = of('one', 'two')
  assert.is(recall.older('', 0), 'two')
  assert.is(recall.older('two', 3), 'one')
  assert.is(recall.older('one', 3), undefined)
  assert.is(recall.newer('one'), 'two')
  assert.is(recall.newer('two'), '')
  assert.is(recall.newer(''), undefined)
})

test('keeps the unfinished line, with what stands behind the cursor', () => {
  const recall = of('hello', 'bye')
  assert.is(recall.older('half', 0), 'bye')
  assert.is(recall.newer('bye'), 'half')
})

test('recalls lines that begin with what stands before the cursor', () => {
  const recall = of('/join dev', 'hello', '/join lobby', 'bye')
  assert.is(recall.older('/j', 2), '/join lobby')
  assert.is(recall.older('/join lobby', 11), '/join dev')
  assert.is(recall.older('/join dev', 9), undefined)
  assert.is(recall.newer('/join dev'), '/join lobby')
  assert.is(recall.newer('/join lobby'), '/j')
  assert.is(recall.older('nothing like it', 15), undefined)
})

test('a recalled line that was changed begins a new search', () => {
  const recall = of('one', 'two', 'twofold')
  assert.is(recall.older('', 0), 'twofold')
  assert.is(recall.older('tw', 2), 'twofold')
  assert.is(recall.newer('other'), undefined)
})

test('a sent line ends the search', () => {
  const recall = of('one', 'two')
  recall.older('', 0)
  recall.older('two', 3)
  recall.add('three')
  assert.is(recall.newer('one'), undefined)
  assert.is(recall.older('', 0), 'three')
})

test('remembers neither nothing nor the same twice in a row', () => {
  assert.equal(of('one', 'one', '', '  ', 'two', 'one').toJSON(), ['one', 'two', 'one'])
})

test('passes over a line that is there already', () => {
  const recall = of('one', 'two', 'one')
  assert.is(recall.older('one', 0), 'two')
})

test('lines are kept', () => {
  const recall = of('one', 'a\nb', '👩‍👩‍👧')
  assert.equal(Recall.from(kept(recall)).toJSON(), ['one', 'a\nb', '👩‍👩‍👧'])
})

test('the oldest lines go', () => {
  const many = of(...Array.from({ length: MAX_RECALLED + 10 }, (_, n) => `line ${n}`))
  assert.is(many.size, MAX_RECALLED)
  assert.is(many.toJSON()[0], 'line 10')
  const long = of(...Array.from({ length: 10 }, (_, n) => `${n}${'x'.repeat(10_000)}`))
  assert.is(long.size, 4)
  assert.is(long.toJSON().at(-1)?.[0], '9')
})

test('what is kept is never larger than it may be', () => {
  const line = fc.oneof(
    anyText(),
    fc.integer({ min: 1, max: 30_000 }).chain((n) => fc.constantFrom('x'.repeat(n), '"'.repeat(n), '日'.repeat(n))),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
      const text = kept(of(...lines))
      assert.ok(Buffer.byteLength(text) <= MAX_RECALL_BYTES)
      assert.is(kept(Recall.from(text)), text)
    }),
  )
})

test('rubbish is left out', () => {
  for (const rubbish of [undefined, '', 'x', '{', 'null', '1', '"line"', '{"length":3}', '[1,null,{},[]]', '[""]'])
    assert.is(Recall.from(rubbish).size, 0)
  assert.equal(Recall.from('[1,"one",null,"\\u001b[2Jt\\u0007wo"]').toJSON(), ['one', '[2Jtwo'])
  assert.is(Recall.from(JSON.stringify(Array.from({ length: 2000 }, (_, n) => `${n}`))).size, MAX_RECALLED)
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => assert.ok(Recall.from(text).size >= 0)))
})

test.run()
