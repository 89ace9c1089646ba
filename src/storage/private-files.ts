/** Node only. Files that nobody else may read, whatever the umask: directories 0700, files 0600. */
import { type FSWatcher, watch } from 'node:fs'
import { chmod, mkdir, open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DamagedStoreError, P2PNodeError, StorageError } from '../errors.ts'

const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600

/** The system's code of an error (`ENOENT`); undefined if it has none. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** What node:fs throws, as one of the store's errors. */
export function fileError(error: unknown): Error {
  if (error instanceof P2PNodeError || error instanceof TypeError) return error
  const code = systemCode(error)
  const text = error instanceof Error ? error.message : String(error)
  const misshapen = code === 'EISDIR' || code === 'ENOTDIR'
  if (misshapen) return new DamagedStoreError(`the data directory is damaged: ${text}`, { cause: error })
  return new StorageError(`the disk refused: ${text}`, { cause: error, code })
}

/** undefined if there is no such file. */
export async function readOptional(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Makes the directory, and its parents, if it is not there. Gives back whether it was made. */
export async function makePrivateDirectory(path: string): Promise<boolean> {
  const made = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
  if (made !== undefined) await chmod(path, DIRECTORY_MODE)
  return made !== undefined
}

export async function restrictDirectory(path: string): Promise<void> {
  if (((await stat(path)).mode & 0o777) !== DIRECTORY_MODE) await chmod(path, DIRECTORY_MODE)
}

/** Where `writePrivate` writes before it renames. */
export function temporaryOf(path: string): string {
  return `${path}.tmp`
}

/** The whole file or nothing of it, on the disk when the promise resolves. */
export async function writePrivate(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryOf(path)
  const file = await open(temporary, 'w', FILE_MODE)
  try {
    await file.chmod(FILE_MODE)
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncDirectory(dirname(path))
}

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the names in it durable. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows has no such thing: it journals names itself.
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/**
 * Keeps the files of a directory 0600 that somebody else (LevelDB) makes under the umask of the process: those there now, and
 * each as it appears. Between the two moments the directory's own mode protects a file.
 */
export async function keepFilesPrivate(path: string): Promise<{ stop(): Promise<void> }> {
  const sweep = async (): Promise<void> => {
    for (const name of await readdir(path)) await restrictFile(join(path, name))
  }
  const watcher = watchFiles(path)
  await sweep()
  return {
    async stop() {
      watcher?.close()
      await sweep()
    },
  }
}

function watchFiles(path: string): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, (event, name) => {
      // 'rename' is a file that appears or goes; 'change' would be every write of the database.
      if (event === 'rename' && name !== null) restrictFile(join(path, name)).catch(leaveToDirectory)
    })
    return watcher.on('error', leaveToDirectory)
  } catch {
    // No watchers left (also called ENOSPC), or none on this file system: the sweeps and the directory's mode remain.
    return undefined
  }
}

function leaveToDirectory(): void {
  // The file cannot be reached by others: its directory is 0700.
}

async function restrictFile(path: string): Promise<void> {
  try {
    const { mode } = await stat(path)
    if ((mode & 0o777) !== FILE_MODE) await chmod(path, FILE_MODE)
  } catch (error) {
    // LevelDB deletes files at any time.
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
