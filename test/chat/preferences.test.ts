import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeCbor } from '../../src/chat/cbor.ts'
import { MAX_PREFERENCE_BYTES, MAX_PREFERENCES } from '../../src/chat/constants.ts'
import { Preferences } from '../../src/chat/preferences.ts'
import { createP2PNode, openP2PNode } from '../../src/index.ts'
import { filesBelow, withDirectory } from '../storage/support.ts'
import { MapStore, rejection } from './support.ts'

const test = suite('chat/preferences')

/** The `n`-th of many keys. */
const key = (n: number): string => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('')

test('what was set is answered until it is set anew or deleted', async () => {
  const preferences = new Preferences(new MapStore())
  assert.is(await preferences.get('notify'), undefined)
  await preferences.set('notify', 'off')
  await preferences.set('terminal.lines', '["hello"]')
  assert.equal([await preferences.get('notify'), await preferences.get('terminal.lines')], ['off', '["hello"]'])
  await preferences.set('notify', '')
  assert.is(await preferences.get('notify'), '', 'an empty text is a text')
  await preferences.set('notify', undefined)
  assert.equal([await preferences.get('notify'), await preferences.get('terminal.lines')], [undefined, '["hello"]'])
})

test('changes that come at once each take a place of their own, and the last of one key stands', async () => {
  const store = new MapStore()
  const preferences = new Preferences(store)
  await Promise.all([...'abcdefgh'].flatMap((letter) => [preferences.set(letter, 'first'), preferences.set(letter, letter)]))
  await Promise.all([preferences.set('c', undefined), preferences.set('i', 'i')])
  const again = new Preferences(store)
  assert.equal(await Promise.all([...'abcdefghi'].map((letter) => again.get(letter))), [...'ab', undefined, ...'defghi'])
  assert.is(store.records.size, 8, 'the place that was given up is taken again')
})

test('a key is 1 to 32 of the letters a to z, dot and hyphen; a value is well-formed', async () => {
  const preferences = new Preferences(new MapStore())
  for (const wrong of ['', 'A', 'a b', 'a_b', 'ä', 'a1', 'a'.repeat(33), '__proto__']) {
    assert.is((await rejection(preferences.get(wrong))).name, 'InvalidArgumentError', wrong)
    assert.is((await rejection(preferences.set(wrong, 'x'))).name, 'InvalidArgumentError', wrong)
  }
  await preferences.set('a'.repeat(32), 'x')
  await preferences.set('constructor', 'x')
  assert.is((await rejection(preferences.set('a', 'half \ud800'))).name, 'InvalidArgumentError')
})

test('a value has at most 64 KiB of UTF-8', async () => {
  const preferences = new Preferences(new MapStore())
  const most = 'é'.repeat(MAX_PREFERENCE_BYTES / 2)
  await preferences.set('a', most)
  assert.is((await rejection(preferences.set('a', `${most}x`))).name, 'TooLargeError')
  assert.is(await preferences.get('a'), most)
})

test('the 33rd is refused until another is deleted; one that is there may change', async () => {
  const preferences = new Preferences(new MapStore())
  for (let n = 0; n < MAX_PREFERENCES; n++) await preferences.set(key(n), 'x')
  const refused = await rejection(preferences.set('more', 'x'))
  assert.equal([refused.name, (refused as Error & { code: string }).code], ['QuotaError', 'QUOTA'])
  await preferences.set(key(0), 'y')
  await preferences.set('absent', undefined)
  await preferences.set(key(1), undefined)
  await preferences.set('more', 'x')
  assert.equal(
    [await preferences.get(key(0)), await preferences.get(key(1)), await preferences.get('more')],
    ['y', undefined, 'x'],
  )
})

test('what the disk refuses has not happened', async () => {
  const store = new MapStore()
  const preferences = new Preferences(store)
  await preferences.set('a', 'before')
  for (const value of ['after', undefined]) {
    store.failures.push(new Error('no space left'))
    assert.is((await rejection(preferences.set('a', value))).message, 'no space left')
    assert.is(await preferences.get('a'), 'before')
  }
  await preferences.set('a', 'after')
  assert.is(await new Preferences(store).get('a'), 'after')
})

test('a malformed record is damage', async () => {
  for (const value of [
    new Uint8Array(0),
    encodeCbor('a'),
    encodeCbor(['a']),
    encodeCbor(['a', 1]),
    encodeCbor(['a', 'b', 'c']),
  ]) {
    const store = new MapStore()
    await store.batch([{ type: 'put', key: ['node', 'preference', 0], value }])
    assert.is((await rejection(new Preferences(store).get('a'))).name, 'DamagedStoreError')
  }
})

test('they are there after a restart, and nothing of them lies on the disk in the clear', () =>
  withDirectory(async (directory) => {
    const dataDir = join(directory, 'alice')
    const [name, value] = ['wombat.marzipan', 'seventeen purple umbrellas']
    const node = await createP2PNode({ dataDir, mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'] })
    await node.setPreference(name, value)
    await node.stop()
    const again = await openP2PNode({ dataDir })
    assert.is(await again.preference(name), value)
    await again.stop()
    const files = await Promise.all((await filesBelow(directory)).map((path) => readFile(join(directory, path))))
    const bytes = Buffer.concat(files)
    assert.ok(bytes.includes('preference'), 'the program’s own word is there, so the record was looked at')
    for (const needle of [name, value]) assert.not.ok(bytes.includes(needle), needle)
  }))

test.run()
