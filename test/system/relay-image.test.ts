import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { Container, whyNoContainers } from '../support/container.ts'
import { assemble, type Image, parseDockerfile } from '../support/dockerfile.ts'
import { type Namespace, Namespaces, whyNoNamespaces } from '../support/namespaces.ts'
import { canRun } from '../support/requirements.ts'
import { converge } from '../support/room-checks.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('system/relay-image')
const test = canRun(whyNoNamespaces(), whyNoContainers(), whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
/** What the image has besides its base and node itself, as `du -sm` counts it. */
const MAX_MEGABYTES = 20

const root = join(import.meta.dirname, '../..')
const temporary = mkdtempSync(join(tmpdir(), 'p2pnode-image-'))
chmodSync(temporary, 0o755)
const spaces = new Namespaces()
let image: Image
let space: Namespace
let container: Container

suiteOf.before(() => {
  const baseFiles = { 'usr/local/bin/node': realpathSync(process.execPath) }
  image = assemble(parseDockerfile(readFileSync(join(root, 'bootstrap/Dockerfile'), 'utf8')), root, temporary, baseFiles)
})
suiteOf.before.each(() => {
  space = spaces.add('127.0.0.1')
  container = new Container({ image, space })
})
suiteOf.after.each(() => container.remove())
suiteOf.after(() => {
  spaces.destroy()
  rmSync(temporary, { recursive: true, force: true })
})

test('is small, and has neither npm nor what is only built with', () => {
  const megabytes = Number.parseInt(execFileSync('du', ['-sm', join(image.root, 'app')], { encoding: 'utf8' }), 10)
  console.log(`the image's own files: ${megabytes} MB`)
  assert.ok(megabytes <= MAX_MEGABYTES, `${megabytes} MB`)
  assert.equal(readdirSync(join(image.root, 'app')).sort(), ['LICENSE', 'dist', 'node_modules', 'package.json'])
  const packages = readdirSync(join(image.root, 'app/node_modules')).filter((name) => !name.startsWith('.'))
  assert.ok(packages.includes('classic-level'))
  assert.not(packages.some((name) => ['npm', 'libp2p', 'typescript', 'rolldown', 'tsx'].includes(name)))
  assert.not(existsSync(join(image.root, 'usr/local/lib/node_modules')))
})

test('relays from a tree that cannot be written, as nobody; is healthy, answers status, and ends with SIGTERM', async () => {
  const [, address = ''] = await container.see(/listening on (\S+tcp\/4747\/p2p\/\S+)/)
  await container.see(/listening on \S+\/tcp\/4748\/ws\/p2p\//)
  await container.see(/"msg":"started"/)
  await container.see(/figures for you alone/)
  assert.not.match(container.stderr, /^p2pnode: /m)
  assert.is(container.run(image.healthcheck).code, 0)
  assert.is(container.run(['touch', '/app/x']).code, 1)
  assert.match(container.run(['cat', '/proc/1/status']).stdout, /^Uid:\s10001\s10001\s10001\s10001$/m)
  assert.match(container.run(['cat', '/proc/1/status']).stdout, /^CapEff:\s0+$/m)

  const start = (name: string): Promise<CliPeer> => {
    const args = ['harbour', '--no-mdns', '--relay', address, '--listen', '/ip4/127.0.0.1/tcp/0']
    return CliPeer.start({ space, dataDir: join(space.home, name), args })
  }
  const peers = await Promise.all([start('alice'), start('bob')])
  const [alice, bob] = peers
  try {
    const reserved = async (): Promise<boolean> =>
      container.run([...image.entrypoint, 'status']).stdout.includes('reservations  2')
    await waitFor(reserved, 'both reservations', 60 * second)
    await alice.request('connect', { address: `${address}/p2p-circuit/p2p/${bob.ready.peerId}` })
    await alice.send('harbour', 'ahoy')
    await converge(peers, 'harbour', 1, 30 * second)
    assert.equal(await Promise.all(peers.map((peer) => peer.stop())), [0, 0])
  } finally {
    await Promise.all(peers.map((peer) => peer.kill()))
  }

  process.kill(container.pid, 'SIGTERM')
  assert.is(await container.ended, 0)
  assert.match(container.stderr, /"reason":"signal","msg":"stopped"\}\nstopped\n$/)
})

test('is not healthy without its metrics', async () => {
  await container.see(/listening on/)
  await container.remove()
  container = new Container({ image, space, env: { P2PNODE_METRICS: '' } })
  await container.see(/"msg":"started"/)
  assert.is(container.run(image.healthcheck).code, 1)
})

suiteOf.run()
