/**
 * Node only. The file `ledger` beside the database: at a clean stop the size and hash of each of its files, so that a cut log,
 * an altered table or a file from elsewhere is noticed before LevelDB (which drops what it cannot read) sees it. While the
 * store is open, and after a crash, it lists only the tables that were there at the last clean stop: those never change.
 */
import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { DamagedStoreError } from '../errors.ts'
import { brokenTables } from './node-level.ts'
import { readOptional, syncDirectory, syncFile, systemCode, writePrivate } from './private-files.ts'
import { deriveKey, type Sealing } from './sealing.ts'

const LEDGER_FILE = 'ledger'
const AAD = utf8ToBytes('p2pnode/store/v1/ledger')
const READ_BYTES = 1024 * 1024

/** LevelDB's own files that hold data. Its LOG is for people, its LOCK is empty. */
const DATA_FILE = /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb|sst))$/
const TABLE_FILE = /^\d+\.(ldb|sst)$/

interface FileEntry {
  size: number
  /** Hex. */
  sha256: string
}

interface Content {
  clean: boolean
  /** The database's counter of batches when this was written: it never goes back. */
  batches: number
  files: Record<string, FileEntry>
}

export class FileLedger {
  readonly #path: string
  readonly #database: string
  readonly #sealing: Sealing
  readonly #key: Uint8Array
  /** Tables hashed before: they do not change under one name, size and time. */
  readonly #known = new Map<string, FileEntry & { time: number }>()

  constructor(dataDir: string, database: string, dataKey: Uint8Array, sealing: Sealing) {
    this.#path = join(dataDir, LEDGER_FILE)
    this.#database = database
    this.#sealing = sealing
    this.#key = deriveKey(dataKey, 'files')
  }

  static async exists(dataDir: string): Promise<boolean> {
    return (await readOptional(join(dataDir, LEDGER_FILE))) !== undefined
  }

  /**
   * Compares the files with the ledger. `clean`: every byte is as it was when the store was closed. Writes nothing; throws
   * `DamagedStoreError`.
   */
  async verify(): Promise<Content> {
    for (;;) {
      const content = await this.#read()
      const difference = await this.#difference(content)
      if (difference === undefined) return content
      // Another process may be opening the store at this moment: then its lock says so.
      const now = await this.#read()
      if (now.clean === content.clean && now.batches === content.batches) throw new DamagedStoreError(difference)
    }
  }

  /** Before the database is opened: from here on a crash is no damage. */
  async markOpen(content: Content): Promise<void> {
    if (!content.clean) return
    const tables = Object.entries(content.files).filter(([name]) => TABLE_FILE.test(name))
    await this.#write({ clean: false, batches: content.batches, files: Object.fromEntries(tables) })
  }

  async writeEmpty(): Promise<void> {
    await this.#write({ clean: false, batches: 0, files: {} })
  }

  /** After the database was closed. */
  async markClosed(batches: number): Promise<void> {
    const files: Record<string, FileEntry> = {}
    for (const name of await this.#names()) {
      if (!TABLE_FILE.test(name)) await syncFile(join(this.#database, name))
      files[name] = await this.#hash(name)
    }
    await syncDirectory(this.#database)
    await this.#write({ clean: true, batches, files })
  }

  /** What differs, in words. */
  async #difference({ clean, files }: Content): Promise<string | undefined> {
    const names = await this.#names()
    for (const [name, { size, sha256 }] of Object.entries(files)) {
      if (!names.includes(name)) {
        if (clean) return `the file "${name}" of the database is missing`
        continue
      }
      const found = await this.#hash(name)
      if (found.size !== size) return `the file "${name}" of the database has ${found.size} bytes instead of ${size}`
      if (found.sha256 !== sha256) return `the file "${name}" of the database was altered`
    }
    // LevelDB looks at no table's checksums, and does not survive every altered one.
    const [broken] = clean ? [] : await brokenTables(this.#database, new Set(Object.keys(files)))
    if (broken !== undefined) return `the file "${broken}" of the database was altered`
    const alien = clean ? names.find((name) => files[name] === undefined) : undefined
    return alien === undefined ? undefined : `the file "${alien}" does not belong to the database`
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#database)).filter((name) => DATA_FILE.test(name)).sort()
    } catch (error) {
      if (systemCode(error) === 'ENOENT') throw new DamagedStoreError('the database is missing', { cause: error })
      throw error
    }
  }

  async #hash(name: string): Promise<FileEntry> {
    const path = join(this.#database, name)
    const { size, mtimeMs } = await stat(path)
    const known = this.#known.get(name)
    if (known?.size === size && known.time === mtimeMs && TABLE_FILE.test(name)) return known
    const entry = { size, sha256: await hashOf(path) }
    this.#known.set(name, { ...entry, time: mtimeMs })
    return entry
  }

  async #read(): Promise<Content> {
    const sealed = await readOptional(this.#path)
    if (sealed === undefined) throw new DamagedStoreError(`the file "${LEDGER_FILE}" is missing`)
    const bytes = this.#sealing.open(this.#key, new Uint8Array(sealed), AAD)
    if (bytes === undefined) throw new DamagedStoreError(`the file "${LEDGER_FILE}" was altered`)
    // Sealed by this program: its shape needs no second look.
    return JSON.parse(new TextDecoder().decode(bytes)) as Content
  }

  async #write(content: Content): Promise<void> {
    await writePrivate(this.#path, this.#sealing.seal(this.#key, utf8ToBytes(JSON.stringify(content)), AAD))
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, 'r')
  try {
    const buffer = new Uint8Array(READ_BYTES)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES)
      if (bytesRead === 0) break
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
  return bytesToHex(hash.digest())
}
