/** What a conversation shows, in the rows of a terminal. */
import { isolateRows } from '../../view/bidi.ts'
import { type Entry, formatEntry } from '../../view/entry.ts'
import type { Style } from '../../view/style.ts'
import { wrapLines } from './wrap.ts'

/** Columns of the time in front of a message, `12:07 `. */
const MESSAGE_INDENT = 6
const OTHER_INDENT = 2

export interface LinesOptions {
  /** Behind the text. */
  mark?: string
  /** For the scrollback: long addresses are left whole, and the terminal breaks them. */
  whole?: boolean
}

/**
 * Rows of at most `columns`. All after the first are indented: one that the terminal began itself, at its edge, could be made to look like
 * what somebody else said.
 */
export function linesOf(entry: Entry, style: Style, columns: number, { mark = '', whole = false }: LinesOptions = {}): string[] {
  const text = formatEntry(entry, { style, timed: true, indent: 0 })
  const indent = entry.kind === 'message' ? MESSAGE_INDENT : OTHER_INDENT
  return isolateRows(wrapLines(text + mark, columns, indent, whole))
}
