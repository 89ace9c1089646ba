import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What became of one test file. `problem` is set if and only if it failed. */
export interface FileOutcome {
  passed: number
  failed: number
  skipped: number
  /** Everything that the file wrote to stdout and stderr, in the order in which it came. */
  output: string
  milliseconds: number
  problem?: string
}

export interface FileOptions {
  /** Milliseconds until the file is killed. */
  limit: number
  /** Milliseconds that a file may live on after its tests. @default 10 s */
  grace?: number
  /** The project, against which modules resolve. */
  cwd: string
  /** What node is given to run it. @default the source itself, transpiled as it is loaded */
  program?: readonly string[]
  signal?: AbortSignal
  /** Told when the tests of the file are over, which may be a while before it ends. */
  onTested?: () => void
}

/** A file whose tests are over and which does not end keeps something running: a timer, a socket, a child. Milliseconds. */
const EXIT_GRACE = 10_000
const SUMMARY = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n {2}Duration: /gm
const SUITE = /\b(?:const|let)\s+(\w+)\s*=\s*suite\(/g

/** What is wrong with a test file before it runs: uvu passes a suite that is never run, and `only` hides the others. */
function defectIn(source: string): string | undefined {
  const suites = [...source.matchAll(SUITE)].map((match) => match[1] ?? '')
  const silent = suites.filter((name) => !new RegExp(`\\b${name}\\.run\\(\\)`).test(source))
  if (silent.length > 0) return `forgets ${silent.map((name) => `${name}.run()`).join(', ')}`
  const lonely = suites.find((name) => new RegExp(`\\b${name}\\.only\\(`).test(source))
  return lonely === undefined ? undefined : `singles tests out with ${lonely}.only`
}

function judge(
  output: string,
  code: number | null,
  killed: string | undefined,
): Pick<FileOutcome, 'passed' | 'failed' | 'skipped' | 'problem'> {
  const [, total, passed, skipped] = ([...output.matchAll(SUMMARY)].at(-1) ?? []).map(Number)
  if (total === undefined || passed === undefined || skipped === undefined) {
    return { passed: 0, failed: 1, skipped: 0, problem: killed ?? `ended (${code}) before its tests did: is .run() missing?` }
  }
  const failed = total - passed
  if (failed > 0) return { passed, failed, skipped, problem: `${failed} failed` }
  if (killed !== undefined) return { passed, failed: 1, skipped, problem: killed }
  if (code !== 0) return { passed, failed: 1, skipped, problem: `ended with code ${code} though its tests passed` }
  if (total + skipped === 0) return { passed, failed: 1, skipped, problem: 'has no test' }
  return { passed, failed, skipped }
}

/** Runs a uvu file in a process of its own and counts. Never throws for what the file does. */
export async function runTestFile(file: string, options: FileOptions): Promise<FileOutcome> {
  const {
    limit,
    cwd,
    grace = EXIT_GRACE,
    signal,
    onTested,
    program = ['--import', 'tsx', '--import', './src/shims.ts', file],
  } = options
  const start = performance.now()
  const defect = defectIn(readFileSync(file, 'utf8'))
  if (defect !== undefined) return { passed: 0, failed: 1, skipped: 0, output: '', milliseconds: 0, problem: defect }

  const child = spawn(process.execPath, program, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', NODE_ENV: 'test' },
  })
  let killed: string | undefined
  const kill = (why: string): void => {
    killed ??= why
    // the whole process group: a test's own children must not outlive it
    if (child.pid !== undefined) killGroup(child.pid)
  }
  const timers = [setTimeout(() => kill(`not over after ${limit / 1000} s`), limit)]
  signal?.addEventListener('abort', () => kill('interrupted'), { once: true })
  if (signal?.aborted) kill('interrupted')

  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (timers.length === 1 && output.search(SUMMARY) >= 0) {
        timers.push(setTimeout(() => kill('does not end after its tests: something is left running'), grace))
        onTested?.()
      }
    })
  }
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', (error) => {
      output += String(error)
      resolve(null)
    })
    child.on('close', resolve)
  })
  timers.forEach(clearTimeout)
  if (child.pid !== undefined) killGroup(child.pid)
  return { ...judge(output, code, killed), output, milliseconds: performance.now() - start }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
