/** The keys, as the terminal sends them. */
import type { Io } from '../io.ts'
import { SEQUENCE_PATIENCE } from './constants.ts'
import type { Action } from './key-map.ts'
import { KeyReader } from './keys.ts'

/** What was typed before the program was there: the terminal has made LF of Enter. It is read within so many milliseconds. */
const EARLY = 100

export class Keyboard {
  readonly #io: Io
  readonly #onActions: (actions: Action[]) => void
  readonly #reader = new KeyReader()
  #timer: ReturnType<typeof setTimeout> | undefined
  #early: ReturnType<typeof setTimeout> | undefined

  constructor(io: Io, onActions: (actions: Action[]) => void) {
    this.#io = io
    this.#onActions = onActions
    io.stdin.setEncoding('utf8')
    io.stdin.on('data', this.#onData)
    // After a busy start the timer is due before anything was read: what waits is read first.
    this.#early = setTimeout(() => setImmediate(() => (this.#early = undefined)), EARLY)
  }

  end(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#early)
    this.#io.stdin.off('data', this.#onData)
    this.#io.stdin.pause()
  }

  readonly #onData = (chunk: string): void => {
    clearTimeout(this.#timer)
    this.#onActions(this.#reader.read(this.#early === undefined ? chunk : chunk.replaceAll('\n', '\r')))
    if (this.#reader.waiting) this.#timer = setTimeout(() => this.#onActions(this.#reader.flush()), SEQUENCE_PATIENCE)
  }
}
