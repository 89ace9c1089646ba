import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { canRun } from '../support/requirements.ts'
import { converge } from '../support/room-checks.ts'

const suiteOf = suite('system/package')
const test = canRun(whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
/** What a user's machine may have to take. MB as `du -sm` counts them, and packages. */
const MAX_MEGABYTES = 65
const MAX_PACKAGES = 125
/** All that npm and the package may need of a machine: neither compiler nor make nor Python. */
const PROGRAMS = ['node', 'npm', 'npx', 'sh', 'env', 'git', 'du', 'uname', 'sed', 'dirname', 'basename', 'cat', 'ls']

const root = join(import.meta.dirname, '../..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const temporary = mkdtempSync(join(tmpdir(), 'p2pnode-package-'))
const tarball = join(temporary, `p2pnode-${version}.tgz`)

function barePath(): string {
  const bin = join(temporary, 'bin')
  mkdirSync(bin)
  for (const program of PROGRAMS) {
    const file = execFileSync('sh', ['-c', `command -v ${program} || true`], { encoding: 'utf8' }).trim()
    if (file !== '') symlinkSync(program === 'node' ? process.execPath : file, join(bin, program))
  }
  return bin
}

let path = ''

/** Runs a program with nothing but `PROGRAMS` in reach, as a person would: CI's own environment variables are not theirs. */
function run(cwd: string, program: string, ...args: string[]): string {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_ENV$/.test(name)))
  return execFileSync(program, args, { cwd, encoding: 'utf8', env: { ...env, PATH: path }, stdio: ['ignore', 'pipe', 'inherit'] })
}

function folder(name: string): string {
  const dir = join(temporary, name)
  mkdirSync(dir)
  return dir
}

/** Directories of packages below a node_modules, scoped and nested ones too. */
function packagesIn(modules: string): string[] {
  return readdirSync(modules, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap(({ name }) => (name.startsWith('@') ? packagesIn(join(modules, name)) : withNested(join(modules, name))))
}

function withNested(dir: string): string[] {
  const nested = readdirSync(dir).includes('node_modules') ? packagesIn(join(dir, 'node_modules')) : []
  return [dir, ...nested]
}

suiteOf.before(() => {
  path = barePath()
  run(root, 'npm', 'pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', temporary)
})

suiteOf.after(() => rmSync(temporary, { recursive: true, force: true }))

test('the packed tarball says its version through npx in an empty folder', () => {
  const dir = folder('npx')
  cpSync(tarball, join(dir, basename(tarball)))
  // npx keeps what it installed for this file; not in the cache of whoever runs the tests
  const cache = ['--cache', join(temporary, 'cache'), '--loglevel=error']
  assert.is(run(dir, 'npx', ...cache, '--yes', `./${basename(tarball)}`, '--version').trim(), version)
})

test('the packed tarball installs small, and two of it talk', async () => {
  const dir = folder('installed')
  writeFileSync(join(dir, 'package.json'), '{ "private": true }')
  run(dir, 'npm', 'install', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error', tarball)
  const modules = join(dir, 'node_modules')
  const megabytes = Number.parseInt(run(dir, 'du', '-sm', 'node_modules'), 10)
  const packages = packagesIn(modules).length
  console.log(`installed: ${megabytes} MB, ${packages} packages`)
  assert.ok(megabytes <= MAX_MEGABYTES, `${megabytes} MB`)
  assert.ok(packages <= MAX_PACKAGES, `${packages} packages`)

  const file = realpathSync(join(modules, '.bin/p2pnode'))
  const listen = ['harbour', '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
  const alice = await CliPeer.start({ file, dataDir: join(dir, 'alice'), args: listen })
  const bob = await CliPeer.start({
    file,
    dataDir: join(dir, 'bob'),
    args: [...listen, '--connect', alice.ready.addresses[0] ?? ''],
  })
  try {
    await bob.untilConnected(alice)
    const { id } = await alice.send('harbour', 'ahoy')
    assert.is((await bob.waitFor('message', (message) => message.id === id)).text, 'ahoy')
    await bob.send('harbour', 'ahoy yourself')
    await converge([alice, bob], 'harbour', 2, 30 * second)
    assert.equal(await Promise.all([alice.stop(), bob.stop()]), [0, 0])
  } finally {
    await Promise.all([alice.kill(), bob.kill()])
  }
})

test('a program that imports the installed package gets the library and its types', () => {
  const dir = join(temporary, 'installed')
  writeFileSync(
    join(dir, 'program.mts'),
    `import { createP2PNode } from 'p2pnode'
const node = await createP2PNode({ dataDir: './carol', name: 'Carol', mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'] })
const room = await node.join('harbour')
const { id } = await room.send('hello')
const sent: string = id
console.log(sent.length)
await node.stop()
`,
  )
  const compiler = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--skipLibCheck', '--types', '', 'program.mts']
  run(dir, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), ...compiler)
  assert.is(run(dir, process.execPath, 'program.mjs').trim(), '64')
})

test('npm ci in a clone builds it, without a compiler', () => {
  const dir = folder('clone')
  const files = run(root, 'git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0').filter(Boolean)
  for (const file of files) {
    mkdirSync(dirname(join(dir, file)), { recursive: true })
    cpSync(join(root, file), join(dir, file))
  }
  run(dir, 'npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error')
  assert.is(run(dir, 'npx', 'p2pnode', '--version').trim(), version)
})

suiteOf.run()
