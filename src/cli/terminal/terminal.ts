/**
 * The chat in a terminal: what was said stands in the terminal's own scrollback, and below it is drawn, anew with every change, what may
 * still change: messages on their way, the line being typed, and how things are. Ink draws; nothing here knows React.
 */
import type { Client } from '../../client/client.ts'
import { Conversation } from '../../view/conversation.ts'
import type { Entry, MessageEntry } from '../../view/entry.ts'
import { explain } from '../../view/explain.ts'
import type { View } from '../../view/overview.ts'
import { cleanName, oneLine } from '../../view/sanitize.ts'
import type { Screen } from '../../view/screen.ts'
import { parseInput } from '../../view/slash.ts'
import type { Style } from '../../view/style.ts'
import { after } from '../../view/timers.ts'
import { Value } from '../../view/watched.ts'
import { EXIT, ExitError } from '../exit.ts'
import type { Face, Io } from '../io.ts'
import { ALERT_INTERVAL, LOOKS, PRINT_INTERVAL, TYPING_INTERVAL } from './constants.ts'
import { Drawing } from './drawing.ts'
import { Keyboard } from './keyboard.ts'
import { Model } from './model.ts'
import { Modes } from './modes.ts'
import { notification } from './notification.ts'
import { Pager } from './pager.ts'
import { Preferences } from './preferences.ts'
import { Printer } from './printer.ts'
import { sizeOf } from './size.ts'
import { Tail } from './tail.ts'

const BELL = '\u0007'
/** All of the screen, and the cursor to its beginning. */
const CLEAR = '\u001b[2J\u001b[H'

/** Before anybody is in a room. */
const NOTHING: View = { rooms: [], people: [], typing: [] }

/** What its keys do, for `/help`. */
export const KEYS: readonly string[] = [
  'Tab completes · Alt-Enter new line · Up, Down your lines · Ctrl-Z undo',
  'Alt-1…9, Ctrl-N, Ctrl-P, Ctrl-T rooms · Ctrl-O what is unread',
  'PgUp what was said · Esc clear line · Ctrl-L draw anew · Ctrl-C leave',
]

export interface TerminalInit {
  io: Io
  /** Ends the program while the chat has not begun. */
  exit: (reason: Error) => void
}

/** Runs the chat until it is left with /quit or Ctrl-D. Errors: `ExitError` 130 at Ctrl-C. */
export class Terminal implements Screen, Face {
  readonly full = true
  readonly mixed = false
  readonly older = 'PgUp'
  readonly keys = KEYS
  /** Resolves when the chat was left; rejects at Ctrl-C. */
  readonly left: Promise<void>
  /** Where a log goes that has no file: one line a record, never past what is drawn. */
  readonly log = { write: (record: string): void => this.complain(messageOf(record)) }
  readonly #io: Io
  readonly #style: Style
  readonly #leave: PromiseWithResolvers<void> = Promise.withResolvers()
  readonly #model: Model
  readonly #tail: Tail
  readonly #printer = new Printer(PRINT_INTERVAL)
  readonly #preferences = new Preferences()
  readonly #modes: Modes
  readonly #keyboard: Keyboard
  /** Of the conversation, once there is one. */
  readonly #view = new Value<View>(NOTHING)
  readonly #drawing: Drawing
  #pager: Pager | undefined
  #chat: Conversation | undefined
  #secret: PromiseWithResolvers<string> | undefined
  /** Unknown where the terminal does not tell. */
  #focused: boolean | undefined
  #lastKey = Number.NEGATIVE_INFINITY
  #lastAlert = Number.NEGATIVE_INFINITY
  /** Where it was last told that one types, and when. */
  #lastTyping = { room: '', at: 0 }
  #work: Promise<unknown>
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor({ io, exit }: TerminalInit) {
    this.#io = io
    this.#style = io.style
    this.left = this.#leave.promise
    this.left.catch(() => undefined)
    this.#work = this.#started.promise
    this.#model = this.#makeModel(exit)
    this.#tail = new Tail({
      style: this.#style,
      columns: () => sizeOf(io.stdout).columns,
      limit: () => Math.floor(sizeOf(io.stdout).rows / 3),
      print: (lines) => this.#printer.print(lines),
      onOnlyHere: ({ room }) => this.#chat?.told(room),
      after,
    })
    this.#modes = new Modes(io)
    this.#keyboard = new Keyboard(io, (actions) => {
      this.#lastKey = performance.now()
      ;(this.#pager ?? this.#model).take(actions)
    })
    this.#drawing = new Drawing({
      io,
      style: this.#style,
      modes: this.#modes,
      model: this.#model,
      overview: this.#view,
      tail: this.#tail.lines,
      onReady: (write) => this.#printer.attach(write),
    })
    io.face = this
    // However the program ends, the terminal is not left so.
    process.once('exit', this.end)
  }

  async start(client: Client, room?: string): Promise<void> {
    await this.#preferences.read(client)
    const chat = new Conversation({ client, screen: this })
    client.on('delivery', ({ id, ...held }) => this.#tail.delivered(id, held))
    this.#chat = chat
    chat.overview.subscribe(() => this.#view.set(chat.overview.view()))
    await chat.start(room)
    this.#model.begin()
    this.#started.resolve()
  }

  /** Draws nothing more; what was said stays, and what was typed is kept. */
  async leave(): Promise<void> {
    this.#chat?.end()
    this.#tail.flush()
    await this.#preferences.flush()
    this.end()
  }

  /** Leaves the terminal as it was. Once is enough. */
  readonly end = (): void => {
    if (this.#io.face !== this) return
    this.#io.face = undefined
    process.off('exit', this.end)
    this.#printer.flush()
    this.#keyboard.end()
    this.#drawing.end()
    this.#modes.end()
  }

  /** What comes in meanwhile waits for the scrollback to be there again. */
  #openPager(): void {
    const chat = this.#chat
    const room = chat?.current
    if (this.#pager !== undefined || chat === undefined || room === undefined) return
    const { stdout } = this.#io
    const pager = new Pager({
      client: chat.client,
      room: { id: room.id, name: cleanName(room.name) },
      style: this.#style,
      columns: () => sizeOf(stdout).columns,
      rows: () => Math.max(1, sizeOf(stdout).rows - 2),
      entry: (message) => ({ ...chat.entry(message), room: undefined }),
      onClose: () => {
        this.#pager = undefined
        this.#drawing.showTalk()
      },
    })
    this.#pager = pager
    this.#printer.detach()
    void this.#drawing.showPast(pager)
    void pager.open()
  }

  show(entry: Entry): void {
    this.#tail.add(entry, this.#alone())
  }

  say(line: string): void {
    this.show({ kind: 'note', text: oneLine(line) })
  }

  complain(line: string): void {
    this.show({ kind: 'failure', text: oneLine(line) })
  }

  clear(): void {
    this.#printer.write(CLEAR)
  }

  alert({ mention, name, message }: MessageEntry): void {
    const now = performance.now()
    const looks = this.#focused ?? now - this.#lastKey < LOOKS
    if (!mention || looks || !this.#preferences.notify || now - this.#lastAlert < ALERT_INTERVAL) return
    this.#lastAlert = now
    const room = this.#chat?.rooms().find(({ id }) => id === message.room)
    // Not what was said: others may see the desktop.
    this.#printer.write(notification(`${name} mentioned you in ${cleanName(room?.name ?? 'a room')}`, process.env))
  }

  notify(on?: boolean): boolean {
    if (on !== undefined) this.#preferences.setNotify(on)
    return this.#preferences.notify
  }

  async askSecret(question: string): Promise<string> {
    this.#onSecret(undefined) // one at a time
    this.#secret = Promise.withResolvers()
    this.#model.ask(oneLine(question))
    return await this.#secret.promise
  }

  chooseRoom(): void {
    this.#model.choose()
  }

  quit(): void {
    this.#leave.resolve()
  }

  /** Nobody else of the room is there: waiting for somebody to say that he holds a message would be in vain. */
  #alone(): boolean {
    const { reach } = this.#view.view()
    return reach !== undefined && reach.direct + reach.relayed === 0
  }

  #makeModel(exit: (reason: Error) => void): Model {
    const go = (room: Parameters<Conversation['enter']>[0] | undefined): void => {
      if (room !== undefined && room.id !== this.#chat?.current?.id) this.#queue(async () => await this.#chat?.enter(room))
    }
    return new Model({
      recall: () => this.#preferences.recall,
      completable: () => ({
        rooms: this.#chat?.rooms().map(({ name }) => cleanName(name)) ?? [],
        names: this.#chat?.names().all() ?? [],
      }),
      rooms: () => this.#view.view().rooms,
      onLine: (line) => this.#onLine(line),
      onSecret: (secret) => this.#onSecret(secret),
      onRoom: (id) => go(this.#chat?.rooms().find((room) => room.id === id)),
      onNumber: (number) => go(this.#chat?.rooms()[number - 1]),
      onNeighbour: (places) => go(this.#chat?.neighbour(places)),
      onUnread: () => {
        const { rooms } = this.#view.view()
        const next = rooms.find(({ mentions }) => mentions > 0) ?? rooms.find(({ unread }) => unread > 0)
        go(this.#chat?.rooms().find(({ id }) => id === next?.id))
      },
      onFocus: (focused) => {
        this.#focused = focused
      },
      onPage: (direction) => (direction === 'up' ? this.#openPager() : undefined),
      onTyping: () => this.#onTyping(),
      onRedraw: () => this.clear(),
      onRefused: () => this.#printer.write(BELL),
      onInterrupt: () => {
        const reason = new ExitError(EXIT.INTERRUPTED)
        if (this.#chat !== undefined) return this.#leave.reject(reason)
        exit(reason)
        // From now on Ctrl-C is a signal again, and a second one is meant.
        this.end()
      },
      onEnd: () => this.quit(),
    })
  }

  /** A command stands dimmed; a message comes back once it is on the disk. */
  #onLine(line: string): void {
    this.#preferences.changed()
    this.#lastTyping.room = ''
    const input = parseInput(line)
    if (input.kind === 'command') this.show({ kind: 'note', text: oneLine(line) })
    // What waits for others must not hold up what is typed meanwhile.
    if (input.kind === 'command' && SLOW.has(input.command)) void this.#started.promise.then(() => this.#chat?.take(line))
    else this.#queue(async () => await this.#chat?.take(line))
  }

  #onSecret(secret: string | undefined): void {
    const asked = this.#secret
    this.#secret = undefined
    if (secret === undefined) asked?.reject(new ExitError(EXIT.INTERRUPTED))
    else asked?.resolve(secret)
  }

  #onTyping(): void {
    const { client, current } = this.#chat ?? {}
    if (client === undefined || current === undefined) return
    const now = performance.now()
    const { room, at } = this.#lastTyping
    if (current.id === room && now - at < TYPING_INTERVAL) return
    this.#lastTyping = { room: current.id, at: now }
    client.typing({ room: current.id }).catch(() => undefined) // nobody needs it
  }

  #queue(work: () => Promise<unknown>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.complain(explain(error)))
  }
}

const SLOW: ReadonlySet<string> = new Set(['connect', 'search', 'doctor'])

/** Of a record of the log. */
function messageOf(record: string): string {
  try {
    const { msg, err } = JSON.parse(record) as { msg?: string; err?: string }
    return [msg, err].filter((part) => part !== undefined).join(': ')
  } catch {
    return record
  }
}
