/** What stands in the rows of a terminal: the text being typed, the status line. */
import { MIN_COLUMNS } from './constants.ts'
import type { Editor } from './editor.ts'
import { cut, pieces, widthOf } from './widths.ts'

export interface ComposerLayout {
  /** Rows to show, none wider than the terminal. */
  readonly rows: string[]
  /** Where the cursor is in them, from 0. */
  readonly cursor: { readonly x: number; readonly y: number }
  /** Columns before the text: the prompt's in its first row. */
  readonly indent: number
  /** Rows above and below that are not shown. */
  readonly above: number
  readonly below: number
}

/** The text being typed, behind its prompt (without escape sequences), in at most `maxRows` rows around the cursor. Rows are broken between grapheme clusters. */
export function layoutComposer(
  prompt: string,
  editor: Pick<Editor, 'text' | 'cursor'>,
  columns: number,
  maxRows: number,
): ComposerLayout {
  const width = Math.max(MIN_COLUMNS, columns)
  const shownPrompt = cut(prompt, Math.floor(width / 2))
  const indent = widthOf(shownPrompt)
  const rows = [shownPrompt]
  let x = indent
  let cursor: { x: number; y: number } | undefined
  const nextRow = (): void => {
    rows.push(' '.repeat(indent))
    x = indent
  }
  for (const { text, index, width: taken } of pieces(editor.text, width - indent)) {
    // A cursor behind the last column is in the next row.
    if (x + taken > width || (x === width && index === editor.cursor)) nextRow()
    if (index === editor.cursor) cursor = { x, y: rows.length - 1 }
    if (text === '\n') nextRow()
    else {
      rows[rows.length - 1] += text
      x += taken
    }
  }
  if (cursor === undefined) {
    if (x >= width) nextRow()
    cursor = { x, y: rows.length - 1 }
  }
  const shown = Math.max(1, maxRows)
  const above = Math.max(0, Math.min(cursor.y - Math.floor(shown / 2), rows.length - shown))
  const visible = rows.slice(above, above + shown)
  return {
    rows: visible,
    cursor: { x: cursor.x, y: cursor.y - above },
    indent,
    above,
    below: rows.length - above - visible.length,
  }
}

export interface StatusPart {
  /** Plain text, without escape sequences. */
  readonly text: string
  /** The least important are left out first; of equal ones the last. */
  readonly importance: number
  /** Columns to which it may be cut; without it is shown as a whole or not at all. */
  readonly least?: number
}

/**
 * The parts of a status line that find room, in their order, with `gap` columns between two. The least important are cut or left
 * out; the most important is always there, cut to the line if it must be.
 */
export function fitLine<T extends StatusPart>(parts: readonly T[], columns: number, gap: number = 1): T[] {
  let kept = parts.filter(({ text }) => text !== '')
  for (;;) {
    const over = kept.reduce((sum, { text }) => sum + widthOf(text) + gap, -gap) - columns
    if (over <= 0 || kept.length === 0) return kept
    const least = Math.min(...kept.map(({ importance }) => importance))
    const victim = kept.findLast(({ importance }) => importance === least)
    if (victim === undefined) return kept
    const width = widthOf(victim.text)
    const shorter = kept.length === 1 ? columns : width - over >= (victim.least ?? width) ? width - over : 0
    const text = cut(victim.text, shorter)
    kept = text === '' ? kept.filter((part) => part !== victim) : kept.map((part) => (part === victim ? { ...part, text } : part))
  }
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** `width` columns of a bar. It is full only when there is all. `ascii`: for terminals without blocks. */
export function progressBar(have: number, of: number, width: number, ascii: boolean = false): string {
  const columns = Math.max(0, Math.floor(width))
  const share = of > 0 ? Math.min(1, Math.max(0, have / of)) || 0 : 1
  if (ascii) {
    const full = Math.floor(share * columns)
    return '#'.repeat(full) + '-'.repeat(columns - full)
  }
  const eighths = Math.floor(share * columns * EIGHTHS.length)
  const bar = '█'.repeat(Math.floor(eighths / EIGHTHS.length)) + (EIGHTHS[eighths % EIGHTHS.length] ?? '')
  return bar.padEnd(columns, '░')
}

const counts = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `3,200`. */
export function formatCount(count: number): string {
  return counts.format(count)
}
