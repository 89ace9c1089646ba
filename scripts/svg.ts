/** The screen of a terminal as a picture. */
import stringWidth from 'string-width'

/** Pixels. The width of a character is stretched to `ADVANCE`, whatever font there is. */
const FONT = 14
const ADVANCE = 8.4
const LINE = 19
const MARGIN = 18
/** From the baseline up to the middle of a row, where rules run, and to its top, where the cursor begins. */
const MIDDLE = 5
const TOP = 14
const BACKGROUND = '#1c2128'
const TEXT = '#d1d7e0'
/** What each SGR code sets (ECMA-48, 8.3.117). The background is always the picture's. */
const CODES: Record<string, Partial<Look>> = {
  0: { fill: TEXT, bold: false, dim: false },
  1: { bold: true },
  2: { dim: true },
  22: { bold: false, dim: false },
  31: { fill: '#ff7b72' },
  32: { fill: '#7ee787' },
  33: { fill: '#e3b341' },
  34: { fill: '#6cb6ff' },
  35: { fill: '#e29bf0' },
  36: { fill: '#56d4dd' },
  39: { fill: TEXT },
  49: {},
}
/** The six shades of each colour in the cube of 256. */
const SHADES = [0, 95, 135, 175, 215, 255]
const CUBE = { first: 16, last: 231 }

interface Look {
  fill: string
  bold: boolean
  dim: boolean
}

export interface Picture {
  /** Rows with SGR sequences; one that is not ended goes on in the next row. */
  lines: readonly string[]
  columns: number
  /** What is to be seen, for those who do not see. */
  title: string
  cursor?: { column: number; row: number }
}

/** Errors: a sequence that it cannot show. */
export function svgOf({ lines, columns, title, cursor }: Picture): string {
  const look: Look = { fill: TEXT, bold: false, dim: false }
  let body = ''
  for (const [row, line] of lines.entries()) {
    let column = 0
    // Before the first escape sequence stands text only, as if a sequence without a code had come before.
    for (const [at, part] of `m${line}`.split('\u001b[').entries()) {
      const [, codes, text] = /^([\d;]*)m([^]*)$/.exec(part) ?? []
      if (codes === undefined || text === undefined) throw new Error(`the picture cannot show ESC[${part}`)
      if (at > 0) set(look, codes === '' ? '0' : codes)
      body += draw(text, look, row, column)
      column += stringWidth(text)
    }
  }
  const width = Math.round(columns * ADVANCE) + 2 * MARGIN
  const height = lines.length * LINE + 2 * MARGIN
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${escapeXml(title)}</title>
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
<g transform="translate(${MARGIN} ${MARGIN + FONT})" fill="${TEXT}" font-size="${FONT}" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace">
${body}${cursor === undefined ? '' : block(cursor)}</g>
</svg>
`
}

/** Applies the parameters of one sequence. */
function set(look: Look, codes: string): void {
  for (const code of codes.replace(/38;5;/g, 'c').split(';')) {
    if (code === '') continue
    const known = code.startsWith('c') ? { fill: cubeColour(Number(code.slice(1))) } : CODES[code]
    if (known === undefined) throw new Error(`the picture cannot show SGR ${codes}`)
    Object.assign(look, known)
  }
}

function cubeColour(index: number): string {
  if (!(index >= CUBE.first && index <= CUBE.last)) throw new Error(`the picture cannot show colour ${index}`)
  const place = index - CUBE.first
  const shades = [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map((shade) => SHADES[shade] ?? 0)
  return `#${shades.map((shade) => shade.toString(16).padStart(2, '0')).join('')}`
}

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const pixels = (characters: number): string => String(Number((characters * ADVANCE).toFixed(1)))

/** Words that stand together, a rule, or one wide character: elements at places of their own, so that columns stay columns. */
function draw(text: string, look: Look, row: number, column: number): string {
  const opacity = look.dim ? ' opacity=".65"' : ''
  return runs(text)
    .map(({ run, at }) => {
      const x = column + at
      if (run.startsWith('─')) {
        const path = `M${pixels(x)} ${row * LINE - MIDDLE}H${pixels(x + run.length)}`
        return `<path d="${path}" stroke="${look.fill}"${opacity}/>\n`
      }
      const place = `x="${pixels(x)}" y="${row * LINE}" textLength="${pixels(stringWidth(run))}"`
      const style = `${look.fill === TEXT ? '' : ` fill="${look.fill}"`}${look.bold ? ' font-weight="bold"' : ''}${opacity}`
      return `<text ${place}${style}>${escapeXml(run)}</text>\n`
    })
    .join('')
}

/** Parts of a text with the columns at which they stand. */
function runs(text: string): { run: string; at: number }[] {
  const found: { run: string; at: number }[] = []
  let at = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const width = stringWidth(segment)
    const last = found.at(-1)
    const follows = last !== undefined && last.at + stringWidth(last.run) === at && kindOf(last.run) === kindOf(segment)
    if (follows && kindOf(segment) !== 'wide') last.run += segment
    else found.push({ run: segment, at })
    at += width
  }
  return found.flatMap(({ run, at: start }) =>
    Array.from(run.matchAll(/\S+(?: \S+)*/g), ({ 0: words, index }) => ({
      run: words,
      at: start + stringWidth(run.slice(0, index)),
    })),
  )
}

function kindOf(run: string): 'rule' | 'wide' | 'words' {
  const [first = ''] = run
  return first === '─' ? 'rule' : stringWidth(run) > 1 && stringWidth(first) > 1 ? 'wide' : 'words'
}

const block = ({ column, row }: { column: number; row: number }): string =>
  `<rect x="${pixels(column)}" y="${row * LINE - TOP}" width="${pixels(1)}" height="${LINE - 1}" fill="${TEXT}" opacity=".75"/>\n`
