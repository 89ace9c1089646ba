import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeCbor, encodeCbor, equalBytes } from '../../src/chat/cbor.ts'
import { decodeRun, encodeRun } from '../../src/chat/event.ts'
import { decodeKeepMessage, encodeKeepMessage } from '../../src/chat/keep-codec.ts'
import { decodeMessage, encodeMessage } from '../../src/chat/sync-codec.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { seeded } from '../storage/support.ts'
import { fuzz, line } from './fuzz.ts'
import { mutate } from './mutate.ts'
import { targets } from './targets.ts'

const test = suite('fuzz')
const INPUTS = 2000

test('no altered input gets anything but InvalidEventError out of a decoder, or takes 50 ms', async () => {
  const names: string[] = []
  for await (const outcome of fuzz(INPUTS, 20_261_121)) {
    console.log(line(outcome))
    assert.equal(outcome.failures.slice(0, 3), [], outcome.name)
    assert.ok(outcome.accepted > 0, `${outcome.name}: not even the samples were accepted`)
    names.push(outcome.name)
  }
  assert.is(names.length, 18)
})

test('one seed gives the same inputs again, another one others', async () => {
  const samples = (await targets())[0]?.samples ?? []
  const inputs = (seed: number): string => {
    const random = seeded(seed)
    return Array.from({ length: 50 }, () => mutate(samples, random).join()).join(';')
  }
  assert.is(inputs(1), inputs(1))
  assert.is.not(inputs(1), inputs(2))
})

/** Any bytes that are decoded are what the result encodes to. */
function oneEncoding(decode: (bytes: Uint8Array) => Uint8Array): (bytes: Uint8Array) => void {
  return (bytes) => {
    let again: Uint8Array
    try {
      again = decode(bytes)
    } catch (error) {
      assert.is((error as Error).name, 'InvalidEventError')
      return
    }
    assert.ok(equalBytes(again, bytes), 'two encodings of one value')
  }
}

test('a run, a keep message, and CBOR without maps, has no second encoding', async () => {
  const all = await targets()
  const random = seeded(99)
  const check = {
    'keep message': oneEncoding((bytes) => encodeKeepMessage(decodeKeepMessage(bytes))),
    run: oneEncoding((bytes) => encodeRun(decodeRun(bytes, nativeCrypto))),
    'part of a frontier': oneEncoding((bytes) => encodeCbor(decodeCbor(bytes, 1000))),
  }
  for (const [name, each] of Object.entries(check)) {
    const samples = all.find((target) => target.name === name)?.samples ?? []
    for (let i = 0; i < 5000; i++) each(mutate(samples, random))
  }
})

test('any bytes at all are a sync message or InvalidEventError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        encodeMessage(decodeMessage(bytes))
      } catch (error) {
        assert.is((error as Error).name, 'InvalidEventError')
      }
    }),
    { numRuns: 5000 },
  )
})

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.string(),
    fc.uint8Array({ maxLength: 40 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    tie('list'),
  ),
  list: fc.array(tie('any'), { maxLength: 8 }),
})).any

test('every value that the protocol can hold survives encoding', () => {
  fc.assert(
    fc.property(value, (each) => {
      const bytes = encodeCbor(each)
      assert.ok(equalBytes(encodeCbor(decodeCbor(bytes, 10_000)), bytes))
    }),
    { numRuns: 2000 },
  )
})

test.run()
