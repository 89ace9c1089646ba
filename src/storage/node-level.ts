/** Node only: LevelDB in the directory `db` of a data directory. */
import { open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { ClosedError, DamagedStoreError, StorageError } from '../errors.ts'
import { latin1 } from './latin1.ts'
import { VIEW } from './level.ts'
import { hasCode, storeError } from './level-errors.ts'
import { readLog, readManifest, readTable, type Version } from './level-files.ts'
import { inUse, recordedOwner } from './owner.ts'
import { fileError, makePrivateDirectory, readOptional, restrictDirectory, systemCode } from './private-files.ts'

const DATABASE_DIRECTORY = 'db'
const PROBE_FILE = 'room.tmp'
/** Beyond the size of its log, what LevelDB needs to be opened: a manifest, a new log, and some air. */
const REOPEN_BYTES = 1024 * 1024

export type NodeLevel = Level<Uint8Array, Uint8Array>

export function databaseOf(dataDir: string): string {
  return join(dataDir, DATABASE_DIRECTORY)
}

/** Where a repair builds the new database, and puts the damaged one until it is done. */
export function repairNames(dataDir: string): { next: string; old: string } {
  return { next: `${databaseOf(dataDir)}.new`, old: `${databaseOf(dataDir)}.old` }
}

/** Throws `StoreInUseError`, `DamagedStoreError`, `StorageError`. */
export async function openLevel(dataDir: string, create: boolean): Promise<NodeLevel> {
  try {
    return await openLevelAt(databaseOf(dataDir), create)
  } catch (error) {
    if (hasCode(error, 'LEVEL_LOCKED')) throw inUse(dataDir, await recordedOwner(dataDir))
    throw openingFailed(error)
  }
}

export async function openLevelAt(path: string, create: boolean): Promise<NodeLevel> {
  if (create) await makePrivateDirectory(path)
  await restrictDirectory(path)
  // Sealed bytes do not compress.
  const level: NodeLevel = new Level(path, { ...VIEW, createIfMissing: create, compression: false })
  await level.open()
  return level
}

/** Whether a reopening, which rewrites the log as a table, would find the space for it. */
export async function hasRoomToReopen(dataDir: string): Promise<boolean> {
  const path = databaseOf(dataDir)
  let needed = REOPEN_BYTES
  for (const name of await readdir(path)) if (name.endsWith('.log')) needed += (await stat(join(path, name))).size
  const probe = join(dataDir, PROBE_FILE)
  try {
    // Written, not asked for: quotas and reserved blocks are not in statfs.
    const file = await open(probe, 'w', 0o600)
    try {
      const chunk = new Uint8Array(REOPEN_BYTES)
      for (let left = needed; left > 0; left -= chunk.length)
        await file.writeFile(chunk.subarray(0, Math.min(left, chunk.length)))
      await file.sync()
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    const failure = fileError(error)
    if (failure instanceof StorageError && (failure.code === 'ENOSPC' || failure.code === 'EDQUOT')) return false
    throw failure
  } finally {
    await rm(probe, { force: true })
  }
}

/** A database that is there and does not open is damaged, unless the system said what else is wrong. */
function openingFailed(error: unknown): Error {
  const failure = systemCode(error)?.startsWith('E') === true ? fileError(error) : storeError(error)
  const unnamed = failure instanceof ClosedError || (failure instanceof StorageError && failure.code === 'UNKNOWN')
  return unnamed ? new DamagedStoreError('the database does not open', { cause: error }) : failure
}

/** The tables and logs in a directory; none if it is not there. */
async function dataFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory)
    return names.filter((name) => /^\d+\.(log|ldb|sst)$/.test(name)).map((name) => join(directory, name))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

/**
 * The tables in use of which a block has a wrong checksum, but for those in `known`. What LevelDB notices itself (no CURRENT,
 * no manifest, a table that is missing) is left to it.
 */
export async function brokenTables(directory: string, known: ReadonlySet<string>): Promise<string[]> {
  const manifest = (await readOptional(join(directory, 'CURRENT')))?.toString('latin1').trim() ?? ''
  const bytes = /^MANIFEST-\d+$/.test(manifest) ? await readOptional(join(directory, manifest)) : undefined
  const live = bytes === undefined ? new Set<number>() : readManifest(bytes)
  const broken: string[] = []
  for (const name of (await readdir(directory)).filter((each) => /^\d+\.(ldb|sst)$/.test(each))) {
    if (known.has(name) || !live.has(Number.parseInt(name, 10))) continue
    if (!readTable(await readFile(join(directory, name))).whole) broken.push(name)
  }
  return broken
}

/**
 * Calls `visit` once for each key of a database's files, with its newest version that can be read. Files are read twice,
 * one at a time, so that keys are held in memory and values are not.
 */
export async function eachNewest(directory: string, visit: (key: Uint8Array, value: Uint8Array) => Promise<void>): Promise<void> {
  const files = await dataFiles(directory)
  const newest = new Map<string, bigint>()
  for (const file of files) {
    for (const { key, sequence } of await versionsOf(file)) {
      const text = latin1(key)
      if ((newest.get(text) ?? -1n) < sequence) newest.set(text, sequence)
    }
  }
  for (const file of files) {
    for (const { key, sequence, value } of await versionsOf(file)) {
      const text = latin1(key)
      if (newest.get(text) !== sequence) continue
      // The same version may lie in a log and in a table.
      newest.delete(text)
      if (value !== undefined) await visit(key, value)
    }
  }
}

async function versionsOf(file: string): Promise<Version[]> {
  const bytes = await readFile(file)
  return (file.endsWith('.log') ? readLog(bytes) : readTable(bytes)).versions
}
