/**
 * Reads LevelDB's files without LevelDB, which checks no table's checksums as classic-level sets it up, and ends the process
 * (a failed assertion) on some altered ones. Formats: LevelDB's doc/table_format.md and doc/log_format.md; ours are never
 * compressed. Nothing here throws on altered bytes.
 */

/** A version of a record as LevelDB keeps it: of several of one key, the highest sequence counts. */
export interface Version {
  key: Uint8Array
  sequence: bigint
  /** undefined: the key was deleted. */
  value: Uint8Array | undefined
}

/** What could be read. `whole`: that is all that was ever there, as far as checksums can tell. */
export interface Read {
  versions: Version[]
  whole: boolean
}

const FOOTER_BYTES = 48
const MAGIC = 0xdb4775248b80fb57n
const TRAILER_BYTES = 5
const LOG_BLOCK_BYTES = 32_768
const LOG_HEADER_BYTES = 7
const BATCH_HEADER_BYTES = 12
const SEQUENCE_BYTES = 8
/** Types of a log's fragments. */
const FULL = 1
const FIRST = 2
const LAST = 4
/** Fields of a VersionEdit that are more than one number. */
const COMPARATOR = 1
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7

/**
 * The records of a table (`*.ldb`), those of blocks with a wrong checksum included as far as they can be told apart: whether a
 * record is sound is for its seal to say.
 */
export function readTable(bytes: Uint8Array): Read {
  const footer = bytes.subarray(-FOOTER_BYTES)
  const isTable = footer.length === FOOTER_BYTES && viewOf(footer).getBigUint64(FOOTER_BYTES - 8, true) === MAGIC
  if (!isTable) return { versions: [], whole: false }
  const cursor = new Cursor(footer)
  const [, , offset, size] = [cursor.varint(), cursor.varint(), cursor.varint(), cursor.varint()]
  const index = blockAt(bytes, offset, size)
  const handles = entriesOf(index.block)
  const versions: Version[] = []
  let whole = index.whole && handles.whole
  for (const { value } of handles.entries) {
    const handle = new Cursor(value)
    const data = blockAt(bytes, handle.varint(), handle.varint())
    const read = entriesOf(data.block)
    const found = read.entries.map(versionOf).filter((version) => version !== undefined)
    versions.push(...found)
    whole &&= data.whole && read.whole && found.length === read.entries.length
  }
  return { versions, whole }
}

/** The batches of a log (`*.log`) up to its end; what is cut off or altered is left out, as LevelDB does. */
export function readLog(bytes: Uint8Array): Read {
  const { records, whole } = readRecords(bytes)
  return { versions: records.flatMap(batchOf), whole }
}

/** The numbers of the tables that a `MANIFEST` leaves alive: others are remains of work that a crash ended. */
export function readManifest(bytes: Uint8Array): Set<number> {
  const live = new Set<number>()
  for (const record of readRecords(bytes).records) {
    const cursor = new Cursor(record)
    while (cursor.left > 0 && !cursor.failed) applyEdit(cursor, live)
  }
  return live
}

/** One field of a VersionEdit (LevelDB's db/version_edit.cc). */
function applyEdit(cursor: Cursor, live: Set<number>): void {
  switch (cursor.varint()) {
    case COMPARATOR:
      cursor.take(cursor.varint())
      break
    case COMPACT_POINTER:
      cursor.varint()
      cursor.take(cursor.varint())
      break
    case DELETED_FILE:
      cursor.varint()
      live.delete(cursor.varint())
      break
    case NEW_FILE:
      cursor.varint()
      live.add(cursor.varint())
      cursor.varint()
      cursor.take(cursor.varint())
      cursor.take(cursor.varint())
      break
    default:
      cursor.varint()
  }
}

/** The records of a file in LevelDB's log format. After a wrong checksum the rest of its 32 KiB is left out. */
function readRecords(bytes: Uint8Array): { records: Uint8Array[]; whole: boolean } {
  const records: Uint8Array[] = []
  let whole = true
  let parts: Uint8Array[] = []
  for (let block = 0; block < bytes.length; block += LOG_BLOCK_BYTES) {
    const end = Math.min(block + LOG_BLOCK_BYTES, bytes.length)
    let at = block
    while (at + LOG_HEADER_BYTES <= end) {
      const view = viewOf(bytes.subarray(at, end))
      const type = view.getUint8(6)
      const next = at + LOG_HEADER_BYTES + view.getUint16(4, true)
      if (next > end || crcMasked(bytes.subarray(at + 6, next)) !== view.getUint32(0, true)) {
        whole = false
        parts = []
        break
      }
      if (type === FULL || type === FIRST) parts = []
      parts.push(bytes.subarray(at + LOG_HEADER_BYTES, next))
      if (type === FULL || type === LAST) {
        records.push(concat(parts))
        parts = []
      }
      at = next
    }
  }
  return { records, whole }
}

/** A position in bytes; reads past the end give zeros and set `failed`. */
class Cursor {
  readonly #bytes: Uint8Array
  at = 0
  failed = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.at
  }

  varint(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 42; factor *= 128) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    this.failed = true
    return 0
  }

  take(length: number): Uint8Array {
    const taken = this.#bytes.subarray(this.at, this.at + length)
    if (taken.length < length) this.failed = true
    this.at += length
    return taken
  }
}

/** A block without its trailer. `whole`: its checksum is right. */
function blockAt(bytes: Uint8Array, offset: number, size: number): { block: Uint8Array; whole: boolean } {
  const end = offset + size
  if (end + TRAILER_BYTES > bytes.length) return { block: bytes.subarray(offset), whole: false }
  const stored = viewOf(bytes.subarray(end, end + TRAILER_BYTES)).getUint32(1, true)
  const whole = bytes[end] === 0 && crcMasked(bytes.subarray(offset, end + 1)) === stored
  return { block: bytes.subarray(offset, end), whole }
}

interface Entry {
  key: Uint8Array
  value: Uint8Array
}

/** Keys share what they begin with; an array of restart points ends the block. */
function entriesOf(block: Uint8Array): { entries: Entry[]; whole: boolean } {
  const restarts = block.length < 4 ? -1 : viewOf(block).getUint32(block.length - 4, true)
  const end = block.length - 4 - 4 * restarts
  // Without a believable end, entries are read until they make no sense.
  const sound = restarts >= 0 && end >= 0
  const cursor = new Cursor(sound ? block.subarray(0, end) : block)
  const entries: Entry[] = []
  let last = new Uint8Array()
  while (cursor.left > 0) {
    const [shared, own, length] = [cursor.varint(), cursor.varint(), cursor.varint()]
    const key = concat([last.subarray(0, shared), cursor.take(own)])
    const value = cursor.take(length)
    if (cursor.failed || shared > last.length) return { entries, whole: false }
    entries.push({ key, value })
    last = key
  }
  return { entries, whole: sound }
}

/** In tables a key is followed by its sequence and type. */
function versionOf({ key, value }: Entry): Version | undefined {
  const length = key.length - SEQUENCE_BYTES
  if (length < 0) return undefined
  const tag = viewOf(key).getBigUint64(length, true)
  const type = tag & 0xffn
  if (type > 1n) return undefined
  return { key: key.subarray(0, length), sequence: tag >> 8n, value: type === 1n ? value : undefined }
}

function batchOf(batch: Uint8Array): Version[] {
  if (batch.length < BATCH_HEADER_BYTES) return []
  const first = viewOf(batch).getBigUint64(0, true)
  const cursor = new Cursor(batch)
  cursor.at = BATCH_HEADER_BYTES
  const versions: Version[] = []
  while (cursor.left > 0) {
    const type = cursor.take(1)[0]
    const key = cursor.take(cursor.varint())
    const value = type === 1 ? cursor.take(cursor.varint()) : undefined
    if (cursor.failed) return versions
    versions.push({ key, sequence: first + BigInt(versions.length), value })
  }
  return versions
}

function concat(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** CRC-32C (Castagnoli), the reflected polynomial. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** LevelDB stores checksums rotated and offset, so that a checksum of checksums stays sound. */
function crcMasked(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = (CRC_TABLE[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
