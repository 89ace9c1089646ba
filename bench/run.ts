/**
 * `npm run bench`: measures p2pnode and what it is compared with, in turn, several rounds of each, and prints the table.
 *
 * usage: run.ts [workload…] [--rounds n] [--write]
 *
 * Without a workload all are measured and README.md is written; of some of them only with --write. The exit code is 1 if a
 * figure that must be reached is not.
 */
import '../src/shims.ts'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { prepare } from './prepare.ts'
import { writeReadme } from './readme.ts'
import { isComparable, type Round, type Row, row, tableOf } from './report.ts'
import type { Metrics, Workload } from './workload.ts'
import { workloads } from './workloads/index.ts'

const ROUNDS = 3
/** Rounds in which a reference lost messages are measured again, as long as all are not more than so many times the rounds wanted. */
const MAX_TRIES = 2

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' }, write: { type: 'boolean', default: false } },
})
const unknown = positionals.filter((name) => workloads.every((workload) => workload.name !== name))
if (unknown.length > 0) {
  console.error(`no workload ${unknown.join(', ')}; there are ${workloads.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

function told(metrics: Metrics): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(', ')
}

/** Without figures its lines miss: a failure is no reason to lose what else was measured. */
function failed(error: Error): Metrics {
  console.error(error.stack ?? error.message)
  return {}
}

async function measure(workload: Workload): Promise<Row[]> {
  const count = Number(values.rounds ?? workload.rounds ?? ROUNDS)
  const rounds: Round[] = []
  const wanted = (): boolean => rounds.filter((round) => isComparable(workload, round)).length < count
  for (let i = 0; i < MAX_TRIES * count && wanted(); i++) {
    const round: Round = {}
    const turn = Object.entries(workload.contestants)
    for (const [name, contestant] of i % 2 === 0 ? turn : turn.reverse()) {
      const load = loadavg()[0] ?? 0
      const outcome = await contestant().catch(failed)
      round[name] = outcome
      console.error(`${workload.name} ${i + 1} ${name}: ${told(outcome)} (load ${load.toFixed(1)})`)
    }
    rounds.push(round)
  }
  return workload.lines.map((line) => row(workload, line, rounds))
}

await prepare()
const rows: Row[] = []
for (const workload of workloads) {
  if (positionals.length > 0 && !positionals.includes(workload.name)) continue
  rows.push(...(await measure(workload)))
}
const lines = rows.map(({ line }) => line)
console.log(tableOf(lines))
if (positionals.length === 0 || values.write) writeReadme(lines)
process.exitCode = rows.some(({ passed }) => passed === false) ? 1 : 0
