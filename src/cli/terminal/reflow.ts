/**
 * What a narrower terminal does to what is drawn: most wrap long lines anew, so that it takes more rows than were drawn, and whoever
 * erases it by the old count leaves some or takes too many.
 */
import type { Frame } from './frame.ts'
import { widthOf } from './widths.ts'

const ESC = '\u001b'

/**
 * Takes a frame off a screen that is `columns` wide now, and leaves as many empty rows as it had lines with the cursor where it was
 * among them: what Ink takes its drawing for. Empty where the terminal cuts lines off instead (xterm, GNU screen), or where nothing is
 * longer than a row.
 */
export function unwrap({ lines, cursor }: Frame, columns: number, env: NodeJS.ProcessEnv): string {
  if (env.XTERM_VERSION !== undefined || env.STY !== undefined) return ''
  const rows = lines.map((line) => Math.max(1, Math.ceil(widthOf(line) / columns)))
  if (rows.every((each) => each === 1)) return ''
  const above = rows.slice(0, cursor.y).reduce((sum, each) => sum + each, 0) + Math.floor(cursor.x / columns)
  const below = lines.length - cursor.y
  return `\r${up(above)}${ESC}[J${'\n'.repeat(lines.length)}${up(below)}`
}

const up = (rows: number): string => (rows > 0 ? `${ESC}[${rows}A` : '')
