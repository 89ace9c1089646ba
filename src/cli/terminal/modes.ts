/**
 * The modes that the terminal is put into, and taken out of again.
 * https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
 */
import type { Io } from '../io.ts'

/** Marks around what is pasted, and word of who has the focus. */
const ON = '\u001b[?2004h\u001b[?1004h'
const OFF = '\u001b[?1004l\u001b[?2004l'
/** The other screen has no scrollback. */
const OTHER_SCREEN = '\u001b[?1049h'
const OWN_SCREEN = '\u001b[?1049l'

export class Modes {
  readonly #io: Io
  #onOther = false

  constructor(io: Io) {
    this.#io = io
    io.stdin.setRawMode?.(true)
    io.stdout.write(ON)
  }

  otherScreen(on: boolean): void {
    if (on === this.#onOther) return
    this.#onOther = on
    this.#io.stdout.write(on ? OTHER_SCREEN : OWN_SCREEN)
  }

  end(): void {
    this.otherScreen(false)
    this.#io.stdout.write(OFF)
    this.#io.stdin.setRawMode?.(false)
  }
}
