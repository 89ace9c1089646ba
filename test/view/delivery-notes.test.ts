import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Message } from '../../src/client/client.ts'
import { DeliveryNotes } from '../../src/view/delivery-notes.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const test = suite('view/delivery-notes')

const ALONE = 'stored here, nobody else has it yet: it is sent when somebody comes'

function setup() {
  const said: string[] = []
  const clock = new VirtualClock()
  const notes = new DeliveryNotes({ note: (room, text) => said.push(`${room}: ${text}`), after: clock.after })
  return {
    notes,
    said,
    write: (id: string, room = 'lobby') => notes.wrote({ room, id } as Message),
    held: (id: string, held = 1, keepers = 0, room = 'lobby') => notes.delivered({ room, id, held, members: 2, keepers }),
    /** Patience is over. */
    elapse: () => clock.advance(60_000),
    pending: () => clock.pending,
  }
}

test('nothing is said of what somebody soon has', () => {
  const { write, held, elapse, said, pending } = setup()
  write('a')
  write('b')
  assert.is(pending(), 1)
  held('a')
  held('b')
  assert.is(pending(), 0)
  write('c')
  held('c', 0, 1)
  elapse()
  assert.equal(said, [], 'a keeper has it')
})

test('where the face has said that nobody has it, it is said as soon as somebody does', () => {
  const { notes, write, held, said, pending } = setup()
  notes.told('lobby')
  write('a')
  held('a')
  assert.equal(said, [], 'it was said of none that waits')
  write('b')
  notes.told('lobby')
  write('c')
  held('b')
  held('c')
  assert.equal([said, pending()], [['lobby: what you wrote is held by 1 of 2 now'], 0])
})

test('what nobody has is said once, however much is written, and again when somebody has it', () => {
  const { write, held, elapse, said, pending } = setup()
  write('a')
  held('a', 0)
  elapse()
  write('b')
  assert.equal([said.splice(0), pending()], [[`lobby: ${ALONE}`], 0])
  held('a')
  assert.equal(said, [], 'not yet the newest')
  held('b')
  held('b', 2)
  assert.equal(said.splice(0), ['lobby: what you wrote is held by 1 of 2 now'])
  write('c')
  elapse()
  assert.equal(said, [`lobby: ${ALONE}`])
})

test('while somebody gets what is written the newest has its time', () => {
  const { write, held, elapse, said, pending } = setup()
  write('a')
  write('b')
  held('a')
  assert.is(pending(), 1)
  held('b')
  elapse()
  assert.equal(said, [])
})

test('each room is for itself, and one that was left is forgotten', () => {
  const { notes, write, held, elapse, said, pending } = setup()
  write('a')
  write('b', 'dev')
  write('c', 'vault')
  notes.forget('vault')
  held('b', 1, 0, 'dev')
  held('x', 1, 0, 'elsewhere')
  elapse()
  assert.equal(said, [`lobby: ${ALONE}`])
  write('d', 'dev')
  notes.end()
  assert.is(pending(), 0)
})

test.run()
