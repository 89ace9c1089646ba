/** `npm run picture`: draws what the built p2pnode shows in a terminal into docs/demo.svg and docs/terminal.svg. After a build, on Linux. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Picture, svgOf } from './svg.ts'
import { talk } from './talk.ts'

const root = join(import.meta.dirname, '..')
const COLUMNS = 84

/** `script` (util-linux) gives the command a terminal of its own, and ends with the command's exit code. */
function demo(): Picture {
  const command = `stty cols ${COLUMNS} && exec '${process.execPath}' dist/cli/p2pnode.js demo`
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env
  const shown = execFileSync('script', ['-qec', command, '/dev/null'], {
    cwd: root,
    env: { ...env, TERM: 'xterm' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = ['$ p2pnode demo', ...shown.trimEnd().split(/\r?\n/)]
  return { lines, columns: COLUMNS, title: 'What p2pnode demo prints' }
}

const pictures = { demo: demo(), terminal: await talk(COLUMNS) }
for (const [name, picture] of Object.entries(pictures)) writeFileSync(join(root, `docs/${name}.svg`), svgOf(picture))
