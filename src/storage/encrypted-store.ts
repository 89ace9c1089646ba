import { ClosedError, DamagedStoreError, StorageError } from '../errors.ts'
import type { Dictionary } from './dictionary.ts'
import { GroupQueue } from './group-queue.ts'
import { decodeKey, dictionaryKey, encodeKey, keyAfterPrefix, tableName } from './key-codec.ts'
import { latin1 } from './latin1.ts'
import { LEDGER_KEY, type Ledger } from './ledger.ts'
import { type Level, type LevelOperation, type LevelRange, SYNCED, VIEW, valuesAt } from './level.ts'
import { isFull, storeError } from './level-errors.ts'
import { loadLevel, openRecord, plain, readLedger } from './load-level.ts'
import { deriveKey, portableSealing, type Sealing } from './sealing.ts'
import type { Key, Operation, RangeOptions, Store } from './store.ts'

export interface EncryptedStoreInit {
  /** Opened or not; closed together with the store. Nobody else may use it. */
  level: Level
  /** 32 bytes. */
  dataKey: Uint8Array
  /** @default portableSealing */
  sealing?: Sealing
  /** Make a store where the database is empty; otherwise an empty database is a damaged one. @default false */
  create?: boolean
  /** The database has seen at least this many batches: fewer is a rolled back one. @default 0 */
  batches?: number
  /** Asked before the database is reopened after the disk was full: a reopening that fails would cost the readers. */
  hasRoom?: () => Promise<boolean>
  /** After the database was closed. `clean` is false if a write's outcome is unknown or something was found damaged. */
  onClose?: (clean: boolean, batches: number) => Promise<void>
}

/** An entry of a group: its place, and what is to stand there (undefined: nothing). */
interface Change {
  key: Uint8Array
  sealed: Uint8Array | undefined
}

/** What a range reads ahead: records, and bytes. */
const RANGE_STEP = 64
const RANGE_BYTES = 256 * 1024

/**
 * A `Store` over any abstract-level. Values are sealed with their key as AAD; every batch is one atomic synced write of the
 * database and carries the ledger by which a lost record is noticed.
 */
export class EncryptedStore implements Store {
  readonly #level: Level
  readonly #sealing: Sealing
  readonly #key: Uint8Array
  readonly #hasRoom: () => Promise<boolean>
  readonly #onClose: (clean: boolean, batches: number) => Promise<void>
  readonly #dictionary: Dictionary
  readonly #queue = new GroupQueue((operations) => this.#write(operations))
  #ledger: Ledger
  /** The disk was full: the database takes no writes until it is reopened. What it may have half written is undone then. */
  #undo: Change[] | undefined
  #recovery: Promise<void> | undefined
  #failed: Error | undefined
  #damaged = false
  #closing: Promise<void> | undefined

  private constructor(init: EncryptedStoreInit, key: Uint8Array, dictionary: Dictionary, ledger: Ledger) {
    this.#level = init.level
    this.#sealing = init.sealing ?? portableSealing
    this.#key = key
    this.#hasRoom = init.hasRoom ?? (async () => true)
    this.#onClose = init.onClose ?? (async () => undefined)
    this.#dictionary = dictionary
    this.#ledger = ledger
  }

  /** Throws `DamagedStoreError`, `StorageError`; the level is closed then. */
  static async open(init: EncryptedStoreInit): Promise<EncryptedStore> {
    const key = deriveKey(init.dataKey, 'values')
    const sealing = init.sealing ?? portableSealing
    try {
      await init.level.open()
      const { dictionary, ledger } = await loadLevel({ ...init, sealing, key })
      return new EncryptedStore(init, key, dictionary, ledger)
    } catch (error) {
      await init.level.close()
      throw storeError(error)
    }
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    const encoded = encodeKey(key, this.#dictionary.numberOf)
    const sealed = await this.#reading(async () => (encoded === undefined ? undefined : await this.#level.get(encoded, VIEW)))
    return encoded === undefined || sealed === undefined ? undefined : this.#open(encoded, sealed)
  }

  async getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    const encoded = keys.map((key) => encodeKey(key, this.#dictionary.numberOf))
    const known = encoded.filter((key) => key !== undefined)
    const sealed = await this.#reading(() => this.#level.getMany(known, VIEW))
    let next = 0
    return encoded.map((key) => {
      const value = key === undefined ? undefined : sealed[next++]
      return key === undefined || value === undefined ? undefined : this.#open(key, value)
    })
  }

  async batch(operations: Operation[]): Promise<void> {
    for (const { key } of operations) encodeKey(key, () => 1)
    this.#assertOpen()
    if (operations.length > 0) await this.#queue.push(operations)
  }

  async *range(prefix: Key, { reverse = false, limit = Infinity }: RangeOptions = {}): AsyncIterable<[Key, Uint8Array]> {
    this.#assertOpen()
    const encoded = encodeKey(prefix, this.#dictionary.numberOf)
    if (encoded === undefined) return
    let left = limit
    let last: Uint8Array | undefined
    while (left > 0) {
      // One snapshot throughout, unless the database had to be reopened: then on from the last key.
      const bounds = boundsOf(encoded, last, reverse)
      const options = { ...VIEW, ...bounds, reverse, highWaterMarkBytes: RANGE_BYTES }
      const iterator = await this.#reading(async () => this.#level.iterator(options))
      try {
        while (left > 0) {
          const entries = await this.#reading(() => iterator.nextv(Math.min(RANGE_STEP, left)))
          if (entries.length === 0) return
          for (const [each, sealed] of entries) {
            this.#assertOpen()
            const key = plain(each)
            yield [this.#decode(key), this.#open(key, sealed)]
            last = key
            left--
          }
        }
      } catch (error) {
        if (!(error instanceof ClosedError) || this.#closing !== undefined) throw error
      } finally {
        await iterator.close()
      }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#queue.idle()
    if (this.#undo !== undefined && this.#failed === undefined) {
      try {
        await this.#recover()
      } catch (error) {
        // Still full: what was refused never reached the disk.
        if (!isFull(error)) this.#failed = storeError(error)
      }
    }
    await this.#level.close()
    const clean = this.#failed === undefined && this.#undo === undefined && !this.#damaged
    await this.#onClose(clean, this.#ledger.batches)
  }

  async #write(operations: Operation[]): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed
    if (this.#undo !== undefined) await this.#recover()
    try {
      const changes = this.#changes(operations)
      const keys = changes.map(({ key }) => key)
      const before = await valuesAt(this.#level, keys)
      const ledger = this.#ledger.clone()
      for (const [i, { key, sealed }] of changes.entries()) ledger.replace(key[0] ?? 0, before[i], sealed)
      ledger.batches++
      await this.#put(
        changes,
        ledger,
        changes.map(({ key }, i) => ({ key, sealed: before[i] })),
      )
      this.#dictionary.commit()
      this.#ledger = ledger
    } catch (error) {
      this.#dictionary.rollback()
      throw this.#writeFailed(error)
    }
  }

  /** Later operations on a key replace earlier ones; new names come along. */
  #changes(operations: Operation[]): Change[] {
    const changes = new Map<string, Change>()
    for (const operation of operations) {
      const key = encodeKey(operation.key, this.#dictionary.stage)
      if (key === undefined) throw new TypeError('a staged name has no number')
      const sealed = operation.type === 'put' ? this.#seal(key, operation.value) : undefined
      changes.set(latin1(key), { key, sealed })
    }
    const names = this.#dictionary.staged.map(({ number, name }) => {
      const key = dictionaryKey(number)
      return { key, sealed: this.#seal(key, name) }
    })
    return [...names, ...changes.values()]
  }

  /** One synced batch. `undo` is what stood there before. */
  async #put(changes: Change[], ledger: Ledger, undo: Change[]): Promise<void> {
    const last: Change = { key: LEDGER_KEY, sealed: this.#seal(LEDGER_KEY, ledger.encode()) }
    const batch = [...changes, last].map(
      ({ key, sealed }): LevelOperation => (sealed === undefined ? { type: 'del', key } : { type: 'put', key, value: sealed }),
    )
    try {
      await this.#level.batch(batch, SYNCED)
    } catch (error) {
      const failure = storeError(error)
      if (isFull(failure)) this.#undo = undo
      throw failure
    }
  }

  #writeFailed(error: unknown): Error {
    const failure = storeError(error)
    if (isFull(failure)) return noSpace(failure)
    const message = `a write failed and its outcome is unknown (${failure.message}): open the store again`
    this.#failed = failure instanceof DamagedStoreError ? failure : new StorageError(message, { cause: failure })
    // Not awaited: closing waits for the queue, and this runs inside it.
    this.close().catch((reason: unknown) => {
      this.#failed = storeError(reason)
    })
    return this.#failed
  }

  /**
   * After the disk was full: LevelDB's log may end in half a batch, and anything appended to it would be lost at the next
   * opening. So the database is closed and opened again, once there is room for that, before anything else is written.
   */
  #recover(): Promise<void> {
    this.#recovery ??= this.#reopen().finally(() => {
      this.#recovery = undefined
    })
    return this.#recovery
  }

  async #reopen(): Promise<void> {
    const undo = this.#undo
    if (undo === undefined) return
    if (!(await this.#hasRoom())) throw noSpace()
    try {
      await this.#level.close()
      await this.#level.open()
      const stored = await readLedger(this.#level, this.#sealing, this.#key)
      // The refused batch did reach the log: the buffers of a failed write may be flushed when the file is closed.
      if (stored?.batches === this.#ledger.batches + 1) await this.#put(undo, this.#ledger, undo)
      else if (stored?.batches !== this.#ledger.batches) throw new DamagedStoreError('the database lost acknowledged batches')
      this.#undo = undefined
    } catch (error) {
      throw storeError(error)
    }
  }

  /** Runs a read while the database is open; a reopening under way is waited for. */
  async #reading<T>(read: () => Promise<T>): Promise<T> {
    this.#assertOpen()
    // How it ends is for the writer who started it; a reader only needs the database open again.
    await this.#recovery?.catch(() => undefined)
    if (this.#undo !== undefined && this.#level.status === 'closed') await this.#recover()
    try {
      return await read()
    } catch (error) {
      const failure = storeError(error)
      if (failure instanceof DamagedStoreError) this.#damaged = true
      throw this.#failed ?? failure
    }
  }

  #assertOpen(): void {
    if (this.#failed !== undefined) throw this.#failed
    if (this.#closing !== undefined) throw new ClosedError('the store is closed')
  }

  #seal(key: Uint8Array, value: Uint8Array): Uint8Array {
    return this.#sealing.seal(this.#key, value, key)
  }

  #open(key: Uint8Array, sealed: Uint8Array): Uint8Array {
    try {
      return openRecord(this.#sealing, this.#key, key, sealed)
    } catch (error) {
      this.#damaged = true
      throw error
    }
  }

  #decode(bytes: Uint8Array): Key {
    const key = decodeKey(bytes, this.#dictionary.nameOf)
    if (key !== undefined) return key
    this.#damaged = true
    throw new DamagedStoreError(`table "${tableName(bytes[0] ?? 0)}" has a key that means nothing`)
  }
}

function noSpace(cause?: Error): StorageError {
  return new StorageError('no space left for the store: nothing was written', { cause, code: 'ENOSPC' })
}

function boundsOf(prefix: Uint8Array, last: Uint8Array | undefined, reverse: boolean): LevelRange {
  const after = keyAfterPrefix(prefix)
  const upper = after === undefined ? {} : { lt: after }
  if (last === undefined) return { gte: prefix, ...upper }
  return reverse ? { gte: prefix, lt: last } : { gt: last, ...upper }
}
