/** Columns that texts take. They are string-width's, as in Ink. */
import stringWidth from 'string-width'
import { clusters } from '../../view/clusters.ts'
import { MAX_WIDTHS } from './constants.ts'

const ELLIPSIS = '…'

const known = new Map<string, number>()

/** Columns that a text takes, escape sequences not counted. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/** A cluster that is laid out in one piece. */
export interface Piece {
  readonly text: string
  /** Offset in UTF-16 units. */
  readonly index: number
  readonly width: number
}

/**
 * The clusters of a plain text with their widths. One that is wider than `columns`, as no script needs it, comes by its code points:
 * give at least 2.
 */
export function* pieces(text: string, columns: number): Generator<Piece> {
  for (const { segment, index } of clusters(text)) {
    const width = clusterWidth(segment)
    if (width <= columns) yield { text: segment, index, width }
    else {
      let at = index
      for (const point of segment) {
        yield { text: point, index: at, width: clusterWidth(point) }
        at += point.length
      }
    }
  }
}

/** A plain text of at most `columns`, with `…` for what was left out. */
export function cut(text: string, columns: number): string {
  if (columns < 1) return '' // also what takes none: it would stand on what was beside it
  if (widthOf(text) <= columns) return text
  let shown = ''
  let width = ELLIPSIS.length
  for (const { segment } of clusters(text)) {
    width += clusterWidth(segment)
    if (width > columns) break
    shown += segment
  }
  return shown + ELLIPSIS
}

/** Remembered, for string-width takes more than 10 µs for what is not ASCII. */
function clusterWidth(cluster: string): number {
  if (cluster.length > MAX_WIDTHS.units) return widthOf(cluster)
  const remembered = known.get(cluster)
  if (remembered !== undefined) return remembered
  if (known.size >= MAX_WIDTHS.clusters) known.clear()
  const width = widthOf(cluster)
  known.set(cluster, width)
  return width
}
