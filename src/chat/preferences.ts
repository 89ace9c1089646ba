/** What the faces of this device remember, by name: sealed in the store as all else, and never sent to anybody. */
import { DamagedStoreError, InvalidArgumentError, QuotaError, TooLargeError } from '../errors.ts'
import type { Key, Store } from '../storage/store.ts'
import { decodeCbor, encodeCbor, isText, utf8Length } from './cbor.ts'
import { MAX_PREFERENCE_BYTES, MAX_PREFERENCES } from './constants.ts'

/** `['node', 'preference', n]`: each in a place of its own, whose number says nothing. The value is `cbor [ key, value ]`. */
const PLACES = ['node', 'preference'] as const
const KEY = /^[a-z.-]{1,32}$/

interface Kept {
  place: number
  value: string
}

export class Preferences {
  readonly #store: Store
  /** Read when somebody first asks. */
  #kept: Promise<Map<string, Kept>> | undefined
  /** Changes take turns, so that no two of them take one place. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(store: Store) {
    this.#store = store
  }

  /** What is kept under a key, 1 to 32 of a-z, `.` and `-`; undefined if nothing is. @throws InvalidArgumentError, DamagedStoreError */
  async get(key: string): Promise<string | undefined> {
    checkKey(key)
    return (await this.#all()).get(key)?.value
  }

  /**
   * Keeps a text of at most 64 KiB under a key, or with undefined nothing any more. Resolves when that is on disk.
   * @throws InvalidArgumentError, TooLargeError, QuotaError (32 are kept already), StorageError
   */
  async set(key: string, value: string | undefined): Promise<void> {
    checkKey(key)
    if (value?.isWellFormed() === false) throw new InvalidArgumentError('value', 'value must be well-formed Unicode')
    if (value !== undefined && utf8Length(value) > MAX_PREFERENCE_BYTES)
      throw new TooLargeError(`a preference has at most ${MAX_PREFERENCE_BYTES} bytes`)
    const done = this.#turn.then(() => this.#set(key, value))
    this.#turn = done.catch(() => undefined)
    await done
  }

  async #set(key: string, value: string | undefined): Promise<void> {
    const all = await this.#all()
    const known = all.get(key)
    if (known?.value === value) return
    if (known === undefined && all.size >= MAX_PREFERENCES)
      throw new QuotaError(`at most ${MAX_PREFERENCES} preferences are kept: delete another one first`)
    const place = known?.place ?? freePlace(all)
    const record = placeKey(place)
    // The disk first: what it refuses has not happened.
    await this.#store.batch([
      value === undefined ? { type: 'delete', key: record } : { type: 'put', key: record, value: encodeCbor([key, value]) },
    ])
    if (value === undefined) all.delete(key)
    else all.set(key, { place, value })
  }

  #all(): Promise<Map<string, Kept>> {
    this.#kept ??= this.#read().catch((error) => {
      this.#kept = undefined // so that it can be tried again
      throw error
    })
    return this.#kept
  }

  async #read(): Promise<Map<string, Kept>> {
    const kept = new Map<string, Kept>()
    for await (const [key, value] of this.#store.range(PLACES)) {
      const place = key[PLACES.length]
      const record = decodeRecord(value)
      if (typeof place !== 'number' || record === undefined) throw new DamagedStoreError('a preference in the store is malformed')
      kept.set(record.key, { place, value: record.value })
    }
    return kept
  }
}

function checkKey(key: string): void {
  if (!KEY.test(key)) throw new InvalidArgumentError('key', 'key must be 1 to 32 of the letters a to z, . and -')
}

const placeKey = (place: number): Key => [...PLACES, place]

function freePlace(all: Map<string, Kept>): number {
  const taken = new Set([...all.values()].map(({ place }) => place))
  let place = 0
  while (taken.has(place)) place++
  return place
}

function decodeRecord(bytes: Uint8Array): { key: string; value: string } | undefined {
  try {
    const parts = decodeCbor(bytes, 3)
    if (!Array.isArray(parts) || parts.length !== 2) return undefined
    const [key, value] = parts as unknown[]
    return isText(key, 32) && isText(value, MAX_PREFERENCE_BYTES) ? { key, value } : undefined
  } catch (cause) {
    throw new DamagedStoreError('a preference in the store is malformed', { cause })
  }
}
