import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Message } from '../../src/client/client.ts'
import { Introductions } from '../../src/view/introductions.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const test = suite('view/introductions')

const message = (id: string, name: string): Message =>
  ({ id, room: 'r', via: 'sync', text: id, author: { account: name, name, fingerprint: 'f' } }) as Message

function setup(history: () => Promise<{ messages: Message[]; more: boolean }>) {
  const shown: string[] = []
  let reads = 0
  const clock = new VirtualClock()
  const introductions = new Introductions({
    client: {
      history: () => {
        reads += 1
        return history()
      },
    },
    isKnown: ({ author }) => author.name !== 'unknown',
    show: ({ id, author }) => shown.push(`${author.name}: ${id}`),
    after: clock.after,
  })
  return { introductions, shown, clock, reads: () => reads }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what somebody wrote who is known is shown at once', () => {
  const { introductions, shown, reads } = setup(async () => ({ messages: [], more: false }))
  introductions.take(message('a', 'bob'))
  assert.equal([shown, reads()], [['bob: a'], 0])
})

test('whose profile comes later is shown under his name, and what follows stays behind', async () => {
  let name = 'unknown'
  const { introductions, shown, clock } = setup(async () => ({ messages: [message('a', name), message('b', name)], more: false }))
  introductions.take(message('a', 'unknown'))
  introductions.take(message('b', 'unknown'))
  introductions.take(message('c', 'carol'))
  await settled()
  introductions.met()
  await settled()
  assert.equal(shown, [], 'it was somebody else')
  name = 'bob'
  introductions.met()
  await settled()
  assert.equal([shown, clock.pending], [['bob: a', 'bob: b', 'carol: c'], 0])
})

test('what those who are known say meanwhile waits for no stranger', async () => {
  const { introductions, shown } = setup(async () => ({ messages: [], more: false }))
  introductions.hear({ ...message('a', 'unknown'), via: 'gossip' })
  introductions.hear({ ...message('b', 'bob'), via: 'gossip' })
  introductions.hear({ ...message('c', 'alice'), via: 'self' })
  introductions.hear(message('d', 'carol'))
  await settled()
  assert.equal(shown, ['bob: b', 'alice: c'])
})

test('a stranger is waited for no longer than a moment, and once', async () => {
  const { introductions, shown, clock, reads } = setup(async () => ({ messages: [message('a', 'unknown')], more: false }))
  introductions.take(message('a', 'unknown'), () => shown.push('new'))
  await settled()
  clock.advance(4_999)
  await settled()
  assert.equal(shown, [])
  clock.advance(1)
  await settled()
  assert.equal([shown, reads(), clock.pending], [['new', 'unknown: a'], 2, 0])
  introductions.take(message('b', 'unknown'))
  assert.equal([shown.at(-1), reads()], ['unknown: b', 2])
})

test('who stays unknown, or cannot be looked up, is shown so', async () => {
  const { introductions, shown } = setup(() => Promise.reject(new Error('closed')))
  introductions.take(message('a', 'unknown'))
  await settled()
  assert.equal(shown, ['unknown: a'])
})

test('what waits when another room is entered is left to that room’s history', async () => {
  const { introductions, shown } = setup(async () => ({ messages: [], more: false }))
  introductions.take(message('a', 'unknown'))
  introductions.forget()
  introductions.take(message('b', 'bob'))
  await settled()
  assert.equal(shown, ['bob: b'])
})

test.run()
