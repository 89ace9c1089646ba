import '../../src/shims.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from '@noble/hashes/utils.js'
import { Level as ClassicLevel } from 'level'
import { EncryptedStore } from '../../src/storage/encrypted-store.ts'
import { type Level, VIEW } from '../../src/storage/level.ts'
import { type StoreUnderTest, storeConformance } from '../conformance/store.ts'
import { memoryLevel } from './memory-store.ts'

async function rawOf(level: Level): Promise<Uint8Array[]> {
  const iterator = level.iterator(VIEW)
  const raw = (await iterator.nextv(1_000_000)).flat()
  await iterator.close()
  return raw
}

async function unit(level: Level, dispose: () => Promise<void>): Promise<StoreUnderTest> {
  const dataKey = randomBytes(32)
  let store = await EncryptedStore.open({ level, dataKey, create: true })
  return {
    store,
    async reopen() {
      await store.close()
      store = await EncryptedStore.open({ level, dataKey })
      return store
    },
    raw: () => rawOf(level),
    async dispose() {
      await store.close()
      await dispose()
    },
  }
}

storeConformance('memory-level', () => unit(memoryLevel(), async () => undefined)).run()

storeConformance('classic-level', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'p2pnode-store-'))
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  return unit(level, () => rm(directory, { recursive: true }))
}).run()
