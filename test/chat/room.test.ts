import { bytesToHex } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Chat } from '../../src/chat/chat.ts'
import type { Network, TopicValidator } from '../../src/chat/seams.ts'
import type { Operation } from '../../src/storage/store.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { cheapCrypto, MapStore, roomKeys, Scribe } from './support.ts'

const test = suite('chat/room')

/** A store with no space for author keys, if so told. */
class NarrowStore extends MapStore {
  narrow = false

  override async batch(operations: Operation[]): Promise<void> {
    if (this.narrow && operations.some(({ type, key }) => type === 'put' && key[0] === 'own')) throw new Error('no space left')
    await super.batch(operations)
  }
}

test('a key that was given up is not taken up again by a restart, though its successor could not be written', async () => {
  const [store, crypto, clock] = [new NarrowStore(), cheapCrypto(), new VirtualClock()]
  const keys = roomKeys('harbour', crypto)
  let judge: TopicValidator | undefined
  const network = {
    self: 'm',
    mates: () => [],
    onMate: () => undefined,
    keepers: () => [],
    onKeeper: () => undefined,
    handle: async () => undefined,
    publish: () => undefined,
    unsubscribe: () => undefined,
    subscribe: (_topic: string, validator: TopicValidator) => {
      judge = validator
    },
  } as unknown as Network
  const chat = await Chat.open({ store, crypto, clock })
  await chat.start(network)
  const room = await chat.join('harbour')
  const failed = new Promise((resolve) => chat.addEventListener('failure', resolve))
  const warnings: string[] = []
  room.addEventListener('warning', ({ detail }) => warnings.push(detail.code))

  const seed = (await store.get(['own', keys.tag, 'author'])) as Uint8Array
  const copy = new Scribe(seed, keys, crypto)
  copy.run({}) // a profile of its own
  store.narrow = true
  assert.is(await judge?.('bob', copy.write({ text: 'by a copy of us' })), 'accept')
  await failed
  assert.ok(warnings.includes('OWN_FORK'))
  await chat.stop()

  store.narrow = false
  const again = (await Chat.open({ store, crypto, clock })).room('harbour')
  assert.is((await again.send('under a new key')).seq, 2)
  const renewed = (await store.get(['own', keys.tag, 'author'])) as Uint8Array
  assert.is.not(bytesToHex(renewed), bytesToHex(seed))
})

test.run()
