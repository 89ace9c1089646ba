/**
 * What a keeper holds of a room: signed runs that it can check, count and serve, and cannot open, for it has no key. When there is more
 * than may be kept, the oldest of the largest logs are given up, and not taken again.
 */
import { DamagedStoreError } from '../errors.ts'
import type { Operation, Store } from '../storage/store.ts'
import { type AuthorLog, type LogEvent, prefixOf, type StoredRun } from './author-log.ts'
import { decodeCbor, encodeCbor, isBytes, isUint } from './cbor.ts'
import { KEPT_RUN_OVERHEAD, MAX_HORIZONS, MAX_SEQ } from './constants.ts'
import type { Page, Want } from './frontier.ts'
import { bytesToHex, hexToBytes } from './hex.ts'
import { type Arrival, type Ingested, RunLog } from './run-log.ts'
import type { RunPlace } from './run-store.ts'
import type { Clock, Crypto } from './seams.ts'

/** Runs that are removed in one batch. */
const REMOVALS_A_BATCH = 512
/** Of what may be kept, so much is left when something had to be given up. */
const LEFT = 7 / 8

export interface KeptLimits {
  /** Encoded runs, with `KEPT_RUN_OVERHEAD` for each. */
  bytes: number
  events: number
  authors: number
}

export interface KeptLogInit {
  store: Store
  crypto: Crypto
  clock: Clock
  /** The room's tag. */
  tag: Uint8Array
  /** The room's local number: all that it is called on disk. */
  room: number
  /** The most that may be kept of the room at this moment. */
  limits: () => KeptLimits
  /** What is kept has changed by so much; answers what is written together with it. */
  onCharge: (bytes: number, events: number) => Operation[]
}

/** What stands for a body that cannot be opened. */
type Sealed = true

/** Where the runs of a kept room lie: in the order in which they came, so that no author has a name on disk. */
export function placeOfKept(room: number): RunPlace {
  return { prefix: ['kept', room], key: (_author, _firstSeq, n) => ['kept', room, n] }
}

export class KeptLog extends RunLog<Sealed> {
  readonly #init: KeptLogInit
  readonly #records = new Map<AuthorLog, Set<StoredRun>>()
  /** Up to which seq logs were given up, by the first 16 bytes of the author key, in hex. */
  readonly #horizons: Map<string, number>
  #charged = 0
  #events = 0
  #trimming: Promise<void> | undefined

  private constructor(init: KeptLogInit, horizons: Map<string, number>) {
    super({ ...init, place: placeOfKept(init.room) })
    this.#init = init
    this.#horizons = horizons
  }

  /** Reads the room from the disk. @throws DamagedStoreError */
  static async open(init: KeptLogInit): Promise<KeptLog> {
    const horizons = await init.store.get(['horizon', init.room])
    const log = new KeptLog(init, horizons === undefined ? new Map() : decodeHorizons(horizons))
    await log.load()
    await log.#removeRemains()
    return log
  }

  /** Bytes that count towards quotas. */
  get charged(): number {
    return this.#charged
  }

  /** Events in the stored runs, which may overlap. */
  get events(): number {
    return this.#events
  }

  /** The one door. Authors beyond the most that are kept are put off. */
  override ingest(bytes: Uint8Array): Ingested {
    return super.ingest(bytes, 'sync', () => !this.#crowded)
  }

  get #crowded(): boolean {
    return this.index.count >= this.#init.limits().authors
  }

  /** Without what was given up, and authors beyond the most that are kept. */
  override lacks(page: Page): Want[] {
    if (this.findAuthor(page.author) === undefined && this.#crowded) return []
    const floor = this.#horizons.get(page.author) ?? 0
    return super.lacks(page).flatMap((want) => (want.to <= floor ? [] : { ...want, from: Math.max(want.from, floor + 1) }))
  }

  protected override floor(author: string): number {
    return this.#horizons.get(prefixOf(author)) ?? 0
  }

  protected override open(): Sealed {
    return true
  }

  protected override latest(): number {
    return 0
  }

  override async bytesOf(author: AuthorLog, stored: StoredRun): Promise<Uint8Array | undefined> {
    try {
      return await super.bytesOf(author, stored)
    } catch (error) {
      if (this.#records.get(author)?.has(stored) === true) throw error
      return undefined
    }
  }

  /** The clock inside is sealed: what is served first goes by when it came. */
  protected override loaded(event: LogEvent): void {
    event.hlc = event.stored.receivedAt
  }

  protected override arrived(_author: AuthorLog, arrivals: Arrival<Sealed>[]): void {
    for (const { event } of arrivals) event.hlc = event.stored.receivedAt
  }

  protected override loadedRun(author: AuthorLog, stored: StoredRun): void {
    this.#count(stored, 1)
    this.#note(author, stored)
  }

  protected override storing(_author: AuthorLog, stored: StoredRun): Operation[] {
    return this.#charge(stored, 1)
  }

  protected override settled(author: AuthorLog, stored: StoredRun, ok: boolean): void {
    if (!ok) return void this.#charge(stored, -1)
    this.#note(author, stored)
    // Given up while it was being written: it goes with what is given up next.
    const over = lastOf(stored) <= this.floor(author.name) || this.#isOver()
    if (over) this.#trimSoon()
  }

  #note(author: AuthorLog, stored: StoredRun): void {
    const records = this.#records.get(author)
    if (records === undefined) this.#records.set(author, new Set([stored]))
    else records.add(stored)
  }

  #count({ size, count }: StoredRun, sign: 1 | -1): void {
    this.#charged += sign * (size + KEPT_RUN_OVERHEAD)
    this.#events += sign * count
  }

  #charge(stored: StoredRun, sign: 1 | -1): Operation[] {
    this.#count(stored, sign)
    return this.#init.onCharge(sign * (stored.size + KEPT_RUN_OVERHEAD), sign * stored.count)
  }

  #isOver(): boolean {
    const { bytes, events } = this.#init.limits()
    return this.#charged > bytes || this.#events > events
  }

  #trimSoon(): void {
    this.#trimming ??= this.#trim().finally(() => {
      this.#trimming = undefined
    })
    this.#trimming.catch(() => undefined) // whoever waits for it hears of its failure
  }

  /** Resolves when there is no more than may be kept. */
  async trimmed(): Promise<void> {
    while (this.#trimming !== undefined) await this.#trimming
  }

  async #trim(): Promise<void> {
    while (this.#isOver()) {
      const { bytes, events } = this.#init.limits()
      const before = this.#charged
      await this.#giveUp(this.#beyond((stored) => stored.size + KEPT_RUN_OVERHEAD, bytes * LEFT))
      await this.#giveUp(this.#beyond((stored) => stored.count, events * LEFT))
      if (this.#charged >= before) break // the rest is not on disk yet: it comes back here when it is
    }
    await this.#removeRemains()
  }

  /** Gives up what came before `time`, in milliseconds since 1970, and whatever is older in the same log. */
  async expire(time: number): Promise<void> {
    const horizons = new Map<AuthorLog, number>()
    for (const [author, records] of this.#records) {
      const old = [...records].filter(({ receivedAt }) => receivedAt < time)
      if (old.length > 0)
        horizons.set(
          author,
          old.reduce((last, stored) => Math.max(last, lastOf(stored)), 0),
        )
    }
    await this.#giveUp(horizons)
  }

  /** Up to where logs go when the largest gives up its oldest run, again and again, until all together weigh no more than `most`. */
  #beyond(weight: (stored: StoredRun) => number, most: number): Map<AuthorLog, number> {
    const logs = [...this.#records].map(([author, records]) => {
      const runs = [...records].sort((a, b) => lastOf(b) - lastOf(a))
      return { author, runs, weight: runs.reduce((sum, stored) => sum + weight(stored), 0) }
    })
    const horizons = new Map<AuthorLog, number>()
    for (let left = logs.reduce((sum, log) => sum + log.weight, 0); left > most; ) {
      const largest = logs.reduce((largest, log) => (log.weight > largest.weight ? log : largest))
      const oldest = largest.runs.pop()
      if (oldest === undefined) break
      largest.weight -= weight(oldest)
      left -= weight(oldest)
      horizons.set(largest.author, lastOf(oldest))
    }
    return horizons
  }

  async #giveUp(horizons: Map<AuthorLog, number>): Promise<void> {
    if (horizons.size === 0) return
    for (const [author, seq] of horizons) {
      const prefix = prefixOf(author.name)
      const horizon = Math.max(seq, this.#horizons.get(prefix) ?? 0)
      this.#horizons.delete(prefix) // the latest stand last
      this.#horizons.set(prefix, horizon)
      this.cut(author, seq)
    }
    for (const prefix of this.#horizons.keys()) {
      if (this.#horizons.size <= MAX_HORIZONS) break
      this.#horizons.delete(prefix)
    }
    const value = encodeHorizons(this.#horizons)
    // First: a crash in the middle must not bring back half of it.
    await this.#init.store.batch([{ type: 'put', key: ['horizon', this.#init.room], value }])
    await this.#removeRemains()
  }

  /** Takes the runs from the disk of which nothing is held any more. */
  async #removeRemains(): Promise<void> {
    const remains: [AuthorLog, StoredRun][] = []
    for (const [author, records] of this.#records) {
      const floor = this.floor(author.name)
      for (const stored of records) if (lastOf(stored) <= floor && records.delete(stored)) remains.push([author, stored])
      if (records.size === 0) this.#records.delete(author)
      if (author.size === 0) this.cut(author, 0) // known by nothing but runs that were given up
    }
    for (let i = 0; i < remains.length; i += REMOVALS_A_BATCH) await this.#remove(remains.slice(i, i + REMOVALS_A_BATCH))
  }

  async #remove(remains: [AuthorLog, StoredRun][]): Promise<void> {
    const [bytes, events] = [this.#charged, this.#events]
    const operations = remains.map(([author, stored]) => {
      this.#count(stored, -1)
      return this.runs.remove(author, stored)
    })
    operations.push(...this.#init.onCharge(this.#charged - bytes, this.#events - events))
    await this.#init.store.batch(operations)
  }
}

const lastOf = ({ firstSeq, count }: StoredRun): number => firstSeq + count - 1

function encodeHorizons(horizons: Map<string, number>): Uint8Array {
  return encodeCbor([...horizons].map(([author, seq]) => [hexToBytes(author), seq]))
}

function decodeHorizons(value: Uint8Array): Map<string, number> {
  try {
    const list = decodeCbor(value, 3 * MAX_HORIZONS + 1) as [Uint8Array, number][]
    return new Map(
      list.map(([author, seq]) => {
        if (!isBytes(author, 16) || !isUint(seq, MAX_SEQ)) throw new TypeError('not a horizon')
        return [bytesToHex(author), seq]
      }),
    )
  } catch (cause) {
    throw new DamagedStoreError('the horizons of a kept room are malformed', { cause })
  }
}
