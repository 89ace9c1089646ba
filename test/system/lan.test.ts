import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { Namespaces, whyNoNamespaces } from '../support/namespaces.ts'
import { canRun } from '../support/requirements.ts'
import { converge } from '../support/room-checks.ts'

const suiteOf = suite('system/lan')
const test = canRun(whyNoNamespaces(), whyNoCommand()) ? suiteOf : suiteOf.skip
const second = 1000

test('two machines on one link find each other without a flag and talk in the lobby', async () => {
  const lan = Namespaces.bridge(2)
  try {
    const [alice, bob] = (await Promise.all(
      lan.spaces.map((space) => CliPeer.start({ space, dataDir: join(space.home, 'data') })),
    )) as [CliPeer, CliPeer]
    await Promise.all([alice.untilConnected(bob, 30 * second), bob.untilConnected(alice, 30 * second)])
    const { id } = await alice.send('lobby', 'hello from alice')
    assert.is((await bob.waitFor('message', (message) => message.id === id, 30 * second)).text, 'hello from alice')
    const answer = await bob.send('lobby', 'hello from bob')
    assert.is((await alice.waitFor('message', (message) => message.id === answer.id, 30 * second)).text, 'hello from bob')
    await converge([alice, bob], 'lobby', 2, 30 * second)
    assert.equal([...alice.strayLines, ...bob.strayLines], [])
    assert.equal(await Promise.all([alice.stop(), bob.stop()]), [0, 0])
  } finally {
    lan.destroy()
  }
})

suiteOf.run()
