/**
 * What is drawn on the terminal, and taken off again. Ink does it; the first drawing is made without it, so that there is something to see
 * and to type into before that is loaded.
 */
import type { Instance } from 'ink'
import type { View } from '../../view/overview.ts'
import type { Style } from '../../view/style.ts'
import type { Watched } from '../../view/watched.ts'
import type { Io } from '../io.ts'
import { type Frame, frameOf } from './frame.ts'
import type { Typed } from './model.ts'
import type { Modes } from './modes.ts'
import type { Pager } from './pager.ts'
import { unwrap } from './reflow.ts'
import { sizeOf } from './size.ts'

const ESC = '\u001b'
/** An empty drawing of Ink's is an empty line. */
const LINE_UP = `${ESC}[A`
/** Erases from the cursor on. */
const ERASE = `${ESC}[J`

export interface DrawingInit {
  io: Io
  style: Style
  modes: Modes
  model: Watched<Typed>
  overview: Watched<View>
  /** The lines of the talk that may still change. */
  tail: Watched<readonly string[]>
  /** Is handed what writes above all this, whenever there is one. */
  onReady: (write: (text: string) => void) => void
}

export class Drawing {
  readonly #init: DrawingInit
  readonly #loaded: Promise<typeof import('./draw.tsx')>
  #draw: typeof import('./draw.tsx') | undefined
  /** Undefined: the first drawing, or none. */
  #ink: Instance | undefined
  #frame: Frame
  #columns: number
  #other = false
  #ended = false

  constructor(init: DrawingInit) {
    this.#init = init
    const { stdout } = init.io
    this.#columns = sizeOf(stdout).columns
    stdout.on('resize', this.#onResize)
    this.#frame = this.#first()
    this.#loaded = import('./draw.tsx')
    this.#loaded.then((draw) => this.#begin(draw)).catch((error: unknown) => process.emit('uncaughtException', error as Error))
  }

  /** Shows something else instead, on the terminal's other screen. */
  async showPast(pager: Pager): Promise<void> {
    const { drawPast } = await this.#loaded
    if (this.#ended || this.#other) return
    this.#undraw()
    this.#other = true
    this.#init.modes.otherScreen(true)
    this.#ink = drawPast(this.#init.io, pager)
  }

  showTalk(): void {
    if (!this.#other) return
    this.#undraw()
    this.#other = false
    this.#init.modes.otherScreen(false)
    this.#drawTalk()
  }

  /** Leaves the cursor where the drawing began. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#init.io.stdout.off('resize', this.#onResize)
    this.#undraw()
    this.#init.modes.otherScreen(false)
  }

  #first(): Frame {
    const { io, style, model, overview, tail } = this.#init
    const frame = frameOf({ typed: model.view(), view: overview.view(), tail: tail.view(), ...sizeOf(io.stdout), style })
    const { x, y } = frame.cursor
    io.stdout.write(`${frame.lines.join('\n')}\r${move(frame.lines.length - 1 - y, 'A')}${move(x, 'C')}`)
    return frame
  }

  #begin(draw: typeof import('./draw.tsx')): void {
    this.#draw = draw
    if (this.#ended) return
    this.#undraw()
    this.#drawTalk()
  }

  #drawTalk(): void {
    const { io, style, model, overview, tail, onReady } = this.#init
    this.#ink = this.#draw?.drawTalk(io, { style, model, overview, tail, onReady, onFrame: this.#onFrame })
  }

  #undraw(): void {
    const { stdout } = this.#init.io
    if (this.#ink === undefined) {
      stdout.write(`\r${move(this.#frame.cursor.y, 'A')}${ERASE}`)
      return
    }
    // An empty drawing is made at once and replaces the one before it; Ink's `clear` would count on one that is still to come.
    this.#ink.rerender(null)
    this.#ink.unmount()
    stdout.write(LINE_UP)
  }

  readonly #onFrame = (frame: Frame): void => {
    this.#frame = frame
  }

  /** Before Ink hears of it. */
  readonly #onResize = (): void => {
    const { stdout } = this.#init.io
    const { columns } = sizeOf(stdout)
    if (!this.#other && this.#ink !== undefined && columns < this.#columns) {
      stdout.write(unwrap(this.#frame, columns, process.env))
    }
    this.#columns = columns
  }
}

const move = (places: number, direction: 'A' | 'C'): string => (places > 0 ? `${ESC}[${places}${direction}` : '')
