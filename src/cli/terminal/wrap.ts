/**
 * Texts in rows. Not wrap-ansi: that one takes seconds for a message of 32 KiB that is not ASCII, and any member can send one.
 */
import { MIN_COLUMNS } from './constants.ts'
import { Styled } from './styled.ts'
import { type Piece, pieces } from './widths.ts'

/** Between such characters a row may be broken: scripts without spaces. */
const UNSPACED = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]/u
/** What no row begins with, and what none ends with. */
const CLOSING = /^[\p{Pe}\p{Pf}、。，．！？：；ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ]/u
const OPENING = /^[\p{Ps}\p{Pi}]/u

const VISIBLE_ASCII = /^[!-~]$/

/** Offsets in a text: from, inclusive, to, exclusive. */
interface Row {
  readonly from: number
  readonly to: number
}

/**
 * A text in rows of at most `columns`: the first begins at the margin, the others behind `indent` spaces. Words are broken only
 * when they are longer than a row. Of escape sequences it may hold SGR and OSC 8 (colours, links): they end with each row and
 * begin again in the next. `whole`: long words of visible ASCII, such as addresses, are not broken: the terminal does that, and they
 * can be copied.
 */
export function wrapLines(text: string, columns: number, indent: number = 0, whole: boolean = false): string[] {
  const width = Math.max(MIN_COLUMNS, columns)
  const margin = ' '.repeat(indent <= width / 2 ? indent : 0)
  const styled = new Styled(text)
  const rows: string[] = []
  let start = 0
  for (const line of styled.plain.split('\n')) {
    const narrow = width - margin.length
    for (const { from, to } of rowsOf(line, rows.length === 0 ? width : narrow, narrow, whole)) {
      const row = styled.slice(start + from, start + to)
      rows.push(rows.length === 0 || row === '' ? row : margin + row)
    }
    start += line.length + 1
  }
  return rows
}

/** `first`: columns of the first row; `others`: of those below it. Spaces where a row ends are in none. */
function rowsOf(line: string, first: number, others: number, whole: boolean): Row[] {
  const text = line.trimEnd()
  const all = [...pieces(text, Math.min(first, others))]
  const offset = (at: number): number => all[at]?.index ?? text.length
  const rows: Row[] = []
  let start = 0
  do {
    const { end, next } = rowFrom(all, start, rows.length === 0 ? first : others, whole)
    rows.push({ from: offset(start), to: offset(end) })
    start = next
  } while (start < all.length)
  return rows
}

/** Where a row ends that begins with a piece, and where the next one begins, which is further on. */
function rowFrom(all: readonly Piece[], start: number, columns: number, whole: boolean): { end: number; next: number } {
  let width = 0
  let unbroken = whole
  let last: { end: number; next: number } | undefined
  for (let at = start; at < all.length; at++) {
    const [previous, piece] = [at > start ? all[at - 1] : undefined, all[at]]
    if (piece === undefined) break
    if (piece.text === ' ') {
      last = { end: previous?.text === ' ' && last !== undefined ? last.end : at, next: at + 1 }
    } else {
      if (previous !== undefined && isBetween(previous, piece)) last = { end: at, next: at }
      unbroken &&= VISIBLE_ASCII.test(piece.text)
      const isFull = width + piece.width > columns && previous !== undefined
      if (isFull && (last !== undefined || !unbroken)) return last ?? { end: at, next: at }
    }
    width += piece.width
  }
  return { end: all.length, next: all.length }
}

/** Whether a row may be broken between two characters that are no spaces. */
function isBetween(left: Piece, right: Piece): boolean {
  if (left.text === ' ' || CLOSING.test(right.text) || OPENING.test(left.text)) return false
  return UNSPACED.test(left.text) || UNSPACED.test(right.text)
}
