/** What was said before, a screen at a time: on the terminal's other screen, so that the scrollback stays as it is. */
import type { Client, Message } from '../../client/client.ts'
import { isolate, isolateRows } from '../../view/bidi.ts'
import type { MessageEntry } from '../../view/entry.ts'
import { explain } from '../../view/explain.ts'
import { dayOf } from '../../view/format.ts'
import type { Style } from '../../view/style.ts'
import { Value, type Watched } from '../../view/watched.ts'
import { MAX_PAGED, PAGE } from './constants.ts'
import { linesOf } from './entry-lines.ts'
import type { Action } from './key-map.ts'
import { formatCount } from './layout.ts'
import { cut, widthOf } from './widths.ts'

export interface PagerInit {
  client: Client
  room: { id: string; name: string }
  style: Style
  columns: () => number
  /** Rows of text that fit. */
  rows: () => number
  entry: (message: Message) => MessageEntry
  onClose: () => void
}

export interface Page {
  /** Oldest first. */
  messages: readonly Message[]
  /** There are older ones. */
  more: boolean
  /** What stands lowest on the screen: a message, with so many of its lines below that. Undefined: the whole of the newest. */
  lowest: { id: string; below: number } | undefined
  state: 'reading' | 'read' | { problem: string }
}

export class Pager implements Watched<Page> {
  readonly #init: PagerInit
  readonly #lines = new Map<string, readonly string[]>()
  readonly #state = new Value<Page>({ messages: [], more: true, lowest: undefined, state: 'read' })
  readonly view = this.#state.view
  readonly subscribe = this.#state.subscribe
  #width = 0

  constructor(init: PagerInit) {
    this.#init = init
  }

  get #page(): Page {
    return this.#state.view()
  }

  /** Reads the newest messages, and goes one screen up. */
  async open(): Promise<void> {
    await this.#read()
    this.#go(this.#init.rows())
  }

  take(actions: readonly Action[]): void {
    for (const action of actions) this.#take(action)
  }

  /** As high as the screen, less the line that Ink ends with. */
  lines(page: Page, columns: number, rows: number): string[] {
    const { room, style } = this.#init
    const all = this.#wrapped().flatMap(({ lines }) => lines)
    const height = Math.max(1, rows - 2)
    // On a screen that has grown since there may be fewer lines.
    const end = all.length - Math.max(0, Math.min(this.#offset(page), all.length - height))
    const shown = all.slice(Math.max(0, end - height), end)
    const help = `${isolate(room.name)}: ${stateOf(page)} · PgUp PgDn ↑ ↓ Home End · q back to the talk`
    const [status = ''] = isolateRows([cut(help, columns)])
    const space = ' '.repeat(Math.max(0, columns - widthOf(status)))
    const empty = Array.from({ length: Math.max(0, height - shown.length) }, () => '')
    return [...empty, ...shown, style.format('inverse', status + space)].slice(-Math.max(1, rows - 1))
  }

  #take(action: Action): void {
    const rows = this.#init.rows()
    const offset = this.#offset(this.#page)
    if (action.kind === 'page-up') this.#go(offset + rows)
    else if (action.kind === 'up') this.#go(offset + 1)
    else if (action.kind === 'down') this.#go(offset - 1)
    else if (action.kind === 'line-start') this.#go(Number.POSITIVE_INFINITY)
    else if (action.kind === 'line-end') this.#go(0)
    else if (action.kind === 'page-down') {
      if (offset === 0) this.#init.onClose()
      else this.#go(offset - rows)
    } else if (CLOSING.has(action.kind) || (action.kind === 'insert' && action.text.startsWith('q'))) this.#init.onClose()
  }

  /** Scrolls until so many lines are below the screen, or to where they end. */
  #go(offset: number): void {
    const wrapped = this.#wrapped()
    const highest = Math.max(0, wrapped.reduce((sum, { lines }) => sum + lines.length, 0) - this.#init.rows())
    let below = Math.max(0, Math.min(offset, highest))
    const lowest = wrapped.findLast(({ lines }) => {
      if (below < lines.length) return true
      below -= lines.length
      return false
    })
    this.#set({ lowest: lowest === undefined ? undefined : { id: lowest.id, below } })
    if (offset >= highest) void this.#read()
  }

  /** Lines below the screen. */
  #offset({ lowest }: Page): number {
    if (lowest === undefined) return 0
    let offset = 0
    for (const { id, lines } of this.#wrapped().reverse()) {
      if (id === lowest.id) return offset + Math.min(lowest.below, lines.length - 1)
      offset += lines.length
    }
    return 0
  }

  async #read(): Promise<void> {
    const { messages, more, state } = this.#page
    if (state === 'reading' || !more || messages.length >= MAX_PAGED) return
    this.#set({ state: 'reading' })
    try {
      const before = messages[0]?.id
      const older = await this.#init.client.history({
        room: this.#init.room.id,
        limit: PAGE,
        ...(before === undefined ? {} : { before }),
      })
      const all = [...older.messages, ...messages]
      this.#set({ messages: all, more: older.more, state: 'read' })
    } catch (error) {
      this.#set({ state: { problem: explain(error) } })
    }
  }

  /** The lines of every message, in the width of the screen. */
  #wrapped(): { id: string; lines: readonly string[] }[] {
    const columns = this.#init.columns()
    if (columns !== this.#width) this.#lines.clear()
    this.#width = columns
    let day = ''
    return this.#page.messages.map((message) => {
      const today = dayOf(message.sentAt)
      const head = today === day ? [] : [this.#init.style.format('dim', cut(`— ${today} —`, columns))]
      day = today
      return { id: message.id, lines: [...head, ...this.#linesOf(message, columns)] }
    })
  }

  #linesOf(message: Message, columns: number): readonly string[] {
    const known = this.#lines.get(message.id)
    if (known !== undefined) return known
    const lines = linesOf(this.#init.entry(message), this.#init.style, columns)
    this.#lines.set(message.id, lines)
    return lines
  }

  #set(changes: Partial<Page>): void {
    this.#state.set({ ...this.#page, ...changes })
  }
}

function stateOf({ messages, more, state }: Page): string {
  if (typeof state === 'object') return `could not be read: ${state.problem}`
  const read = `${formatCount(messages.length)} messages`
  if (state === 'reading') return `${read}, reading…`
  if (!more) return `${read}, all there are`
  return messages.length < MAX_PAGED ? read : `the newest ${read}, /search finds older ones`
}

const CLOSING: ReadonlySet<Action['kind']> = new Set(['escape', 'submit', 'interrupt', 'delete-or-leave'])
