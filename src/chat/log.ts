/** One room's log at a member: every event that is held, whoever wrote it, what it says, and where it stands among the others. */
import { DamagedStoreError } from '../errors.ts'
import type { Operation, Store } from '../storage/store.ts'
import type { AuthorLog, LogEvent } from './author-log.ts'
import type { Tip } from './beacon.ts'
import { Bodies } from './bodies.ts'
import type { Body } from './body.ts'
import { type Run, verifyRun } from './event.ts'
import { EventGraph } from './event-graph.ts'
import { HybridClock } from './hybrid-clock.ts'
import { RecentAuthors } from './recent-authors.ts'
import type { RoomKeys } from './room-keys.ts'
import { idsOf, type Arrival as RunArrival, RunLog } from './run-log.ts'
import { placeOfRoom } from './run-store.ts'
import type { Clock, Crypto } from './seams.ts'

export type Arrival = RunArrival<Body>

export interface LogInit {
  store: Store
  crypto: Crypto
  clock: Clock
  keys: RoomKeys
}

export interface LogListener {
  /** Arrivals are on disk and in their place, in the order of the run. */
  onArrivals?(arrivals: Arrival[]): void
  /** An author is first seen to have two events at one place. */
  onFork?(author: AuthorLog): void
  /** An event came in under our own author key that is not in our log: a copy of us wrote it, or we did and lost it. */
  onStranger?(): void
}

export class Log extends RunLog<Body> {
  readonly #crypto: Crypto
  readonly #bodies: Bodies
  readonly #clock: HybridClock
  readonly #graph = new EventGraph((prefix) => this.find(prefix))
  readonly #recent = new RecentAuthors()
  /** Events read from the disk that are not in their places yet. */
  #read: LogEvent[] = []
  #listener: LogListener = {}

  private constructor({ keys, ...init }: LogInit) {
    super({ ...init, tag: keys.tag, place: placeOfRoom(keys.tag) })
    this.#crypto = init.crypto
    this.#bodies = new Bodies(this.runs, keys, init.crypto)
    this.#clock = new HybridClock(init.clock)
  }

  /** Reads the whole log of the room. @throws DamagedStoreError */
  static async open(init: LogInit): Promise<Log> {
    const log = new Log(init)
    await log.load()
    log.#graph.addAll(log.#read)
    log.#read = []
    log.#recent.read(log.authors())
    return log
  }

  /** Tells `listener` from now on, and nobody else. */
  listen(listener: LogListener): void {
    this.#listener = listener
  }

  protected override loaded(event: LogEvent, run: Run, index: number): void {
    if (this.#describe(event, this.#bodies.openStored(run, index))) this.#read.push(event)
  }

  #describe(event: LogEvent, body: Body): boolean {
    if (!this.#graph.describe(event, body)) return false
    this.#clock.note(body.hlc)
    return true
  }

  protected override open(run: Run, index: number): Body {
    return this.#bodies.open(run, index)
  }

  protected override latest(bodies: (Body | undefined)[]): number {
    return Math.max(...bodies.map((body) => body?.hlc ?? 0))
  }

  protected override accepted(author: string): void {
    if (this.ownAuthor === author) this.#listener.onStranger?.()
  }

  protected override forked(author: AuthorLog): void {
    this.#listener.onFork?.(author)
  }

  protected override arrived(author: AuthorLog, arrivals: Arrival[]): void {
    this.#recent.changed(author)
    const shown: Arrival[] = []
    for (const arrival of arrivals) {
      const { event, body } = arrival
      if (body === undefined || !this.#describe(event, body)) continue
      this.#graph.add(event)
      shown.push(arrival)
    }
    if (shown.length > 0) this.#listener.onArrivals?.(shown)
  }

  /** Own events, which `bytes` are the encoding of: the same way in, with what must be written in the same batch. */
  append(run: Run, bytes: Uint8Array, bodies: Body[], also: Operation[]): Promise<void> {
    return this.put({ run, ids: idsOf(run), bytes, fresh: bodies.map((_, i) => i) }, bodies, 'self', also)
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

  /** How far the logs that changed last are held without a gap, the latest first. */
  tips(): Tip[] {
    return this.#recent.tips()
  }

  /** What the bodies of these events say. @throws DamagedStoreError */
  read(events: readonly LogEvent[]): Promise<Body[]> {
    return this.#bodies.read(events)
  }

  /** Reads everything back and checks chains, signatures and seals anew. @throws DamagedStoreError */
  async verify(): Promise<{ events: number; authors: number; forks: number }> {
    let events = 0
    for await (const { run } of this.runs.all()) {
      if (!verifyRun(run, this.#crypto)) throw new DamagedStoreError('a signature in the store does not verify')
      const ids = idsOf(run)
      run.entries.forEach((entry, i) => {
        if (entry.body !== undefined) this.#bodies.openStored(run, i)
        if (this.get(ids[i] as string) === undefined)
          throw new DamagedStoreError('the store holds an event that the log does not know')
        events++
      })
    }
    const authors = [...this.authors()]
    return { events, authors: authors.length, forks: authors.filter(({ forked }) => forked).length }
  }
}
