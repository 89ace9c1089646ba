import type { Operation } from './store.ts'

/** What is put into one batch of the database: more of it waits for the next. One larger call goes alone. */
export const MAX_GROUP_BYTES = 4 * 1024 * 1024
/** Bytes taken over from callers and not yet on disk. Calls beyond it wait, in order, before their values are taken over. */
export const MAX_QUEUED_BYTES = 32 * 1024 * 1024

interface Call {
  operations: Operation[]
  bytes: number
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * Group commit: what is queued while one group is being written becomes the next group. Calls keep their order, and each is
 * settled with its group. When a group fails, so does everything behind it, which was queued in the belief that it would hold.
 */
export class GroupQueue {
  readonly #write: (operations: Operation[]) => Promise<void>
  #queued: Call[] = []
  #waiting: Call[] = []
  #queuedBytes = 0
  #running: Promise<void> | undefined

  /** `write` gets the operations of a group, in order, and is never called again before it has settled. */
  constructor(write: (operations: Operation[]) => Promise<void>) {
    this.#write = write
  }

  /** Bytes taken over and not yet settled. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Resolves when `write` has resolved for these operations. */
  push(operations: Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = operations.reduce((sum, operation) => sum + (operation.type === 'put' ? operation.value.length : 0) + 64, 0)
      this.#waiting.push({ operations, bytes, resolve, reject })
      this.#admit()
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is queued. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  #admit(): void {
    let count = 0
    for (const call of this.#waiting) {
      if (this.#queuedBytes > 0 && this.#queuedBytes + call.bytes > MAX_QUEUED_BYTES) break
      this.#queuedBytes += call.bytes
      // Copied, so that the caller may use its buffers again.
      const operations = call.operations.map((each) => (each.type === 'put' ? { ...each, value: each.value.slice() } : each))
      this.#queued.push({ ...call, operations })
      count++
    }
    this.#waiting.splice(0, count)
  }

  async #run(): Promise<void> {
    // One turn later, so that calls made together go together.
    await Promise.resolve()
    while (this.#queued.length > 0) {
      const group = this.#nextGroup()
      try {
        await this.#write(group.flatMap(({ operations }) => operations))
        this.#settle(group, ({ resolve }) => resolve())
      } catch (error) {
        const behind = [...this.#queued, ...this.#waiting]
        this.#queued = []
        this.#waiting = []
        this.#settle(group, ({ reject }) => reject(error))
        this.#queuedBytes = 0
        for (const { reject } of behind) reject(error)
      }
      this.#admit()
    }
    this.#running = undefined
  }

  #nextGroup(): Call[] {
    let bytes = 0
    let count = 0
    for (const call of this.#queued) {
      if (count > 0 && bytes + call.bytes > MAX_GROUP_BYTES) break
      bytes += call.bytes
      count++
    }
    return this.#queued.splice(0, count)
  }

  #settle(group: Call[], how: (call: Call) => void): void {
    for (const call of group) {
      this.#queuedBytes -= call.bytes
      how(call)
    }
  }
}
