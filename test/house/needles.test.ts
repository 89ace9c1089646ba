import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { nativeCrypto as crypto } from '../../src/native-crypto.ts'
import { Needles } from '../support/needles.ts'

const test = suite('house/needles')

test('what is looked for is found in every form, wherever it begins, and in no other', () => {
  const needles = new Needles()
  const text = 'un canari à Łódź'
  const key = crypto.randomBytes(32)
  needles.text('canary', text)
  needles.bytes('key', key)
  for (const around of ['', 'a', 'ab', 'abc']) {
    const planted = Buffer.from(`${around}${text}${around}`)
    const forms = [
      planted,
      Buffer.from(`${around}${text}`, 'utf16le'),
      ...(['base64', 'base64url', 'hex'] as const).map((form) => Buffer.from(planted.toString(form))),
      Buffer.from(planted.toString('hex').toUpperCase()),
    ]
    for (const form of forms) assert.is(needles.in(form).size, 1, form.toString('latin1'))
    const keyed = Buffer.concat([Buffer.from(around), key, Buffer.from(around)])
    for (const form of [keyed, Buffer.from(keyed.toString('base64')), Buffer.from(`[1,${key.join()},2]`)])
      assert.is(needles.in(form).size, 1)
  }
  assert.is(needles.in(Buffer.from(text.slice(1))).size, 0)
  assert.is(needles.in(crypto.randomBytes(1_000_000)).size, 0)
})

test.run()
