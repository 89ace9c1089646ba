/** CORRUPTIONS=n for another count, SEED=n for others. */
import { spawnSync } from 'node:child_process'
import { cp, lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { corrupt, seeded, withDirectory } from '../storage/support.ts'
import { BUILT, CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { canRun } from '../support/requirements.ts'
import { assertNothingLostOrDoubled, converge } from '../support/room-checks.ts'

const suiteOf = suite('long/damage')
const test = canRun(whyNoCommand()) ? suiteOf : suiteOf.skip

const ROUNDS = Number(process.env.CORRUPTIONS ?? 100)
const SEED = Number(process.env.SEED ?? 1)
const ROOM = 'attic'
const LOCAL = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
const DAMAGED = 4
/** Messages of one run of the peer. */
const MESSAGES = 60
/** Syncs with one mate are 10 s apart, and further after some that failed. In milliseconds. */
const SYNC_DEADLINE = 90_000

interface Templates {
  clean: string
  crashed: string
  friend: CliPeer
  ids: string[]
}

/** Without the socket that a killed process leaves behind. */
const copy = (from: string, to: string): Promise<void> =>
  cp(from, to, { recursive: true, filter: async (path) => !(await lstat(path)).isSocket() })

/** A directory that was stopped cleanly three times, the same after a further run that was killed, and a friend with all of it. */
async function templates(directory: string, dataDir: string, friend: CliPeer): Promise<Templates> {
  const [clean, crashed] = [join(directory, 'clean'), join(directory, 'crashed')]
  const ids: string[] = []
  for (let run = 0; run < 4; run++) {
    const peer = await CliPeer.start({ dataDir, args: [ROOM, ...LOCAL, '--connect', friend.ready.addresses[0] as string] })
    await peer.untilConnected(friend)
    for (let turn = 0; turn < MESSAGES; turn++) {
      ids.push((await (turn % 2 === 0 ? peer : friend).send(ROOM, `message ${turn} of run ${run} ${'y'.repeat(turn * 50)}`)).id)
    }
    await converge([peer, friend], ROOM, ids.length, SYNC_DEADLINE)
    if (run < 3) assert.is(await peer.stop(), 0)
    else await peer.kill()
    if (run === 2) await copy(dataDir, clean)
  }
  await copy(dataDir, crashed)
  return { clean, crashed, friend, ids }
}

/** A directory in its old place: another one would be a copy, and go on under new keys. */
async function putBack(template: string, dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  for (const name of await readdir(dataDir)) await rm(join(dataDir, name), { recursive: true })
  await copy(template, dataDir)
}

const run = (...args: string[]): { code: number | null; stderr: string } => {
  const { status, stderr } = spawnSync(process.execPath, [BUILT, ...args], { encoding: 'utf8', timeout: 60_000 })
  return { code: status, stderr }
}

function assertSaysDamaged({ code, stderr }: { code: number | null; stderr: string }): void {
  assert.is(code, DAMAGED, stderr)
  assert.is(stderr.trim().split('\n').length, 1, stderr)
}

/** Every message there is comes from where it was, and none is missing once a friend has been met. */
async function assertMadeWhole(peer: CliPeer, { friend, ids }: Templates): Promise<void> {
  const known = new Set(ids)
  const held = (await peer.history(ROOM)).map(({ id }) => id)
  assert.equal(
    held.filter((id) => !known.has(id)),
    [],
    'nobody wrote this',
  )
  await peer.request('connect', { address: friend.ready.addresses[0] })
  await converge([peer, friend], ROOM, ids.length, SYNC_DEADLINE)
  await assertNothingLostOrDoubled(peer, ROOM, ids)
  const { ok, forks } = await peer.request<{ ok: boolean; forks: number }>('verify', { room: ROOM })
  assert.equal([ok, forks], [true, 0])
}

type Outcome = 'whole' | 'refused and repaired' | 'refused, beyond repair' | 'made whole by sync'

async function outcomeOf(dataDir: string, crashed: boolean, all: Templates): Promise<Outcome> {
  const start = (): Promise<CliPeer> => CliPeer.start({ dataDir, args: [ROOM, ...LOCAL] })
  let peer = await start().catch(() => undefined)
  const opened = peer !== undefined
  try {
    if (peer === undefined) {
      const refused = run('start', '--headless', '--data-dir', dataDir, ...LOCAL)
      assertSaysDamaged(refused)
      assert.match(refused.stderr, /p2pnode repair|backup/)
      const repaired = run('repair', '--data-dir', dataDir)
      if (repaired.code !== 0) {
        assertSaysDamaged(repaired)
        return 'refused, beyond repair'
      }
      peer = await start()
    }
    const { count } = await peer.digest(ROOM)
    const expected = crashed ? all.ids.length : 3 * MESSAGES
    // what a crash may leave out cannot be told from what damage took from the end of the log
    if (opened && !crashed) assert.is(count, expected, 'silently missing')
    await assertMadeWhole(peer, all)
    return opened ? (count === expected ? 'whole' : 'made whole by sync') : 'refused and repaired'
  } finally {
    await peer?.kill()
  }
}

for (const kind of ['clean', 'crashed'] as const) {
  test(`${ROUNDS / 2} alterations of a ${kind} directory are found, or mended by a friend`, () =>
    withDirectory(async (directory) => {
      const start = performance.now()
      const dataDir = join(directory, 'data')
      const outcomes: Partial<Record<Outcome, number>> = {}
      const friend = await CliPeer.start({ dataDir: join(directory, 'friend'), args: [ROOM, ...LOCAL] })
      try {
        const all = await templates(directory, dataDir, friend)
        for (let round = 0; round < ROUNDS / 2; round++) {
          await putBack(all[kind], dataDir)
          const what = await corrupt(dataDir, seeded(SEED * 1000 + round))
          const outcome = await outcomeOf(dataDir, kind === 'crashed', all).catch((error: unknown) => {
            console.log(`alterations: ${kind}, seed ${SEED}, round ${round}: ${what}`)
            throw error
          })
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
        }
      } finally {
        await friend.kill()
      }
      const seconds = Math.round((performance.now() - start) / 1000)
      console.log(`alterations: ${kind}, seed ${SEED}, ${ROUNDS / 2} rounds, ${JSON.stringify(outcomes)}, ${seconds} s`)
      assert.ok((outcomes['refused and repaired'] ?? 0) > 0, 'no alteration was found')
    }))
}

suiteOf.run()
