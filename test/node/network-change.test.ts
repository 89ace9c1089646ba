import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { NetworkChange, networksNow } from '../../src/node/network-change.ts'

const test = suite('node/network-change')

test('tells of each change once, and of nothing else', () => {
  let networks = 'lan 10.0.0.1/24'
  let told = 0
  const change = new NetworkChange(
    () => told++,
    () => networks,
  )
  change.start()
  try {
    change.look()
    assert.is(told, 0)
    networks = 'lan 10.0.0.2/24'
    change.look()
    change.look()
    assert.is(told, 1)
    networks = ''
    change.look()
    assert.is(told, 2)
  } finally {
    change.stop()
  }
})

test('takes a look that comes late for a night asleep', () => {
  const { now } = Date
  let told = 0
  const change = new NetworkChange(
    () => told++,
    () => '',
  )
  change.start()
  try {
    Date.now = () => now() + 3_600_000
    change.look()
    change.look()
    assert.is(told, 1)
  } finally {
    Date.now = now
    change.stop()
  }
})

test('names every network this machine is on but link-local ones', () => {
  assert.match(networksNow(), /127\.0\.0\.1\/8/)
  assert.not.match(networksNow(), / fe80/i)
})

test.run()
