/** LOAD_SECONDS=n for another length. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { whyNoCommand } from '../support/cli-peer.ts'
import { memoryOf, percentile, TimedCrowd } from '../support/load.ts'
import { every } from '../support/pace.ts'
import { canRun } from '../support/requirements.ts'
import { assertNothingLostOrDoubled, converge } from '../support/room-checks.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('long/load')
const test = canRun(whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
const ROOM = 'harbour'
const PEERS = 4
/** Of each peer; all together 100 a second. */
const PACE = 40
const DURATION = Number(process.env.LOAD_SECONDS ?? 60) * second
const BURST = 2000
const DEADLINE = 60 * second
/** Far above what it takes; the figures are printed. */
const MAX_P95 = 10 * second
const MAX_MEMORY = 300

/** All that was said is held and was told everywhere; prints the figures of what came since the last time. */
async function settle(crowd: TimedCrowd, what: string, said: number): Promise<void> {
  const ids = await crowd.acknowledged()
  await converge(crowd.peers, ROOM, ids.length, DEADLINE)
  const expected = said * (PEERS - 1)
  await waitFor(() => crowd.latencies.length >= expected, `${expected} deliveries`, DEADLINE)
  assert.is(crowd.latencies.length, expected, 'each message told once to each other peer')
  const [p50 = 0, p95 = 0, last = 0] = [0.5, 0.95, 1].map((p) => percentile(crowd.latencies, p))
  const memory = crowd.peers.map(({ pid }) => memoryOf(pid, 'VmHWM'))
  const figures = `p50 ${p50.toFixed(0)}, p95 ${p95.toFixed(0)}, slowest ${last.toFixed(0)} ms`
  console.log(
    `load: ${what}: ${said} messages, ${expected} deliveries, ${figures}, memory ${memory.map(Math.round).join(' ')} MiB`,
  )
  assert.ok(p95 < MAX_P95, `p95 ${p95} ms`)
  assert.ok(Math.max(...memory) < MAX_MEMORY, `${memory} MiB`)
  crowd.latencies = []
}

test(`everything arrives at 100 messages a second for ${DURATION / second} s, and in a burst of ${BURST}`, () =>
  TimedCrowd.with(PEERS, ROOM, async (crowd) => {
    let said = 0
    const write = (peer: (typeof crowd.peers)[number]): Promise<void> =>
      every(PACE, DURATION, async () => {
        crowd.say(peer)
        said++
      })
    await Promise.all(crowd.peers.map(write))
    await settle(crowd, `100 a second for ${DURATION / second} s`, said)

    const [first] = crowd.peers
    for (let turn = 0; turn < BURST && first !== undefined; turn++) crowd.say(first)
    await settle(crowd, 'burst of one peer', BURST)
    const ids = await crowd.acknowledged()
    for (const peer of crowd.peers) await assertNothingLostOrDoubled(peer, ROOM, ids)
  }))

suiteOf.run()
