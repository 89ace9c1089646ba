import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Places } from '../../src/chat/places.ts'

const test = suite('chat/places')

/** Neighbours, and some far away: what an author may claim. */
const place = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 2 ** 31, max: 2 ** 48 - 1 }))

test('it holds what a map would', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(place, fc.option(fc.integer(), { nil: undefined }))), (changes) => {
      const places = new Places<string>()
      const map = new Map<number, string>()
      for (const [at, value] of changes) {
        const text = value === undefined ? undefined : String(value)
        if (map.has(at)) places.replace(at, text)
        else if (text !== undefined) places.add(at, text)
        if (text === undefined) map.delete(at)
        else map.set(at, text)
      }
      assert.is(places.size, map.size)
      for (const [at] of changes) assert.is(places.get(at), map.get(at))
      assert.equal([...places.values()].sort(), [...map.values()].sort())
    }),
  )
})

test('to replace what is not there changes nothing', () => {
  const places = new Places<string>()
  places.add(3, 'c')
  places.replace(4, 'd')
  places.replace(300, 'd')
  assert.equal([places.size, places.get(4), [...places.values()]], [1, undefined, ['c']])
})

test.run()
