/**
 * `npm test`, `npm run test:system`, `npm run test:long`: every test file of a tier, each in a process of its own.
 *
 * usage: test.ts quick|system|long [part of a path…]
 *
 * The last line is `N passed, N failed`; the exit code is 0 if and only if nothing failed and something passed.
 */
import { setMaxListeners } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { compileTests } from './compile-tests.ts'
import { type FileOutcome, runTestFile } from './test-file.ts'

const minute = 60_000

interface Tier {
  /** Files at once. More than CI has processors: half of the time the quick ones wait for each other. */
  width: number
  /** Milliseconds for one file, and for all. Generous: they catch what hangs, they do not measure. */
  file: number
  all: number
  /** Prints what passing files print as well: figures. */
  figures?: boolean
  /** Compiles its files before, all at once: a tier of many short ones. */
  compiles?: boolean
  owns(path: string): boolean
}

const inFolder =
  (...folders: string[]) =>
  (path: string): boolean =>
    folders.some((folder) => path.startsWith(`test/${folder}/`))

const TIERS: Record<string, Tier> = {
  quick: { width: 3, file: 2 * minute, all: 5 * minute, compiles: true, owns: (path) => !inFolder('system', 'long')(path) },
  system: { width: 1, file: 6 * minute, all: 20 * minute, owns: inFolder('system') },
  long: { width: 1, file: 120 * minute, all: 480 * minute, figures: true, owns: inFolder('long') },
}

const quoted = (output: string): string => output.trim().replaceAll(/^/gm, '  | ')

function report(path: string, outcome: FileOutcome, figures = false): void {
  const { passed, skipped, milliseconds, problem, output } = outcome
  const seconds = `${(milliseconds / 1000).toFixed(1)} s`
  if (problem !== undefined) {
    console.log(`FAIL  ${path}: ${problem} (${seconds})\n${quoted(output)}`)
    return
  }
  console.log(`ok    ${path}  ${passed}${skipped > 0 ? `, ${skipped} skipped` : ''}  (${seconds})`)
  if (figures) console.log(quoted(output))
  else for (const line of output.split('\n')) if (/^#? ?skip/i.test(line)) console.log(`      ${line}`)
}

async function runAll(root: string, paths: readonly string[], tier: Tier): Promise<FileOutcome[]> {
  const interrupt = new AbortController()
  setMaxListeners(0, interrupt.signal) // one a process: those that still end are more than `width`
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort())
  const timer = setTimeout(() => {
    console.log(`FAIL  the tests together take more than ${tier.all / minute} minutes`)
    interrupt.abort()
  }, tier.all)
  // What is measured is the source itself.
  const compiled = tier.compiles && process.env.NODE_V8_COVERAGE === undefined ? await compileTests(root, paths) : undefined
  const queue = [...paths]
  const outcomes: FileOutcome[] = []
  const running: Promise<void>[] = []
  const run = async (path: string, onTested: () => void): Promise<void> => {
    const program = compiled?.argumentsFor(path)
    const options = { limit: tier.file, cwd: root, signal: interrupt.signal, program, onTested }
    const outcome = await runTestFile(join(root, path), options)
    outcomes.push(outcome)
    report(path, outcome, tier.figures)
  }
  const worker = async (): Promise<void> => {
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
      const next = path
      await new Promise<void>((free) => {
        // One that only waits for its end, as peers do for a second or two, is in the way of those alone that want no company.
        const onTested = tier.width > 1 ? free : () => undefined
        running.push(run(next, onTested).finally(free))
      })
    }
  }
  try {
    await Promise.all(Array.from({ length: tier.width }, worker))
    await Promise.all(running)
  } finally {
    await compiled?.dispose()
  }
  clearTimeout(timer)
  return outcomes
}

const [name = 'quick', ...filters] = process.argv.slice(2)
const tier = TIERS[name]
if (tier === undefined) {
  console.error(`unknown tier ${name}: one of ${Object.keys(TIERS).join(', ')}`)
  process.exit(2)
}
const root = join(import.meta.dirname, '..')
const paths = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .map((path) => `test/${path.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.test.ts') && tier.owns(path))
  .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
  .sort()
// The longest stand at the end of the alphabet: begun last, they would be waited for alone.
if (tier.width > 1) paths.reverse()
const outcomes = await runAll(root, paths, tier)
const sum = (field: 'passed' | 'failed' | 'skipped'): number => outcomes.reduce((total, outcome) => total + outcome[field], 0)
if (sum('skipped') > 0) console.log(`${sum('skipped')} skipped`)
if (paths.length === 0) console.log(`no test file${filters.length > 0 ? ` matches ${filters.join(', ')}` : ''}`)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') === 0 && sum('passed') + sum('skipped') > 0 ? 0 : 1
