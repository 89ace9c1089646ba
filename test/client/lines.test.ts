import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isLonger, type Line, splitLines } from '../../src/client/lines.ts'
import { anyText } from '../support/any-text.ts'

const test = suite('client/lines')

async function* cut(bytes: Uint8Array, sizes: number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (let n = 0; at < bytes.length; n++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[n % sizes.length] ?? 1)
    yield bytes.slice(at, at + size)
    at += size
  }
}

async function read(text: string | Uint8Array, sizes: number[], limit?: number): Promise<Line[]> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const lines: Line[] = []
  for await (const line of splitLines(cut(bytes, sizes), limit)) lines.push(line)
  return lines
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 })

test('gives the same lines however the bytes are cut', async () => {
  const text = fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', ''))
  await fc.assert(
    fc.asyncProperty(fc.array(text), sizes, async (lines, cuts) => {
      const expected = lines.map((line): Line => ({ text: line.replace(/^\ufeff/, '') }))
      assert.equal(await read(lines.map((line) => `${line}\n`).join(''), cuts), expected)
    }),
  )
})

test('a line over the limit becomes a problem, the others do not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(30)), sizes, async (lengths, cuts) => {
      const expected = lengths.map((n): Line => (n > 15 ? { problem: 'TOO_LARGE' } : { text: 'x'.repeat(n) }))
      assert.equal(await read(lengths.map((n) => `${'x'.repeat(n)}\n`).join(''), cuts, 15), expected)
    }),
  )
})

test('a line that is no UTF-8 becomes a problem, the others do not', async () => {
  const bytes = new Uint8Array([97, 10, 0xc3, 0x28, 10, 98, 10])
  for (const size of [1, 2, 3, 7]) {
    assert.equal(await read(bytes, [size]), [{ text: 'a' }, { problem: 'NOT_UTF8' }, { text: 'b' }])
  }
})

test('a last line needs no end, an empty one is none', async () => {
  assert.equal(await read('a\nb', []), [{ text: 'a' }, { text: 'b' }])
  assert.equal(await read('a\n', []), [{ text: 'a' }])
  assert.equal(await read('', []), [])
})

test('tells the length in UTF-8', () => {
  fc.assert(
    fc.property(anyText(), fc.nat(40), (text, limit) => {
      assert.is(isLonger(text, limit), new TextEncoder().encode(text).length > limit)
    }),
  )
})

test.run()
