/** What the events of a room say, for those who have its key. */
import { DamagedStoreError } from '../errors.ts'
import type { LogEvent, StoredRun } from './author-log.ts'
import { type Body, openBody } from './body.ts'
import { type Entry, Kind } from './event.ts'
import type { RoomKeys } from './room-keys.ts'
import type { PlainRun, RunStore } from './run-store.ts'
import type { Crypto } from './seams.ts'

export class Bodies {
  readonly #runs: RunStore
  readonly #keys: RoomKeys
  readonly #crypto: Crypto

  constructor(runs: RunStore, keys: RoomKeys, crypto: Crypto) {
    this.#runs = runs
    this.#keys = keys
    this.#crypto = crypto
  }

  /** What the bodies of these events say, read run by run. @throws DamagedStoreError */
  async read(events: readonly LogEvent[]): Promise<Body[]> {
    // An event may come to stand in another run while it is read: what it stood in is as good.
    const places = events.map(({ stored }) => stored)
    const runs = await this.#runs.of(events)
    return events.map(({ seq }, i) => {
      const run = runs.get(places[i] as StoredRun) as PlainRun
      return this.openStored(run, seq - run.firstSeq)
    })
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
