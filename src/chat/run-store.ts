/** The runs of a room on disk: as they came, with when and by which way. Everything read is what was checked when it came, or damage. */
import { DamagedStoreError } from '../errors.ts'
import type { Operation, Store } from '../storage/store.ts'
import type { AuthorLog, LogEvent, StoredRun } from './author-log.ts'
import { type Body, openBody } from './body.ts'
import { decodeCbor, encodeCbor, isBytes, isUint } from './cbor.ts'
import { decodeRun, type Entry, Kind, parseRun, type Run } from './event.ts'
import type { RoomKeys } from './room-keys.ts'
import type { Crypto } from './seams.ts'

const VIA = ['self', 'gossip', 'sync'] as const
export type Via = (typeof VIA)[number]

/** A run without its ids: all it takes to serve or open what was checked before. */
export type PlainRun = Omit<Run, 'ids'>

export class RunStore {
  readonly #store: Store
  readonly #keys: RoomKeys
  readonly #crypto: Crypto
  /** The next number that tells runs at one place apart. */
  #next = 0
  #bytes = 0

  constructor({ store, keys, crypto }: { store: Store; keys: RoomKeys; crypto: Crypto }) {
    this.#store = store
    this.#keys = keys
    this.#crypto = crypto
  }

  /** Bytes of the runs on disk. */
  get bytes(): number {
    return this.#bytes
  }

  /** Every run, author by author. @throws DamagedStoreError */
  async *all(): AsyncGenerator<{ run: Run; stored: StoredRun }> {
    for await (const [key, value] of this.#store.range(['run', this.#keys.tag])) {
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
    const key = ['run', this.#keys.tag, run.author, stored.firstSeq, stored.n] as const
    return { stored, operation: { type: 'put', key, value: encodeCbor([receivedAt, VIA.indexOf(via), bytes]) } }
  }

  /** @throws DamagedStoreError */
  async get(author: AuthorLog, stored: StoredRun): Promise<PlainRun> {
    return parseRun(await this.bytesOf(author, stored))
  }

  /** @throws DamagedStoreError */
  async bytesOf(author: AuthorLog, { firstSeq, n }: StoredRun): Promise<Uint8Array> {
    const value = await this.#store.get(['run', this.#keys.tag, author.key, firstSeq, n])
    if (value === undefined) throw new DamagedStoreError('a run that was stored is gone')
    return decodeRecord(value).bytes
  }

  /** What the bodies of these events say, read run by run. @throws DamagedStoreError */
  async read(events: readonly LogEvent[]): Promise<Body[]> {
    const runs = new Map<StoredRun, Promise<PlainRun>>()
    for (const { author, stored } of events) if (!runs.has(stored)) runs.set(stored, this.get(author, stored))
    return Promise.all(
      events.map(async (event) => {
        const run = await (runs.get(event.stored) as Promise<PlainRun>)
        return this.openStored(run, event.seq - run.firstSeq)
      }),
    )
  }

  /** @throws InvalidEventError when it does not open under the room's key or is not a body */
  open(run: PlainRun, index: number): Body {
    const { body, kind } = run.entries[index] as Entry
    if (body === undefined) throw new TypeError('a header-only event has nothing to open')
    const key = kind === Kind.control ? this.#keys.controlKey : this.#keys.messageKey
    return openBody(body, key, { roomTag: run.roomTag, author: run.author, seq: run.firstSeq + index }, kind, this.#crypto)
  }

  /** @throws DamagedStoreError */
  openStored(run: PlainRun, index: number): Body {
    try {
      return this.open(run, index)
    } catch (cause) {
      throw new DamagedStoreError('an event in the store does not open under its room key', { cause })
    }
  }
}

function decodeRecord(value: Uint8Array): { receivedAt: number; via: Via; bytes: Uint8Array } {
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
