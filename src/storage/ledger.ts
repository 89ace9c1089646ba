import { LEDGER_BYTE, tableName } from './key-codec.ts'
import { TAG_BYTES } from './sealing.ts'

/** Where the ledger lies in the database. */
export const LEDGER_KEY = Uint8Array.of(LEDGER_BYTE)

const FORMAT = 1
const HEADER_BYTES = 7
const ENTRY_BYTES = 1 + 6 + TAG_BYTES

interface Entry {
  count: number
  /** XOR of the AEAD tags of the table's records. A tag depends on key, nonce and value. */
  sum: Uint8Array
}

/**
 * How many records each table has, and a sum over their tags, rewritten by every batch: a record that is gone, or stands in an
 * older version, while the rest of the store went on, shows in a scan. It finds what disks and files lose; somebody who kept
 * several older copies of the same database might put together one that passes.
 */
export class Ledger {
  /** Batches written since the store was made. */
  batches = 0
  readonly #tables = new Map<number, Entry>()

  /** A record appears, changes or goes: undefined is "no record". */
  replace(table: number, before: Uint8Array | undefined, after: Uint8Array | undefined): void {
    if (before !== undefined) this.#add(table, before, -1)
    if (after !== undefined) this.#add(table, after, 1)
  }

  count(table: number): number {
    return this.#tables.get(table)?.count ?? 0
  }

  clone(): Ledger {
    const copy = new Ledger()
    copy.batches = this.batches
    for (const [table, { count, sum }] of this.#tables) copy.#tables.set(table, { count, sum: sum.slice() })
    return copy
  }

  /** What differs from the records found, in words; undefined if nothing does. */
  difference(found: Ledger): string | undefined {
    for (const table of new Set([...this.#tables.keys(), ...found.#tables.keys()])) {
      const mine = this.#tables.get(table)
      const theirs = found.#tables.get(table)
      const expected = mine?.count ?? 0
      const present = theirs?.count ?? 0
      if (expected !== present) return `table "${tableName(table)}" must have ${expected} records and has ${present}`
      const same = mine === undefined || mine.sum.every((byte, i) => byte === (theirs?.sum[i] ?? 0))
      if (!same) return `table "${tableName(table)}" has an altered or outdated record`
    }
    return undefined
  }

  encode(): Uint8Array {
    const bytes = new Uint8Array(HEADER_BYTES + this.#tables.size * ENTRY_BYTES)
    const view = new DataView(bytes.buffer)
    view.setUint8(0, FORMAT)
    writeUint48(view, 1, this.batches)
    let at = HEADER_BYTES
    for (const [table, { count, sum }] of this.#tables) {
      view.setUint8(at, table)
      writeUint48(view, at + 1, count)
      bytes.set(sum, at + 7)
      at += ENTRY_BYTES
    }
    return bytes
  }

  /** undefined if these are not the bytes of a ledger. */
  static decode(bytes: Uint8Array): Ledger | undefined {
    if (bytes[0] !== FORMAT || bytes.length < HEADER_BYTES || (bytes.length - HEADER_BYTES) % ENTRY_BYTES !== 0) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const ledger = new Ledger()
    ledger.batches = readUint48(view, 1)
    for (let at = HEADER_BYTES; at < bytes.length; at += ENTRY_BYTES) {
      ledger.#tables.set(view.getUint8(at), { count: readUint48(view, at + 1), sum: bytes.slice(at + 7, at + ENTRY_BYTES) })
    }
    return ledger
  }

  #add(table: number, sealed: Uint8Array, sign: 1 | -1): void {
    let entry = this.#tables.get(table)
    if (entry === undefined) {
      entry = { count: 0, sum: new Uint8Array(TAG_BYTES) }
      this.#tables.set(table, entry)
    }
    entry.count += sign
    const tag = sealed.length - TAG_BYTES
    for (let i = 0; i < TAG_BYTES; i++) entry.sum[i] = (entry.sum[i] ?? 0) ^ (sealed[tag + i] ?? 0)
  }
}

function writeUint48(view: DataView, at: number, value: number): void {
  view.setUint16(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 2, value % 2 ** 32)
}

function readUint48(view: DataView, at: number): number {
  return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2)
}
