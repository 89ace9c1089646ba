/** Node only: the encrypted store in a directory of its own. docs/STORAGE.md says what lies where. */
import { readdir, realpath, rm } from 'node:fs/promises'
import { randomBytes } from '@noble/hashes/utils.js'
import { DamagedStoreError, InvalidArgumentError, StorageError } from '../errors.ts'
import { EncryptedStore } from './encrypted-store.ts'
import { FileLedger } from './file-ledger.ts'
import { createHeader, forgetPlainKey, type Header, protect, readHeader, unlock, writeHeader } from './key-file.ts'
import { databaseOf, hasRoomToReopen, type NodeLevel, openLevel, repairNames } from './node-level.ts'
import { claim, forgetOwner, inUse, recordedOwner, refuseOwned, writeOwner } from './owner.ts'
import { fileError, keepFilesPrivate, makePrivateDirectory, restrictDirectory, systemCode } from './private-files.ts'
import { KEY_BYTES, portableSealing, type Sealing } from './sealing.ts'
import type { Store } from './store.ts'

export { storeOwner } from './owner.ts'

export interface OpenStoreInit {
  /** Made if it is not there. */
  dataDir: string
  /** 1 character or more. A new store is made with it; an existing one must have it. */
  passphrase?: string
  /** XChaCha20-Poly1305; a faster one than the default may be handed in. */
  crypto?: Sealing
  /** Make a store if there is none. @default true */
  create?: boolean
}

export interface OpenedStore {
  store: Store
  /** The real path. */
  dataDir: string
  /** It was made by this call. */
  created: boolean
}

/** A store that this process has open, with what is needed to change its keys. */
interface Owned extends OpenedStore {
  header: Header
  dataKey: Uint8Array
}

export interface Unlocked {
  dataDir: string
  header: Header
  dataKey: Uint8Array
  sealing: Sealing
  files: FileLedger
}

/**
 * Opens the store of a data directory for this process alone.
 *
 * Errors: `StoreInUseError` (`storeOwner` tells by whom), `LockedError`, `WrongPassphraseError` (nothing on disk changes),
 * `DamagedStoreError` (`repairStore` saves what is whole), `StorageError` (`ENOENT`: no store there and `create` is false; else
 * the system's own code), `P2PNodeError` (made by a newer version).
 */
export async function openStore(init: OpenStoreInit): Promise<OpenedStore> {
  const { store, dataDir, created } = await openOwned(init)
  return { store, dataDir, created }
}

/**
 * Sets (`next` only), changes (both) or removes (`old` only) the passphrase. The data key stays the same, so what is stored
 * stays, and whoever copied the key before can still read it. Errors: those of `openStore`.
 */
export async function changePassphrase(init: { dataDir: string; old?: string; next?: string; crypto?: Sealing }): Promise<void> {
  if (init.next === '') throw new InvalidArgumentError('next', 'a passphrase has at least one character')
  const opened = await openOwned({ dataDir: init.dataDir, passphrase: init.old, crypto: init.crypto, create: false })
  try {
    await protect(opened.dataDir, opened.header, opened.dataKey, init.next, init.crypto ?? portableSealing)
  } catch (error) {
    throw fileError(error)
  } finally {
    await opened.store.close()
  }
}

/** Runs `task` with the data directory claimed; `release` is the task's to call, unless it throws. */
export async function claimed<T>(
  dataDir: string,
  create: boolean,
  task: (real: string, release: () => void) => Promise<T>,
): Promise<T> {
  const real = await prepareDirectory(dataDir, create)
  const release = claim(real)
  try {
    await refuseOwned(real)
    return await task(real, release)
  } catch (error) {
    release()
    throw fileError(error)
  }
}

export async function unlockHeader(dataDir: string, header: Header, init: OpenStoreInit): Promise<Unlocked> {
  const sealing = init.crypto ?? portableSealing
  const dataKey = await unlock(dataDir, header, init.passphrase, sealing)
  return unlockedWith(dataDir, header, dataKey, sealing)
}

export function noStore(dataDir: string, cause?: unknown): StorageError {
  return new StorageError(`there is no store in ${dataDir}`, { cause, code: 'ENOENT' })
}

function openOwned(init: OpenStoreInit): Promise<Owned> {
  return claimed(init.dataDir, init.create ?? true, async (dataDir, release) => {
    const header = await readHeader(dataDir)
    if (header === undefined) return createStore(dataDir, init, release)
    return openExisting(await unlockHeader(dataDir, header, init), release)
  })
}

function unlockedWith(dataDir: string, header: Header, dataKey: Uint8Array, sealing: Sealing): Unlocked {
  return { dataDir, header, dataKey, sealing, files: new FileLedger(dataDir, databaseOf(dataDir), dataKey, sealing) }
}

/** The real path of a directory that exists. Another's directory keeps its mode: what lies in it is protected all the same. */
async function prepareDirectory(dataDir: string, create: boolean): Promise<string> {
  try {
    const made = create && (await makePrivateDirectory(dataDir))
    const real = await realpath(dataDir)
    const names = made ? [] : await readdir(real)
    if (!made && (names.length === 0 ? create : names.includes('keys'))) await restrictDirectory(real)
    return real
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw noStore(dataDir, error)
    throw fileError(error)
  }
}

/** The database is opened first: its lock keeps a second process from making another key at the same time. */
async function createStore(dataDir: string, init: OpenStoreInit, release: () => void): Promise<Owned> {
  if (init.passphrase === '') throw new InvalidArgumentError('passphrase', 'a passphrase has at least one character')
  const missing = new DamagedStoreError('the file "keys" is missing: put it back from a copy')
  if (await FileLedger.exists(dataDir)) throw missing
  if (init.create === false) throw noStore(dataDir)
  const level = await openLevel(dataDir, true)
  try {
    if ((await readHeader(dataDir)) !== undefined) throw inUse(dataDir, await recordedOwner(dataDir))
    for await (const _ of level.keys({ limit: 1 })) throw missing
    const sealing = init.crypto ?? portableSealing
    const dataKey = randomBytes(KEY_BYTES)
    const header = await createHeader(dataDir, dataKey, init.passphrase, sealing)
    return await finishOpening(unlockedWith(dataDir, header, dataKey, sealing), level, 0, release)
  } catch (error) {
    await level.close()
    throw error
  }
}

async function openExisting(unlocked: Unlocked, release: () => void): Promise<Owned> {
  const { dataDir, header, files } = unlocked
  if (header.state === 'new') return finishOpening(unlocked, await openLevel(dataDir, true), 0, release)
  const content = await files.verify()
  await files.markOpen(content)
  return finishOpening(unlocked, await openLevel(dataDir, false), content.batches, release)
}

/** The level's lock is held from here on. */
async function finishOpening(unlocked: Unlocked, level: NodeLevel, batches: number, release: () => void): Promise<Owned> {
  const { dataDir, header, dataKey, sealing, files } = unlocked
  const created = header.state === 'new'
  let modes: { stop(): Promise<void> } | undefined
  try {
    await writeOwner(dataDir)
    modes = await keepFilesPrivate(databaseOf(dataDir))
    const store = await EncryptedStore.open({
      level,
      dataKey,
      sealing,
      create: created,
      batches,
      hasRoom: () => hasRoomToReopen(dataDir),
      async onClose(clean, written) {
        try {
          await modes?.stop()
          if (clean) await markClosed(files, written)
          await forgetOwner(dataDir)
        } finally {
          release()
        }
      },
    })
    if (created) {
      await files.writeEmpty()
      await writeHeader(dataDir, { ...header, state: 'ready' })
    }
    if (header.passphrase !== undefined) await forgetPlainKey(dataDir)
    // What an interrupted repair left behind: the database that opened is the repaired one.
    for (const path of Object.values(repairNames(dataDir))) await rm(path, { recursive: true, force: true })
    return { store, dataDir, created, header: { ...header, state: 'ready' }, dataKey }
  } catch (error) {
    await modes?.stop()
    await forgetOwner(dataDir)
    await level.close()
    throw error
  }
}

async function markClosed(files: FileLedger, batches: number): Promise<void> {
  try {
    await files.markClosed(batches)
  } catch (error) {
    // Everything acknowledged is on the disk. Without room for the ledger the next opening finds what it finds after a crash.
    const failure = fileError(error)
    if (!(failure instanceof StorageError)) throw failure
  }
}
