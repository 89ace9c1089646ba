/** A disk that takes its time, loses what was not yet on it in a crash, is full for a while, or fails. */
import { ClosedError, StorageError } from '../../src/errors.ts'
import type { Key, Operation, RangeOptions, Store, Table } from '../../src/storage/store.ts'
import { QUIET, type VirtualTime } from './clock.ts'
import type { Random } from './random.ts'

const TABLES: Record<Table, string> = { node: '1', room: '2', run: '3', own: '4', cid: '5', lease: '6', kept: '7', horizon: '8' }

interface Write {
  operations: Operation[]
  resolve: () => void
  reject: (error: Error) => void
}

interface Entry {
  key: Key
  value: Uint8Array
}

/** What lies on the platter: it outlives every process. */
export class Disk {
  readonly #records = new Map<string, Entry>()
  readonly #names = new Map<string, number>()
  /** The disk refuses writes: ENOSPC. */
  full = false

  /** A copy of all that is durable now. */
  copy(): Disk {
    const copy = new Disk()
    for (const [name, entry] of this.#records) copy.#records.set(name, entry)
    for (const [name, number] of this.#names) copy.#names.set(name, number)
    return copy
  }

  #encode([table, ...parts]: Key): string {
    let encoded = TABLES[table]
    for (const part of parts) {
      if (typeof part === 'number') encoded += `n${part.toString(16).padStart(12, '0')}`
      else if (typeof part === 'string') encoded += `t${part}\0`
      else encoded += `b${this.#number(part).toString(16).padStart(8, '0')}`
    }
    return encoded
  }

  /** Byte strings sort in the order in which the disk met them. */
  #number(name: Uint8Array): number {
    const text = String.fromCharCode(...name)
    const known = this.#names.get(text)
    if (known !== undefined) return known
    this.#names.set(text, this.#names.size)
    return this.#names.size - 1
  }

  apply(operations: readonly Operation[]): void {
    for (const operation of operations) {
      const name = this.#encode(operation.key)
      if (operation.type === 'put') this.#records.set(name, { key: operation.key, value: operation.value })
      else this.#records.delete(name)
    }
  }

  get(key: Key): Uint8Array | undefined {
    return this.#records.get(this.#encode(key))?.value
  }

  entries(prefix: Key): [Key, Uint8Array][] {
    const start = this.#encode(prefix)
    const found: [string, Entry][] = []
    for (const record of this.#records) if (record[0].startsWith(start)) found.push(record)
    found.sort(([a], [b]) => (a < b ? -1 : 1))
    return found.map(([, { key, value }]) => [key, value])
  }
}

export interface DiskStoreInit {
  disk: Disk
  time: VirtualTime
  random: Random
  /** Milliseconds from a write to the disk having it. */
  latency: () => number
}

/** One process's hold on a disk. */
export class DiskStore implements Store {
  readonly #init: DiskStoreInit
  #queue: Write[] = []
  #writing: Write[] = []
  #failed: StorageError | undefined
  #dead = false
  #closed = false
  #idle: (() => void)[] = []

  constructor(init: DiskStoreInit) {
    this.#init = init
  }

  /** The process is killed: of what was under way the disk may have got the first few batches, whole. Nobody hears anything. */
  kill(): void {
    const { random, disk } = this.#init
    const written = disk.full ? 0 : random.below(this.#writing.length + 1)
    for (const { operations } of this.#writing.slice(0, written)) disk.apply(operations)
    this.#dead = true
    this.#writing = []
    this.#queue = []
  }

  /** An I/O error: nobody knows what became of the writes under way, and nothing works until the disk is opened anew. */
  fail(): void {
    const { random, disk } = this.#init
    this.#failed = new StorageError('the disk failed', { code: 'EIO' })
    const written = random.below(this.#writing.length + 1)
    for (const { operations } of this.#writing.slice(0, written)) disk.apply(operations)
    for (const { reject } of [...this.#writing, ...this.#queue]) reject(this.#failed)
    this.#writing = []
    this.#queue = []
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    await this.#ready()
    return this.#init.disk.get(key)
  }

  async getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    await this.#ready()
    return keys.map((key) => this.#init.disk.get(key))
  }

  #ready(): Promise<void> {
    if (this.#dead) return new Promise(() => {}) // the process that asked is gone
    return this.#closed ? Promise.reject(new ClosedError('the store is closed')) : Promise.resolve()
  }

  async batch(operations: Operation[]): Promise<void> {
    await this.#ready()
    if (this.#failed !== undefined) throw this.#failed
    const written = new Promise<void>((resolve, reject) => {
      this.#queue.push({ operations, resolve, reject })
    })
    if (this.#writing.length === 0) this.#begin()
    return written
  }

  /** Everything queued meanwhile goes down together. */
  #begin(): void {
    const { time, latency } = this.#init
    this.#writing = this.#queue
    this.#queue = []
    const group = this.#writing
    time.after(latency(), () => (this.#writing === group ? this.#commit(group) : QUIET))
  }

  #commit(group: Write[]): void {
    const { disk } = this.#init
    if (disk.full) {
      for (const { reject } of group) reject(new StorageError('no space left', { code: 'ENOSPC' }))
    } else {
      for (const { operations } of group) disk.apply(operations)
      for (const { resolve } of group) resolve()
    }
    this.#writing = []
    if (this.#queue.length > 0) this.#begin()
    else for (const resolve of this.#idle.splice(0)) resolve()
  }

  async *range(
    prefix: Key,
    { reverse = false, limit = Number.POSITIVE_INFINITY }: RangeOptions = {},
  ): AsyncGenerator<[Key, Uint8Array]> {
    await this.#ready()
    const entries = this.#init.disk.entries(prefix)
    if (reverse) entries.reverse()
    for (const entry of entries.slice(0, limit)) {
      await this.#ready()
      yield entry
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#writing.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }
}
