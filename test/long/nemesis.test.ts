/** SEED=n for one other schedule; by default three in a row. NEMESIS_SECONDS=n for another length. */
import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../simulation/random.ts'
import { ChaosNet } from '../support/chaos-net.ts'
import { whyNoCommand } from '../support/cli-peer.ts'
import { whyNoNamespaces } from '../support/namespaces.ts'
import { Machine, Nemesis, whyNoFaketime } from '../support/nemesis.ts'
import { canRun } from '../support/requirements.ts'
import { assertNothingLostOrDoubled, converge } from '../support/room-checks.ts'

const suiteOf = suite('long/nemesis')
const test = canRun(whyNoNamespaces(), whyNoCommand(), whyNoFaketime()) ? suiteOf : suiteOf.skip

const second = 1000
const ROOM = 'harbour'
const MACHINES = 5
/** Of one machine; all together 5 a second. */
const PACE = 1 * second
const DURATION = Number(process.env.NEMESIS_SECONDS ?? 120) * second
const SEEDS = process.env.SEED === undefined ? [1, 2, 3] : [Number(process.env.SEED)]
/** From the heal to one history everywhere. */
const HEAL_DEADLINE = 30 * second

/** Every machine writes at its pace, whatever happens to it. Answers the acknowledged ids by their texts. */
async function writeAll(machines: readonly Machine[]): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  const writes = machines.map(async (machine, index) => {
    const sent: Promise<unknown>[] = []
    for (let turn = 0; turn < DURATION / PACE; turn++) {
      const text = `message ${turn} of machine ${index}`
      sent.push(machine.send(text, `${index}-${turn}`).then((id) => ids.set(text, id)))
      await delay(PACE)
    }
    await Promise.all(sent)
  })
  await Promise.all(writes)
  return ids
}

async function check(machines: readonly Machine[], ids: Map<string, string>): Promise<void> {
  const histories: string[][] = []
  for (const machine of machines) {
    const peer = await machine.running()
    await assertNothingLostOrDoubled(peer, ROOM, [...ids.values()])
    const history = await peer.history(ROOM)
    assert.equal([...history.map(({ text }) => text)].sort(), [...ids.keys()].sort(), 'each text once')
    histories.push(history.map(({ id }) => id))
    const { ok, forks } = await peer.request<{ ok: boolean; forks: number }>('verify', { room: ROOM })
    assert.equal([ok, forks], [true, 0])
    for (const life of machine.lives) {
      assert.equal(life.strayLines, [])
      const told = life.events('message').map(({ id }) => id)
      assert.is(told.length, new Set(told).size, 'told twice')
    }
  }
  for (const history of histories) assert.equal(history, histories[0], 'in another order')
}

for (const seed of SEEDS) {
  test(`nothing is lost, doubled or apart after two minutes of everything at once (seed ${seed})`, async () => {
    const net = await ChaosNet.create(MACHINES, seed)
    const random = new Random(seed)
    const machines: Machine[] = []
    try {
      for (const space of net.spaces) machines.push(new Machine(space, ROOM, Nemesis.clock(random)))
      await Promise.all(machines.map((machine) => machine.running()))
      const nemesis = new Nemesis(net, machines, seed)
      const writing = writeAll(machines)
      await Promise.all([nemesis.rage(DURATION), Promise.race([writing, delay(DURATION)])])
      const healed = performance.now()
      console.log(`nemesis: seed ${seed}, ${DURATION / second} s, ${JSON.stringify({ ...nemesis.done, ...(await net.stats()) })}`)
      const ids = await writing
      const peers = await Promise.all(machines.map((machine) => machine.running()))
      await converge(peers, ROOM, ids.size, HEAL_DEADLINE - (performance.now() - healed))
      const seconds = ((performance.now() - healed) / second).toFixed(1)
      await check(machines, ids)
      console.log(`nemesis: seed ${seed}, ${ids.size} messages, one history ${seconds} s after the heal, 0 lost, 0 doubled`)
      for (const peer of peers) assert.is(await peer.stop(), 0)
    } finally {
      await Promise.all(machines.flatMap(({ lives }) => lives.map((life) => life.kill())))
      await net.destroy()
    }
  })
}

suiteOf.run()
