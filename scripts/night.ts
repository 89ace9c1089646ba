/** `npm run night`: everything that takes hours, one after the other, and a table at the end. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const NIGHT: Record<string, string[]> = {
  build: ['scripts/build.ts'],
  'long tests': ['scripts/test.ts', 'long'],
  '1,000,000 inputs a decoder': ['test/fuzz/fuzz.ts', '--inputs', '1000000'],
  '10,000 seeds, real cryptography': ['test/simulation/run.ts', '--seeds', '10000', '--real', '--workers', '2'],
}

const table: Record<string, { minutes: number; result: string }> = {}
for (const [name, line] of Object.entries(NIGHT)) {
  console.log(`\n== ${name}`)
  const start = performance.now()
  const { status, signal } = spawnSync(process.execPath, ['--import', 'tsx', ...line], { cwd: root, stdio: 'inherit' })
  const result = status === 0 ? 'ok' : `FAILED (${signal ?? status})`
  table[name] = { minutes: Math.round((performance.now() - start) / 6000) / 10, result }
  if (status !== 0) process.exitCode = 1
}
console.table(table)
