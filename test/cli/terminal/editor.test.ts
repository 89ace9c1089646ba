import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_TEXT_BYTES } from '../../../src/chat/constants.ts'
import { MAX_TYPED_BYTES, MAX_UNDO } from '../../../src/cli/terminal/constants.ts'
import { Editor, edit, typeable } from '../../../src/cli/terminal/editor.ts'
import { anyText } from '../../support/any-text.ts'

const test = suite('cli/terminal/editor')

const FAMILY = '👩‍👩‍👧'
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The text with a bar where the cursor is. */
const show = ({ text, cursor }: Editor): string => `${text.slice(0, cursor)}|${text.slice(cursor)}`
/** The opposite. */
function at(shown: string): Editor {
  const bar = shown.indexOf('|')
  let editor = Editor.of(shown.replace('|', ''))
  while (editor.cursor > bar) editor = editor.left()
  assert.is(show(editor), shown)
  return editor
}
const type = (editor: Editor, text: string): Editor => [...text].reduce((now, letter) => now.insert(letter), editor)

const operations = {
  backspace: (editor: Editor) => editor.backspace(),
  delete: (editor: Editor) => editor.delete(),
  left: (editor: Editor) => editor.left(),
  right: (editor: Editor) => editor.right(),
  wordLeft: (editor: Editor) => editor.wordLeft(),
  wordRight: (editor: Editor) => editor.wordRight(),
  lineStart: (editor: Editor) => editor.lineStart(),
  lineEnd: (editor: Editor) => editor.lineEnd(),
  up: (editor: Editor) => editor.up() ?? editor,
  down: (editor: Editor) => editor.down() ?? editor,
  killToEnd: (editor: Editor) => editor.killToEnd(),
  killToStart: (editor: Editor) => editor.killToStart(),
  killWordBefore: (editor: Editor) => editor.killWordBefore(),
  killWordAfter: (editor: Editor) => editor.killWordAfter(),
  yank: (editor: Editor) => editor.yank(),
  undo: (editor: Editor) => editor.undo(),
  redo: (editor: Editor) => editor.redo(),
  clear: (editor: Editor) => editor.clear(),
}

const anyTyped = fc.oneof(
  anyText({ maxLength: 8 }),
  fc.constantFrom(
    'a',
    ' ',
    'word',
    '\n',
    'a\r\nb',
    FAMILY,
    '👍🏽',
    '🇩🇪🇫🇷',
    'e\u0301',
    '\u0301',
    '\u200d',
    '日本語',
    'नमस्ते',
    'שלום',
    '\t',
    '\u001b[A',
  ),
)
const anyStep: fc.Arbitrary<(editor: Editor) => Editor> = fc.oneof(
  anyTyped.map((text) => (editor: Editor) => editor.insert(text)),
  anyTyped.map((text) => (editor: Editor) => editor.paste(text)),
  fc.constantFrom(...Object.values(operations)),
)

test('the cursor is always between two grapheme clusters, and the text is fit to be sent', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      let editor = Editor.of()
      for (const step of steps) {
        editor = step(editor)
        const boundaries = [...graphemes.segment(editor.text)].map(({ index }) => index)
        assert.ok([...boundaries, editor.text.length].includes(editor.cursor), JSON.stringify(show(editor)))
        assert.ok(editor.text.isWellFormed())
        assert.not.match(editor.text, /(?!\n)\p{Cc}/u)
      }
    }),
    { numRuns: 500 },
  )
})

test('undoing all that was done leaves nothing, and doing it again all of it', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      const done = steps.reduce((editor, step) => step(editor), Editor.of())
      let start = done
      for (let step = 0; step < MAX_UNDO; step++) start = start.undo()
      assert.is(start.text, '')
      let end = start
      for (let step = 0; step < MAX_UNDO; step++) end = end.redo()
      // What was undone among the steps is done again, too.
      if (!steps.includes(operations.undo)) assert.is(end.text, done.text)
    }),
  )
})

test('an operation leaves the editor it is asked of as it was', () => {
  const editor = at('one |two')
  for (const operation of Object.values(operations)) operation(editor)
  editor.insert('x')
  assert.is(show(editor), 'one |two')
})

test('ends of lines become LF, tabs spaces, and controls go', () => {
  assert.is(typeable('a\r\nb\rc\nd\u2028e'), 'a\nb\nc\nd\ne')
  assert.is(typeable('a\tb'), 'a    b')
  assert.is(typeable('a\u0000\u0007\u001b[31m\u007f\u009bb\u202ec\u2066'), 'a[31mbc')
  for (const text of [FAMILY, 'می‌خواهم', '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}', 'e\u0301', '\u200f'])
    assert.is(typeable(text), text)
  assert.is(typeable('\ud800'), '\ufffd')
  fc.assert(fc.property(anyText(), (text) => assert.is(typeable(typeable(text)), typeable(text))))
})

test('a cluster is one character, however it is made', () => {
  for (const cluster of [FAMILY, '👍🏽', '🇩🇪', 'e\u0301', 'กำ', '한']) {
    assert.is(show(Editor.of(`a${cluster}b`).left().left()), `a|${cluster}b`, cluster)
    assert.is(show(at(`a${cluster}|b`).backspace()), 'a|b', cluster)
    assert.is(show(at(`a|${cluster}b`).delete()), 'a|b', cluster)
    assert.is(show(at(`a|${cluster}b`).right()), `a${cluster}|b`, cluster)
  }
})

test('a mark that is typed behind a letter joins it', () => {
  assert.is(show(at('e|x').insert('\u0301')), 'e\u0301|x')
  assert.is(show(at('|\u0301').insert('e')), 'e\u0301|')
})

test('words are those of the language', () => {
  assert.is(show(at('say hello, world|').wordLeft()), 'say hello, |world')
  assert.is(show(at('say hello, |world').wordLeft()), 'say |hello, world')
  assert.is(show(at('|say hello').wordLeft()), '|say hello')
  assert.is(show(at('say| hello, world').wordRight()), 'say hello|, world')
  assert.is(show(at('say|  ').wordRight()), 'say  |')
  assert.is(show(at("don't|").wordLeft()), "|don't")
  assert.is(show(at('größe|').killWordBefore()), '|')
  assert.is(show(at('東京へ行く|').wordLeft()), '東京へ|行く')
})

test('a word ends where a cluster does', () => {
  // U+0600 stands in one cluster with what follows, but not always in one word.
  assert.is(show(at('\u0600カ|').wordLeft()), '|\u0600カ')
  assert.is(show(at('|\u0600カ').wordRight()), '\u0600カ|')
})

test('what changes nothing is no step', () => {
  const typed = type(Editor.of(), 'one')
  assert.is(show(typed.delete().insert('').killToEnd().undo()), '|')
  assert.is(show(typed.undo().backspace().paste('\u0007').redo()), 'one|')
})

test('up and down keep the column, and say where there is no line', () => {
  assert.is(show(at('one\nthr|ee').up() ?? Editor.of()), 'one|\nthree')
  assert.is(show(at('a|bc\nd').down() ?? Editor.of()), 'abc\nd|')
  const down = at('abcd|\ne\nfghi').down()?.down()
  assert.is(show(down ?? Editor.of()), 'abcd\ne\nfghi|')
  assert.is(show(at('\n|x').up() ?? Editor.of()), '|\nx')
  assert.is(show(at(`${FAMILY}a|b\nxyz`).down() ?? Editor.of()), `${FAMILY}ab\nxy|z`)
  assert.is(at('o|ne\ntwo').up(), undefined)
  assert.is(at('one\n|two').down(), undefined)
})

test('Home and End are of the line', () => {
  assert.is(show(at('one\ntw|o\nthree').lineStart()), 'one\n|two\nthree')
  assert.is(show(at('one\nt|wo\nthree').lineEnd()), 'one\ntwo|\nthree')
  assert.is(show(at('|\nx').lineStart()), '|\nx')
})

test('what was killed last is yanked', () => {
  const killed = at('one two| three').killToEnd()
  assert.is(show(killed), 'one two|')
  assert.is(show(killed.lineStart().yank()), ' three|one two')
  assert.is(show(at('one two| three').killToStart()), '| three')
  assert.is(show(at('one two| three').killWordBefore()), 'one | three')
  assert.is(show(at('one two| three').killWordAfter()), 'one two|')
  assert.is(at('one two| three').killWordBefore().killed, 'two')
  assert.is(killed.killToEnd().killed, ' three', 'nothing killed changes nothing')
  assert.is(show(killed.renew().yank()), ' three|', 'also in the next line')
})

test('killing at the edge of a line takes its end', () => {
  assert.is(show(at('one|\ntwo').killToEnd()), 'one|two')
  assert.is(show(at('one\n|two').killToStart()), 'one|two')
  assert.is(show(at('x\n|').killToEnd()), 'x\n|')
})

test('typing is undone a word at a time', () => {
  const typed = type(Editor.of(), 'hello big world')
  assert.is(show(typed.undo()), 'hello big |')
  assert.is(show(typed.undo().undo()), 'hello |')
  assert.is(show(typed.undo().undo().undo()), '|')
  assert.is(show(typed.undo().undo().redo()), 'hello big |')
  assert.is(show(type(typed.undo(), 'x').redo()), 'hello big x|', 'what was undone is gone once something else is typed')
})

test('a cleared or killed line comes back, a sent one does not', () => {
  assert.is(show(at('one| two').clear().undo()), 'one| two')
  assert.is(show(at('one two|').killToStart().undo()), 'one two|')
  assert.is(show(at('one two|').renew().undo()), '|')
})

test('erasing in a row is undone together, apart from what was typed', () => {
  const erased = type(Editor.of(), 'hello').backspace().backspace()
  assert.is(show(erased.undo()), 'hello|')
  assert.is(show(erased.undo().undo()), '|')
})

test('moving the cursor begins a new step', () => {
  const typed = type(type(Editor.of(), 'ab').left(), 'cd')
  assert.is(show(typed), 'acd|b')
  assert.is(show(typed.undo()), 'a|b')
})

test('a paste is a step of its own', () => {
  const pasted = type(type(Editor.of(), 'a').paste('b c d'), 'e')
  assert.is(show(pasted.undo()), 'ab c d|')
  assert.is(show(pasted.undo().undo()), 'a|')
})

test('recalling line after line is undone at once', () => {
  const recalled = type(Editor.of(), 'mine').replace('one').replace('two')
  assert.is(show(recalled), 'two|')
  assert.is(show(recalled.undo()), 'mine|')
})

test('undo goes back so far and no further', () => {
  let editor = Editor.of()
  for (let step = 0; step < MAX_UNDO + 20; step++) editor = editor.paste('x')
  for (let step = 0; step < MAX_UNDO + 20; step++) editor = editor.undo()
  assert.is(editor.text.length, 20)
})

test('what a message cannot hold is refused as a whole', () => {
  assert.is(MAX_TYPED_BYTES, MAX_TEXT_BYTES)
  const full = Editor.of('x'.repeat(MAX_TYPED_BYTES - 3))
  assert.not.ok(full.refused)
  const more = full.insert('日')
  assert.not.ok(more.refused)
  const refused = more.insert('y')
  assert.ok(refused.refused)
  assert.is(refused.text, more.text)
  assert.not.ok(refused.left().refused)
  assert.ok(full.paste('日本').refused)
  assert.ok(full.replace('日'.repeat(MAX_TYPED_BYTES / 2)).refused)
  assert.not.ok(more.backspace().insert('日').refused)
})

test('every key of the editor does what its operation does, and others are none of its own', () => {
  const editor = at('one\nt|wo')
  assert.is(show(edit(editor, { kind: 'insert', text: 'x' }) ?? Editor.of()), 'one\ntx|wo')
  assert.is(show(edit(editor, { kind: 'paste', text: 'x y', cut: false }) ?? Editor.of()), 'one\ntx y|wo')
  assert.is(show(edit(editor, { kind: 'up' }) ?? Editor.of()), 'o|ne\ntwo')
  assert.is(show(edit(editor, { kind: 'kill-word-after' }) ?? Editor.of()), 'one\nt|')
  assert.is(edit(editor, { kind: 'down' }), undefined)
  assert.is(edit(editor, { kind: 'submit' }), undefined)
  assert.is(edit(editor, { kind: 'room', number: 1 }), undefined)
})

test.run()
