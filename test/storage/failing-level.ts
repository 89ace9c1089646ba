import * as assert from 'uvu/assert'
import { StorageError } from '../../src/errors.ts'
import type { Level, LevelOperation } from '../../src/storage/level.ts'
import { memoryLevel } from './memory-store.ts'

/** A memory-level whose next batch fails with these words, with or without having been written. */
export function failing(): { level: Level; fail(words: string, written?: boolean): void; reopened(): number; batches(): number } {
  const inner = memoryLevel()
  let next: { words: string; written: boolean } | undefined
  let opens = 0
  let batches = 0
  const level: Level = {
    get status() {
      return inner.status
    },
    async open() {
      opens++
      await inner.open()
    },
    close: () => inner.close(),
    get: (key, options) => inner.get(key, options),
    getMany: (keys, options) => inner.getMany(keys, options),
    iterator: (options) => inner.iterator(options),
    async batch(operations: LevelOperation[], options) {
      const failure = next
      next = undefined
      batches++
      assert.is((options as { sync?: boolean }).sync, true)
      if (failure === undefined || failure.written) await inner.batch(operations, options)
      if (failure !== undefined) throw Object.assign(new Error(`IO error: 3.log: ${failure.words}`), { code: 'LEVEL_IO_ERROR' })
    },
  }
  return {
    level,
    fail: (words, written = false) => {
      next = { words, written }
    },
    reopened: () => opens - 1,
    batches: () => batches,
  }
}

export function codeOf(error: unknown): string {
  return error instanceof StorageError ? error.code : String(error)
}
