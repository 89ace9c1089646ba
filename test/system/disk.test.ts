import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CliPeer, RpcFailure, whyNoCommand } from '../support/cli-peer.ts'
import { canRun } from '../support/requirements.ts'
import { waitFor } from '../support/wait-for.ts'

const COMMAND = join(import.meta.dirname, '../../dist/cli/p2pnode.js')
const ROOM = 'attic'
const LOCAL = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
const DISK_MIB = 16
/** Syncs with one mate are 10 s apart, and further after some that failed. In milliseconds. */
const SYNC_DEADLINE = 90_000

const suiteOf = suite('system/disk')
const test = canRun(whyNoCommand()) ? suiteOf : suiteOf.skip
const rootTest = canRun(whyNoCommand(), process.getuid?.() === 0 ? undefined : 'mounting a small disk needs root')
  ? suiteOf
  : suiteOf.skip

const run = (...args: string[]): { code: number | null; stderr: string } => {
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' })
  return { code: status, stderr }
}

rootTest('a full disk is said, acknowledges nothing false, and is forgotten when there is room again', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'p2pnode-full-'))
  const disk = join(dir, 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', disk])
  const peers: CliPeer[] = []
  try {
    const peer = await CliPeer.start({ dataDir: join(disk, 'data'), args: [ROOM, ...LOCAL] })
    peers.push(peer)
    const kept = [(await peer.send(ROOM, 'while there is room')).id]
    writeFileSync(join(disk, 'ballast'), Buffer.alloc((DISK_MIB - 4) * 1024 * 1024))
    const text = 'x'.repeat(30_000)
    let refusal: unknown
    for (let i = 0; i < 1000 && refusal === undefined; i++) {
      await peer.send(ROOM, `${i} ${text}`).then(
        ({ id }) => kept.push(id),
        (error: unknown) => {
          refusal = error
        },
      )
    }
    assert.instance(refusal, RpcFailure)
    assert.is((refusal as RpcFailure).data?.code, 'ENOSPC')

    // Meanwhile it receives what it cannot store, and lives.
    const friend = await CliPeer.start({
      dataDir: join(dir, 'friend'),
      args: [ROOM, ...LOCAL, '--connect', peer.ready.addresses[0] as string],
    })
    peers.push(friend)
    await friend.untilConnected(peer)
    const theirs: string[] = []
    for (let i = 0; i < 20; i++) theirs.push((await friend.send(ROOM, `friend ${i} ${text}`)).id)
    assert.ok((await peer.digest(ROOM)).count >= kept.length)

    rmSync(join(disk, 'ballast'))
    const again = await waitFor(() => peer.send(ROOM, 'there is room again').catch(() => undefined), 'a send to succeed')
    kept.push(again.id)
    await waitFor(
      async () => (await peer.digest(ROOM)).digest === (await friend.digest(ROOM)).digest,
      'equal digests',
      SYNC_DEADLINE,
    )
    assert.is(await peer.stop(), 0)
    const reopened = await CliPeer.start({ dataDir: join(disk, 'data'), args: [ROOM, ...LOCAL] })
    peers.push(reopened)
    const ids = (await reopened.history(ROOM)).map((message) => message.id)
    assert.equal(
      [...kept, ...theirs].filter((id) => !ids.includes(id)),
      [],
      'nothing acknowledged is lost',
    )
    assert.is(new Set(ids).size, ids.length)
  } finally {
    for (const peer of peers) await peer.kill()
    execFileSync('umount', ['-l', disk])
    rmSync(dir, { recursive: true, force: true })
  }
})

test('an altered store is refused with exit 4, repaired, and made whole again by another member', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'p2pnode-damage-'))
  const [ours, theirs] = [join(dir, 'ours'), join(dir, 'theirs')]
  const peers: CliPeer[] = []
  try {
    const alice = await CliPeer.start({ dataDir: ours, args: [ROOM, ...LOCAL] })
    const bob = await CliPeer.start({ dataDir: theirs, args: [ROOM, ...LOCAL, '--connect', alice.ready.addresses[0] as string] })
    peers.push(alice, bob)
    for (let i = 0; i < 40; i++) await (i % 2 === 0 ? alice : bob).send(ROOM, `message ${i} ${'y'.repeat(2000)}`)
    await waitFor(
      async () => (await alice.digest(ROOM)).count === 40 && (await bob.digest(ROOM)).count === 40,
      'all messages at both',
    )
    const whole = await alice.digest(ROOM)
    assert.is(await alice.stop(), 0)

    const db = join(ours, 'db')
    const [largest = ''] = readdirSync(db).sort((a, b) => statSync(join(db, b)).size - statSync(join(db, a)).size)
    const file = openSync(join(db, largest), 'r+')
    writeSync(file, Buffer.alloc(64), 0, 64, Math.floor(statSync(join(db, largest)).size / 2))
    closeSync(file)

    const refused = run('start', '--headless', '--data-dir', ours, '--no-mdns')
    assert.is(refused.code, 4)
    assert.match(refused.stderr, /p2pnode repair/)
    assert.is(refused.stderr.trim().split('\n').length, 1)
    assert.is(run('history', ROOM, '--data-dir', ours).code, 4)
    assert.is(run('repair', '--data-dir', ours).code, 0)

    const repaired = await CliPeer.start({ dataDir: ours, args: [ROOM, ...LOCAL, '--connect', bob.ready.addresses[0] as string] })
    peers.push(repaired)
    await waitFor(async () => (await repaired.digest(ROOM)).digest === whole.digest, 'the history to be whole again')
    await repaired.send(ROOM, 'after the repair')
    await waitFor(
      async () => (await bob.digest(ROOM)).count === 41 && (await repaired.digest(ROOM)).count === 41,
      'the new message at both',
    )
    for (const peer of [repaired, bob]) {
      assert.is((await peer.request<{ forks: number }>('verify', { room: ROOM })).forks, 0, 'an honest log was not forked')
    }
  } finally {
    for (const peer of peers) await peer.kill()
    rmSync(dir, { recursive: true, force: true })
  }
})

suiteOf.run()
