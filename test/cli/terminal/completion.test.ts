import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Completion, completeNext, type Offer } from '../../../src/cli/terminal/completion.ts'
import { Editor } from '../../../src/cli/terminal/editor.ts'
import { complete } from '../../../src/view/slash.ts'

const test = suite('cli/terminal/completion')

const known = { rooms: ['lobby', 'dev', 'design'], names: ['alice', 'alicia', 'Albert', 'bob'] }
const offer: Offer = (line) => complete(line, known)

/** The texts after each key: Tab, or Shift-Tab. */
function press(start: Editor, keys: string): string[] {
  let editor = start
  let completion: Completion | undefined
  return [...keys].map((key) => {
    ;({ editor, completion } = completeNext(editor, completion, key === '>' ? 1 : -1, offer))
    return `${editor.beforeCursor}|`
  })
}

test('the only candidate is taken', () => {
  assert.equal(press(Editor.of('/jo'), '>'), ['/join |'])
  assert.equal(press(Editor.of('b'), '>'), ['bob: |'])
  assert.is(completeNext(Editor.of('/jo'), undefined, 1, offer).completion, undefined)
})

test('what is common to the candidates comes first, then each of them, around', () => {
  assert.equal(press(Editor.of('hi ali'), '>>>>'), ['hi alic|', 'hi alice |', 'hi alicia |', 'hi alice |'])
  assert.equal(press(Editor.of('/join d'), '>>><'), ['/join de|', '/join dev |', '/join design |', '/join dev |'])
})

test('where nothing more is common the first Tab chooses, and Shift-Tab the last', () => {
  assert.equal(press(Editor.of('hi al'), '>>>>'), ['hi alice |', 'hi alicia |', 'hi Albert |', 'hi alice |'])
  assert.equal(press(Editor.of('hi al'), '<<<<'), ['hi Albert |', 'hi alicia |', 'hi alice |', 'hi Albert |'])
})

test('nothing to complete leaves the editor itself', () => {
  const editor = Editor.of('xyz')
  const { editor: after, completion } = completeNext(editor, undefined, 1, offer)
  assert.is(after, editor)
  assert.is(completion, undefined)
})

test('a candidate that comes twice is one', () => {
  const { editor } = completeNext(Editor.of('b'), undefined, 1, () => [['bob ', 'bob '], 'b'])
  assert.is(editor.text, 'bob ')
  const { completion } = completeNext(Editor.of('b'), undefined, 1, () => [['bob ', 'bea ', 'bob '], 'b'])
  assert.equal(completion?.candidates, ['bob ', 'bea '])
})

test('any other key ends it', () => {
  const { editor, completion } = completeNext(Editor.of('hi al'), undefined, 1, offer)
  assert.equal(completion?.candidates, ['alice ', 'alicia ', 'Albert '])
  assert.is(completion?.chosen, 0)
  const again = completeNext(editor.insert('b'), completion, 1, offer)
  assert.is(again.editor.text, 'hi alice bob ')
})

test('what stands behind the cursor stays', () => {
  const { editor } = completeNext(Editor.of('b there').lineStart().right(), undefined, 1, offer)
  assert.is(editor.text, 'bob:  there')
})

test('all of it is undone at once', () => {
  let editor = Editor.of().insert('hi').insert(' ').insert('ali')
  let completion: Completion | undefined
  for (let tab = 0; tab < 3; tab++) ({ editor, completion } = completeNext(editor, completion, 1, offer))
  assert.is(editor.text, 'hi alicia ')
  assert.is(editor.undo().text, 'hi ali')
})

test('as many Tabs forth as back lead to the same candidate', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: 2 }),
      fc.integer({ min: 1, max: 9 }),
      (words, times) => {
        const all: Offer = () => [words, '']
        let { editor, completion } = completeNext(Editor.of(), undefined, 1, all)
        if (completion !== undefined && completion.chosen === undefined)
          ({ editor, completion } = completeNext(editor, completion, 1, all))
        const first = completion?.chosen
        for (const step of [1, -1] as const)
          for (let n = 0; n < times; n++) ({ editor, completion } = completeNext(editor, completion, step, all))
        assert.is(completion?.chosen, first)
      },
    ),
  )
})

test.run()
