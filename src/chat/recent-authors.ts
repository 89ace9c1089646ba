/** Whose logs changed last: a beacon has room for few. */
import { type AuthorLog, prefixOf } from './author-log.ts'
import type { Tip } from './beacon.ts'
import { MAX_BEACON_TIPS } from './constants.ts'

export class RecentAuthors {
  /** The latest last. */
  readonly #authors = new Set<AuthorLog>()

  /** Those of a log that was just read. */
  read(authors: Iterable<AuthorLog>): void {
    const sorted = [...authors].sort((a, b) => (a.last?.hlc ?? 0) - (b.last?.hlc ?? 0))
    for (const author of sorted.slice(-MAX_BEACON_TIPS)) this.#authors.add(author)
  }

  changed(author: AuthorLog): void {
    this.#authors.delete(author)
    this.#authors.add(author)
    if (this.#authors.size > MAX_BEACON_TIPS) this.#authors.delete([...this.#authors][0] as AuthorLog)
  }

  /** How far they are held without a gap, the latest author first. A log whose beginning is missing is not named. */
  tips(): Tip[] {
    return [...this.#authors].reverse().flatMap((log) => {
      const whole = log.segments().find(({ from }) => from === 1)
      return whole === undefined ? [] : [{ author: prefixOf(log.name), seq: whole.to, id: whole.end }]
    })
  }
}
