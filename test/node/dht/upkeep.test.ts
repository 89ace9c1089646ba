import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FIND_TIMEOUT, FIRST_UPKEEPS, UPKEEP_INTERVAL } from '../../../src/node/dht/constants.ts'
import { Upkeep } from '../../../src/node/dht/upkeep.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { silent } from './support.ts'

const test = suite('node/dht/upkeep')

function setup() {
  const clock = new VirtualClock()
  const seen = { isNeeded: true, looks: [] as string[], ends: true, aborted: 0 }
  const upkeep = new Upkeep({
    isNeeded: () => seen.isNeeded,
    look: async (target, signal) => {
      seen.looks.push(target)
      signal.addEventListener('abort', () => seen.aborted++)
      if (!seen.ends) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('over'))))
    },
    clock,
    random: () => 0.5,
    log: silent,
  })
  return { clock, seen, upkeep }
}

test('a server looks for itself soon, and then now and then', async () => {
  const { clock, seen, upkeep } = setup()
  upkeep.start()
  await clock.pass(FIRST_UPKEEPS[0] as number)
  assert.equal(seen.looks, ['self'])
  await clock.pass(4 * UPKEEP_INTERVAL)
  assert.equal(seen.looks, ['self', 'random', 'self', 'random', 'self'])
  upkeep.stop()
  await clock.pass(4 * UPKEEP_INTERVAL)
  assert.is(seen.looks.length, 5)
  assert.is(clock.pending, 0)
})

test('who is no server does nothing until it is one', async () => {
  const { clock, seen, upkeep } = setup()
  seen.isNeeded = false
  upkeep.start()
  await clock.pass(4 * UPKEEP_INTERVAL)
  assert.equal([seen.looks, clock.pending], [[], 0])
  seen.isNeeded = true
  upkeep.wake()
  upkeep.wake()
  await clock.pass(FIRST_UPKEEPS[0] as number)
  assert.equal(seen.looks, ['self'])
  seen.isNeeded = false
  await clock.pass(4 * UPKEEP_INTERVAL)
  assert.equal([seen.looks, clock.pending], [['self'], 0])
  upkeep.stop()
})

test('a look that does not end is ended, also when it is no longer wanted', async () => {
  const { clock, seen, upkeep } = setup()
  seen.ends = false
  upkeep.start()
  await clock.pass((FIRST_UPKEEPS[0] as number) + FIND_TIMEOUT)
  assert.is(seen.aborted, 1)
  await clock.pass(FIRST_UPKEEPS[1] as number)
  assert.is(seen.looks.length, 2)
  upkeep.stop()
  assert.is(seen.aborted, 2)
  await clock.pass(0)
  assert.is(clock.pending, 0)
})

test('started again while a look goes on, it looks once', async () => {
  const { clock, seen, upkeep } = setup()
  seen.ends = false
  upkeep.start()
  await clock.pass(FIRST_UPKEEPS[0] as number)
  upkeep.stop()
  upkeep.start()
  await clock.pass(0)
  assert.is(clock.pending, 1)
  upkeep.stop()
})

test.run()
