import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_PROVIDERS_TOLD, RECORD_TTL, SWEEP_INTERVAL } from '../../../src/node/dht/constants.ts'
import { ProviderStore } from '../../../src/node/dht/provider-store.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { at } from './support.ts'

const test = suite('node/dht/provider-store')

const HERE = [at('/ip4/192.0.2.1/tcp/1')]

/** Records of peers that can be dialled. */
function put(store: ProviderStore, key: string, peer: string, network = 'network'): boolean {
  const kept = store.put(key, peer, network)
  store.locate(peer, HERE)
  return kept
}

const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

test('tells who provides what', () => {
  const store = new ProviderStore(new VirtualClock())
  put(store, 'key', 'alice')
  put(store, 'key', 'bob')
  put(store, 'other', 'carol')
  assert.equal(store.providers('key').sort(), ['alice', 'bob'])
  assert.equal(store.providers('nothing'), [])
  assert.equal(store.addressesOf('alice'), HERE)
  assert.is(store.addressesOf('dave'), undefined)
  store.remove('key', 'alice')
  assert.equal(store.providers('key'), ['bob'])
  assert.is(store.addressesOf('alice'), undefined)
})

test('a record that is not renewed is told no more, and then gone', async () => {
  const clock = new VirtualClock()
  const store = new ProviderStore(clock)
  put(store, 'key', 'alice')
  put(store, 'key', 'bob')
  await clock.pass(RECORD_TTL / 2)
  put(store, 'key', 'bob')
  await clock.pass(RECORD_TTL / 2)
  assert.equal(store.providers('key'), ['bob'])
  await clock.pass(SWEEP_INTERVAL)
  put(store, 'other', 'carol')
  assert.is(store.size, 2)
  assert.is(store.addressesOf('alice'), undefined)
})

test('who cannot be dialled is told to nobody, and renewing keeps the addresses', () => {
  const store = new ProviderStore(new VirtualClock())
  store.put('key', 'alice', 'network')
  assert.equal(store.providers('key'), [])
  store.locate('alice', HERE)
  store.put('key', 'alice', 'network')
  assert.equal(store.providers('key'), ['alice'])
  store.locate('nobody', HERE)
  assert.is(store.addressesOf('nobody'), undefined)
})

test('an answer has some of many, and over time all', () => {
  const store = new ProviderStore(new VirtualClock())
  for (const number of range(100)) put(store, 'key', `peer ${number}`)
  const seen = new Set<string>()
  for (let turn = 0; turn < 1_000 && seen.size < 100; turn++) {
    const some = store.providers('key')
    assert.is(new Set(some).size, MAX_PROVIDERS_TOLD)
    for (const peer of some) seen.add(peer)
  }
  assert.is(seen.size, 100)
})

test('one network cannot take the place of the others under a key', () => {
  const store = new ProviderStore(new VirtualClock(), { perKey: 8 })
  for (const number of range(4)) put(store, 'key', `honest ${number}`, `network ${number}`)
  for (const number of range(100)) put(store, 'key', `sybil ${number}`, 'one place')
  const all = store.views().map(({ peer }) => peer)
  assert.is(all.length, 8)
  assert.is(all.filter((peer) => peer.startsWith('honest')).length, 4)
  assert.ok(all.includes('sybil 99'), 'the newest of them is there')
})

test('nor in all, under as many keys as it likes', () => {
  const store = new ProviderStore(new VirtualClock(), { total: 20 })
  for (const number of range(10)) put(store, `key ${number}`, `honest ${number}`, `network ${number}`)
  for (const number of range(200)) put(store, `flood ${number}`, `sybil ${number}`, 'one place')
  assert.is(store.size, 20)
  for (const number of range(10)) assert.equal(store.providers(`key ${number}`), [`honest ${number}`])
})

test('one peer has a number of records, and may renew them', () => {
  const store = new ProviderStore(new VirtualClock(), { perPeer: 3 })
  assert.equal(
    range(5).map((number) => put(store, `key ${number}`, 'alice')),
    [true, true, true, false, false],
  )
  assert.ok(put(store, 'key 0', 'alice'))
  assert.is(store.size, 3)
  store.clear()
  assert.is(store.size, 0)
  assert.ok(put(store, 'key 4', 'alice'))
})

test.run()
