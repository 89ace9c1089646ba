import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { Box, type RenderOptions, render, useStdin } from 'ink'
import { createElement, useEffect } from 'react'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_PASTE, MAX_SEQUENCE } from '../../../src/cli/terminal/constants.ts'
import type { Action } from '../../../src/cli/terminal/key-map.ts'
import { KeyReader } from '../../../src/cli/terminal/keys.ts'
import { waitFor } from '../../support/wait-for.ts'

const test = suite('cli/terminal/keys')

const ESC = '\u001b'
const NEW_LINE: Action = { kind: 'insert', text: '\n' }
const insert = (text: string): Action => ({ kind: 'insert', text })
const paste = (text: string, cut = false): Action => ({ kind: 'paste', text, cut })
const bracketed = (text: string): string => `${ESC}[200~${text}${ESC}[201~`

/** All that the chunks mean, and what is left when nothing more comes. */
function read(...chunks: string[]): Action[] {
  const reader = new KeyReader()
  return [...chunks.flatMap((chunk) => reader.read(chunk)), ...reader.flush()]
}
/** A sequence of its own means one thing. */
function means(keys: Record<string, string | Action | undefined>): void {
  for (const [key, meant] of Object.entries(keys)) {
    const action = typeof meant === 'string' ? { kind: meant } : meant
    assert.equal(read(key), action === undefined ? [] : [action], JSON.stringify(key))
  }
}
/** Texts that follow each other as one: where a chunk ends is of no account. */
function joined(actions: Action[]): Action[] {
  const all: Action[] = []
  for (const action of actions) {
    const last = all.at(-1)
    if (last?.kind === 'insert' && action.kind === 'insert') all.splice(-1, 1, insert(last.text + action.text))
    else all.push(action)
  }
  return all
}

test('control keys', () => {
  means({
    '\r': 'submit',
    '\n': NEW_LINE,
    '\t': 'complete',
    '\u0001': 'line-start',
    '\u0002': 'left',
    '\u0003': 'interrupt',
    '\u0004': 'delete-or-leave',
    '\u0005': 'line-end',
    '\u0006': 'right',
    '\u0007': 'escape',
    '\u0008': 'backspace',
    '\u000b': 'kill-to-end',
    '\u000c': 'redraw',
    '\u000e': 'next-room',
    '\u000f': 'unread-room',
    '\u0010': 'previous-room',
    '\u0014': 'find-room',
    '\u0015': 'kill-to-start',
    '\u0017': 'kill-word-before',
    '\u0019': 'yank',
    '\u001a': 'undo',
    '\u001f': 'undo',
    '\u007f': 'backspace',
    [ESC]: 'escape',
    '\u0000': undefined,
    '\u009b': undefined,
  })
})

test('arrows and their neighbours, as several terminals write them', () => {
  means({
    [`${ESC}[A`]: 'up',
    [`${ESC}OB`]: 'down',
    [`${ESC}[C`]: 'right',
    [`${ESC}[D`]: 'left',
    [`${ESC}[1;5C`]: 'word-right',
    [`${ESC}[1;3D`]: 'word-left',
    [`${ESC}[5D`]: 'word-left',
    [`${ESC}Oc`]: 'word-right',
    [`${ESC}${ESC}[D`]: 'word-left',
    [`${ESC}[H`]: 'line-start',
    [`${ESC}OF`]: 'line-end',
    [`${ESC}[1~`]: 'line-start',
    [`${ESC}[8~`]: 'line-end',
    [`${ESC}[3~`]: 'delete',
    [`${ESC}[3;5~`]: 'kill-word-after',
    [`${ESC}[3^`]: 'kill-word-after',
    [`${ESC}[5~`]: 'page-up',
    [`${ESC}[6~`]: 'page-down',
    [`${ESC}[Z`]: 'complete-back',
    [`${ESC}[1;3A`]: 'previous-room',
    [`${ESC}[1;3B`]: 'next-room',
    [`${ESC}[I`]: 'focus-in',
    [`${ESC}[O`]: 'focus-out',
    [`${ESC}OM`]: 'submit',
  })
})

test('keys with Alt', () => {
  means({
    [`${ESC}b`]: 'word-left',
    [`${ESC}f`]: 'word-right',
    [`${ESC}d`]: 'kill-word-after',
    [`${ESC}\u007f`]: 'kill-word-before',
    [`${ESC}\u0008`]: 'kill-word-before',
    [`${ESC}\r`]: NEW_LINE,
    [`${ESC}a`]: 'unread-room',
    [`${ESC}z`]: 'redo',
    [`${ESC}1`]: { kind: 'room', number: 1 },
    [`${ESC}9`]: { kind: 'room', number: 9 },
    [`${ESC}0`]: undefined,
    [`${ESC}x`]: undefined,
    [`${ESC}]`]: undefined,
    [`${ESC}[`]: undefined,
    [`${ESC}O`]: undefined,
    [`${ESC}日`]: undefined,
    [`${ESC}😀`]: undefined,
    [`${ESC}${ESC}`]: 'escape',
  })
})

test('the kitty protocol and modifyOtherKeys', () => {
  means({
    [`${ESC}[13u`]: 'submit',
    [`${ESC}[13;2u`]: NEW_LINE,
    [`${ESC}[13;3u`]: NEW_LINE,
    [`${ESC}[13;5u`]: NEW_LINE,
    [`${ESC}[27;2;13~`]: NEW_LINE,
    [`${ESC}[27;5;13~`]: NEW_LINE,
    [`${ESC}[27u`]: 'escape',
    [`${ESC}[9;2u`]: 'complete-back',
    [`${ESC}[127;3u`]: 'kill-word-before',
    [`${ESC}[97;5u`]: 'line-start',
    [`${ESC}[97;5:1u`]: 'line-start',
    [`${ESC}[97;5:3u`]: undefined,
    [`${ESC}[27;5;97~`]: 'line-start',
    [`${ESC}[1092::97;5u`]: 'line-start',
    [`${ESC}[49;3u`]: { kind: 'room', number: 1 },
    [`${ESC}[122;6u`]: 'redo',
    [`${ESC}[99;6u`]: undefined,
    [`${ESC}[97;9u`]: undefined,
    [`${ESC}[97u`]: insert('a'),
    [`${ESC}[97;2u`]: insert('A'),
    [`${ESC}[49:33;2u`]: insert('!'),
    [`${ESC}[97;1;228u`]: insert('ä'),
    [`${ESC}[97;129u`]: insert('a'),
    [`${ESC}[57401u`]: insert('2'),
    [`${ESC}[57358u`]: undefined,
    [`${ESC}[55296u`]: undefined,
    [`${ESC}[9999999999u`]: undefined,
    [`${ESC}[1;5:3A`]: undefined,
    [`${ESC}[1;1:2A`]: 'up',
  })
})

test('what is no key is left out, never inserted', () => {
  means({
    [`${ESC}[31m`]: undefined,
    [`${ESC}[1;5P`]: undefined,
    [`${ESC}[[A`]: undefined,
    [`${ESC}[12;40R`]: undefined,
    [`${ESC}[?62;1;2c`]: undefined,
    [`${ESC}[<0;10;20M`]: undefined,
    [`${ESC}[201~`]: undefined,
    [`${ESC}]11;rgb:0000/0000/0000\u0007`]: undefined,
    [`${ESC}]11;rgb:0000/0000/0000${ESC}\\`]: undefined,
    [`${ESC}P>|term 1.0${ESC}\\`]: undefined,
    [`${ESC}[1;2`]: undefined,
  })
  assert.equal(read(`a${ESC}]11;rgb:0/0/0\u0007b`), [insert('a'), insert('b')])
  assert.equal(read(`${ESC}[1;\rb`), [{ kind: 'submit' }, insert('b')], 'what interrupts a sequence is read')
  assert.equal(read(`${ESC}[1日`), [insert('日')])
  assert.equal(read(`${ESC}]11;x\u0003`), [{ kind: 'interrupt' }])
})

test('what looks like a sequence without its Esc is text', () => {
  for (const text of ['OK', '[A', '[200~', '[31m', 'O', '[']) assert.equal(read(text), [insert(text)])
})

test('a chunk may hold text and keys', () => {
  assert.equal(read('hello\r'), [insert('hello'), { kind: 'submit' }])
  assert.equal(read('\u0001x\u007f\u007f日本\u0005'), [
    { kind: 'line-start' },
    insert('x'),
    { kind: 'backspace' },
    { kind: 'backspace' },
    insert('日本'),
    { kind: 'line-end' },
  ])
  assert.equal(read(`a${ESC}[D${ESC}1b`), [insert('a'), { kind: 'left' }, { kind: 'room', number: 1 }, insert('b')])
  assert.equal(read('one\r\ntwo'), [insert('one'), { kind: 'submit' }, insert('two')])
  assert.equal(read(`${ESC}${ESC}x${ESC}`), [{ kind: 'escape' }, { kind: 'escape' }])
})

test('the rest of a sequence may come later', () => {
  assert.equal(read(ESC, '[', '1;', '5D'), [{ kind: 'word-left' }])
  const reader = new KeyReader()
  assert.equal(reader.read(`a${ESC}`), [insert('a')])
  assert.ok(reader.waiting)
  assert.equal(reader.flush(), [{ kind: 'escape' }])
  assert.not.ok(reader.waiting)
  assert.equal(reader.read('[A'), [insert('[A')])
  assert.equal(reader.flush(), [])
})

test('everything in a paste is text', () => {
  assert.equal(read(bracketed('one\r\ntwo\tthree\n')), [paste('one\r\ntwo\tthree\n')])
  assert.equal(read(bracketed('\r')), [paste('\r')])
  assert.equal(read(bracketed(`a${ESC}[Ab${ESC}[31mc${ESC}[0m\u0003\u0001`)), [paste('abc\u0003\u0001')])
  assert.equal(read(`x${bracketed('y')}\r`), [insert('x'), paste('y'), { kind: 'submit' }])
  assert.equal(read(bracketed('')), [])
})

test('a paste may come in many chunks, and its end in two', () => {
  assert.equal(read(`${ESC}[20`, '0~a', '\r', `${ESC}[A`, `b${ESC}[2`, '01', '~c'), [paste('a\rb'), insert('c')])
  const reader = new KeyReader()
  reader.read(`${ESC}[200~a${ESC}`)
  assert.ok(reader.pasting)
  assert.not.ok(reader.waiting, 'no patience ends a paste')
  assert.equal(reader.flush(), [])
})

test('Ctrl-C ends a paste that does not end; inside of a chunk it is text', () => {
  assert.equal(read(`${ESC}[200~abc`, 'd\u0003e', '\u0003', 'f', '\u0003'), [
    paste('abcd\u0003e'),
    insert('f'),
    { kind: 'interrupt' },
  ])
})

test('a paste is cut where it is too long, and still ends', () => {
  const [action, after] = read(`${ESC}[200~`, ...Array.from({ length: 20 }, () => 'x'.repeat(MAX_PASTE / 10)), `${ESC}[201~\r`)
  assert.ok(action?.kind === 'paste' && action.cut && action.text.length === MAX_PASTE)
  assert.equal(after, { kind: 'submit' })
})

test('no sequence is waited for without end', () => {
  for (const begin of ['[', ']', `${ESC}[`, 'P']) {
    const reader = new KeyReader()
    reader.read(ESC + begin)
    for (let n = 0; n < MAX_SEQUENCE; n++) reader.read('1;')
    assert.not.ok(reader.waiting, begin)
  }
})

const piece = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    ESC,
    `${ESC}[`,
    `${ESC}[200~`,
    `${ESC}[201~`,
    `${ESC}[A`,
    `${ESC}]1;`,
    '\u0007',
    '\r',
    '\n',
    '\u0003x',
    ';5',
    'u',
    '~',
    'O',
    '日本',
    '👩‍👩‍👧',
  ),
)

test('it does not matter where chunks are cut', () => {
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat(40)), (pieces, cuts) => {
      const points = [...pieces.join('')]
      // A lone \n behind a \r and a lone Ctrl-C are other keys than within a chunk.
      fc.pre(!pieces.join('').includes('\r\n') && !pieces.join('').includes('\u0003'))
      const chunks: string[] = []
      for (const length of cuts) chunks.push(points.splice(0, length).join(''))
      chunks.push(points.join(''))
      assert.equal(joined(read(...chunks)), joined(read(pieces.join(''))))
    }),
    { numRuns: 2000 },
  )
})

test('whatever comes, no Esc is inserted, and Ctrl-C twice reaches the program', () => {
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const reader = new KeyReader()
      const actions = pieces.flatMap((chunk) => reader.read(chunk))
      for (const action of actions) if (action.kind === 'insert') assert.not.match(action.text, /(?!\n)\p{Cc}/u)
      const last = [...reader.read('\u0003'), ...reader.read('\u0003')]
      assert.ok(
        last.some(({ kind }) => kind === 'interrupt'),
        JSON.stringify(pieces),
      )
    }),
    { numRuns: 2000 },
  )
})

/** A terminal as far as Ink looks at its input. */
class FakeStdin extends PassThrough {
  readonly isTTY = true
  raw = false
  setRawMode(raw: boolean): this {
    this.raw = raw
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
}

test('Ink hands on all that comes to whoever listens to its stdin', async () => {
  const stdin = new FakeStdin()
  const reader = new KeyReader()
  const actions: Action[] = []
  function Keys() {
    const { stdin: input, setRawMode } = useStdin()
    useEffect(() => {
      const hear = (chunk: string): void => void actions.push(...reader.read(chunk))
      setRawMode(true)
      input.on('data', hear)
      return () => {
        input.off('data', hear)
        setRawMode(false)
      }
    }, [input, setRawMode])
    return createElement(Box)
  }
  const streams = { stdin, stdout: new PassThrough().resume(), stderr: new PassThrough().resume() } as unknown as RenderOptions
  const ink = render(createElement(Keys), { ...streams, exitOnCtrlC: false, patchConsole: false })
  try {
    await waitFor(() => stdin.raw, 'raw mode')
    // Throws in Ink's useInput, and cannot be told from text there.
    stdin.write(`日${ESC}[31mOK${ESC}[3~\u007f${bracketed('a\rb')}\u0003`)
    await waitFor(() => actions.at(-1)?.kind === 'interrupt', 'the last key')
    assert.equal(actions, [
      insert('日'),
      insert('OK'),
      { kind: 'delete' },
      { kind: 'backspace' },
      paste('a\rb'),
      { kind: 'interrupt' },
    ])
  } finally {
    ink.unmount()
  }
  assert.not.ok(stdin.raw)
})

test.run()
