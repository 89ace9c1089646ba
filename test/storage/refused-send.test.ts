/** What becomes of a message when the disk refuses it: the append queue over the store that keeps its promises. */
import '../../src/shims.ts'
import { randomBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isBeacon } from '../../src/chat/beacon.ts'
import { Chat } from '../../src/chat/chat.ts'
import type { Room } from '../../src/chat/room.ts'
import type { Network } from '../../src/chat/seams.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { EncryptedStore } from '../../src/storage/encrypted-store.ts'
import type { Level } from '../../src/storage/level.ts'
import { textsIn } from '../scenario/support.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { codeOf, failing } from './failing-level.ts'
import { rejection } from './support.ts'

const test = suite('storage/refused-send')

interface Process {
  room: Room
  /** Runs told to the network. */
  published: Uint8Array[]
  end(): Promise<void>
}

async function start(level: Level, dataKey: Uint8Array, create = false): Promise<Process> {
  const store = await EncryptedStore.open({ level, dataKey, create })
  const chat = await Chat.open({ store, crypto: nativeCrypto, clock: new VirtualClock() })
  const published: Uint8Array[] = []
  const network = {
    self: 'm',
    mates: () => [],
    onMate: () => undefined,
    keepers: () => [],
    onKeeper: () => undefined,
    handle: async () => undefined,
    subscribe: () => undefined,
    unsubscribe: () => undefined,
    publish: (_topic: string, bytes: Uint8Array) => {
      if (!isBeacon(bytes)) published.push(bytes)
    },
  } as unknown as Network
  await chat.start(network)
  const room = await chat.join('harbour')
  const end = async (): Promise<void> => {
    await chat.stop()
    await store.close()
  }
  return { room, published, end }
}

for (const written of [false, true]) {
  test(`a send whose outcome is unknown (${written ? 'written' : 'not written'}) is not published, and nothing is written after it until the disk was read again`, async () => {
    const { level, fail } = failing()
    const dataKey = randomBytes(32)
    const before = await start(level, dataKey, true)
    assert.is((await before.room.send('sure')).seq, 2)
    const told = before.published.length
    fail('Input/output error', written)
    assert.is(codeOf(await rejection(before.room.send('doubtful', { cid: 'c' }))), 'EIO')
    assert.is(codeOf(await rejection(before.room.send('behind it'))), 'EIO')
    assert.is(before.published.length, told)
    await before.end()
    const { room, end } = await start(level, dataKey)
    assert.equal(await textsIn(room), written ? ['sure', 'doubtful'] : ['sure'])
    assert.is((await room.send('doubtful', { cid: 'c' })).seq, 3, 'the cid is as durable as its message')
    assert.is((await room.send('after it')).seq, 4)
    assert.equal([await textsIn(room), (await room.verify()).forks], [['sure', 'doubtful', 'after it'], 0])
    await end()
  })

  test(`a send for which there is no space (${written ? 'though it reached the log' : 'not written'}) never was: the next one takes its place`, async () => {
    const { level, fail } = failing()
    const dataKey = randomBytes(32)
    const { room, published, end } = await start(level, dataKey, true)
    await room.send('sure')
    const told = published.length
    fail('No space left on device', written)
    assert.is(codeOf(await rejection(room.send('refused', { cid: 'c' }))), 'ENOSPC')
    assert.is(published.length, told)
    assert.is((await room.send('another', { cid: 'c' })).seq, 3)
    await end()
    const again = await start(level, dataKey)
    assert.equal([await textsIn(again.room), (await again.room.verify()).forks], [['sure', 'another'], 0])
    await again.end()
  })
}

test.run()
