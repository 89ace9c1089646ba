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
  batch(operations: LevelOperation[], options: View): Promise<void>
  iterator(options: View & LevelRange): { nextv(size: number): Promise<[Uint8Array, Uint8Array][]>; close(): Promise<void> }
}
