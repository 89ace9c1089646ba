/** A machine that moves to another network address goes on talking without being restarted. */
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { move, Namespaces, whyNoNamespaces } from '../support/namespaces.ts'
import { canRun } from '../support/requirements.ts'
import { converge } from '../support/room-checks.ts'

const suiteOf = suite('system/move')
const test = canRun(whyNoNamespaces(), whyNoCommand()) ? suiteOf : suiteOf.skip
const second = 1000
const ROOM = 'harbour'
const DEADLINE = 10 * second

for (const [which, args] of [
  ['found on the LAN', []],
  ['one of whom was told where the other is', ['--no-mdns']],
] as const) {
  for (const mover of [0, 1]) {
    test(`two ${which} talk again when ${mover === 0 ? 'the first' : 'the second'} has moved`, async () => {
      const lan = Namespaces.bridge(2)
      try {
        const [here, there] = lan.spaces
        if (here === undefined || there === undefined) throw new Error('two are needed')
        const first = await CliPeer.start({ space: here, dataDir: join(here.home, 'data'), args: [ROOM, ...args] })
        const address = first.ready.addresses.find((each) => each.includes(here.address)) ?? ''
        const told = args.length === 0 ? [] : ['--connect', address]
        const second = await CliPeer.start({ space: there, dataDir: join(there.home, 'data'), args: [ROOM, ...args, ...told] })
        const pair = [first, second] as const
        await first.untilConnected(second)
        await first.send(ROOM, 'before')
        await converge([...pair], ROOM, 1, 3 * DEADLINE)
        if (mover === 0 && args.length > 0) await second.request('connect', { address }) // it is known to both
        move(lan.spaces[mover] ?? here, `10.77.0.${70 + mover}`)
        const { id } = await pair[mover === 0 ? 1 : 0].send(ROOM, 'after')
        const text = (await (pair[mover] ?? first).waitFor('message', (message) => message.id === id, DEADLINE)).text
        assert.is(text, 'after')
        assert.equal(await Promise.all(pair.map((peer) => peer.stop())), [0, 0])
      } finally {
        lan.destroy()
      }
    })
  }
}

suiteOf.run()
