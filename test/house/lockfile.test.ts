import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

/** Versions below these have known vulnerabilities that reach a peer (denial of service, forged frames). */
const FLOORS: Readonly<Record<string, string>> = {
  '@libp2p/crypto': '5.1.22',
  '@libp2p/gossipsub': '15.0.23',
  '@libp2p/kad-dht': '16.4.5',
  ws: '8.21.1',
}
/** Install scripts that may run on a user's machine: classic-level's, which finds the prebuilt binding. */
const MAX_INSTALL_SCRIPTS = 1

interface LockEntry {
  version?: string
  integrity?: string
  resolved?: string
  link?: boolean
  dev?: boolean
  hasInstallScript?: boolean
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

function packagesOf(file: string): Record<string, LockEntry> {
  const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8')
  return (JSON.parse(text) as { packages: Record<string, LockEntry> }).packages
}

const entriesOf = (packages: Record<string, LockEntry>): [path: string, entry: LockEntry][] =>
  Object.entries(packages).filter(([path]) => path !== '')

const packages = packagesOf('package-lock.json')
const entries = entriesOf(packages)
/** Of what p2pnode is compared with: never on a user's machine, yet as exactly pinned. */
const comparedWith = packagesOf('bench/package-lock.json')
const all = [...entries, ...entriesOf(comparedWith)]
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

function isBelow(version: string, floor: string): boolean {
  const [have, need] = [version, floor].map((text) => (text.split('-')[0] ?? '').split('.').map(Number)) as [number[], number[]]
  const at = need.findIndex((part, index) => part !== have[index])
  if (at < 0) return version.includes('-')
  return (have[at] ?? 0) < (need[at] ?? 0)
}

const test = suite('house/lockfile')

test('compares versions by number', () => {
  assert.ok(isBelow('8.9.0', '8.21.1'))
  assert.ok(isBelow('8.21.1-rc.1', '8.21.1'))
  assert.not.ok(isBelow('8.21.1', '8.21.1'))
  assert.not.ok(isBelow('17.0.0', '15.0.23'))
})

test('holds no version with a known vulnerability', () => {
  const low = entries.filter(([path, { version }]) => isBelow(version ?? '0', FLOORS[nameOf(path)] ?? '0'))
  assert.equal(
    low.map(([path, { version }]) => `${path}@${version}`),
    [],
  )
  assert.ok(
    entries.some(([path]) => nameOf(path) === '@libp2p/gossipsub'),
    'the floors are checked against something',
  )
})

test('pins the content of every package', () => {
  const loose = all.filter(([, { integrity, link }]) => link === true || !integrity?.startsWith('sha512-'))
  assert.equal(
    loose.map(([path]) => path),
    [],
  )
})

test('names no host that packages come from', () => {
  assert.equal(
    all.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path),
    [],
  )
})

test('depends on no git repository, URL or folder', () => {
  const foreign = [...Object.values(packages), ...Object.values(comparedWith)].flatMap(
    ({ dependencies = {}, optionalDependencies = {} }) =>
      Object.entries({ ...dependencies, ...optionalDependencies }).filter(
        ([, range]) => /[:/]/.test(range) && !range.startsWith('npm:'),
      ),
  )
  assert.equal(foreign, [])
})

test("runs at most one install script on a user's machine", () => {
  const scripts = entries.filter(([, { hasInstallScript, dev }]) => hasInstallScript === true && dev !== true)
  assert.ok(scripts.length <= MAX_INSTALL_SCRIPTS, scripts.map(([path]) => path).join(', '))
})

test('holds one copy of @libp2p/interface, by whose symbols libp2p knows its own', () => {
  assert.is(entries.filter(([path]) => nameOf(path) === '@libp2p/interface').length, 1)
})

test('pins every direct dependency to one version', () => {
  const direct = [packages[''], comparedWith['']].flatMap((own) => [own?.dependencies, own?.devDependencies])
  const ranges = direct.flatMap((list) => Object.entries(list ?? {})).filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range))
  assert.ok(direct.some((list) => list?.hypercore !== undefined))
  assert.equal(ranges, [])
})

test.run()
