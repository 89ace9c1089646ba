/**
 * The end of the talk, which is still being drawn: what stands in a terminal's scrollback cannot be changed, so a message of one's own
 * waits here, with what came after it, until somebody is known to hold it or it has waited long enough to say that nobody does.
 */
import type { Held, Message } from '../../client/client.ts'
import type { Entry } from '../../view/entry.ts'
import { isOnlyHere } from '../../view/format.ts'
import type { Style } from '../../view/style.ts'
import type { After } from '../../view/timers.ts'
import { Value, type Watched } from '../../view/watched.ts'
import { linesOf } from './entry-lines.ts'

/** Longer than members take to say what they hold. Milliseconds. */
const PATIENCE = 15_000
/** The same where nobody is there, as far as is known: somebody may just have come. Milliseconds. */
const ALONE_PATIENCE = 2_000

export interface TailInit {
  style: Style
  columns: () => number
  /** Lines that may wait. */
  limit: () => number
  /** Lines that will not change any more. */
  print: (lines: string[]) => void
  /** A message of one's own is on its way into the scrollback as one that nobody else has. */
  onOnlyHere: (message: Message) => void
  after: After
}

interface Waiting {
  entry: Entry
  /** Of one's own, until somebody is known to hold it. */
  id?: string
  held?: Held
  /** What is said of it if it has to go before that. */
  claim?: Held
  cancel?: () => void
}

export class Tail {
  readonly #init: TailInit
  readonly #lines = new Value<readonly string[]>([])
  /** What waits, as it is to be drawn now. */
  readonly lines: Watched<readonly string[]> = this.#lines
  #waiting: Waiting[] = []

  constructor(init: TailInit) {
    this.#init = init
  }

  /** `alone`: nobody is known to be there who could hold it. */
  add(entry: Entry, alone: boolean): void {
    if (entry.kind === 'message' && entry.message.via === 'self') this.#await(entry, entry.message.id, alone)
    else this.#waiting.push({ entry })
    this.#settle()
  }

  delivered(id: string, held: Held): void {
    const found = this.#waiting.find((each) => each.id === id)
    if (found === undefined) return
    found.held = held
    // Whoever has it has, as a rule, those before it.
    if (!isOnlyHere(held)) for (const each of this.#waiting.slice(0, this.#waiting.indexOf(found) + 1)) this.#release(each, held)
    this.#settle()
  }

  /** Everything into the scrollback, as it is known now. */
  flush(): void {
    for (const each of this.#waiting) this.#release(each)
    this.#settle()
  }

  #await(entry: Entry, id: string, alone: boolean): void {
    const waiting: Waiting = { entry, id, claim: alone ? NOBODY : undefined }
    waiting.cancel = this.#init.after(alone ? ALONE_PATIENCE : PATIENCE, () => {
      this.#release(waiting, NOBODY)
      this.#settle()
    })
    this.#waiting.push(waiting)
  }

  #release(waiting: Waiting, held: Held | undefined = waiting.claim): void {
    if (waiting.id === undefined) return
    waiting.cancel?.()
    waiting.id = undefined
    waiting.held ??= held
    const isOnly = waiting.held !== undefined && isOnlyHere(waiting.held)
    if (isOnly && waiting.entry.kind === 'message') this.#init.onOnlyHere(waiting.entry.message)
  }

  /** What is settled from the beginning on goes into the scrollback, and what is too much. */
  #settle(): void {
    const done: string[] = []
    let drawn = this.#waiting.map((each) => this.#draw(each))
    const tooLong = (): boolean => drawn.reduce((sum, lines) => sum + lines.length, 0) > this.#init.limit()
    while (this.#waiting[0] !== undefined && (this.#waiting[0].id === undefined || tooLong())) {
      this.#release(this.#waiting[0])
      done.push(...this.#draw(this.#waiting[0], true))
      this.#waiting.shift()
      drawn = drawn.slice(1)
    }
    if (done.length > 0) this.#init.print(done)
    this.#lines.set(drawn.flat())
  }

  #draw({ entry, id, held }: Waiting, whole: boolean = false): string[] {
    const { style, columns } = this.#init
    return linesOf(entry, style, columns(), { mark: markOf(style, id !== undefined, held), whole })
  }
}

const NOBODY: Held = { held: 0, members: 0, keepers: 0 }

/** Behind a message of one's own: on its way, held by so many, or nowhere but here. */
function markOf(style: Style, waits: boolean, held: Held | undefined): string {
  if (held !== undefined && !isOnlyHere(held)) return style.format('green', ` ✓${held.held > 1 ? held.held : ''}`)
  if (waits) return style.format('dim', ' …')
  return held === undefined ? '' : style.format('yellow', ' (only here)')
}
