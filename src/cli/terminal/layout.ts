/** Texts in rows and columns of a terminal. Widths are string-width's, as in Ink. */
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import { isolateRows } from '../../view/bidi.ts'
import { MIN_COLUMNS } from './constants.ts'
import type { Editor } from './editor.ts'
import { clusters } from './graphemes.ts'

const ELLIPSIS = '…'
/** Spaces where a row was broken, behind the escape sequences that begin it. */
const BREAK = new RegExp(`^((?:${'\u001b'}\\[[\\d;:]*m)*) +`)

/** Columns that a text takes, escape sequences not counted. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/**
 * A text in rows of at most `columns`: the first begins at the margin, the others behind `indent` spaces. Words are broken only
 * when they are longer than a row. Colours (SGR, OSC 8) end with each row and begin again in the next, but not beyond an LF.
 */
export function wrapLines(text: string, columns: number, indent: number = 0): string[] {
  const width = Math.max(MIN_COLUMNS, columns)
  const margin = ' '.repeat(indent <= width / 2 ? indent : 0)
  const [head = '', ...lines] = text.split('\n')
  const [first = '', ...rest] = wrap(head, width)
  // Once more in the narrower rows: wrapping loses nothing.
  const tail = rest.length === 0 ? [] : trim(wrap(rest.join('').replace(BREAK, '$1'), width - margin.length))
  const others = [...tail, ...lines.flatMap((line) => trim(wrap(line, width - margin.length)))]
  return isolateRows([first, ...others.map((row) => (row === '' ? '' : margin + row))])
}

function wrap(line: string, columns: number): string[] {
  return wrapAnsi(line, columns, { hard: true, trim: false }).split('\n')
}

function trim([first = '', ...rest]: string[]): string[] {
  return [first, ...rest.map((row) => row.replace(BREAK, '$1'))]
}

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
  let offset = 0
  for (const cluster of clusters(editor.text)) {
    const parts = cluster === '\n' ? [] : partsOf(cluster, width - indent)
    const [first = { width: 0 }] = parts
    // A cursor behind the last column is in the next row.
    if (x + first.width > width || (x === width && offset === editor.cursor)) nextRow()
    if (offset === editor.cursor) cursor = { x, y: rows.length - 1 }
    offset += cluster.length
    if (cluster === '\n') nextRow()
    for (const part of parts) {
      if (x + part.width > width) nextRow()
      rows[rows.length - 1] += part.text
      x += part.width
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

interface Part {
  readonly text: string
  readonly width: number
}

/** A cluster as it is; one that is wider than a row, as no script needs it, by its code points. */
function partsOf(cluster: string, columns: number): Part[] {
  if (/^[ -~]$/.test(cluster)) return [{ text: cluster, width: 1 }]
  const width = widthOf(cluster)
  if (width <= columns) return [{ text: cluster, width }]
  return [...cluster].map((text) => ({ text, width: widthOf(text) }))
}

/** A plain text of at most `columns`, with `…` for what was left out. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let shown = ''
  let width = ELLIPSIS.length
  for (const cluster of clusters(text)) {
    width += widthOf(cluster)
    if (width > columns) break
    shown += cluster
  }
  return columns < 1 ? '' : shown + ELLIPSIS
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
  const share = of > 0 ? Math.min(1, Math.max(0, have / of)) : 1
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
