/** The text that is being typed: a value, and what keys make of it. Nothing here knows of a screen. */
import { clusters } from '../../view/clusters.ts'
import { MAX_TYPED_BYTES, MAX_UNDO } from './constants.ts'
import { after, before, snap, wordAfter, wordBefore } from './graphemes.ts'
import type { Action } from './key-map.ts'

const ENDS_OF_LINE = /\r\n?|[\n\v\f\u0085\u2028\u2029]/g
/** Controls but the end of a line, and what turns the direction of all that follows (U+202A-202E, U+2066-2069). */
const UNPRINTABLE = /(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** A text as it may be typed: ends of lines are LF, tabs are spaces, controls are gone. */
export function typeable(text: string): string {
  return text.toWellFormed().replace(ENDS_OF_LINE, '\n').replaceAll('\t', '    ').replace(UNPRINTABLE, '')
}

/** What the last change was: changes of one kind in a row are undone together. */
type Change = 'type' | 'erase' | 'swap' | 'other'

interface Moment {
  readonly text: string
  readonly cursor: number
}

interface State extends Moment {
  readonly killed: string
  readonly refused: boolean
  readonly past: readonly Moment[]
  readonly future: readonly Moment[]
  /** Undefined once the cursor was moved by itself. */
  readonly change: Change | undefined
  /** The column in grapheme clusters that up and down keep to. */
  readonly column: number | undefined
}

const EMPTY: State = {
  text: '',
  cursor: 0,
  killed: '',
  refused: false,
  past: [],
  future: [],
  change: undefined,
  column: undefined,
}

/** An immutable text with a cursor, one kill buffer, undo and redo. Each operation answers another editor. */
export class Editor {
  readonly #state: State

  private constructor(state: State) {
    this.#state = state
  }

  /** An editor with a text, the cursor at its end. */
  static of(text: string = ''): Editor {
    return new Editor(EMPTY).replace(text).#with({ past: [], change: undefined })
  }

  /** Lines are parted by LF; well-formed, without other controls. */
  get text(): string {
    return this.#state.text
  }

  /** Offset in UTF-16 units, always between two grapheme clusters. */
  get cursor(): number {
    return this.#state.cursor
  }

  /** What yank brings. */
  get killed(): string {
    return this.#state.killed
  }

  /** Whether the last operation would have made the text longer than a message may be, and so did nothing: ring the bell. */
  get refused(): boolean {
    return this.#state.refused
  }

  get isEmpty(): boolean {
    return this.text === ''
  }

  get beforeCursor(): string {
    return this.text.slice(0, this.cursor)
  }

  /** What is typed, at the cursor. Undone a word at a time. */
  insert(text: string): Editor {
    const added = typeable(text)
    const newWord = /^\s/.test(added) ? false : /\s$/.test(this.beforeCursor)
    return this.#splice(this.cursor, this.cursor, added, newWord && this.#state.change === 'type' ? 'other' : 'type', 'type')
  }

  /** What is pasted, at the cursor: a step of its own for undo. */
  paste(text: string): Editor {
    return this.#splice(this.cursor, this.cursor, typeable(text), 'other')
  }

  /** All of the text by another one; several in a row are undone together. */
  replace(text: string): Editor {
    return this.#splice(0, this.text.length, typeable(text), 'swap')
  }

  /** What stands before the cursor, from an offset on, by another text; several in a row are undone together. */
  replaceBefore(from: number, text: string): Editor {
    return this.#splice(Math.min(snap(this.text, from), this.cursor), this.cursor, typeable(text), 'swap')
  }

  /** Takes the text out; undo brings it back. */
  clear(): Editor {
    return this.#splice(0, this.text.length, '', 'other')
  }

  /** Empty, for the next line: what was sent is not undone. The kill buffer stays. */
  renew(): Editor {
    return new Editor({ ...EMPTY, killed: this.killed })
  }

  backspace(): Editor {
    return this.#splice(before(this.text, this.cursor), this.cursor, '', 'erase')
  }

  delete(): Editor {
    return this.#splice(this.cursor, after(this.text, this.cursor), '', 'erase')
  }

  left(): Editor {
    return this.#move(before(this.text, this.cursor))
  }

  right(): Editor {
    return this.#move(after(this.text, this.cursor))
  }

  wordLeft(): Editor {
    return this.#move(wordBefore(this.text, this.cursor))
  }

  wordRight(): Editor {
    return this.#move(wordAfter(this.text, this.cursor))
  }

  /** To the beginning of the line the cursor is in. */
  lineStart(): Editor {
    return this.#move(this.#lineStart())
  }

  /** To the end of the line the cursor is in. */
  lineEnd(): Editor {
    return this.#move(this.#lineEnd())
  }

  /** To the line above; undefined when there is none. */
  up(): Editor | undefined {
    const start = this.#lineStart()
    if (start === 0) return undefined
    return this.#toColumn(this.text.slice(0, start - 1).lastIndexOf('\n') + 1, start - 1)
  }

  /** To the line below; undefined when there is none. */
  down(): Editor | undefined {
    const end = this.#lineEnd()
    if (end === this.text.length) return undefined
    const next = this.text.indexOf('\n', end + 1)
    return this.#toColumn(end + 1, next < 0 ? this.text.length : next)
  }

  /** Kills the rest of the line, or its end when nothing is left of it. */
  killToEnd(): Editor {
    const end = this.#lineEnd()
    return this.#kill(this.cursor, end === this.cursor ? Math.min(end + 1, this.text.length) : end)
  }

  /** Kills the line up to the cursor, or the end of the one above when there is nothing. */
  killToStart(): Editor {
    const start = this.#lineStart()
    return this.#kill(start === this.cursor ? Math.max(start - 1, 0) : start, this.cursor)
  }

  killWordBefore(): Editor {
    return this.#kill(wordBefore(this.text, this.cursor), this.cursor)
  }

  killWordAfter(): Editor {
    return this.#kill(this.cursor, wordAfter(this.text, this.cursor))
  }

  yank(): Editor {
    return this.paste(this.killed)
  }

  undo(): Editor {
    const { past, future, text, cursor } = this.#state
    const last = past.at(-1)
    if (last === undefined) return this.#with({})
    return this.#with({ ...last, past: past.slice(0, -1), future: [...future, { text, cursor }], change: undefined })
  }

  redo(): Editor {
    const { past, future, text, cursor } = this.#state
    const next = future.at(-1)
    if (next === undefined) return this.#with({})
    return this.#with({ ...next, past: [...past, { text, cursor }], future: future.slice(0, -1), change: undefined })
  }

  #with(changes: Partial<State>): Editor {
    return new Editor({ ...this.#state, refused: false, column: undefined, ...changes })
  }

  #move(cursor: number): Editor {
    return this.#with({ cursor, change: undefined })
  }

  #lineStart(): number {
    return this.beforeCursor.lastIndexOf('\n') + 1
  }

  #lineEnd(): number {
    const end = this.text.indexOf('\n', this.cursor)
    return end < 0 ? this.text.length : end
  }

  #toColumn(start: number, end: number): Editor {
    const column = this.#state.column ?? [...clusters(this.text.slice(this.#lineStart(), this.cursor))].length
    let cursor = start
    let left = column
    for (const { segment } of clusters(this.text.slice(start, end))) {
      if (left === 0) break
      left -= 1
      cursor += segment.length
    }
    return this.#with({ cursor, column, change: undefined })
  }

  #kill(from: number, to: number): Editor {
    if (from === to) return this.#with({})
    return this.#splice(from, to, '', 'other').#with({ killed: this.text.slice(from, to) })
  }

  /** `change`: what it is for those before it; `as`: for those that follow. */
  #splice(from: number, to: number, added: string, change: Change, as: Change = change): Editor {
    if (from === to && added === '') return this.#with({})
    const { text, cursor, past } = this.#state
    const next = text.slice(0, from) + added + text.slice(to)
    if (added !== '' && Buffer.byteLength(next) > MAX_TYPED_BYTES) return this.#with({ refused: true })
    const continues = change !== 'other' && change === this.#state.change
    return this.#with({
      text: next,
      cursor: snap(next, from + added.length),
      past: continues ? past : [...past.slice(1 - MAX_UNDO), { text, cursor }],
      future: [],
      change: as,
    })
  }
}

const EDITS: Partial<Record<Action['kind'], (editor: Editor) => Editor | undefined>> = {
  backspace: (editor) => editor.backspace(),
  delete: (editor) => editor.delete(),
  left: (editor) => editor.left(),
  right: (editor) => editor.right(),
  'word-left': (editor) => editor.wordLeft(),
  'word-right': (editor) => editor.wordRight(),
  'line-start': (editor) => editor.lineStart(),
  'line-end': (editor) => editor.lineEnd(),
  up: (editor) => editor.up(),
  down: (editor) => editor.down(),
  'kill-to-end': (editor) => editor.killToEnd(),
  'kill-to-start': (editor) => editor.killToStart(),
  'kill-word-before': (editor) => editor.killWordBefore(),
  'kill-word-after': (editor) => editor.killWordAfter(),
  yank: (editor) => editor.yank(),
  undo: (editor) => editor.undo(),
  redo: (editor) => editor.redo(),
}

/**
 * The editor after an action; undefined when the action is none for an editor, or when `up` and `down` leave the text: then lines
 * typed before are recalled.
 */
export function edit(editor: Editor, action: Action): Editor | undefined {
  if (action.kind === 'insert') return editor.insert(action.text)
  if (action.kind === 'paste') return editor.paste(action.text)
  return EDITS[action.kind]?.(editor)
}
