/** Two people behind different NATs, who know a room's name and one relay's address. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { whyNoNats } from '../support/nat-lab.ts'
import { ROOM, via, withPair } from '../support/nat-pair.ts'
import { canRun } from '../support/requirements.ts'
import { converge } from '../support/room-checks.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('system/nat')
const test = canRun(whyNoNats(), whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
/** From the relay's return. */
const BACK = 10 * second
const OUTAGE = 20 * second
const LARGE = 'x'.repeat(32_000)
/** More than 1 MiB. */
const MANY = 40

async function talk(from: CliPeer, to: CliPeer, text: string, deadline?: number): Promise<void> {
  const { id } = await from.send(ROOM, text)
  await to.waitFor('message', (message) => message.id === id, deadline)
}

test('NATs that keep ports: the first message comes through the relay, later ones directly, also without the relay', () =>
  withPair(false, async ({ relay, alice, bob }) => {
    await waitFor(async () => (await via(alice, bob)) === 'direct' && (await via(bob, alice)) === 'direct', 'a direct connection')
    await relay.kill()
    await talk(alice, bob, 'the relay is gone')
    await talk(bob, alice, 'who needs it?')
    await converge([alice, bob], ROOM, 3, BACK)
  }))

test('symmetric NATs: everything comes through the relay, more than a megabyte of it, and goes on after it was away', () =>
  withPair(true, async ({ setting, relay, alice, bob, address }) => {
    assert.is(await via(alice, bob), 'relay')
    for (let n = 0; n < MANY; n++) await alice.send(ROOM, `${n} ${LARGE}`)
    await converge([alice, bob], ROOM, 1 + MANY, 60 * second)
    assert.is(await via(alice, bob), 'relay')
    await relay.kill()
    await alice.send(ROOM, 'written while the relay is away')
    await new Promise((resolve) => setTimeout(resolve, OUTAGE))
    const again = await setting.relay()
    assert.ok(again.ready.addresses.includes(address), 'the relay has its key and its port')
    await converge([alice, bob], ROOM, 2 + MANY, BACK)
    await talk(bob, alice, 'it is back', BACK)
  }))

suiteOf.run()
