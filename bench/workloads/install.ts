/** What the package takes on a user's disk. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Arena, inArena } from '../room.ts'
import type { Metrics, Workload } from '../workload.ts'

const ROOT = join(import.meta.dirname, '../..')
const QUIET = ['--ignore-scripts', '--loglevel=error']

async function install({ dir }: Arena): Promise<Metrics> {
  const npm = (cwd: string, ...words: string[]): string =>
    execFileSync('npm', [...words, ...QUIET], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const [report] = Object.values(JSON.parse(npm(ROOT, 'pack', '--json', '--pack-destination', dir))) as { filename: string }[]
  writeFileSync(join(dir, 'package.json'), '{ "private": true }')
  npm(dir, 'install', '--omit=dev', '--no-audit', '--no-fund', join(dir, report?.filename ?? ''))
  const { packages } = JSON.parse(readFileSync(join(dir, 'node_modules/.package-lock.json'), 'utf8')) as { packages: object }
  const megabytes = Number.parseInt(execFileSync('du', ['-sm', 'node_modules'], { cwd: dir, encoding: 'utf8' }), 10)
  return { megabytes, packages: Object.keys(packages).length }
}

export const installed: Workload = {
  name: 'install',
  rounds: 1,
  contestants: { p2pnode: () => inArena(install) },
  lines: [
    { title: 'size', metric: 'megabytes', unit: 'MB', must: 65, aim: 50 },
    { title: 'packages', metric: 'packages', unit: '', must: 125, aim: 110 },
  ],
}
