import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Room } from '../../src/chat/room.ts'
import { localClient } from '../../src/client/local.ts'
import type { Held } from '../../src/index.ts'
import { waitFor } from '../support/wait-for.ts'
import { converged, hasty, mates, textsIn, withNodes } from './support.ts'

const test = suite('scenario/delivery')

/** What a room's history says of its newest message. */
async function newest(room: Room): Promise<Held | undefined> {
  const { messages } = await room.page({ limit: 1 })
  return messages[0]?.held
}

async function says(room: Room, held: number, members: number): Promise<void> {
  let last: Held | undefined
  const reached = async (): Promise<boolean> => {
    last = await newest(room)
    return last?.held === held && last.members === members
  }
  await waitFor(reached, `held by ${held} of ${members}`, 45_000).catch((error: Error) => {
    throw new Error(`${error.message}; it says ${JSON.stringify(last)}`)
  })
}

/** What a room tells of a message from now on. */
function toldOf(room: Room): string[] {
  const told: string[] = []
  room.addEventListener('delivery', ({ detail }) => told.push(`${detail.held} of ${detail.members}`))
  return told
}

test('of two others one is away: held by one of two, and by both when it is back', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann', [], { clock: hasty })
    let bob = await nodes.start('bob', [ann], { clock: hasty })
    const eve = await nodes.start('eve', [ann, bob], { clock: hasty })
    const rooms = await Promise.all([ann, bob, eve].map((node) => node.join('harbour')))
    const [hers, , evil] = rooms as [Room, Room, Room]
    for (const room of rooms) await mates(room, 2)
    await hers.send('all are here')
    await says(hers, 2, 2)
    assert.equal(new Set(hers.holders((await hers.page({})).messages[0]?.id ?? '')), new Set([bob.account, eve.account]))

    await nodes.stop(bob)
    await waitFor(() => hers.mates().length === 1, 'Bob to be away')
    const client = localClient(ann, '0.0.0')
    const events: string[] = []
    client.on('delivery', ({ room, held, members }) => events.push(`${room === hers.id} ${held}/${members}`))
    const told = toldOf(hers)
    await hers.send('Bob is away')
    await says(hers, 1, 2)
    await waitFor(() => told.at(-1) === '1 of 2', 'to be told')
    assert.is(await newest(evil), undefined, 'of what others wrote nobody is asked')
    bob = await nodes.start('bob', [ann, eve], { clock: hasty })
    await says(hers, 2, 2)
    await waitFor(() => told.at(-1) === '2 of 2', 'to be told')
    assert.equal(events.at(-1), 'true 2/2')
  }))

test('who writes alone is told so, and after a restart nothing until others have spoken', () =>
  withNodes(async (nodes) => {
    let ann = await nodes.start('ann', [], { clock: hasty })
    let hers = await ann.join('harbour')
    const bob = await nodes.start('bob', [ann], { clock: hasty })
    await bob.join('harbour')
    await hers.send('together')
    await says(hers, 1, 1)
    const dialled = bob.addresses[0] as string
    await bob.leave('harbour')
    await hers.send('alone')
    await says(hers, 0, 1)
    assert.equal(await textsIn(hers), ['together', 'alone'])
    await nodes.stop(ann)
    ann = await nodes.start('ann', [], { clock: hasty })
    hers = ann.room('harbour')
    const { messages } = await hers.page({})
    assert.equal(
      messages.map(({ held }) => held),
      [undefined, undefined],
    )
    const again = await bob.join('harbour')
    await ann.connect(dialled)
    await converged([hers, again], 2)
    await says(hers, 1, 1)
  }))

test('a member whose store was put back holds what it holds, not what it held', () =>
  withNodes(async (nodes) => {
    let ann = await nodes.start('ann', [], { clock: hasty })
    let hers = await ann.join('harbour')
    let bob = await nodes.start('bob', [ann], { clock: hasty })
    await bob.join('harbour')
    await hers.send('before the copy')
    await says(hers, 1, 1)
    await nodes.stop(bob)
    await nodes.copy('bob', 'copy')
    await hers.send('after the copy')
    // What was just published is gossiped for some seconds to whoever comes; a peer that was started since has nothing to gossip.
    await nodes.stop(ann)
    ann = await nodes.start('ann', [], { clock: hasty })
    hers = ann.room('harbour')
    bob = await nodes.start('bob', [ann], { clock: hasty })
    await says(hers, 1, 1)
    await nodes.stop(bob)
    await nodes.putBack('copy', 'bob')
    bob = await nodes.start('bob', [], { clock: hasty })
    const letGo = bob.hold()
    await bob.connect(ann.addresses[0] as string)
    await says(hers, 0, 1)
    letGo()
    await says(hers, 1, 1)
  }))

test.run()
