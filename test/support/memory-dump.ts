/** What another process has in memory, by https://man7.org/linux/man-pages/man5/proc_pid_mem.5.html */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { waitFor } from './wait-for.ts'

const KiB = 1024
const MiB = 1024 * KiB
const CHUNK = 4 * MiB
const PAGE = 4 * KiB
/** https://docs.kernel.org/admin-guide/LSM/Yama.html */
const YAMA = '/proc/sys/kernel/yama/ptrace_scope'
const ONLY_ADMINISTRATORS = 2
const NOBODY = 3

interface Region {
  start: number
  end: number
}

export interface Dump {
  regions: number
  /** Bytes read. */
  bytes: number
  /** Bytes that the kernel did not give, though it calls them readable. */
  unread: number
}

/** Why the memory of a child cannot be read here; undefined if it can. */
export function whyNoDump(): string | undefined {
  if (process.platform !== 'linux') return "another process's memory is read as Linux shows it"
  const least = process.getuid?.() === 0 ? NOBODY : ONLY_ADMINISTRATORS
  return scope() < least ? undefined : `${YAMA} forbids to read the memory of others`
}

function scope(): number {
  try {
    return Number(readFileSync(YAMA, 'utf8'))
  } catch {
    return 0 // no Yama
  }
}

/**
 * Everything that can be read in the memory of a process, which stands still meanwhile. `look` is handed it piece by piece; each
 * piece begins with the last `overlap` bytes of the one before where they are neighbours, and is good for the call only.
 *
 * @throws Error when the process is not there, or may not be read
 */
export async function dumpMemory(pid: number, overlap: number, look: (piece: Uint8Array) => void): Promise<Dump> {
  process.kill(pid, 'SIGSTOP')
  try {
    await waitFor(() => isStopped(pid), 'the process to stand still')
    return readAll(pid, overlap, look)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}

/** All of its threads. The state comes after the name, which may have any character in it. */
function isStopped(pid: number): boolean {
  return /\) T [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
}

function readAll(pid: number, overlap: number, look: (piece: Uint8Array) => void): Dump {
  const dump: Dump = { regions: 0, bytes: 0, unread: 0 }
  const buffer = Buffer.alloc(overlap + CHUNK)
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    let kept = 0
    let before = 0
    for (const { start, end } of regionsOf(pid)) {
      dump.regions++
      for (let at = start; at < end; ) {
        if (at !== before) kept = 0
        const read = readSome(memory, buffer.subarray(kept, kept + Math.min(CHUNK, end - at)), at)
        if (read > 0) look(buffer.subarray(0, kept + read))
        else dump.unread += PAGE
        dump.bytes += read
        at += read === 0 ? PAGE : read
        const keep = read === 0 ? 0 : Math.min(overlap, kept + read)
        buffer.copyWithin(0, kept + read - keep, kept + read)
        kept = keep
        before = at
      }
    }
  } finally {
    closeSync(memory)
  }
  return dump
}

function* regionsOf(pid: number): Generator<Region> {
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, start = '', end = '', name = ''] = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(.*)$/.exec(line) ?? []
    // The kernel's own, the same in every process.
    if (start === '' || /^\[v(syscall|var|dso)/.test(name)) continue
    yield { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) }
  }
}

/** 0 where nothing can be read: beyond the end of a mapped file, for example. */
function readSome(file: number, into: Buffer, position: number): number {
  try {
    return readSync(file, into, 0, into.length, position)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EIO' || code === 'EFAULT') return 0
    throw error
  }
}
