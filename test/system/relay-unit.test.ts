import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BUILT, CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { canRun } from '../support/requirements.ts'
import { waitFor } from '../support/wait-for.ts'

/** Why there is no systemd here to ask, or nothing to watch a process with; undefined if there is. No systemd need be running. */
function whyNoSystemd(): string | undefined {
  if (spawnSync('systemd-analyze', ['--version']).error !== undefined) return 'systemd-analyze is not installed (package systemd)'
  return spawnSync('strace', ['--version']).error === undefined ? undefined : 'strace is not installed'
}

const suiteOf = suite('system/relay-unit')
const test = canRun(whyNoSystemd(), whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
/** Of 10, by systemd's count. What is left: the network, netlink, V8's memory, the host's root directory. */
const MAX_EXPOSURE = 1.1

const source = readFileSync(join(import.meta.dirname, '../../bootstrap/p2pnode-relay.service'), 'utf8')
const directives = (name: string): string[] =>
  [...source.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value ?? '')

let dir = ''
let unit = ''

suiteOf.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'p2pnode-unit-'))
  unit = join(dir, 'p2pnode-relay.service')
  // What it runs must be there; here it is elsewhere.
  writeFileSync(unit, source.replace(/^ExecStart=\S+ \S+/m, `ExecStart=${process.execPath} ${BUILT}`))
})
suiteOf.after(() => rmSync(dir, { recursive: true, force: true }))

function analyze(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
  assert.is(status, 0, `${stdout}${stderr}`)
  return `${stdout}${stderr}`
}

test('is a unit that systemd has nothing to say against', () => {
  assert.is(analyze('verify', '--man=no', unit).trim(), '')
})

test(`leaves an exposure of ${MAX_EXPOSURE} at most`, () => {
  const table = analyze('security', '--offline=true', unit)
  const [, exposure] = /exposure level for p2pnode-relay\.service: (\S+)/.exec(table) ?? []
  assert.ok(Number(exposure) <= MAX_EXPOSURE, table.replaceAll(/^✓.*\n/gm, ''))
})

/** The system calls of a set, those of the sets in it too. */
function callsOf(set: string): string[] {
  if (!set.startsWith('@')) return [set]
  const lines = analyze('syscall-filter', set)
    .split('\n')
    .map((line) => line.trim())
  return lines.filter((line) => line !== '' && line !== set && !line.startsWith('#')).flatMap(callsOf)
}

/** What `SystemCallFilter=` allows. */
function allowedCalls(): Set<string> {
  const allowed = new Set<string>()
  for (const words of directives('SystemCallFilter').map((value) => value.split(' '))) {
    const isDenied = words[0]?.startsWith('~') === true
    for (const call of words.flatMap((word) => callsOf(word.replace('~', '')))) {
      if (isDenied) allowed.delete(call)
      else allowed.add(call)
    }
  }
  return allowed
}

test('a relay works with the system calls and sockets that are left to it', async () => {
  assert.equal(directives('SystemCallErrorNumber'), ['EPERM'])
  const allowed = [...allowedCalls()]
  assert.ok(allowed.length > 200 && !allowed.includes('setrlimit') && allowed.includes('prlimit64'))
  // "?": of which not every processor has all.
  const except = (names: string[]): string => `!${names.map((name) => `?${name}`).join(',')}`
  const calls = join(dir, 'calls')
  const watched = ['-e', `trace=${except(allowed.filter((name) => name !== 'socket'))}`]
  const denied = ['-e', `inject=${except(allowed)}:error=EPERM`]
  const listen = ['--listen', '/ip4/0.0.0.0/tcp/0', '--listen', '/ip4/127.0.0.1/tcp/0/ws', '--metrics', '0']
  const relay = await CliPeer.start({
    command: 'relay',
    dataDir: join(dir, 'relay'),
    args: listen,
    under: ['strace', '-f', '-qq', '-o', calls, ...watched, ...denied],
  })
  const [address = ''] = relay.ready.addresses
  const args = ['harbour', '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--relay', address]
  const peer = await CliPeer.start({ dataDir: join(dir, 'peer'), args })
  try {
    const reserved = async (): Promise<boolean> => (await relay.request<{ reservations: number }>('status')).reservations === 1
    await waitFor(reserved, 'the reservation', 60 * second)
    assert.is(await peer.stop(), 0)
    assert.is(await relay.stop(), 0)
  } finally {
    await Promise.all([peer.kill(), relay.kill()])
  }
  const left = directives('RestrictAddressFamilies')[0]?.split(' ') ?? []
  const used = new Set([...readFileSync(calls, 'utf8').matchAll(/\bsocket\((AF_\w+)/g)].map(([, family]) => family ?? ''))
  assert.equal(
    [...used].filter((family) => !left.includes(family)),
    [],
  )
  assert.ok(used.has('AF_NETLINK'), 'the sockets were seen')
})

suiteOf.run()
