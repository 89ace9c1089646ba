import { mkdtemp, open, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Key, Operation, Store } from '../../src/storage/store.ts'

export const name = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
export const put = (key: Key, value: string): Operation => ({ type: 'put', key, value: text(value) })

/** Makes a directory that is gone after `task`. */
export async function withDirectory<T>(task: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'p2pnode-store-'))
  try {
    return await task(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Paths of all files below a directory, relative to it, sorted. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return paths.map((path) => path.slice(directory.length + 1)).sort()
}

/** Every record of the store: key in words -> value in words. */
export async function contentOf(store: Store): Promise<Map<string, string>> {
  const content = new Map<string, string>()
  for (const table of ['node', 'room', 'run', 'own', 'cid'] as const) {
    for await (const [key, value] of store.range([table])) content.set(keyText(key), new TextDecoder().decode(value))
  }
  return content
}

export function keyText(key: Key): string {
  return JSON.stringify(key.map((part) => (part instanceof Uint8Array ? [...part] : part)))
}

/** What the promise was rejected with; throws if it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  if (outcome === undefined) throw new Error('must reject')
  return outcome.error
}

/** Numbers that are the same for the same seed (mulberry32): `random(n)` is an integer, 0 <= it < n. */
export function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** Changes one file of the directory for certain; says how. */
export async function corrupt(directory: string, random: (below: number) => number): Promise<string> {
  const files = await filesBelow(directory)
  for (;;) {
    const file = files[random(files.length)] ?? ''
    const path = join(directory, file)
    const { size } = await stat(path)
    if (size === 0) continue
    const how = random(3)
    if (how === 0) {
      const length = random(size)
      await truncate(path, length)
      return `${file} cut from ${size} to ${length} bytes`
    }
    const handle = await open(path, 'r+')
    try {
      const at = random(size)
      if (how === 1) {
        await handle.write(new Uint8Array(Math.min(4096, size - at)), 0, undefined, at)
        return `${file} zeroed from ${at}`
      }
      const bytes = new Uint8Array(Math.min(1 + random(4), size - at))
      await handle.read(bytes, 0, bytes.length, at)
      await handle.write(
        bytes.map((byte) => byte ^ (1 + random(255))),
        0,
        bytes.length,
        at,
      )
      return `${file} flipped ${bytes.length} bytes at ${at}`
    } finally {
      await handle.close()
    }
  }
}
