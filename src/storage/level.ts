type View = { keyEncoding: 'view'; valueEncoding: 'view' }

/** How every call on a level is made: bytes in, bytes out. */
export const VIEW: View = { keyEncoding: 'view', valueEncoding: 'view' }
/** For writes: `sync` is understood by classic-level (fdatasync), the others have nothing to sync. */
export const SYNCED: View & { sync: true } = { ...VIEW, sync: true }

export type LevelOperation = { type: 'put'; key: Uint8Array; value: Uint8Array } | { type: 'del'; key: Uint8Array }

export interface LevelRange {
  gt?: Uint8Array
  gte?: Uint8Array
  lt?: Uint8Array
  reverse?: boolean
  /** Bytes read ahead, where there is such a thing. */
  highWaterMarkBytes?: number
}

/** What the store uses of an abstract-level: classic-level, memory-level and browser-level have it. */
export interface Level {
  readonly status: string
  open(): Promise<void>
  close(): Promise<void>
  get(key: Uint8Array, options: View): Promise<Uint8Array | undefined>
  getMany(keys: Uint8Array[], options: View): Promise<(Uint8Array | undefined)[]>
  /** abstract-level's type has it everywhere; it works where `supports` says so. */
  getSync?(key: Uint8Array, options: View): Uint8Array | undefined
  readonly supports?: object
  batch(operations: LevelOperation[], options: View): Promise<void>
  iterator(options: View & LevelRange): { nextv(size: number): Promise<[Uint8Array, Uint8Array][]>; close(): Promise<void> }
}

/**
 * What stands at each of these keys. Mostly nothing does, which classic-level knows in microseconds; a turn of another thread
 * costs a tenth of a millisecond, and milliseconds where the processor is busy.
 */
export async function valuesAt(level: Level, keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
  const { getSync } = (level.supports ?? {}) as { getSync?: boolean }
  return getSync === true ? keys.map((key) => level.getSync?.(key, VIEW)) : level.getMany(keys, VIEW)
}
