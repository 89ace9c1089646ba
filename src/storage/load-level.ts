import { DamagedStoreError } from '../errors.ts'
import { Dictionary } from './dictionary.ts'
import { DICTIONARY_BYTE, decodeKey, dictionaryNumber, LEDGER_BYTE, tableName } from './key-codec.ts'
import { LEDGER_KEY, Ledger } from './ledger.ts'
import { type Level, type LevelRange, SYNCED, VIEW } from './level.ts'
import type { Sealing } from './sealing.ts'

/** Bytes and records that a scan holds at a time. */
const SCAN_BYTES = 1024 * 1024
const SCAN_STEP = 1000

interface LoadInit {
  level: Level
  sealing: Sealing
  /** The values' key. */
  key: Uint8Array
  create?: boolean
  batches?: number
}

/**
 * Reads the names and the ledger of an open level, and compares every record's key and tag with the ledger. Values are not
 * opened here (that takes seconds for 100,000); one that was altered is found by its read.
 */
export async function loadLevel(init: LoadInit): Promise<{ dictionary: Dictionary; ledger: Ledger }> {
  const { level, sealing, key } = init
  const stored = await readLedger(level, sealing, key)
  if (stored === undefined) {
    if (init.create !== true) throw new DamagedStoreError('the database is empty and must not be')
    return { dictionary: new Dictionary(), ledger: await createLedger(init) }
  }
  const found = new Ledger()
  const dictionary = await loadDictionary(init, found)
  await eachRecord(level, { lt: Uint8Array.of(DICTIONARY_BYTE) }, (recordKey, sealed) => {
    const table = recordKey[0] ?? 0
    if (decodeKey(recordKey, dictionary.nameOf) === undefined) {
      throw new DamagedStoreError(`table "${tableName(table)}" has a key that means nothing`)
    }
    found.replace(table, undefined, sealed)
  })
  if (stored.batches < (init.batches ?? 0)) throw new DamagedStoreError('the database is older than at the last clean stop')
  const difference = stored.difference(found)
  if (difference !== undefined) throw new DamagedStoreError(`the database is damaged: ${difference}`)
  return { dictionary, ledger: stored }
}

/** undefined if the database has none. Throws `DamagedStoreError` if it does not open. */
export async function readLedger(level: Level, sealing: Sealing, key: Uint8Array): Promise<Ledger | undefined> {
  const sealed = await level.get(LEDGER_KEY, VIEW)
  if (sealed === undefined) return undefined
  const ledger = Ledger.decode(openRecord(sealing, key, LEDGER_KEY, sealed))
  if (ledger === undefined) throw new DamagedStoreError('the ledger of the database has an unknown form')
  return ledger
}

/** classic-level gives Buffers, whose `slice` shares memory where a Uint8Array's copies. None leaves or reaches the sealing. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

export function openRecord(sealing: Sealing, key: Uint8Array, recordKey: Uint8Array, sealed: Uint8Array): Uint8Array {
  const value = sealing.open(key, plain(sealed), plain(recordKey))
  if (value !== undefined) return plain(value)
  const table = recordKey[0] ?? 0
  const place = table === LEDGER_BYTE ? 'the ledger of the database' : `a record of table "${tableName(table)}"`
  throw new DamagedStoreError(`${place} was altered: it does not open under the store's key`)
}

/** Calls `visit` for each record between the bounds, in key order. */
export async function eachRecord(
  level: Level,
  bounds: LevelRange,
  visit: (key: Uint8Array, sealed: Uint8Array) => void,
): Promise<void> {
  const iterator = level.iterator({ ...VIEW, ...bounds, highWaterMarkBytes: SCAN_BYTES })
  try {
    for (;;) {
      const entries = await iterator.nextv(SCAN_STEP)
      if (entries.length === 0) return
      for (const [key, sealed] of entries) visit(plain(key), plain(sealed))
    }
  } finally {
    await iterator.close()
  }
}

async function createLedger({ level, sealing, key }: LoadInit): Promise<Ledger> {
  await eachRecord(level, {}, () => {
    throw new DamagedStoreError('the database has records but no ledger')
  })
  const ledger = new Ledger()
  const value = sealing.seal(key, ledger.encode(), LEDGER_KEY)
  await level.batch([{ type: 'put', key: LEDGER_KEY, value }], SYNCED)
  return ledger
}

async function loadDictionary({ level, sealing, key }: LoadInit, found: Ledger): Promise<Dictionary> {
  const dictionary = new Dictionary()
  const bounds = { gte: Uint8Array.of(DICTIONARY_BYTE), lt: Uint8Array.of(LEDGER_BYTE) }
  await eachRecord(level, bounds, (recordKey, sealed) => {
    const number = dictionaryNumber(recordKey)
    if (number === undefined) throw new DamagedStoreError('the table of names has a key that means nothing')
    dictionary.load(number, openRecord(sealing, key, recordKey, sealed))
    found.replace(DICTIONARY_BYTE, undefined, sealed)
  })
  return dictionary
}
