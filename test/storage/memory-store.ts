import { randomBytes } from '@noble/hashes/utils.js'
import { MemoryLevel } from 'memory-level'
import { EncryptedStore, type EncryptedStoreInit } from '../../src/storage/encrypted-store.ts'

export type MemoryDatabase = MemoryLevel<Uint8Array, Uint8Array>

export function memoryLevel(): MemoryDatabase {
  return new MemoryLevel<Uint8Array, Uint8Array>({ keyEncoding: 'view', valueEncoding: 'view', storeEncoding: 'view' })
}

/** A real encrypted store that lives as long as the process. */
export function memoryStore(init: Partial<EncryptedStoreInit> = {}): Promise<EncryptedStore> {
  return EncryptedStore.open({ level: memoryLevel(), dataKey: randomBytes(32), create: true, ...init })
}
