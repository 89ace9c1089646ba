/** Keeps the table in README.md: between two markers, with where and when it was measured. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { tableOf, workloadOf } from './report.ts'
import { noNamespaces } from './room.ts'
import { workloads } from './workloads/index.ts'

const README = join(import.meta.dirname, 'README.md')
const ROOT = join(import.meta.dirname, '..')
const BLOCK = /(<!-- figures -->\n)([\s\S]*?)(<!-- end of figures -->)/
const GIB = 1024 ** 3

function versionOf(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version
}

const run = (program: string, ...args: string[]): string => execFileSync(program, args, { cwd: ROOT, encoding: 'utf8' }).trim()

function circumstances(): string {
  const modules = (folder: string, ...names: string[]): string[] =>
    names.map((name) => `${name} ${versionOf(join(folder, 'node_modules', name))}`)
  const versions = [
    `p2pnode ${versionOf(ROOT)} at ${run('git', 'rev-parse', '--short', 'HEAD')}`,
    ...modules(ROOT, 'libp2p', '@libp2p/gossipsub', '@libp2p/noise', '@libp2p/yamux', '@libp2p/tcp'),
    ...modules(import.meta.dirname, 'hypercore'),
  ]
  const [cpu] = cpus()
  const disk = run('stat', '-f', '-c', '%T', import.meta.dirname)
  return [
    `${new Date().toISOString().slice(0, 10)}. ${cpus().length} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / GIB)} GiB, ${type()} ${release()}, disk ${disk}, Node ${process.versions.node}.`,
    `${versions.join(', ')}.`,
    ...(noNamespaces === undefined ? [] : [`Bytes on the wire are those of the whole machine's loopback (${noNamespaces}).`]),
  ].join('\n')
}

/** Lines of workloads that were not measured now stay as they are. */
export function writeReadme(measured: readonly string[]): void {
  const text = readFileSync(README, 'utf8')
  const before = text.match(BLOCK)?.[2]
  if (before === undefined) throw new Error('README.md has no place for the figures')
  const now = new Set(measured.map(workloadOf))
  const kept = before.split('\n').filter((line) => !now.has(workloadOf(line)))
  const lines = workloads.flatMap(({ name }) => [...measured, ...kept].filter((line) => workloadOf(line) === name))
  const block = `\n${circumstances()}\n\n${tableOf(lines)}\n`
  writeFileSync(
    README,
    text.replace(BLOCK, (_, open: string, __, close: string) => `${open}${block}${close}`),
  )
}
