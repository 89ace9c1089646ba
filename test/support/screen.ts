/** What a person would see: a tiny terminal that knows the sequences node:readline, Ink and the drawn chat write, and a stdin to type on. */
import { PassThrough, Writable } from 'node:stream'
import type { Streams } from '../../src/cli/io.ts'

const OTHER_SCREEN = 1049

export class Screen extends Writable {
  readonly isTTY = true
  readonly columns: number
  readonly rows = 24
  #lines: string[][] = [[]]
  #row = 0
  #column = 0
  /** What the other screen hides. */
  #hidden: { lines: string[][]; row: number; column: number } | undefined
  /** The private modes that are on, by number. */
  readonly modes = new Set<number>()
  /** How often the bell rang. */
  bells = 0

  constructor(columns: number = 80) {
    super({ decodeStrings: false })
    this.columns = columns
  }

  /** One bit a pixel: no colours, so that lines are plain. */
  getColorDepth(): number {
    return 1
  }

  /** The lines as they stand, without spaces at their ends. */
  get lines(): string[] {
    const shown = this.#lines.map((line) => line.join('').trimEnd())
    while (shown.at(-1) === '') shown.pop()
    return shown
  }

  /** Where the cursor stands. */
  get cursor(): [row: number, column: number] {
    return [this.#row, this.#column]
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    for (const [token] of String(chunk).matchAll(/\u001b\[[0-9;?]*[A-Za-z]|[^]/gu)) this.#take(token)
    done()
  }

  #take(token: string): void {
    if (token === '\r') this.#column = 0
    else if (token === '\n') this.#newLine()
    else if (token === '\u0007') this.bells += 1
    else if (token.startsWith('\u001b[')) this.#sequence(token)
    else this.#put(token)
  }

  #put(character: string): void {
    if (this.#column === this.columns) {
      this.#column = 0
      this.#go(this.#row + 1)
    }
    const line = this.#line()
    while (line.length < this.#column) line.push(' ')
    line[this.#column] = character
    this.#column += 1
  }

  /** As a terminal's own driver does it (ONLCR), which raw mode leaves on. */
  #newLine(): void {
    this.#column = 0
    this.#go(this.#row + 1)
  }

  #go(row: number): void {
    this.#row = Math.max(0, row)
    while (this.#lines.length <= this.#row) this.#lines.push([])
  }

  #line(): string[] {
    return this.#lines[this.#row] ?? []
  }

  #mode(mode: number, on: boolean): void {
    if (on) this.modes.add(mode)
    else this.modes.delete(mode)
    if (mode !== OTHER_SCREEN || on === (this.#hidden !== undefined)) return
    const { lines, row, column } = this.#hidden ?? { lines: [[]], row: 0, column: 0 }
    this.#hidden = on ? { lines: this.#lines, row: this.#row, column: this.#column } : undefined
    this.#lines = lines
    this.#row = row
    this.#column = column
  }

  #sequence(token: string): void {
    const [, digits = '', letter] = /^\u001b\[([0-9;?]*)(.)$/.exec(token) ?? []
    const first = Number(digits.split(';')[0] || '1')
    if (letter === 'A') this.#go(this.#row - first)
    else if (letter === 'B') this.#go(this.#row + first)
    else if (letter === 'C') this.#column = Math.min(this.columns - 1, this.#column + first)
    else if (letter === 'D') this.#column = Math.max(0, this.#column - first)
    else if (letter === 'G') this.#column = first - 1
    else if (letter === 'H') {
      this.#go(first - 1)
      this.#column = Number(digits.split(';')[1] || '1') - 1
    } else if (digits.startsWith('?')) this.#mode(Number(digits.slice(1)), letter === 'h')
    else if (letter === 'K' && digits === '2') this.#line().length = 0
    else if (letter === 'J' && digits === '2') this.#lines = this.#lines.map(() => [])
    else if (letter === 'K') this.#line().length = Math.min(this.#line().length, this.#column)
    else if (letter === 'J') {
      this.#line().length = Math.min(this.#line().length, this.#column)
      this.#lines.length = this.#row + 1
    } else if (letter !== 'm') throw new Error(`the screen does not know ${JSON.stringify(token)}`)
  }
}

/** A keyboard: what is written to it is typed. */
export class Keyboard extends PassThrough {
  readonly isTTY = true
  isRaw = false

  setRawMode(raw: boolean): this {
    this.isRaw = raw
    return this
  }
}

/** Streams as a program at a terminal has them. */
export function terminal(columns?: number): { screen: Screen; keyboard: Keyboard; streams: Streams } {
  const screen = new Screen(columns)
  const keyboard = new Keyboard()
  const streams = { stdin: keyboard, stdout: screen, stderr: screen } as unknown as Streams
  return { screen, keyboard, streams }
}

/** Streams as a program in a pipe has them. */
export function pipes(): { stdin: PassThrough; out: string[]; err: string[]; streams: Streams } {
  const stdin = new PassThrough()
  const out: string[] = []
  const err: string[] = []
  const into = (lines: string[]): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        lines.push(
          ...String(chunk)
            .split('\n')
            .filter((line) => line !== ''),
        )
        done()
      },
    })
  return { stdin, out, err, streams: { stdin, stdout: into(out), stderr: into(err) } as unknown as Streams }
}
