/** Where the program reads and writes: stdout is data only, stderr is for people. */
import { type Line, splitLines } from '../client/lines.ts'
import type { Style } from '../view/style.ts'
import { styleFor } from './style.ts'

export interface Streams {
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
}

export interface Face {
  say(line: string): void
  complain(line: string): void
  askSecret(question: string): Promise<string>
}

export class Io {
  readonly stdin: Streams['stdin']
  readonly stdout: Streams['stdout']
  readonly stderr: Streams['stderr']
  /** Say only what went wrong. */
  quiet = false
  /** Takes what is for people while something draws the terminal: lines, and questions that are answered without echo. */
  face: Face | undefined
  #lines: AsyncGenerator<Line> | undefined

  constructor({ stdin, stdout, stderr }: Streams = process) {
    this.stdin = stdin
    this.stdout = stdout
    this.stderr = stderr
  }

  /** Somebody can be asked, and sees what is asked. */
  get canAsk(): boolean {
    return this.stdin.isTTY === true && this.stderr.isTTY === true
  }

  /** The chat can be a terminal's. */
  get isTerminal(): boolean {
    return this.stdin.isTTY === true && this.stdout.isTTY === true && process.env.TERM !== 'dumb'
  }

  get style(): Style {
    return styleFor(this.stdout, process.env)
  }

  /** A line of data. */
  data(line: string): void {
    this.stdout.write(`${line}\n`)
  }

  json(value: unknown): void {
    this.data(JSON.stringify(value ?? null))
  }

  /** A line for people; not with `--quiet`. */
  say(line: string): void {
    if (this.quiet) return
    if (this.face === undefined) this.stderr.write(`${line}\n`)
    else this.face.say(line)
  }

  /** What went wrong, in one line. */
  complain(line: string): void {
    if (this.face === undefined) this.stderr.write(`p2pnode: ${line}\n`)
    else this.face.complain(line)
  }

  /** The lines of stdin: one reader for the whole program, so that nothing is lost between two uses. */
  lines(): AsyncGenerator<Line> {
    this.#lines ??= splitLines(this.stdin as AsyncIterable<Uint8Array>)
    return this.#lines
  }
}
