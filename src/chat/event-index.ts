/** Every author and every event of a room that is known, in memory: all but the bodies. */
import { AuthorLog, LogEvent, prefixOf, type StoredRun } from './author-log.ts'
import type { Entry, Run } from './event.ts'
import { bytesToHex } from './hex.ts'

export class EventIndex {
  /** By the first 16 bytes of the key, in hex. */
  readonly #authors = new Map<string, AuthorLog>()
  /** By the first 16 bytes of the id, in hex. */
  readonly #events = new Map<string, LogEvent>()

  get size(): number {
    return this.#events.size
  }

  /** Authors. */
  get count(): number {
    return this.#authors.size
  }

  get(id: string): LogEvent | undefined {
    const event = this.#events.get(prefixOf(id))
    return event?.id === id ? event : undefined
  }

  /** By the first 16 bytes of its id, in hex. */
  find(prefix: string): LogEvent | undefined {
    return this.#events.get(prefix)
  }

  authors(): Iterable<AuthorLog> {
    return this.#authors.values()
  }

  /** By its key in hex. */
  author(name: string): AuthorLog | undefined {
    const author = this.#authors.get(prefixOf(name))
    return author?.name === name ? author : undefined
  }

  /** By the first 16 bytes of its key, in hex. */
  findAuthor(prefix: string): AuthorLog | undefined {
    return this.#authors.get(prefix)
  }

  /** The author with this key, who may be new. */
  addAuthor(key: Uint8Array): AuthorLog {
    const name = bytesToHex(key)
    let author = this.author(name)
    if (author === undefined) {
      author = new AuthorLog(name, key)
      this.#authors.set(prefixOf(name), author)
    }
    return author
  }

  /** An event that is not known yet: the `at`-th of a run. `ids` are those of the run, in hex. */
  add(author: AuthorLog, run: Run, ids: string[], at: number, stored: StoredRun): LogEvent {
    const id = ids[at] as string
    const prevId = ids[at - 1] ?? bytesToHex(run.prevId)
    const event = new LogEvent(author, run.firstSeq + at, id, prevId, (run.entries[at] as Entry).kind, stored)
    author.add(event)
    this.#events.set(prefixOf(id), event)
    return event
  }

  /** Takes back what could not be stored. */
  remove(event: LogEvent): void {
    event.author.remove(event)
    if (this.get(event.id) === event) this.#events.delete(prefixOf(event.id))
    this.#forgetIfEmpty(event.author)
  }

  /** Forgets the events of an author up to `seq`, and answers them. */
  cut(author: AuthorLog, seq: number): LogEvent[] {
    const gone = author.cut(seq)
    for (const event of gone) this.#events.delete(prefixOf(event.id))
    this.#forgetIfEmpty(author)
    return gone
  }

  /** Unless another log of the author has begun meanwhile. */
  #forgetIfEmpty(author: AuthorLog): void {
    if (author.size === 0 && this.author(author.name) === author) this.#authors.delete(prefixOf(author.name))
  }
}
