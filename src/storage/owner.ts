/**
 * Node only. Who has a store open. LevelDB's lock decides between processes; but its failed second opening changes files, and
 * within one process costs the first its lock. So both cases are refused here first, and the `pid` file names the owner.
 */
import { readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreInUseError } from '../errors.ts'
import { fileError, readOptional, systemCode, writePrivate } from './private-files.ts'

const PID_FILE = 'pid'

/** Real paths of the data directories that are open in this process. */
const openHere = new Set<string>()

/** `dataDir` is a real path; gives back what releases it. Throws `StoreInUseError`. */
export function claim(dataDir: string): () => void {
  if (openHere.has(dataDir)) throw inUse(dataDir, process.pid)
  openHere.add(dataDir)
  return () => openHere.delete(dataDir)
}

/**
 * The process that has the store of `dataDir` open: its pid; undefined if it is not open or that cannot be known.
 * A pid file left by a crash does not count, and neither does another process that has got the same pid since (Linux).
 */
export async function storeOwner(dataDir: string): Promise<number | undefined> {
  try {
    const real = await realpath(dataDir)
    if (openHere.has(real)) return process.pid
    return (await readOwner(real))?.pid
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw fileError(error)
  }
}

/** Throws `StoreInUseError` if a live process certainly has the store open. */
export async function refuseOwned(dataDir: string): Promise<void> {
  const owner = await readOwner(dataDir)
  if (owner?.certain === true && owner.pid !== process.pid) throw inUse(dataDir, owner.pid)
}

export function inUse(dataDir: string, pid: number | undefined): StoreInUseError {
  if (pid === process.pid) return new StoreInUseError(`${dataDir} is already open in this process`)
  return new StoreInUseError(`${dataDir} is open in another process${pid === undefined ? '' : ` (pid ${pid})`}`)
}

/** Whom the `pid` file names, if that process lives: for when LevelDB's lock has said that there is one. */
export async function recordedOwner(dataDir: string): Promise<number | undefined> {
  return (await readOwner(dataDir))?.pid
}

/** Once LevelDB's lock is held. */
export async function writeOwner(dataDir: string): Promise<void> {
  const start = await startOf(process.pid)
  await writePrivate(join(dataDir, PID_FILE), Buffer.from(`${process.pid} ${start ?? '-'}\n`))
}

export async function forgetOwner(dataDir: string): Promise<void> {
  await rm(join(dataDir, PID_FILE), { force: true })
}

/** `certain`: it is the very process that wrote the file. */
async function readOwner(dataDir: string): Promise<{ pid: number; certain: boolean } | undefined> {
  const text = (await readOptional(join(dataDir, PID_FILE)))?.toString('latin1') ?? ''
  const [, digits, start] = /^(\d{1,10}) (\S+)\n$/.exec(text) ?? []
  const pid = Number(digits)
  if (start === undefined || !(pid > 0)) return undefined
  const now = await startOf(pid)
  if (now !== undefined) return now === start ? { pid, certain: true } : undefined
  return process.platform !== 'linux' && isAlive(pid) ? { pid, certain: false } : undefined
}

/** What tells a process from an earlier one of the same pid; undefined where the system does not tell, or it is gone. */
async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim()
    const text = await readFile(`/proc/${pid}/stat`, 'latin1')
    // proc(5): after the name in brackets come the state and, 19 fields on, the start time.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${boot}/${fields[19]}`
  } catch {
    // No such process, or /proc is not there: LevelDB's lock decides.
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
