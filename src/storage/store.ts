/**
 * What the chat core needs of a disk: an ordered map of small records, written in atomic, durable batches. It knows keys and
 * bytes, never chat. This file imports nothing, so that every layer may import it.
 */

/** The tables, in the order in which they lie on disk. A number is a format: never reuse or renumber one. */
export type Table =
  /** `['node', name]`: identity, settings; `['node', 'preference', n]`: what faces keep, n being a local number. */
  | 'node'
  /** `['room', tag]`: a room this store knows. */
  | 'room'
  /** `['run', tag, author, firstSeq, n]`: events of a room, n being a local number that keeps two runs at one place apart. */
  | 'run'
  /** `['own', tag, name]`: what this device needs to go on writing in a room. */
  | 'own'
  /** `['cid', tag, n]`: idempotence keys of sends. */
  | 'cid'
  /** `['lease', room]`: a room kept for others, room being a local number. */
  | 'lease'
  /** `['kept', room, n]`: events of a room that is kept for others. */
  | 'kept'
  /** `['horizon', room]`: up to where its logs were given up. */
  | 'horizon'

/**
 * A table, then what narrows it down. Numbers are integers, 0 <= n < 2^48, and sort by value. Byte strings are identities
 * (a room tag, an author key; at most 64 bytes): on disk a small local number stands for each, so they sort in the order in
 * which the store met them, and nothing on disk names them. Strings are short constant names of the program's own (at most 32
 * ASCII characters), never anything a person or peer chose.
 */
export type Key = readonly [table: Table, ...parts: (number | string | Uint8Array)[]]

export type Operation = { type: 'put'; key: Key; value: Uint8Array } | { type: 'delete'; key: Key }

export interface RangeOptions {
  /** Newest key first. @default false */
  reverse?: boolean
  /** @default Infinity */
  limit?: number
}

/**
 * Errors: `StorageError` (the disk refused; `code` says why; nothing of the batch was written unless `code` is
 * `EIO`, when its outcome is unknown until the store is opened anew), `DamagedStoreError` (a value does not open, a record that must be there is not),
 * `ClosedError`.
 */
export interface Store {
  get(key: Key): Promise<Uint8Array | undefined>
  /** What stands at each of these keys, in their order. */
  getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]>
  /** All or nothing, in order, and on the disk (fdatasync) when the promise resolves. */
  batch(operations: Operation[]): Promise<void>
  /** Every record whose key begins with `prefix`, in key order. */
  range(prefix: Key, options?: RangeOptions): AsyncIterable<[key: Key, value: Uint8Array]>
  /** Idempotent; waits for the batches under way. */
  close(): Promise<void>
}
