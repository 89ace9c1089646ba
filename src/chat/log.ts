/**
 * One room's log: every event that is held, whoever wrote it. Own, gossiped and synced events come in through the same door,
 * `ingest`, which is idempotent; what leaves (gossip, sync, history) is read from here.
 */
import { DamagedStoreError, InvalidEventError } from '../errors.ts'
import type { Operation, Store } from '../storage/store.ts'
import type { AuthorLog, LogEvent, StoredRun } from './author-log.ts'
import type { Tip } from './beacon.ts'
import type { Body } from './body.ts'
import { equalBytes } from './cbor.ts'
import { decodeRun, encodeRun, type Run, suffixOf, verifyRun } from './event.ts'
import { EventGraph } from './event-graph.ts'
import { EventIndex } from './event-index.ts'
import { frontierDigest } from './frontier.ts'
import { bytesToHex } from './hex.ts'
import { HybridClock } from './hybrid-clock.ts'
import { PendingWrites } from './pending-writes.ts'
import { RecentAuthors } from './recent-authors.ts'
import type { RoomKeys } from './room-keys.ts'
import { type PlainRun, RunStore, type Via } from './run-store.ts'
import type { Clock, Crypto, Verdict } from './seams.ts'

export type { Via } from './run-store.ts'

export interface LogInit {
  store: Store
  crypto: Crypto
  clock: Clock
  keys: RoomKeys
}

/** An event that came in, with what its body says; `body` is missing where only the header is here. */
export interface Arrival {
  event: LogEvent
  body: Body | undefined
}

export interface Ingested {
  verdict: Verdict
  /** Why it was not accepted. */
  reason?: string
  /** Events that were new, or whose bodies were. */
  fresh: number
  /** The clock of the latest of them; 0 for a run in which a body is missing, which gossip refuses. */
  latest?: number
  /** Resolves when everything in the run is on disk, rejects when it could not be stored. */
  durable: Promise<void>
}

const DONE = Promise.resolve()
/** Whoever waits for a write hears of its failure; the gossip door does not wait. */
const ignore = (): undefined => undefined

export interface LogListener {
  /** Arrivals are on disk and in their place, in the order of the run. */
  onArrivals?(arrivals: Arrival[]): void
  /** An author is first seen to have two events at one place. */
  onFork?(author: AuthorLog): void
  /** An event came in under our own author key that is not in our log: a copy of us wrote it, or we did and lost it. */
  onStranger?(): void
}

export class Log {
  readonly #init: LogInit
  readonly #runs: RunStore
  readonly #clock: HybridClock
  readonly #index = new EventIndex()
  readonly #graph = new EventGraph((prefix) => this.find(prefix))
  readonly #writes = new PendingWrites()
  #closed = false
  readonly #recent = new RecentAuthors()
  #digest: Uint8Array | undefined
  /** The author key that we write with, in hex. */
  ownAuthor: string | undefined
  #listener: LogListener = {}

  private constructor(init: LogInit) {
    this.#init = init
    this.#runs = new RunStore(init)
    this.#clock = new HybridClock(init.clock)
  }

  /** Reads the whole log of the room. @throws DamagedStoreError */
  static async open(init: LogInit): Promise<Log> {
    const log = new Log(init)
    const readable: LogEvent[] = []
    for await (const { run, stored } of log.#runs.all()) log.#load(run, stored, readable)
    log.#graph.addAll(readable)
    log.#recent.read(log.#index.authors())
    return log
  }

  /** Tells `listener` from now on, and nobody else. */
  listen(listener: LogListener): void {
    this.#listener = listener
  }

  #load(run: Run, stored: StoredRun, readable: LogEvent[]): void {
    this.#runs.count(stored)
    const author = this.#index.addAuthor(run.author)
    const ids = idsOf(run)
    run.entries.forEach((entry, i) => {
      const known = this.get(ids[i] as string)
      if (known !== undefined && (known.hasBody || entry.body === undefined)) return
      const event = known ?? this.#index.add(author, run, ids, i, stored)
      event.stored = stored
      event.durable = true
      if (entry.body !== undefined) {
        event.hasBody = true
        if (this.#describe(event, this.#runs.openStored(run, i))) readable.push(event)
      }
    })
  }

  #describe(event: LogEvent, body: Body): boolean {
    if (!this.#graph.describe(event, body)) return false
    this.#clock.note(body.hlc)
    return true
  }

  /**
   * The one door. Takes a run from anybody: decodes it strictly, checks that it is of this room, signed by its author and opens
   * under the room's key, then stores what is new. The verdict is known at once and depends on the bytes alone, except that a run
   * without anything new is ignored. `admit` is asked about a valid run of an author never seen before: false puts it off.
   */
  ingest(bytes: Uint8Array, via: Via, admit: () => boolean = () => true): Ingested {
    if (this.#closed) return { verdict: 'ignore', reason: 'the room was closed', fresh: 0, durable: DONE }
    let run: Run
    let ids: string[]
    const fresh: [index: number, body: Body | undefined][] = []
    try {
      run = decodeRun(bytes, this.#init.crypto)
      if (!equalBytes(run.roomTag, this.#init.keys.tag)) throw new InvalidEventError('event of another room')
      ids = idsOf(run)
      run.entries.forEach((entry, i) => {
        const known = this.get(ids[i] as string)
        if (known === undefined || (!known.hasBody && entry.body !== undefined)) fresh.push([i, undefined])
      })
      if (fresh.length === 0)
        return { verdict: 'ignore', reason: 'nothing new', fresh: 0, durable: this.#writes.settled(this.#known(ids)) }
      // Without a body nothing shows that the author knows the room's key: only a peer that has proved access may carry one.
      if (via === 'gossip' && run.entries.some((entry) => entry.body === undefined))
        throw new InvalidEventError('header without its body')
      this.#check(run, fresh)
    } catch (error) {
      if (!(error instanceof InvalidEventError)) throw error
      return { verdict: 'reject', reason: error.message, fresh: 0, durable: DONE }
    }
    if (this.author(bytesToHex(run.author)) === undefined && !admit()) {
      return { verdict: 'ignore', reason: 'too many new authors at once', fresh: 0, durable: DONE }
    }
    if (this.ownAuthor === bytesToHex(run.author)) this.#listener.onStranger?.()
    const whole = run.entries.every((entry) => entry.body !== undefined)
    const latest = whole ? Math.max(...fresh.map(([, body]) => body?.hlc ?? 0)) : 0
    return { verdict: 'accept', fresh: fresh.length, latest, durable: this.#store(run, ids, bytes, fresh, via) }
  }

  /** Takes nothing more from anybody: what a session or the topic still brings belongs to whoever opens the room next. */
  close(): void {
    this.#closed = true
  }

  #check(run: Run, fresh: [number, Body | undefined][]): void {
    const { crypto } = this.#init
    if (!verifyRun(run, crypto)) throw new InvalidEventError('signature does not verify')
    if (this.author(bytesToHex(run.author)) === undefined && !crypto.isValidKey(run.author))
      throw new InvalidEventError('inadmissible author key')
    for (const item of fresh) if (run.entries[item[0]]?.body !== undefined) item[1] = this.#runs.open(run, item[0])
  }

  #known(ids: string[]): LogEvent[] {
    return ids.flatMap((id) => this.get(id) ?? [])
  }

  #store(
    run: Run,
    ids: string[],
    bytes: Uint8Array,
    fresh: [number, Body | undefined][],
    via: Via,
    also: Operation[] = [],
  ): Promise<void> {
    const { store, clock } = this.#init
    const known = fresh[0]?.[0] ?? 0 // what comes first and is here already is not stored again
    const kept = suffixOf(run, known)
    const { stored, operation } = this.#runs.put(kept, known === 0 ? bytes : encodeRun(kept), clock.now(), via)
    const author = this.#index.addAuthor(run.author)
    const wasForked = author.forked
    const earlier: Promise<void>[] = []
    const arrivals = fresh.map(([index, body]): Arrival & { was: StoredRun | undefined } => {
      const known = this.get(ids[index] as string)
      const write = known && this.#writes.of(known)
      if (write !== undefined) earlier.push(write)
      const was = write === undefined ? known?.stored : undefined
      const event = known ?? this.#index.add(author, run, ids, index, stored)
      if (body !== undefined) Object.assign(event, { hasBody: true, durable: false, stored })
      return { event, body, was }
    })
    if (author.forked && !wasForked) this.#listener.onFork?.(author)
    const durable = Promise.all([store.batch([operation, ...also]), ...earlier]).then(
      () => this.#arrive(arrivals, stored),
      (error) => {
        this.#undo(arrivals)
        throw error
      },
    )
    for (const { event } of arrivals) this.#writes.begin(event, durable)
    durable.catch(ignore)
    return durable
  }

  #arrive(arrivals: Arrival[], stored: StoredRun): void {
    const shown: Arrival[] = []
    this.#digest = undefined
    this.#runs.count(stored)
    if (arrivals[0] !== undefined) this.#recent.changed(arrivals[0].event.author)
    for (const arrival of arrivals) {
      const { event, body } = arrival
      if (event.stored !== stored) continue // its body came while the header was written: that write will tell
      this.#writes.end(event)
      event.durable = true
      if (body === undefined) continue
      event.author.hold(event)
      if (!this.#describe(event, body)) continue
      this.#graph.add(event)
      shown.push(arrival)
    }
    if (shown.length > 0) this.#listener.onArrivals?.(shown)
  }

  #undo(arrivals: (Arrival & { was: StoredRun | undefined })[]): void {
    for (const { event, was } of arrivals) {
      this.#writes.end(event)
      if (was !== undefined) {
        Object.assign(event, { hasBody: false, durable: true, stored: was }) // the header alone, as before
        continue
      }
      this.#index.remove(event)
    }
  }

  /** Own events, which `bytes` are the encoding of: the same way in, with what must be written in the same batch. */
  append(run: Run, bytes: Uint8Array, bodies: Body[], also: Operation[]): Promise<void> {
    return this.#store(
      run,
      idsOf(run),
      bytes,
      bodies.map((body, i) => [i, body]),
      'self',
      also,
    )
  }

  /** The next value of the room's hybrid clock, in milliseconds. */
  nextClock(): number {
    return this.#clock.next()
  }

  /** The events that nothing follows yet, the latest first. */
  heads(): LogEvent[] {
    return this.#graph.heads()
  }

  /** Every readable event in the room's order. */
  all(): readonly LogEvent[] {
    return this.#graph.all()
  }

  /** The event that stands behind `event` as far as the order was made: nothing is sorted for it. */
  after(event: LogEvent): LogEvent | undefined {
    return this.#graph.after(event)
  }

  authors(): Iterable<AuthorLog> {
    return this.#index.authors()
  }

  /** By its key in hex. */
  author(name: string): AuthorLog | undefined {
    return this.#index.author(name)
  }

  /** By the first 16 bytes of its key, in hex. */
  findAuthor(prefix: string): AuthorLog | undefined {
    return this.#index.findAuthor(prefix)
  }

  /** By the first 16 bytes of its id, in hex. */
  readonly find = (prefix: string): LogEvent | undefined => this.#index.find(prefix)

  get(id: string): LogEvent | undefined {
    return this.#index.get(id)
  }

  get size(): number {
    return this.#index.size
  }

  /** Bytes of the stored runs. */
  get bytes(): number {
    return this.#runs.bytes
  }

  /** 16 bytes, equal at two members if and only if they hold the same events. */
  frontierDigest(): Uint8Array {
    this.#digest ??= frontierDigest(this.#index.authors(), this.#init.crypto)
    return this.#digest
  }

  /** How far the logs that changed last are held without a gap, the latest first. */
  tips(): Tip[] {
    return this.#recent.tips()
  }

  /** A run as it is stored. @throws DamagedStoreError */
  run(author: AuthorLog, stored: StoredRun): Promise<PlainRun> {
    return this.#runs.get(author, stored)
  }

  /** The encoding of a run as it is stored. @throws DamagedStoreError */
  bytesOf(author: AuthorLog, stored: StoredRun): Promise<Uint8Array> {
    return this.#runs.bytesOf(author, stored)
  }

  /** What the bodies of these events say. @throws DamagedStoreError */
  read(events: readonly LogEvent[]): Promise<Body[]> {
    return this.#runs.read(events)
  }

  /** Reads everything back and checks chains, signatures and seals anew. @throws DamagedStoreError */
  async verify(): Promise<{ events: number; authors: number; forks: number }> {
    let events = 0
    for await (const { run } of this.#runs.all()) {
      if (!verifyRun(run, this.#init.crypto)) throw new DamagedStoreError('a signature in the store does not verify')
      const ids = idsOf(run)
      run.entries.forEach((entry, i) => {
        if (entry.body !== undefined) this.#runs.openStored(run, i)
        if (this.get(ids[i] as string) === undefined)
          throw new DamagedStoreError('the store holds an event that the log does not know')
        events++
      })
    }
    const authors = [...this.#index.authors()]
    return { events, authors: authors.length, forks: authors.filter(({ forked }) => forked).length }
  }
}

const idsOf = (run: Run): string[] => run.ids.map(bytesToHex)
