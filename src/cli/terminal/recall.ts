/** The lines typed before, for Up and Down. */
import { MAX_RECALL_BYTES, MAX_RECALLED } from './constants.ts'
import { typeable } from './editor.ts'

interface Search {
  readonly at: number
  readonly prefix: string
  /** The text as it was left unfinished. */
  readonly unfinished: string
  /** What was answered last. When something else is there now, a new search begins. */
  readonly shown: string
}

/** A mutable list; the oldest lines go when there are too many, or too long ones. */
export class Recall {
  /** Oldest first. */
  #lines: string[] = []
  #search: Search | undefined

  /** Lines kept as `toJSON` gave them. Whatever else it is given it leaves out; it throws nothing. */
  static from(json: string | undefined): Recall {
    const recall = new Recall()
    for (const line of parse(json)) if (typeof line === 'string') recall.#push(typeable(line))
    recall.#cut()
    return recall
  }

  get size(): number {
    return this.#lines.length
  }

  /** Remembers a line that was sent, unless it is empty or the one before it; ends a search. */
  add(line: string): void {
    this.#search = undefined
    this.#push(typeable(line))
    this.#cut()
  }

  /**
   * The nearest older line that begins with what stands before the cursor, given the text that is there now and the cursor in
   * it; undefined when there is none.
   */
  older(text: string, cursor: number): string | undefined {
    const search = this.#continued(text) ?? {
      at: this.#lines.length,
      prefix: text.slice(0, cursor),
      unfinished: text,
      shown: text,
    }
    for (let at = search.at - 1; at >= 0; at--) if (this.#fits(at, search)) return this.#show(search, at)
    return undefined
  }

  /** The nearest newer one, at last the unfinished text; undefined when nothing was recalled. */
  newer(text: string): string | undefined {
    const search = this.#continued(text)
    if (search === undefined) return undefined
    for (let at = search.at + 1; at < this.#lines.length; at++) if (this.#fits(at, search)) return this.#show(search, at)
    this.#search = undefined
    return search.unfinished
  }

  /** One JSON text of at most `MAX_RECALL_BYTES` in UTF-8, an array of lines, when it is given to `JSON.stringify`. */
  toJSON(): string[] {
    return [...this.#lines]
  }

  #continued(text: string): Search | undefined {
    return this.#search?.shown === text ? this.#search : undefined
  }

  #fits(at: number, { prefix, shown }: Search): boolean {
    const line = this.#lines[at] ?? ''
    return line !== shown && line.startsWith(prefix)
  }

  #show(search: Search, at: number): string {
    const shown = this.#lines[at] ?? ''
    this.#search = { ...search, at, shown }
    return shown
  }

  #push(line: string): void {
    if (line.trim() !== '' && line !== this.#lines.at(-1)) this.#lines.push(line)
  }

  #cut(): void {
    let bytes = '[]'.length
    let kept = this.#lines.length
    while (kept > 0 && this.#lines.length - kept < MAX_RECALLED) {
      bytes += Buffer.byteLength(JSON.stringify(this.#lines[kept - 1])) + ','.length
      if (bytes > MAX_RECALL_BYTES) break
      kept -= 1
    }
    this.#lines = this.#lines.slice(kept)
  }
}

function parse(json: string | undefined): unknown[] {
  try {
    const value: unknown = JSON.parse(json ?? '')
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}
