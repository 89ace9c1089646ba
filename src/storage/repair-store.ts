/** Node only. */
import { rename, rm, stat } from 'node:fs/promises'
import { Dictionary } from './dictionary.ts'
import { DICTIONARY_BYTE, decodeKey, dictionaryNumber, LEDGER_BYTE, TABLE_BYTE } from './key-codec.ts'
import { readHeader } from './key-file.ts'
import { LEDGER_KEY, Ledger } from './ledger.ts'
import { type LevelOperation, SYNCED } from './level.ts'
import { storeError } from './level-errors.ts'
import { plain } from './load-level.ts'
import { databaseOf, eachNewest, type NodeLevel, openLevelAt, repairNames } from './node-level.ts'
import { claimed, noStore, type OpenStoreInit, type Unlocked, unlockHeader } from './open-store.ts'
import { inUse, recordedOwner } from './owner.ts'
import { keepFilesPrivate, syncDirectory, systemCode } from './private-files.ts'
import { deriveKey } from './sealing.ts'
import type { Key, Table } from './store.ts'

export interface Repaired {
  /** Records that are whole, per table. */
  kept: Record<Table, number>
  /** Records that were lost or do not open, per table. */
  dropped: Record<Table, number>
  /** False if the count of what should be there was lost too: `dropped` holds only what was found broken then. */
  exact: boolean
}

/** Bytes of one batch of the new database. */
const STEP_BYTES = 1024 * 1024

/**
 * Makes a damaged store usable again: writes a new database of the records that open, and puts it in the place of the damaged
 * one. A kept record is one that this store wrote, but it may be an older version, or one that was deleted since: `leaveOut`
 * names what must never go back in time. Takes the store exclusively and leaves it
 * closed; may be interrupted and repeated. Errors: those of `openStore`; `DamagedStoreError` if a file without which nothing
 * opens (`keys`, `key`) is itself damaged.
 */
export function repairStore(
  init: Omit<OpenStoreInit, 'create'>,
  leaveOut: (key: Key) => boolean = () => false,
): Promise<Repaired> {
  return claimed(init.dataDir, false, async (dataDir, release) => {
    // LevelDB's lock is not asked here, so an owner that merely may be alive counts.
    const owner = await recordedOwner(dataDir)
    if (owner !== undefined && owner !== process.pid) throw inUse(dataDir, owner)
    const header = await readHeader(dataDir)
    if (header === undefined) throw noStore(dataDir)
    const unlocked = await unlockHeader(dataDir, header, init)
    try {
      return await repairUnlocked(unlocked, leaveOut)
    } catch (error) {
      throw storeError(error)
    } finally {
      release()
    }
  })
}

async function repairUnlocked(
  { dataDir, dataKey, sealing, files }: Unlocked,
  leaveOut: (key: Key) => boolean,
): Promise<Repaired> {
  const current = databaseOf(dataDir)
  const { next, old } = repairNames(dataDir)
  await rm(next, { recursive: true, force: true })
  const level = await openLevelAt(next, true)
  const modes = await keepFilesPrivate(next)
  const rebuild = new Rebuild(level, sealing.open, deriveKey(dataKey, 'values'), leaveOut)
  try {
    // An interrupted repair may have left the damaged database under its other name only.
    await rebuild.run((await exists(current)) ? current : old)
    await rebuild.writeLedger(sealing.seal)
  } finally {
    await level.close()
    await modes.stop()
  }
  // The old file speaks of the old database. A crash from here on leaves a store that opens, or one to be repaired again.
  await files.writeEmpty()
  if (await exists(current)) {
    await rm(old, { recursive: true, force: true })
    await rename(current, old)
  }
  await rename(next, current)
  await syncDirectory(dataDir)
  await files.markClosed(rebuild.found.batches)
  await rm(old, { recursive: true, force: true })
  return rebuild.report()
}

type Open = (key: Uint8Array, sealed: Uint8Array, aad: Uint8Array) => Uint8Array | undefined
type Seal = (key: Uint8Array, plaintext: Uint8Array, aad: Uint8Array) => Uint8Array

/** Fills an empty database with what opens. */
class Rebuild {
  readonly found = new Ledger()
  readonly #level: NodeLevel
  readonly #open: Open
  readonly #key: Uint8Array
  readonly #leaveOut: (key: Key) => boolean
  readonly #dictionary = new Dictionary()
  readonly #drops = new Map<number, number>()
  #before: Ledger | undefined
  #batch: LevelOperation[] = []
  #bytes = 0

  constructor(level: NodeLevel, open: Open, key: Uint8Array, leaveOut: (key: Key) => boolean) {
    this.#level = level
    this.#open = open
    this.#key = key
    this.#leaveOut = leaveOut
  }

  async run(directory: string): Promise<void> {
    // Names first: a record whose key holds a lost one is lost as well.
    await eachNewest(directory, async (key, sealed) => {
      if ((key[0] ?? 0) >= DICTIONARY_BYTE) await this.#keepOwn(plain(key), plain(sealed))
    })
    await eachNewest(directory, async (key, sealed) => {
      if ((key[0] ?? 0) < DICTIONARY_BYTE) await this.#keep(plain(key), plain(sealed))
    })
    await this.#flush()
  }

  async writeLedger(seal: Seal): Promise<void> {
    this.found.batches = (this.#before?.batches ?? 0) + 1
    await this.#level.batch([{ type: 'put', key: LEDGER_KEY, value: seal(this.#key, this.found.encode(), LEDGER_KEY) }], SYNCED)
  }

  report(): Repaired {
    const kept: Record<Table, number> = { node: 0, room: 0, run: 0, own: 0, cid: 0, lease: 0, kept: 0, horizon: 0 }
    const dropped = { ...kept }
    for (const [table, byte] of Object.entries(TABLE_BYTE) as [Table, number][]) {
      kept[table] = this.found.count(byte)
      dropped[table] = Math.max(this.#drops.get(byte) ?? 0, (this.#before?.count(byte) ?? 0) - this.found.count(byte))
    }
    return { kept, dropped, exact: this.#before !== undefined }
  }

  async #keepOwn(key: Uint8Array, sealed: Uint8Array): Promise<void> {
    const value = this.#open(this.#key, sealed, key)
    if (value === undefined) return
    const number = dictionaryNumber(key)
    if (key[0] === LEDGER_BYTE) {
      this.#before = Ledger.decode(value)
    } else if (number !== undefined) {
      this.#dictionary.load(number, value)
      await this.#put(key, sealed)
    }
  }

  async #keep(key: Uint8Array, sealed: Uint8Array): Promise<void> {
    const name = decodeKey(key, this.#dictionary.nameOf)
    if (name !== undefined && this.#leaveOut(name)) return
    const readable = name !== undefined && this.#open(this.#key, sealed, key) !== undefined
    const table = key[0] ?? 0
    if (readable) await this.#put(key, sealed)
    else this.#drops.set(table, (this.#drops.get(table) ?? 0) + 1)
  }

  async #put(key: Uint8Array, value: Uint8Array): Promise<void> {
    this.found.replace(key[0] ?? 0, undefined, value)
    this.#batch.push({ type: 'put', key, value })
    this.#bytes += value.length
    if (this.#bytes > STEP_BYTES) await this.#flush()
  }

  async #flush(): Promise<void> {
    await this.#level.batch(this.#batch, SYNCED)
    this.#batch = []
    this.#bytes = 0
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
