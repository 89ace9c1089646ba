import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Preferences } from '../../../src/cli/terminal/preferences.ts'
import { FakeClient } from '../../support/fake-client.ts'

const test = suite('cli/terminal/preferences')

const LINES = 'terminal.lines'
const NOTIFY = 'terminal.notify'

const read = async (client: FakeClient): Promise<Preferences> => {
  const preferences = new Preferences()
  await preferences.read(client)
  return preferences
}

const type = (preferences: Preferences, ...lines: string[]): void => {
  for (const line of lines) {
    preferences.recall.add(line)
    preferences.changed()
  }
}

test('lines that were typed are there at the next start', async () => {
  const client = new FakeClient()
  const first = await read(client)
  type(first, 'one', 'two\nlines')
  assert.is(client.preferences.size, 0, 'not with each line')
  await first.flush()
  assert.equal((await read(client)).recall.toJSON(), ['one', 'two\nlines'])
})

test('lines typed before the client was there stand behind those of before', async () => {
  const client = new FakeClient()
  client.preferences.set(LINES, '["old"]')
  const preferences = new Preferences()
  type(preferences, 'early')
  await preferences.read(client)
  assert.equal(preferences.recall.toJSON(), ['old', 'early'])
  await preferences.flush()
  assert.is(client.preferences.get(LINES), '["old","early"]')
})

test('lines that are kept too early are kept later', async () => {
  const client = new FakeClient()
  const preferences = new Preferences()
  type(preferences, 'early')
  await preferences.flush()
  await preferences.read(client)
  await preferences.flush()
  assert.is(client.preferences.get(LINES), '["early"]')
})

test('rubbish in the store is left out', async () => {
  for (const rubbish of ['', '{', 'null', '"text"', '{"0":"a"}', '[1,null,{},["a"]]', '\u0000']) {
    const client = new FakeClient()
    client.preferences.set(LINES, rubbish)
    client.preferences.set(NOTIFY, rubbish)
    const { recall, notify } = await read(client)
    assert.equal(recall.toJSON(), [], rubbish)
    assert.ok(notify, rubbish)
  }
  const client = new FakeClient()
  client.preferences.set(LINES, '[1,"one",null,"t\\u001b[2Jwo"]')
  assert.equal((await read(client)).recall.toJSON(), ['one', 't[2Jwo'])
})

test('nothing is written where nothing was typed', async () => {
  const client = new FakeClient()
  const preferences = await read(client)
  await preferences.flush()
  assert.is(client.preferences.size, 0)
  type(preferences, 'one')
  await preferences.flush()
  client.preferences.clear()
  await preferences.flush()
  assert.is(client.preferences.size, 0, 'once')
})

test('whether to be alerted is kept at once', async () => {
  const client = new FakeClient()
  const first = await read(client)
  assert.ok(first.notify, 'yes, unless told otherwise')
  first.setNotify(false)
  assert.not(first.notify)
  const second = await read(client)
  assert.not(second.notify)
  second.setNotify(true)
  assert.ok((await read(client)).notify)
})

test('what cannot be kept interrupts nobody', async () => {
  const client = new FakeClient()
  const preferences = await read(client)
  client.setPreference = () => Promise.reject(new Error('the disk is full'))
  preferences.setNotify(false)
  type(preferences, 'one')
  await preferences.flush()
  assert.not(preferences.notify)
  assert.equal(preferences.recall.toJSON(), ['one'])
})

test.run()
