/**
 * The chat in a terminal, a line at a time: node:readline does the editing, the terminal's own scrollback keeps what was said.
 * Whatever comes in is printed above the line that is being typed.
 */
import { clearScreenDown, createInterface, cursorTo, type Interface, type Key, moveCursor } from 'node:readline'
import type { Client } from '../client/client.ts'
import { Conversation } from '../view/conversation.ts'
import type { Entry, MessageEntry } from '../view/entry.ts'
import { explain } from '../view/explain.ts'
import { cleanName } from '../view/sanitize.ts'
import type { Screen } from '../view/screen.ts'
import { complete, parseInput } from '../view/slash.ts'
import type { Style } from '../view/style.ts'
import { EXIT, ExitError } from './exit.ts'
import type { Io } from './io.ts'
import { askSecret } from './secret.ts'
import { linesOf } from './terminal/entry-lines.ts'

const BELL = '\u0007'
/** Where the terminal does not say. */
const USUAL_COLUMNS = 80

/** Typed lines that Up brings back. */
const RECALLED = 500

export interface LineModeInit {
  io: Io
  client: Client
  /** The room to begin in. */
  room?: string
  /** How long somebody may take to say that he holds a message, in milliseconds. */
  patience?: number
}

/** Runs the chat until it is left with /quit or Ctrl-D. Errors: `ExitError` 130 at Ctrl-C. */
export class LineMode implements Screen {
  readonly full = true
  readonly mixed = true
  readonly older = 'p2pnode history'
  readonly keys = ['Tab completes, Up and Down bring back your lines, Alt-1 to Alt-9 go to a room, Ctrl-C leaves']
  readonly #style: Style
  /** Resolves when the chat was left; rejects at Ctrl-C. */
  readonly left: Promise<void>
  readonly #io: Io
  readonly #chat: Conversation
  readonly #leave: PromiseWithResolvers<void> = Promise.withResolvers()
  #reader: Interface | undefined
  #history: string[] = []
  /** Lines that wait while a passphrase is being asked for. */
  #held: string[] | undefined
  #typedRows = 1
  #notifies = true
  #shownPrompt: string | undefined
  #work: Promise<unknown> = Promise.resolve()

  constructor({ io, client, patience }: LineModeInit) {
    this.#io = io
    this.#style = io.style
    this.left = this.#leave.promise
    this.left.catch(() => undefined)
    this.#chat = new Conversation({ client, screen: this, patience })
  }

  async start(room?: string): Promise<void> {
    this.#open()
    this.#chat.overview.subscribe(() => this.#refresh())
    await this.#chat.start(room)
    this.#refresh()
  }

  /** Leaves the terminal as it was. */
  end(): void {
    this.#chat.end()
    this.#close()
  }

  show(entry: Entry): void {
    this.#print(linesOf(entry, this.#style, this.#io.stdout.columns || USUAL_COLUMNS, { whole: true }).join('\n'))
  }

  clear(): void {
    cursorTo(this.#io.stdout, 0, 0)
    clearScreenDown(this.#io.stdout)
    this.#shownPrompt = undefined
    this.#refresh()
  }

  alert({ mention }: MessageEntry): void {
    if (mention && this.#notifies) this.#io.stdout.write(BELL)
  }

  notify(on: boolean = this.#notifies): boolean {
    this.#notifies = on
    return on
  }

  async askSecret(question: string): Promise<string> {
    this.#close()
    this.#held = []
    try {
      return await askSecret(this.#io, question)
    } finally {
      const held = this.#held ?? []
      this.#held = undefined
      this.#open()
      for (const text of held) this.#print(text)
      this.#shownPrompt = undefined
      this.#refresh()
    }
  }

  quit(): void {
    this.#leave.resolve()
  }

  #print(text: string): void {
    if (this.#held !== undefined) {
      this.#held.push(text)
      return
    }
    const reader = this.#reader
    if (reader === undefined) return void this.#io.stdout.write(`${text}\n`)
    this.#erase(reader)
    this.#io.stdout.write(`${text}\n`)
    reader.prompt(true)
  }

  /** The prompt again, if it is another one by now. */
  #refresh(): void {
    const prompt = this.#prompt()
    if (this.#reader === undefined || prompt === this.#shownPrompt) return
    this.#shownPrompt = prompt
    this.#reader.setPrompt(prompt)
    this.#reader.prompt(true)
  }

  #prompt(): string {
    const { rooms } = this.#chat.overview.view()
    const current = this.#chat.current
    const waiting = rooms
      .filter((room) => room.unread > 0 && room.id !== current?.id)
      .map(({ name, unread }) => ` ${name}:${unread}`)
      .join('')
    const name = current === undefined ? 'no room' : cleanName(current.name)
    return `${this.#style.format('bold', name)}${this.#style.format('dim', waiting)}> `
  }

  #open(): void {
    const { stdin, stdout } = this.#io
    const reader = createInterface({
      input: stdin,
      output: stdout,
      terminal: true,
      prompt: this.#prompt(),
      history: [...this.#history],
      historySize: RECALLED,
      removeHistoryDuplicates: true,
      completer: (line: string) =>
        complete(line, { rooms: this.#chat.rooms().map(({ name }) => cleanName(name)), names: this.#chat.names().all() }),
    })
    this.#reader = reader
    // Before readline sees the key: it forgets how many rows were typed when it takes the line.
    stdin.prependListener('keypress', this.#onKey)
    reader.on('history', (history) => {
      this.#history = [...history]
    })
    reader.on('line', (line) => this.#onLine(line))
    reader.on('SIGINT', () => this.#leave.reject(new ExitError(EXIT.INTERRUPTED)))
    reader.on('close', () => {
      if (this.#reader === reader) this.quit()
    })
    reader.prompt(true)
  }

  #close(): void {
    const reader = this.#reader
    if (reader !== undefined) this.#erase(reader)
    this.#reader = undefined
    this.#io.stdin.off('keypress', this.#onKey)
    reader?.close()
  }

  readonly #onKey = (_text: string | undefined, key: Key): void => {
    const reader = this.#reader
    if (reader === undefined) return
    if (key.name === 'return' || key.name === 'enter') {
      reader.write(null, { ctrl: true, name: 'e' })
      this.#typedRows = reader.getCursorPos().rows + 1
    } else if (key.meta === true && /^[1-9]$/.test(key.name ?? '')) {
      const room = this.#chat.rooms()[Number(key.name) - 1]
      if (room !== undefined) this.#queue(() => this.#chat.enter(room))
    }
  }

  /** What was typed is taken off the screen: as a message it comes back once it is on the disk, a command stands dimmed. */
  #onLine(line: string): void {
    const { stdout } = this.#io
    moveCursor(stdout, 0, -this.#typedRows)
    cursorTo(stdout, 0)
    clearScreenDown(stdout)
    this.#reader?.prompt(true)
    const input = parseInput(line)
    if (input.kind === 'command') this.show({ kind: 'note', text: line })
    // A dial may take long: nothing waits for it.
    if (input.kind === 'command' && input.command === 'connect') void this.#chat.take(line)
    else this.#queue(() => this.#chat.take(line))
  }

  #queue(work: () => Promise<unknown>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#chat.fail(explain(error)))
  }

  /** Takes prompt and typed text off the screen; `prompt(true)` brings both back, with the cursor where it was. */
  #erase(reader: Interface & { prevRows?: number }): void {
    const { stdout } = this.#io
    moveCursor(stdout, 0, -reader.getCursorPos().rows)
    cursorTo(stdout, 0)
    clearScreenDown(stdout)
    // Where readline believes the prompt to begin, counted upwards from the cursor.
    reader.prevRows = 0
  }
}
