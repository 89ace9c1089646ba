/** A chat over a `Client`: the rooms, the current one, and what comes and goes. The terminal and the pipe are its screens. */
import type { Client, ClientEvents, Message, Room } from '../client/client.ts'
import { runCommand } from './chat-commands.ts'
import { DeliveryNotes } from './delivery-notes.ts'
import { explain, UsageError } from './exit.ts'
import { clockTime, dayOf, formatMemberChange, formatMessage } from './format.ts'
import { NameBook } from './names.ts'
import { ReadMarks } from './read-marks.ts'
import { cleanName, oneLine } from './sanitize.ts'
import { parseInput } from './slash.ts'
import type { Style } from './style.ts'

/** Messages shown on entering a room. */
const SHOWN_ON_ENTRY = 20

/** What somebody is called until their profile has come. */
const UNKNOWN_NAME = 'unknown'

/** Where a conversation is shown. */
export interface Screen {
  readonly style: Style
  /** With times, days, one's own messages and what was said before; else each line names its room. */
  readonly full: boolean
  /** Lines of the chat, or what a command answers. */
  show(text: string): void
  /** What is not part of the chat: who came, what goes on. */
  note(text: string): void
  fail(text: string): void
  clear(): void
  /** The current room has changed, or a count beside it. */
  refresh(): void
  /** Asks for a locked room's passphrase without echo. Errors: `UsageError` where nobody can be asked. */
  askSecret(question: string): Promise<string>
  quit(): void
}

export class Conversation {
  readonly client: Client
  readonly screen: Screen
  /** Messages of others in rooms that are not shown, by room id. */
  readonly unread = new Map<string, number>()
  current: Room | undefined
  #rooms = new Map<string, Room>()
  #names = new Map<string, NameBook>()
  #lastDay = ''
  #arriving: Message[] | undefined
  #listening: (() => void)[] = []
  readonly #marks: ReadMarks
  readonly #delivery: DeliveryNotes

  /** `patience`: how long somebody may take to say that he holds a message, in milliseconds. */
  constructor(client: Client, screen: Screen, patience?: number) {
    this.client = client
    this.screen = screen
    this.#delivery = new DeliveryNotes({ note: (room, text) => this.#noteOf(room, text), patience })
    this.#marks = new ReadMarks(client, (error) => screen.fail(explain(error)))
  }

  /** Begins to show what happens, in the room with this name or the first there is. */
  async start(room?: string): Promise<void> {
    await this.refreshRooms()
    for (const { id } of this.#rooms.values()) await this.#learnNames(id)
    this.#on('message', (message) => this.#hear(message))
    this.#on('member', (event) => this.#meet(event))
    if (this.screen.full) this.#on('delivery', (event) => this.#delivery.delivered(event))
    this.#on('warning', ({ message }) => this.screen.note(oneLine(message, 500)))
    const first = room === undefined ? [...this.#rooms.values()][0] : this.find(room)
    if (first !== undefined) await this.enter(first)
  }

  /** Shows nothing more. */
  end(): void {
    this.#marks.end()
    this.#delivery.end()
    for (const off of this.#listening.splice(0)) off()
  }

  rooms(): Room[] {
    return [...this.#rooms.values()]
  }

  async refreshRooms(): Promise<Room[]> {
    const rooms = await this.client.rooms()
    this.#rooms = new Map(rooms.map((room) => [room.id, room]))
    if (this.current !== undefined && !this.#rooms.has(this.current.id)) this.current = undefined
    return rooms
  }

  /** A joined room by name, id or number from 1. */
  find(room: string): Room | undefined {
    const wanted = room.replace(/^#/, '').normalize('NFKC').toLowerCase()
    const rooms = this.rooms()
    return rooms.find(({ name, id }) => name === wanted || id === wanted) ?? rooms[/^\d{1,2}$/.test(room) ? Number(room) - 1 : -1]
  }

  names(room: string | undefined = this.current?.id): NameBook {
    const known = this.#names.get(room ?? '') ?? new NameBook()
    this.#names.set(room ?? '', known)
    return known
  }

  /** Makes a room the current one, and shows what was said last. */
  async enter(room: Room): Promise<void> {
    this.current = room
    this.#rooms.set(room.id, room)
    this.unread.delete(room.id)
    await this.#learnNames(room.id)
    if (!this.screen.full) return
    const { messages, more } = await this.#recent(room.id)
    const people = `${room.members} ${room.members === 1 ? 'member' : 'members'}, ${room.online} online`
    this.screen.note(`— ${cleanName(room.name)}: ${people}${room.kind === 'locked' ? `, check word: ${room.check}` : ''} —`)
    if (more) this.screen.note('(there is more: p2pnode history)')
    this.#lastDay = ''
    for (const message of messages) this.#show(message)
    this.screen.refresh()
  }

  /** Leaves a room, and goes to another if it was the current one. */
  async leave(room: Room): Promise<void> {
    await this.client.leave({ room: room.id })
    this.#rooms.delete(room.id)
    this.#names.delete(room.id)
    this.#delivery.forget(room.id)
    this.screen.note(`left ${cleanName(room.name)}`)
    if (this.current?.id !== room.id) return
    this.current = undefined
    const next = this.rooms()[0]
    if (next !== undefined) await this.enter(next)
    this.screen.refresh()
  }

  /** Does what a line says; what goes wrong is shown. Answers whether it went well. */
  async take(line: string): Promise<boolean> {
    const input = parseInput(line)
    try {
      if (input.kind === 'text') await this.say(input.text)
      else if (input.kind === 'command') await runCommand(this, input.command, input.rest)
      else if (input.kind === 'unknown') {
        const hint = input.similar === undefined ? '/help lists the commands' : `did you mean /${input.similar}?`
        throw new UsageError(`there is no command /${oneLine(input.name, 40)} (${hint}); nothing was sent`)
      }
      return true
    } catch (error) {
      this.screen.fail(input.kind === 'text' ? `not sent: ${explain(error)}: ${oneLine(input.text, 200)}` : explain(error))
      return false
    }
  }

  /** Resolves when it is on the disk. */
  async say(text: string, action: boolean = false): Promise<void> {
    if (this.current === undefined) throw new UsageError('you are in no room: /join <room>')
    await this.client.send({ room: this.current.id, text, ...(action ? { action } : {}) })
  }

  /** The newest messages, and those that came in while they were being read. */
  async #recent(room: string): Promise<{ messages: Message[]; more: boolean }> {
    this.#arriving = []
    try {
      const { messages, more } = await this.client.history({ room, limit: SHOWN_ON_ENTRY })
      const known = new Set(messages.map(({ id }) => id))
      return { messages: [...messages, ...this.#arriving.filter(({ id }) => !known.has(id))], more }
    } finally {
      this.#arriving = undefined
    }
  }

  #on<K extends keyof ClientEvents>(type: K, listener: (detail: ClientEvents[K]) => void): void {
    this.client.on(type, listener)
    this.#listening.push(() => this.client.off(type, listener))
  }

  async #learnNames(room: string): Promise<void> {
    for (const member of await this.client.members({ room })) this.names(room).add(member)
  }

  #hear(message: Message): void {
    if (message.via === 'self' && !this.screen.full) return
    if (message.via === 'self') this.#delivery.wrote(message)
    if (this.screen.full && message.room !== this.current?.id) {
      if (message.via === 'self') return
      this.unread.set(message.room, (this.unread.get(message.room) ?? 0) + 1)
      this.screen.refresh()
    }
    if (this.#arriving !== undefined && message.room === this.current?.id) this.#arriving.push(message)
    else this.#show(message)
  }

  /** A note about a room, which it names if it is not the one that is shown. */
  #noteOf(room: string, text: string): void {
    this.screen.note(room === this.current?.id ? text : `[${cleanName(this.#rooms.get(room)?.name ?? room)}] ${text}`)
  }

  #show(message: Message): void {
    const { style, full } = this.screen
    this.#marks.add(message)
    const elsewhere = message.room !== this.current?.id
    const look = {
      name: this.names(message.room).show(message.author),
      room: full && !elsewhere ? undefined : (this.#rooms.get(message.room)?.name ?? message.room),
      style,
    }
    if (!full) return this.screen.show(formatMessage(message, look))
    const day = dayOf(message.sentAt)
    if (!elsewhere && day !== this.#lastDay) {
      this.#lastDay = day
      this.screen.note(`— ${day} —`)
    }
    this.screen.show(formatMessage(message, { ...look, time: clockTime(message.sentAt) }))
  }

  #meet({ room, member, change }: ClientEvents['member']): void {
    const names = this.names(room)
    const before = names.nameOf(member.account)
    names.add(member)
    // Whose profile has not come yet is shown when it has.
    if (member.self || member.name === UNKNOWN_NAME) return
    const name = names.show(member)
    const known = this.#rooms.get(room)
    if (change === 'profile' && before !== undefined && before !== cleanName(member.name)) {
      this.screen.note(`${before} is now called ${name}`)
    }
    const line = formatMemberChange(change, name, known?.name ?? room)
    if (line !== undefined) this.screen.note(line)
  }
}
