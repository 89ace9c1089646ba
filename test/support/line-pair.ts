/** Two ends of a carrier of lines in memory, byte by byte as a socket would carry them. */
import { type LineConnection, splitLines } from '../../src/client/lines.ts'

export interface RawEnd {
  /** Puts bytes on the wire as they are. */
  push(bytes: string | Uint8Array): void
  /** Ends what this side sends. */
  finish(): void
}

export type LineEnd = LineConnection & RawEnd

class Pipe implements AsyncIterable<Uint8Array> {
  /** Bytes that were written and not read. */
  unread = 0
  /** While true nothing is handed out. */
  paused = false
  #chunks: Uint8Array[] = []
  #ended = false
  #wake: (() => void) | undefined
  #drained: (() => void)[] = []

  push(bytes: Uint8Array): void {
    if (this.#ended) return
    this.#chunks.push(bytes)
    this.unread += bytes.length
    this.wake()
  }

  finish(): void {
    this.#ended = true
    for (const tell of this.#drained.splice(0)) tell()
    this.wake()
  }

  async drained(): Promise<void> {
    if (this.unread > 0 && !this.#ended) await new Promise<void>((resolve) => this.#drained.push(resolve))
  }

  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.paused ? undefined : this.#chunks.shift()
      if (chunk !== undefined) {
        this.unread -= chunk.length
        if (this.unread === 0) for (const tell of this.#drained.splice(0)) tell()
        yield chunk
      } else if (this.#ended) return
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
    }
  }
}

function end(input: Pipe, output: Pipe): LineEnd {
  const push = (bytes: string | Uint8Array): void => {
    output.push(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes)
  }
  return {
    lines: splitLines(input),
    push,
    finish: () => output.finish(),
    write(line) {
      push(`${line}\n`)
      return output.unread
    },
    drained: () => output.drained(),
    async end() {
      output.finish()
    },
    abort() {
      output.finish()
      input.finish()
    },
  }
}

export interface LinePair {
  near: LineEnd
  far: LineEnd
  /** Stops handing out what `near` wrote, as a reader does that has stopped reading. */
  stall(): void
  /** Reads on. */
  resume(): void
}

export function linePair(): LinePair {
  const there = new Pipe()
  const back = new Pipe()
  return {
    near: end(back, there),
    far: end(there, back),
    stall() {
      there.paused = true
    },
    resume() {
      there.paused = false
      there.wake()
    },
  }
}
