import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ClientEvents, Message } from '../../src/client/client.ts'
import { CatchUp } from '../../src/view/catch-up.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const test = suite('view/catch-up')

/** What a sync that says nothing more has ended after, in milliseconds. */
const QUIET = 400

/** Message number `n`, as it was sent in the n-th second. */
const message = (n: number, via: Message['via'] = 'sync'): Message =>
  ({ id: `${n}`, via, sentAt: new Date(Date.UTC(2026, 10, 21) + n * 1000).toISOString() }) as Message

const sync = (state: 'running' | 'done'): ClientEvents['sync'] => ({ room: 'r', state, count: 0, missing: 1, digest: '' })

function setup() {
  const shown: string[] = []
  const clock = new VirtualClock()
  const catchUp = new CatchUp({
    show: ({ id }) => shown.push(id),
    skipped: (older) => shown.push(`${older} older`),
    after: clock.after,
  })
  const hold = (...numbers: number[]): void => {
    for (const n of numbers) assert.ok(catchUp.hold(message(n)))
  }
  return { catchUp, shown, clock, hold }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at)

test('few are shown one by one at the end, as they were said', () => {
  const { catchUp, shown, hold } = setup()
  hold(3, 1, 2)
  assert.equal(shown, [])
  catchUp.synced(sync('done'))
  assert.equal(shown, ['1', '2', '3'])
  catchUp.synced(sync('done'))
  assert.is(shown.length, 3)
})

test('thirty are shown, and of more the newest with how many are older', () => {
  const { catchUp, shown, hold } = setup()
  hold(...range(1, 30))
  catchUp.flush()
  assert.equal(shown.splice(0), range(1, 30).map(String))
  hold(...range(1, 31))
  catchUp.flush()
  assert.equal(shown, ['1 older', ...range(2, 31).map(String)])
})

test('of ten thousand only the newest are shown, in whatever order they come', () => {
  const expected = ['9970 older', ...range(9971, 10_000).map(String)]
  const shuffled = range(1, 10_000).map((n) => ((n * 7919) % 10_000) + 1)
  for (const order of [range(1, 10_000), range(1, 10_000).reverse(), shuffled]) {
    const { catchUp, shown, hold } = setup()
    hold(...order)
    catchUp.synced(sync('done'))
    assert.equal(shown, expected)
  }
})

test('all that came are shown or counted', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1000 }), { maxLength: 300 }), (numbers) => {
      const { catchUp, shown, hold } = setup()
      hold(...numbers)
      catchUp.flush()
      const newest = [...numbers].sort((a, b) => a - b).slice(-30)
      const older = numbers.length - newest.length
      assert.equal(shown, [...(older > 0 ? [`${older} older`] : []), ...newest.map(String)])
    }),
  )
})

test('no more than twice as many as are shown are kept', () => {
  const { catchUp } = setup()
  let read = 0
  /** Sorting reads when each was sent: as often as there are messages. */
  const counted = (n: number): Message => {
    const made = message(n)
    const { sentAt } = made
    return Object.defineProperty(made, 'sentAt', {
      get: () => {
        read += 1
        return sentAt
      },
    })
  }
  for (const n of range(1, 5000)) catchUp.hold(counted(n))
  read = 0
  catchUp.flush()
  assert.ok(read > 0)
  assert.ok(read <= 2 * 60 * Math.log2(60), `${read} times`)
})

test('one that is said now is not held back', () => {
  const { catchUp, shown, clock, hold } = setup()
  assert.not(catchUp.hold(message(1, 'gossip')))
  assert.not(catchUp.hold(message(2, 'self')))
  assert.is(clock.pending, 0)
  hold(3)
  assert.not(catchUp.hold(message(4, 'gossip')))
  assert.equal(shown, [])
})

test('a sync that says nothing more has ended', () => {
  const { catchUp, shown, clock, hold } = setup()
  hold(1)
  clock.advance(QUIET - 1)
  hold(2)
  clock.advance(QUIET - 1)
  catchUp.synced(sync('running'))
  clock.advance(QUIET - 1)
  assert.equal(shown, [])
  clock.advance(1)
  assert.equal(shown, ['1', '2'])
  hold(3)
  clock.advance(QUIET)
  assert.equal(shown, ['1', '2', '3'], 'also one that never says anything')
  assert.is(clock.pending, 0)
})

test('a sync that brings nothing to show leaves no timer', () => {
  const { catchUp, shown, clock } = setup()
  catchUp.synced(sync('running'))
  assert.is(clock.pending, 0)
  catchUp.synced(sync('done'))
  assert.equal(shown, [])
})

test('what follows is counted anew', () => {
  const { catchUp, shown, clock, hold } = setup()
  hold(...range(1, 40))
  catchUp.flush()
  assert.is(clock.pending, 0)
  shown.splice(0)
  hold(41)
  catchUp.flush()
  assert.equal(shown, ['41'])
})

test('nothing is shown after its end', () => {
  const { catchUp, shown, clock, hold } = setup()
  hold(1)
  catchUp.end()
  assert.is(clock.pending, 0)
  clock.advance(QUIET)
  assert.equal(shown, [])
})

test.run()
