import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KeeperTurns } from '../../src/chat/keeper-turns.ts'

const test = suite('chat/keeper-turns')

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

test('as many as may have a place at once, the others in the order in which they came', async () => {
  const turns = new KeeperTurns(2)
  const got: number[] = []
  const places: (() => void)[] = []
  for (const each of [0, 1, 2, 3, 4])
    void turns.take('keeper').then((give) => {
      got.push(each)
      places.push(give)
    })
  await settled()
  assert.equal(got, [0, 1])
  places[1]?.()
  places[1]?.() // given back once
  await settled()
  assert.equal(got, [0, 1, 2])
  for (const give of places.slice()) give()
  await settled()
  assert.equal(got, [0, 1, 2, 3, 4])
})

test('places with one name are not places with another', async () => {
  const turns = new KeeperTurns(1)
  await turns.take('a')
  const give = await turns.take('b')
  give()
  await turns.take('b')
})

test.run()
