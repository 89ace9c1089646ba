import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SICK_LOOP_DELAY } from '../../bootstrap/constants.ts'
import { LoopDelay } from '../../bootstrap/loop-delay.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('bootstrap/loop-delay')

let delay: LoopDelay
test.before.each(() => {
  delay = new LoopDelay()
  delay.start()
})
test.after.each(() => delay.stop())

/** In seconds: nothing else runs meanwhile in this process, but in others. */
function occupy(time: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time * 1_000)
}

test('a turn that takes long is seen, and is not yet being behind', async () => {
  const fresh = new LoopDelay()
  assert.equal([fresh.mean, fresh.max, fresh.isBehind], [0, 0, false])
  await waitFor(() => {
    occupy(0.3)
    return delay.max > 0.2
  }, 'the long turn')
  assert.not(delay.isBehind)
})

test('turns that all take longer than people wait are', async () => {
  await waitFor(() => {
    occupy(SICK_LOOP_DELAY * 1.5)
    return delay.isBehind
  }, 'being behind')
  assert.ok(delay.max >= delay.mean)
})

test.run()
