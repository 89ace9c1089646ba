/** A room's messages looked through for a query, the newest first and a few at a time: there is no index that could tell what they say. */
import type { AuthorLog, LogEvent, StoredRun } from './author-log.ts'
import { type Body, textPayload } from './body.ts'
import { MAX_SCAN_BYTES, MAX_SCAN_EVENTS, MAX_SCAN_STEPS } from './constants.ts'
import { matches, type Query } from './query.ts'
import type { Message } from './types.ts'

export interface ScanInit {
  query: Query
  /** Every event in the room's order. */
  all: () => readonly LogEvent[]
  read: (events: readonly LogEvent[]) => Promise<Body[]>
  isMessage: (event: LogEvent) => boolean
  /** What this author wrote may be shown, and is looked for. */
  isWanted: (author: AuthorLog) => boolean
  message: (event: LogEvent, body: Body) => Message
}

export interface Found {
  message: Message
  /** Where it stands among those of other rooms, in milliseconds: in its own room never after what stands behind it. */
  at: number
}

export class Scan {
  readonly #init: ScanInit
  readonly #wanted = new Map<AuthorLog, boolean>()
  /** What was looked at last. What comes in before it meanwhile is found, what comes behind it was not there. */
  #last: LogEvent | undefined
  #latest: number

  constructor(init: ScanInit) {
    this.#init = init
    this.#latest = init.all().at(-1)?.hlc ?? Number.NEGATIVE_INFINITY
  }

  /** Nothing that is still to be found stands after this time; negative infinity at the end. */
  get latest(): number {
    return this.#latest
  }

  /** Looks at the next messages back; answers those that match, the newest first. @throws DamagedStoreError, ClosedError */
  async next(): Promise<Found[]> {
    const { query, read, message } = this.#init
    const picked = this.#pick()
    const bodies = await read(picked.map(({ event }) => event))
    return picked.flatMap(({ event, at }, i) => {
      const body = bodies[i] as Body
      return matches(query, textPayload(body).text) ? [{ message: message(event, body), at }] : []
    })
  }

  #pick(): { event: LogEvent; at: number }[] {
    const all = this.#init.all()
    const runs = new Set<StoredRun>()
    const picked: { event: LogEvent; at: number }[] = []
    let bytes = 0
    let i = (this.#last === undefined ? all.length : this.#last.position) - 1
    for (let steps = 0; i >= 0 && steps < MAX_SCAN_STEPS && picked.length < MAX_SCAN_EVENTS && bytes < MAX_SCAN_BYTES; steps++) {
      const event = all[i--] as LogEvent
      this.#last = event
      this.#latest = Math.min(this.#latest, event.hlc)
      if (!this.#init.isMessage(event) || !this.#wants(event.author)) continue
      picked.push({ event, at: this.#latest })
      if (!runs.has(event.stored)) bytes += event.stored.size
      runs.add(event.stored)
    }
    this.#latest = Math.min(this.#latest, all[i]?.hlc ?? Number.NEGATIVE_INFINITY)
    return picked
  }

  #wants(author: AuthorLog): boolean {
    const known = this.#wanted.get(author) ?? this.#init.isWanted(author)
    this.#wanted.set(author, known)
    return known
  }
}
