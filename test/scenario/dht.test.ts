import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { converged, mates, textsIn, withNodes } from './support.ts'

const test = suite('scenario/dht')

test('two members who know only somebody in another room talk', () =>
  withNodes(async (nodes) => {
    const third = await nodes.start('third')
    await third.join('tavern')
    const [alice, bob] = [await nodes.start('alice', [third], { dht: true }), await nodes.start('bob', [third], { dht: true })]
    const rooms = [await alice.join('harbour'), await bob.join('harbour')] as const
    await Promise.all(rooms.map((room) => mates(room, 1)))
    await rooms[0].send('hello')
    await converged([...rooms], 1)
    assert.equal(await textsIn(rooms[1]), ['hello'])
    assert.ok(alice.peers().some(({ peerId }) => peerId === bob.peerId))
  }))

test("everybody's first room is looked for nowhere", () =>
  withNodes(async (nodes) => {
    const third = await nodes.start('third', [], { dht: true })
    const alice = await nodes.start('alice', [third], { dht: true })
    await alice.join('lobby')
    await alice.join('harbour')
    assert.is(alice.rooms.length, 2)
    const { detail } = (await alice.doctor()).find(({ name }) => name === 'rendezvous') ?? { detail: 'none' }
    assert.is(detail, 'none')
  }))

test.run()
