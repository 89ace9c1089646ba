/**
 * Node only. The header file `keys`: format number, and how the data key is got at. With a passphrase it holds the data key
 * wrapped; without one the data key lies beside it in the file `key`.
 */
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { DamagedStoreError, LockedError, P2PNodeError, WrongPassphraseError } from '../errors.ts'
import { readOptional, systemCode, temporaryOf, writePrivate } from './private-files.ts'
import { deriveKey, KEY_BYTES, type Sealing } from './sealing.ts'

/** Of the whole data directory. Higher numbers are refused. */
export const STORE_FORMAT = 1

const HEADER_FILE = 'keys'
const KEY_FILE = 'key'
const WRAP_AAD = utf8ToBytes('p2pnode/store/v1/wrap')
const CHECK_BYTES = 16
const SALT_BYTES = 16

/** What new passphrases are stretched with: 64 MiB, about 0.3 s. Stored, so that it can be raised. */
const ARGON2ID = { memoryKiB: 65_536, iterations: 3, parallelism: 1 }
/** What a header may ask for: beyond it somebody wants this process to hang. */
const MAX_ARGON2ID = { memoryKiB: 4 * 1024 * 1024, iterations: 1000, parallelism: 64 }

interface Wrapped {
  kdf: 'argon2id'
  memoryKiB: number
  iterations: number
  parallelism: number
  /** Hex. */
  salt: string
  /** Hex: the sealed data key. */
  wrapped: string
}

export interface Header {
  format: number
  /** `new` until the first opening is through: what lies in the directory before that was never anybody's. */
  state: 'new' | 'ready'
  /** Hex: tells the right data key from another. */
  check: string
  passphrase?: Wrapped
}

/** undefined if there is none. Throws `DamagedStoreError`, or `P2PNodeError` for a newer format. */
export async function readHeader(dataDir: string): Promise<Header | undefined> {
  const text = await readOptional(join(dataDir, HEADER_FILE))
  if (text === undefined) return undefined
  const header = parseHeader(text.toString('utf8'))
  if (header.format > STORE_FORMAT) {
    throw new P2PNodeError(`this store has format ${header.format}, this version reads up to ${STORE_FORMAT}: update p2pnode`)
  }
  return header
}

export async function writeHeader(dataDir: string, header: Header): Promise<void> {
  const text = `${JSON.stringify({ ...header, sum: checksum(header) }, undefined, 2)}\n`
  await writePrivate(join(dataDir, HEADER_FILE), utf8ToBytes(text))
}

/** A header in state `new` for this data key; the key itself is stored as asked. */
export async function createHeader(
  dataDir: string,
  dataKey: Uint8Array,
  passphrase: string | undefined,
  sealing: Sealing,
): Promise<Header> {
  const header: Header = { format: STORE_FORMAT, state: 'new', check: checkOf(dataKey) }
  return protect(dataDir, header, dataKey, passphrase, sealing)
}

/**
 * Puts the data key under another passphrase, or (undefined) under none. A crash at any point leaves either the old or the new
 * state, and at most a `key` file that the next opening removes.
 */
export async function protect(
  dataDir: string,
  { passphrase: _, ...header }: Header,
  dataKey: Uint8Array,
  passphrase: string | undefined,
  sealing: Sealing,
): Promise<Header> {
  const next: Header = passphrase === undefined ? header : { ...header, passphrase: await wrap(dataKey, passphrase, sealing) }
  if (passphrase === undefined) await writePrivate(join(dataDir, KEY_FILE), dataKey)
  await writeHeader(dataDir, next)
  if (passphrase !== undefined) await forgetPlainKey(dataDir)
  return next
}

/** The data key. Throws `LockedError`, `WrongPassphraseError`, `DamagedStoreError`; writes nothing. */
export async function unlock(
  dataDir: string,
  header: Header,
  passphrase: string | undefined,
  sealing: Sealing,
): Promise<Uint8Array> {
  if (header.passphrase === undefined) {
    if (passphrase !== undefined) throw new WrongPassphraseError('this store has no passphrase')
    const dataKey = await readOptional(join(dataDir, KEY_FILE))
    if (dataKey === undefined) throw new DamagedStoreError(`the file "${KEY_FILE}" is missing: put it back from a copy`)
    if (dataKey.length !== KEY_BYTES || checkOf(dataKey) !== header.check) {
      throw new DamagedStoreError(`the file "${KEY_FILE}" was altered: put it back from a copy`)
    }
    return new Uint8Array(dataKey)
  }
  if (passphrase === undefined) throw new LockedError('this store has a passphrase')
  const dataKey = await unwrap(header.passphrase, passphrase, sealing)
  if (dataKey === undefined) throw new WrongPassphraseError('wrong passphrase')
  if (checkOf(dataKey) !== header.check) throw damaged('belongs to another store')
  return dataKey
}

/** Removes the plain data key, also one half written. Overwritten first, which an SSD may not honour. */
export async function forgetPlainKey(dataDir: string): Promise<void> {
  for (const path of [join(dataDir, KEY_FILE), temporaryOf(join(dataDir, KEY_FILE))]) {
    try {
      await overwrite(path)
      await rm(path)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }
}

async function overwrite(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.write(new Uint8Array(KEY_BYTES), 0, KEY_BYTES, 0)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function wrap(dataKey: Uint8Array, passphrase: string, sealing: Sealing): Promise<Wrapped> {
  const salt = randomBytes(SALT_BYTES)
  const key = await stretch(passphrase, salt, ARGON2ID)
  return { kdf: 'argon2id', ...ARGON2ID, salt: bytesToHex(salt), wrapped: bytesToHex(sealing.seal(key, dataKey, WRAP_AAD)) }
}

async function unwrap(wrapped: Wrapped, passphrase: string, sealing: Sealing): Promise<Uint8Array | undefined> {
  if (passphrase.length === 0) return undefined
  const key = await stretch(passphrase, hexToBytes(wrapped.salt), wrapped)
  return sealing.open(key, hexToBytes(wrapped.wrapped), WRAP_AAD)
}

async function stretch(passphrase: string, salt: Uint8Array, cost: typeof ARGON2ID): Promise<Uint8Array> {
  // Loaded only here: most stores have no passphrase.
  const { argon2id } = await import('hash-wasm')
  return argon2id({
    password: passphrase.normalize('NFKC'),
    salt,
    memorySize: cost.memoryKiB,
    iterations: cost.iterations,
    parallelism: cost.parallelism,
    hashLength: KEY_BYTES,
    outputType: 'binary',
  })
}

function parseHeader(text: string): Header {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw damaged('was altered or cut', error)
  }
  if (typeof value !== 'object' || value === null || !('sum' in value)) throw damaged('was altered')
  const { sum, ...header } = value
  // The sum is the same in every format, so that damage is told from a newer format.
  if (sum !== checksum(header)) throw damaged('was altered')
  if (!isHeader(header)) throw damaged('is not one of this program')
  return header
}

function isHeader(value: object): value is Header {
  const header = value as Partial<Header>
  if (typeof header.format !== 'number') return false
  if (header.format > STORE_FORMAT) return true
  if ((header.state !== 'new' && header.state !== 'ready') || typeof header.check !== 'string') return false
  const wrapped = header.passphrase
  if (wrapped === undefined) return true
  const costs = ['memoryKiB', 'iterations', 'parallelism'] as const
  return (
    costs.every((name) => Number.isInteger(wrapped[name]) && wrapped[name] > 0 && wrapped[name] <= MAX_ARGON2ID[name]) &&
    wrapped.kdf === 'argon2id' &&
    typeof wrapped.salt === 'string' &&
    typeof wrapped.wrapped === 'string'
  )
}

function checksum(header: object): string {
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify(header)))).slice(0, 32)
}

function checkOf(dataKey: Uint8Array): string {
  return bytesToHex(deriveKey(dataKey, 'check').slice(0, CHECK_BYTES))
}

function damaged(what: string, cause?: unknown): DamagedStoreError {
  return new DamagedStoreError(`the file "${HEADER_FILE}" ${what}: put it back from a copy`, { cause })
}
