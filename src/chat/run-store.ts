/** The runs of a room on disk: as they came, with when and by which way. Everything read is what was checked when it came, or damage. */
import { DamagedStoreError } from '../errors.ts'
import type { Key, Operation, Store } from '../storage/store.ts'
import type { AuthorLog, LogEvent, StoredRun } from './author-log.ts'
import { decodeCbor, encodeCbor, isBytes, isUint } from './cbor.ts'
import { decodeRun, parseRun, type Run } from './event.ts'
import type { Crypto } from './seams.ts'

const VIA = ['self', 'gossip', 'sync'] as const
export type Via = (typeof VIA)[number]

/** A run without its ids: all it takes to serve or open what was checked before. */
export type PlainRun = Omit<Run, 'ids'>

/** Where the runs of a room lie in the store. Every key begins with `prefix` and ends with the number `n`. */
export interface RunPlace {
  readonly prefix: Key
  key(author: Uint8Array, firstSeq: number, n: number): Key
}

/** Those of a room that this device is a member of. */
export function placeOfRoom(tag: Uint8Array): RunPlace {
  return { prefix: ['run', tag], key: (author, firstSeq, n) => ['run', tag, author, firstSeq, n] }
}

export class RunStore {
  readonly #store: Store
  readonly #crypto: Crypto
  readonly #place: RunPlace
  /** The next number that tells runs at one place apart. */
  #next = 0
  #bytes = 0

  constructor({ store, crypto, place }: { store: Store; crypto: Crypto; place: RunPlace }) {
    this.#store = store
    this.#crypto = crypto
    this.#place = place
  }

  /** Bytes of the runs on disk. */
  get bytes(): number {
    return this.#bytes
  }

  /** Every run, author by author. @throws DamagedStoreError */
  async *all(): AsyncGenerator<{ run: Run; stored: StoredRun }> {
    for await (const [key, value] of this.#store.range(this.#place.prefix)) {
      const n = key[key.length - 1]
      if (typeof n !== 'number') throw new DamagedStoreError('a run in the store has a malformed key')
      const { bytes, receivedAt, via } = decodeRecord(value)
      const run = this.#decode(bytes)
      yield { run, stored: { firstSeq: run.firstSeq, count: run.entries.length, n, size: bytes.length, receivedAt, via } }
    }
  }

  #decode(bytes: Uint8Array): Run {
    try {
      return decodeRun(bytes, this.#crypto)
    } catch (cause) {
      throw new DamagedStoreError('a run in the store is malformed', { cause })
    }
  }

  /** Counts a run that is on disk. */
  count({ n, size }: StoredRun): void {
    this.#next = Math.max(this.#next, n + 1)
    this.#bytes += size
  }

  /** What puts a run, which `bytes` are the encoding of, on disk. `count` it when that was done. */
  put(run: Run, bytes: Uint8Array, receivedAt: number, via: Via): { stored: StoredRun; operation: Operation } {
    const stored: StoredRun = {
      firstSeq: run.firstSeq,
      count: run.entries.length,
      n: this.#next++,
      size: bytes.length,
      receivedAt,
      via,
    }
    const key = this.#place.key(run.author, stored.firstSeq, stored.n)
    return { stored, operation: { type: 'put', key, value: encodeCbor([receivedAt, VIA.indexOf(via), bytes]) } }
  }

  /** The stored runs of these events, each of them once. @throws DamagedStoreError */
  async of(events: readonly LogEvent[]): Promise<Map<StoredRun, PlainRun>> {
    const authors = new Map<StoredRun, AuthorLog>()
    for (const { author, stored } of events) authors.set(stored, author)
    const places = [...authors]
    const values = await this.#store.getMany(places.map(([{ firstSeq, n }, { key }]) => this.#place.key(key, firstSeq, n)))
    return new Map(places.map(([stored], i) => [stored, parseRun(decodeRecord(values[i]).bytes)]))
  }

  /** @throws DamagedStoreError */
  async bytesOf(author: AuthorLog, { firstSeq, n }: StoredRun): Promise<Uint8Array> {
    const value = await this.#store.get(this.#place.key(author.key, firstSeq, n))
    return decodeRecord(value).bytes
  }

  /** What takes a run from the disk; it does not count any more. */
  remove(author: AuthorLog, { firstSeq, n, size }: StoredRun): Operation {
    this.#bytes -= size
    return { type: 'delete', key: this.#place.key(author.key, firstSeq, n) }
  }
}

function decodeRecord(value: Uint8Array | undefined): { receivedAt: number; via: Via; bytes: Uint8Array } {
  if (value === undefined) throw new DamagedStoreError('a run that was stored is gone')
  let parts: unknown
  try {
    parts = decodeCbor(value, 8)
  } catch (cause) {
    throw new DamagedStoreError('a run in the store is malformed', { cause })
  }
  if (Array.isArray(parts)) {
    const [receivedAt, index, bytes] = parts as unknown[]
    const via = isUint(index) ? VIA[index] : undefined
    if (isUint(receivedAt) && via !== undefined && isBytes(bytes)) return { receivedAt, via, bytes }
  }
  throw new DamagedStoreError('a run in the store is malformed')
}
