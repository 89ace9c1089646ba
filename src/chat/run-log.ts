/**
 * The runs of one room, without a key of it: every event that is held, whoever wrote it, and the one door by which runs come in. What
 * bodies say is for those who can open them: `Log`. A keeper's is `KeptLog`.
 */
import { InvalidEventError } from '../errors.ts'
import type { Operation, Store } from '../storage/store.ts'
import type { AuthorLog, LogEvent, StoredRun } from './author-log.ts'
import { equalBytes } from './cbor.ts'
import { decodeRun, encodeRun, type Run, suffixOf, verifyRun } from './event.ts'
import { EventIndex } from './event-index.ts'
import { frontierDigest, missing, type Page, type Want } from './frontier.ts'
import { bytesToHex } from './hex.ts'
import { PendingWrites } from './pending-writes.ts'
import { type RunPlace, RunStore, type Via } from './run-store.ts'
import type { Clock, Crypto, Verdict } from './seams.ts'

export interface RunLogInit {
  store: Store
  crypto: Crypto
  clock: Clock
  /** The room's tag. */
  tag: Uint8Array
  /** Where its runs lie in the store. */
  place: RunPlace
}

/** An event that came in, with what its body says; `body` is missing where only the header is here. */
export interface Arrival<B> {
  event: LogEvent
  body: B | undefined
}

export interface Ingested {
  verdict: Verdict
  /** Why it was not accepted. */
  reason?: string
  /** Events that were new, or whose bodies were. */
  fresh: number
  /** Of a run that does not open under the room's key: its author (hex), who signed it. Who has no key of the room cannot know. */
  unreadable?: string
  /** The clock of the latest of them; 0 for a run in which a body is missing, which gossip refuses. */
  latest?: number
  /** Resolves when everything in the run is on disk, rejects when it could not be stored. */
  durable: Promise<void>
}

/** A decoded run, its author and ids in hex, its encoding, and the places in it of what is not here yet. */
export interface Incoming {
  run: Run
  author: string
  ids: string[]
  bytes: Uint8Array
  fresh: number[]
}

/** Where events lie that were given up. */
const NOWHERE: StoredRun = { firstSeq: 0, count: 0, n: 0, size: 0, receivedAt: 0, via: 'sync' }
const DONE = Promise.resolve()
/** Whoever waits for a write hears of its failure; the gossip door does not wait. */
const ignore = (): undefined => undefined

export abstract class RunLog<B> {
  readonly #init: RunLogInit
  protected readonly runs: RunStore
  protected readonly index = new EventIndex()
  readonly #writes = new PendingWrites()
  #closed = false
  #digest: Uint8Array | undefined
  /** The author key that is written with here, in hex. */
  ownAuthor: string | undefined

  protected constructor(init: RunLogInit) {
    this.#init = init
    this.runs = new RunStore(init)
  }

  /** Reads everything from the disk. @throws DamagedStoreError */
  protected async load(): Promise<void> {
    for await (const { run, stored } of this.runs.all()) this.#load(run, stored)
  }

  #load(run: Run, stored: StoredRun): void {
    this.runs.count(stored)
    const author = this.index.addAuthor(run.author)
    const floor = this.floor(author.name)
    const ids = idsOf(run)
    run.entries.forEach((entry, i) => {
      const known = this.get(ids[i] as string)
      if (run.firstSeq + i <= floor || (known !== undefined && (known.hasBody || entry.body === undefined))) return
      const event = known ?? this.index.add(author, run, ids, i, stored)
      event.stored = stored
      event.durable = true
      if (entry.body === undefined) return
      event.hasBody = true
      this.loaded(event, run, i)
    })
    this.loadedRun(author, stored)
  }

  /**
   * The one door. Takes a run from anybody: decodes it strictly, checks that it is of this room, signed by its author and, where
   * there is a key, opens under it, then stores what is new. The verdict is known at once and depends on the bytes alone, except
   * that a run without anything new is ignored. `admit` is asked about a valid run of an author never seen before: false puts it
   * off.
   */
  ingest(bytes: Uint8Array, via: Via, admit: () => boolean = () => true): Ingested {
    if (this.#closed) return { verdict: 'ignore', reason: 'the room was closed', fresh: 0, durable: DONE }
    let incoming: Incoming | undefined
    let bodies: (B | undefined)[]
    let verified = false
    try {
      incoming = this.#screen(bytes)
      const { run, ids, fresh } = incoming
      if (fresh.length === 0)
        return { verdict: 'ignore', reason: 'nothing new', fresh: 0, durable: this.#writes.settled(this.#known(ids)) }
      // Without a body nothing shows that the author knows the room's key: only a peer that has proved access may carry one.
      if (via === 'gossip' && run.entries.some((entry) => entry.body === undefined))
        throw new InvalidEventError('header without its body')
      this.#check(incoming)
      verified = true
      bodies = fresh.map((i) => (run.entries[i]?.body === undefined ? undefined : this.open(run, i)))
    } catch (error) {
      if (!(error instanceof InvalidEventError)) throw error
      const unreadable = verified && incoming !== undefined ? { unreadable: incoming.author } : {}
      return { verdict: 'reject', reason: error.message, fresh: 0, durable: DONE, ...unreadable }
    }
    const { run, author, fresh } = incoming
    if (this.author(author) === undefined && !admit()) {
      return { verdict: 'ignore', reason: 'too many new authors at once', fresh: 0, durable: DONE }
    }
    this.accepted(author)
    const whole = run.entries.every((entry) => entry.body !== undefined)
    return {
      verdict: 'accept',
      fresh: fresh.length,
      latest: whole ? this.latest(bodies) : 0,
      durable: this.put(incoming, bodies, via),
    }
  }

  #screen(bytes: Uint8Array): Incoming {
    const run = decodeRun(bytes, this.#init.crypto)
    if (!equalBytes(run.roomTag, this.#init.tag)) throw new InvalidEventError('event of another room')
    const ids = idsOf(run)
    const author = bytesToHex(run.author)
    const floor = this.floor(author)
    const fresh: number[] = []
    run.entries.forEach((entry, i) => {
      if (run.firstSeq + i <= floor) return
      const known = this.get(ids[i] as string)
      if (known === undefined || (!known.hasBody && entry.body !== undefined)) fresh.push(i)
    })
    return { run, author, ids, bytes, fresh }
  }

  /** Takes nothing more from anybody: what a session or the topic still brings belongs to whoever opens the room next. */
  close(): void {
    this.#closed = true
  }

  #check({ run, author }: Incoming): void {
    const { crypto } = this.#init
    if (!verifyRun(run, crypto)) throw new InvalidEventError('signature does not verify')
    if (this.author(author) === undefined && !crypto.isValidKey(run.author))
      throw new InvalidEventError('inadmissible author key')
  }

  #known(ids: string[]): LogEvent[] {
    return ids.flatMap((id) => this.get(id) ?? [])
  }

  /** Stores what is new of a run that was checked; `also` is written in the same batch. */
  protected put(
    { run, ids, bytes, fresh }: Omit<Incoming, 'author'>,
    bodies: (B | undefined)[],
    via: Via,
    also: Operation[] = [],
  ): Promise<void> {
    const { store, clock } = this.#init
    const first = fresh[0] ?? 0 // what comes before it is here already and not stored again
    const kept = suffixOf(run, first)
    const { stored, operation } = this.runs.put(kept, first === 0 ? bytes : encodeRun(kept), clock.now(), via)
    const author = this.index.addAuthor(run.author)
    const wasForked = author.forked
    const earlier: Promise<void>[] = []
    const arrivals = fresh.map((index, i): Arrival<B> & { was: StoredRun | undefined } => {
      const known = this.get(ids[index] as string)
      const write = known && this.#writes.of(known)
      if (write !== undefined) earlier.push(write)
      const was = write === undefined ? known?.stored : undefined
      const event = known ?? this.index.add(author, run, ids, index, stored)
      const body = bodies[i]
      if (body !== undefined) Object.assign(event, { hasBody: true, durable: false, stored })
      return { event, body, was }
    })
    if (author.forked && !wasForked) this.forked(author)
    const operations = [operation, ...also, ...this.storing(author, stored)]
    const durable = Promise.all([store.batch(operations), ...earlier]).then(
      () => this.#arrive(arrivals, stored),
      (error) => {
        this.#undo(arrivals)
        this.settled(author, stored, false)
        throw error
      },
    )
    for (const { event } of arrivals) this.#writes.begin(event, durable)
    durable.catch(ignore)
    return durable
  }

  #arrive(arrivals: Arrival<B>[], stored: StoredRun): void {
    const held: Arrival<B>[] = []
    this.#digest = undefined
    this.runs.count(stored)
    for (const arrival of arrivals) {
      const { event, body } = arrival
      if (event.stored !== stored) continue // its body came while the header was written, and that write will tell; or it was given up
      this.#writes.end(event)
      event.durable = true
      if (body === undefined) continue
      event.author.hold(event)
      held.push(arrival)
    }
    const author = arrivals[0]?.event.author
    if (author === undefined) return
    this.arrived(author, held)
    this.settled(author, stored, true)
  }

  #undo(arrivals: (Arrival<B> & { was: StoredRun | undefined })[]): void {
    for (const { event, was } of arrivals) {
      this.#writes.end(event)
      if (was !== undefined) {
        Object.assign(event, { hasBody: false, durable: true, stored: was }) // the header alone, as before
        continue
      }
      this.index.remove(event)
    }
  }

  /** Forgets the events of an author up to `seq`, also those that are being written: the runs are for the caller to remove. */
  protected cut(author: AuthorLog, seq: number): void {
    this.#digest = undefined
    for (const event of this.index.cut(author, seq)) {
      event.stored = NOWHERE
      this.#writes.end(event)
    }
  }

  /** Up to here nothing of an author (a key in hex) is taken or looked at any more. */
  protected floor(_author: string): number {
    return 0
  }

  /** What a body that is new says. @throws InvalidEventError when it is not valid */
  protected abstract open(run: Run, index: number): B

  /** The clock of the latest of what came in. */
  protected abstract latest(bodies: (B | undefined)[]): number

  /** An event with its body was read from the disk: the `index`-th of a run. */
  protected abstract loaded(event: LogEvent, run: Run, index: number): void

  /** All of a run was. */
  protected loadedRun(_author: AuthorLog, _stored: StoredRun): void {
    // Nothing to note.
  }

  /** A run of this author (a key in hex) was found valid and new. */
  protected accepted(_author: string): void {
    // Nothing to do.
  }

  /** A run is about to be stored; answers what is written with it. */
  protected storing(_author: AuthorLog, _stored: StoredRun): Operation[] {
    return []
  }

  /** It is on disk, or could not be stored. */
  protected settled(_author: AuthorLog, _stored: StoredRun, _ok: boolean): void {
    // Nothing was noted.
  }

  /** Events are on disk with their bodies; none where a run brought headers alone. */
  protected abstract arrived(author: AuthorLog, arrivals: Arrival<B>[]): void

  /** An author is first seen to have two events at one place. */
  protected forked(_author: AuthorLog): void {
    // Nothing to tell.
  }

  authors(): Iterable<AuthorLog> {
    return this.index.authors()
  }

  /** By its key in hex. */
  author(name: string): AuthorLog | undefined {
    return this.index.author(name)
  }

  /** By the first 16 bytes of its key, in hex. */
  findAuthor(prefix: string): AuthorLog | undefined {
    return this.index.findAuthor(prefix)
  }

  /** By the first 16 bytes of its id, in hex. */
  readonly find = (prefix: string): LogEvent | undefined => this.index.find(prefix)

  get(id: string): LogEvent | undefined {
    return this.index.get(id)
  }

  /** What is lacking here of what `page` says is held elsewhere. */
  lacks(page: Page): Want[] {
    return missing(this.findAuthor(page.author), page, this.find)
  }

  get size(): number {
    return this.index.size
  }

  /** Bytes of the stored runs. */
  get bytes(): number {
    return this.runs.bytes
  }

  /** 16 bytes, equal at two members if and only if they hold the same events. */
  frontierDigest(): Uint8Array {
    this.#digest ??= frontierDigest(this.index.authors(), this.#init.crypto)
    return this.#digest
  }

  /** The encoding of a run as it is stored; undefined if it was given up meanwhile. @throws DamagedStoreError */
  bytesOf(author: AuthorLog, stored: StoredRun): Promise<Uint8Array | undefined> {
    return this.runs.bytesOf(author, stored)
  }
}

export const idsOf = (run: Run): string[] => run.ids.map(bytesToHex)
