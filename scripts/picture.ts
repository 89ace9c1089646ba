/** `npm run picture`: runs the built `p2pnode demo` in a terminal and draws the screen it leaves into docs/demo.svg. After a build, on Linux. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const COLUMNS = 84
/** Pixels. The width of a character is stretched to `ADVANCE`, whatever font there is. */
const FONT = 14
const ADVANCE = 8.4
const LINE = 19
const MARGIN = 18
const BACKGROUND = '#1c2128'
const TEXT = '#d1d7e0'
/** What each SGR code of the demonstration sets (ECMA-48, 8.3.117). */
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
}

interface Look {
  fill: string
  bold: boolean
  dim: boolean
}

/** `script` (util-linux) gives the command a terminal of its own, and ends with the command's exit code. */
function run(): string {
  const command = `stty cols ${COLUMNS} && exec '${process.execPath}' dist/cli/p2pnode.js demo`
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env
  return execFileSync('script', ['-qec', command, '/dev/null'], {
    cwd: root,
    env: { ...env, TERM: 'xterm' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const pixels = (characters: number): string => String(Number((characters * ADVANCE).toFixed(1)))

/** Words that stand together become one element at a place of its own, so that columns stay columns. */
function draw(words: string, look: Look, row: number, column: number): string {
  return Array.from(words.matchAll(/\S+(?: \S+)*/g), ({ 0: text, index }) => {
    const place = `x="${pixels(column + index)}" y="${row * LINE}" textLength="${pixels(text.length)}"`
    const style = `${look.fill === TEXT ? '' : ` fill="${look.fill}"`}${look.bold ? ' font-weight="bold"' : ''}${look.dim ? ' opacity=".65"' : ''}`
    return `<text ${place}${style}>${escapeXml(text)}</text>\n`
  }).join('')
}

function svg(lines: string[]): string {
  const look: Look = { fill: TEXT, bold: false, dim: false }
  let body = ''
  for (const [row, line] of lines.entries()) {
    let column = 0
    // Before the first escape sequence stands text only, as if a sequence without a code had come before.
    for (const part of `m${line}`.split('\u001b[')) {
      const [, code = '', text] = /^(\d*)m(.*)$/.exec(part) ?? []
      if (text === undefined || (code !== '' && CODES[code] === undefined)) throw new Error(`the picture cannot show ESC[${part}`)
      Object.assign(look, CODES[code])
      body += draw(text, look, row, column)
      column += text.length
    }
  }
  const width = Math.round(COLUMNS * ADVANCE) + 2 * MARGIN
  const height = lines.length * LINE + 2 * MARGIN
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>What p2pnode demo prints</title>
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
<g transform="translate(${MARGIN} ${MARGIN + FONT})" fill="${TEXT}" font-size="${FONT}" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace">
${body}</g>
</svg>
`
}

const screen = run().trimEnd().split(/\r?\n/)
writeFileSync(join(root, 'docs/demo.svg'), svg(['$ p2pnode demo', ...screen]))
