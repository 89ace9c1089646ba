import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Room } from '../../src/chat/room.ts'
import { waitFor } from '../support/wait-for.ts'
import { withNodes } from './support.ts'

const test = suite('scenario/presence')

/** What a room tells of its people, from now on: who it is, and what happened. */
function toldOf(room: Room): string[] {
  const told: string[] = []
  room.addEventListener('member', ({ detail: { member, change } }) =>
    told.push(`${member.name} ${change}${member.away === true ? ', away' : ''}`),
  )
  return told
}

const memberOf = (room: Room, name: string): unknown[] => {
  const member = room.members().find((each) => each.name === name)
  return [member?.online, member?.away]
}

test('who goes away is seen to be away in every room, later ones as well, and is back at once', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann', [], { name: 'Ann' })
    const bob = await nodes.start('bob', [ann], { name: 'Bob' })
    const [hers, his] = [await ann.join('harbour'), await bob.join('harbour')]
    await waitFor(() => memberOf(hers, 'Bob')[0] === true && memberOf(his, 'Ann')[0] === true, 'both to see each other')
    const [told, himself] = [toldOf(hers), toldOf(his)]
    bob.setAway(true)
    bob.setAway(true)
    await waitFor(() => told.includes('Bob away, away'), 'Ann to be told')
    assert.equal(
      [memberOf(hers, 'Bob'), memberOf(his, 'Bob')],
      [
        [true, true],
        [true, true],
      ],
    )
    assert.equal(himself, ['Bob away, away'])
    const [hersToo, hisToo] = [await ann.join('lighthouse'), await bob.join('lighthouse')]
    await waitFor(() => memberOf(hersToo, 'Bob')[1] === true, 'Ann to see it in a room that was joined since')
    hisToo.typing()
    await new Promise<void>((resolve) => hersToo.addEventListener('typing', () => resolve(), { once: true }))
    assert.equal(memberOf(hersToo, 'Bob'), [true, true], 'typing is not coming back')
    bob.setAway(false)
    await waitFor(() => told.includes('Bob back'), 'Ann to be told')
    await waitFor(() => memberOf(hersToo, 'Bob')[1] === undefined, 'in the other room too')
    assert.equal(
      [memberOf(hers, 'Bob'), memberOf(his, 'Bob')],
      [
        [true, undefined],
        [true, undefined],
      ],
    )
    assert.equal(
      [told, himself],
      [
        ['Bob away, away', 'Bob back'],
        ['Bob away, away', 'Bob back'],
      ],
    )
  }))

test('whose other device is looked at is not away', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann', [], { name: 'Ann' })
    const bob = await nodes.start('bob', [ann], { name: 'Bob' })
    const hers = await ann.join('harbour')
    await bob.join('harbour')
    await waitFor(() => memberOf(hers, 'Bob')[0] === true, 'Ann to see Bob')
    await nodes.stop(bob)
    await waitFor(() => memberOf(hers, 'Bob')[0] === false, 'Bob to be gone')
    await nodes.copy('bob', 'second')
    const told = toldOf(hers)
    const [first, second] = [await nodes.start('bob', [ann]), await nodes.start('second', [ann])]
    await waitFor(() => told.filter((each) => each === 'Bob online').length === 2, 'Ann to hear of both devices')
    first.setAway(true)
    second.setAway(true)
    await waitFor(() => memberOf(hers, 'Bob')[1] === true, 'Bob to be away')
    first.setAway(false)
    await waitFor(() => memberOf(hers, 'Bob')[1] === undefined, 'Bob to be back')
    second.setAway(false)
    second.setAway(true)
    await second.room('harbour').send('still here')
    await waitFor(() => hers.digest().count === 1, 'what was sent behind it')
    assert.equal(memberOf(hers, 'Bob'), [true, undefined])
  }))

test.run()
