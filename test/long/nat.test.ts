/** How fast, and how often, two behind NATs come together. NAT_ROUNDS=n for another number. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { whyNoCommand } from '../support/cli-peer.ts'
import { whyNoNats } from '../support/nat-lab.ts'
import { ROOM, via, withPair } from '../support/nat-pair.ts'
import { canRun } from '../support/requirements.ts'
import { converge } from '../support/room-checks.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('long/nat')
const test = canRun(whyNoNats(), whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
const minute = 60 * second
const ROUNDS = Number(process.env.NAT_ROUNDS ?? 10)
/** Of ten. */
const MIN_DIRECT = 9
/** From the start of the second. */
const FIRST_MESSAGE = 5 * second
const UPGRADE = 10 * second
const RELAYED = Number(process.env.NAT_MINUTES ?? 6) * minute
const OUTAGE = 60 * second
const BACK = 10 * second
const PACE = 100
/** With 600 characters each 100 ms: more than 2 MiB in six minutes. */
const TEXT = 'x'.repeat(600)

test('a first message within five seconds each time, and a direct connection nearly each time', async () => {
  let direct = 0
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await withPair(false, async ({ alice, bob, relay, took }) => {
      times.push(took)
      assert.ok(took <= FIRST_MESSAGE, `the first message took ${took} ms`)
      const upgraded = async (): Promise<boolean> => (await via(alice, bob)) === 'direct' && (await via(bob, alice)) === 'direct'
      const isDirect = await waitFor(upgraded, 'a direct connection', UPGRADE).catch(() => false)
      if (!isDirect) return
      direct++
      await relay.kill()
      const { id } = await alice.send(ROOM, 'without the relay')
      await bob.waitFor('message', (message) => message.id === id)
    })
  }
  const shown = times.map((time) => `${(time / second).toFixed(1)}`).join(' ')
  console.log(`nat: ${ROUNDS} rounds, first message after ${shown} s, ${direct} direct connections, which outlived the relay`)
  assert.ok(direct >= (ROUNDS * MIN_DIRECT) / 10, `${direct} of ${ROUNDS} were direct`)
})

test('minutes and megabytes through the relay, and a minute without it: nothing is lost', () =>
  withPair(true, async ({ setting, alice, bob, relay, address }) => {
    const end = performance.now() + RELAYED
    let written = 1
    while (performance.now() < end) {
      await (written % 2 === 0 ? alice : bob).send(ROOM, `${written++} ${TEXT}`)
      await new Promise((resolve) => setTimeout(resolve, PACE))
    }
    assert.is(await via(alice, bob), 'relay')
    await converge([alice, bob], ROOM, written, minute)
    const status = await relay.request<{ carried: { bytes: number; circuits: number } }>('status')
    await relay.kill()
    await alice.send(ROOM, 'written while the relay is away')
    await bob.send(ROOM, 'so was this')
    await new Promise((resolve) => setTimeout(resolve, OUTAGE))
    const again = await setting.relay()
    const start = performance.now()
    assert.ok(again.ready.addresses.includes(address), 'the relay has its key and its port')
    await converge([alice, bob], ROOM, written + 2, BACK)
    const { bytes, circuits } = status.carried
    const back = ((performance.now() - start) / second).toFixed(1)
    console.log(
      `nat: ${written} messages in ${RELAYED / minute} min, ${bytes} bytes in ${circuits} circuits; back ${back} s after the relay`,
    )
    assert.ok(bytes > 1024 * 1024, 'more than a megabyte')
  }))

suiteOf.run()
