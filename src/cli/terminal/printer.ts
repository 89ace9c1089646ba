/** Lines on their way into the scrollback: many at once, so that a hundred messages a second are thirty drawings and not a hundred. */

/** More than this many lines are not kept for a screen that is not there yet. */
const MAX_KEPT = 10_000

export class Printer {
  readonly #interval: number
  #write: ((text: string) => void) | undefined
  #lines: string[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Milliseconds between two drawings. */
  constructor(interval: number) {
    this.#interval = interval
  }

  attach(write: (text: string) => void): void {
    this.#write = write
    this.flush()
  }

  /** What comes waits. */
  detach(): void {
    this.#write = undefined
  }

  print(lines: readonly string[]): void {
    this.#lines.push(...lines)
    if (this.#lines.length > MAX_KEPT) this.#lines.splice(0, this.#lines.length - MAX_KEPT)
    if (this.#timer !== undefined) return
    this.#emit()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#emit()
    }, this.#interval)
  }

  /** What is no line: it takes its place among them, and moves none. */
  write(text: string): void {
    this.flush()
    this.#write?.(text)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#emit()
  }

  #emit(): void {
    if (this.#write === undefined || this.#lines.length === 0) return
    const text = `${this.#lines.join('\n')}\n`
    this.#lines = []
    this.#write(text)
  }
}
