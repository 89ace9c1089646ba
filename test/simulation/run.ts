/**
 * npm run simulate -- [--seeds 1000] [--from 1] [--real] [--workers 2] [--plant name] [--trace]
 *
 * Simulates seeds and says which break the promise. `--trace` prints everything that happens; `--real` uses the real cryptography;
 * `--plant` simulates a copy of the project with a defect in it.
 */
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import { plant } from './plants.ts'
import { type Simulate, simulate } from './simulate.ts'
import type { Outcome } from './world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    real: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    plant: { type: 'string' },
    worker: { type: 'boolean', default: false },
  },
})
const seeds = Number(values.seeds)
const from = Number(values.from)
/** Seeds that a worker is given at a time. */
const PORTION = 25
/** There is a worker a core: threads that help one of them hinder another. */
const WORKER_FLAGS = ['--max-semi-space-size=32', '--single-threaded-gc']

const replay = (seed: number): string =>
  `npm run simulate -- --seeds 1 --from ${seed}${values.real ? ' --real' : ''}${values.plant === undefined ? '' : ` --plant '${values.plant}'`} --trace`

let done = 0
let failed = 0
const converged: { seed: number; time: number }[] = []
const start = performance.now()
const seconds = (): string => `${((performance.now() - start) / 1000).toFixed(1)} seconds`

function report({ seed, violations, converged: time }: Outcome): void {
  done++
  converged.push({ seed, time })
  if (violations.length > 0) {
    failed++
    console.log(`seed ${seed} fails:\n  ${violations.join('\n  ')}\n  replay: ${replay(seed)}`)
  }
  if (done % 500 === 0 && done < seeds) console.log(`${done} seeds, ${failed} failed, ${seconds()}`)
}

async function runHere(run: Simulate, first: number, count: number, tell: (outcome: Outcome) => void): Promise<void> {
  for (let seed = first; seed < first + count; seed++) {
    const onTrace = values.trace ? (line: string): void => console.log(line) : undefined
    tell(await run(seed, { real: values.real, ...(onTrace === undefined ? {} : { onTrace }) }))
  }
}

/** This file and all it imports in one, in `dir`: compiled once for all workers, and without what keeps names for traces. */
async function compiled(dir: string): Promise<string> {
  const bundle = await rolldown({ input: import.meta.filename, platform: 'node', external: ['rolldown'] })
  await bundle.write({ dir, format: 'esm', entryFileNames: 'run.mjs' })
  await bundle.close()
  return join(dir, 'run.mjs')
}

/** Hands out portions until there are none left. */
function runInWorker(program: string, next: () => number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = [
      '--worker',
      ...(values.real ? ['--real'] : []),
      ...(values.plant === undefined ? [] : ['--plant', values.plant]),
    ]
    const child = fork(program, args, {
      execArgv: program === import.meta.filename ? [...process.execArgv, ...WORKER_FLAGS] : WORKER_FLAGS,
    })
    const feed = (): void => {
      const first = next()
      if (first === undefined) child.disconnect()
      else child.send({ first, count: Math.min(PORTION, from + seeds - first) })
    }
    child.on('message', (message: Outcome | 'ready') => {
      if (message === 'ready') feed()
      else report(message)
    })
    child.on('error', reject)
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with code ${code}`))))
  })
}

function beWorker(run: Simulate, dispose: () => unknown): void {
  const tell = (message: Outcome | 'ready'): void => {
    process.send?.(message)
  }
  process.on('message', ({ first, count }: { first: number; count: number }) => {
    void runHere(run, first, count, tell).then(() => tell('ready'))
  })
  process.on('disconnect', dispose)
  tell('ready')
}

function summary(): string {
  const sorted = converged.toSorted((a, b) => a.time - b.time)
  const at = (share: number): string => ((sorted[Math.floor((sorted.length - 1) * share)]?.time ?? 0) / 1000).toFixed(1)
  return `agreed after the heal: median ${at(0.5)} s, 99 % ${at(0.99)} s, latest ${at(1)} s (virtual; seed ${sorted.at(-1)?.seed})`
}

async function runInWorkers(count: number): Promise<void> {
  let first = from
  const next = (): number | undefined => {
    const portion = first
    first += PORTION
    return portion < from + seeds ? portion : undefined
  }
  // Beside this file, where its packages are found; a defect is planted in sources.
  const dir = await mkdtemp(join(import.meta.dirname, '.compiled-'))
  try {
    const program = values.plant === undefined ? await compiled(dir) : import.meta.filename
    await Promise.all(Array.from({ length: count }, () => runInWorker(program, next)))
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function main(): Promise<void> {
  if (!values.trace) Error.stackTraceLimit = 0 // a replay shows where; collecting it costs a tenth of the time
  if (!values.worker && Number(values.workers) > 1 && !values.trace) {
    await runInWorkers(Number(values.workers))
  } else {
    const planted = values.plant === undefined ? undefined : await plant(values.plant)
    const run = planted?.simulate ?? simulate
    if (values.worker) return beWorker(run, () => planted?.dispose())
    await runHere(run, from, seeds, report)
    await planted?.dispose()
  }
  console.log(summary())
  console.log(`${done} seeds, ${failed} failed, ${seconds()}`)
  process.exitCode = failed === 0 && done > 0 ? 0 : 1
}

await main()
