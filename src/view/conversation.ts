/** A chat over a `Client`: the rooms, the current one, and what comes and goes. The terminal, the pipe and the page are its screens. */
import type { Client, ClientEvents, Member, Message, Profile, Room } from '../client/client.ts'
import { CatchUp } from './catch-up.ts'
import { runCommand } from './commands.ts'
import { DeliveryNotes } from './delivery-notes.ts'
import type { MessageEntry } from './entry.ts'
import { explain, UsageError } from './explain.ts'
import { count, dayOf, formatMemberChange } from './format.ts'
import { Introductions } from './introductions.ts'
import { mentions } from './mentions.ts'
import type { NameBook } from './names.ts'
import { Overview } from './overview.ts'
import { People } from './people.ts'
import { ReadMarks } from './read-marks.ts'
import { findRoom, neighbourOf } from './rooms.ts'
import { cleanName, oneLine } from './sanitize.ts'
import type { Screen } from './screen.ts'
import { parseInput } from './slash.ts'
import type { After } from './timers.ts'

/** Messages shown on entering a room, and at most where more are new. */
const SHOWN_ON_ENTRY = 20
const NEW_ON_ENTRY = 200

/** What somebody is called until their profile has come. */
const UNKNOWN_NAME = 'unknown'

export interface ConversationInit {
  client: Client
  screen: Screen
  /** How long somebody may take to say that he holds a message, in milliseconds. */
  patience?: number
  after?: After
}

export class Conversation {
  readonly client: Client
  readonly screen: Screen
  readonly people = new People()
  readonly overview: Overview
  current: Room | undefined
  /** Others are told that nobody looks. */
  isAway = false
  #rooms = new Map<string, Room>()
  #self: Profile | undefined
  #lastDay = ''
  #arriving: Message[] | undefined
  #listening: (() => void)[] = []
  readonly #marks: ReadMarks
  readonly #delivery: DeliveryNotes
  readonly #catchUp: CatchUp
  readonly #introductions: Introductions

  constructor({ client, screen, patience, after }: ConversationInit) {
    this.client = client
    this.screen = screen
    this.overview = new Overview({ client, people: this.people, after })
    this.#delivery = new DeliveryNotes({ note: (room, text) => this.#noteOf(room, text), patience, after })
    this.#marks = new ReadMarks(client, (error) => this.fail(explain(error)))
    this.#introductions = new Introductions({
      client,
      isKnown: ({ author }) => author.name !== UNKNOWN_NAME,
      show: (message) => this.#show(message),
      after,
    })
    this.#catchUp = new CatchUp({ show: (message) => this.#introductions.take(message), skipped: (n) => this.#skipped(n), after })
  }

  /** Begins to show what happens, in the room with this name or the first there is. */
  async start(room?: string): Promise<void> {
    this.#self = await this.client.profile({})
    await this.refreshRooms()
    for (const { id } of this.#rooms.values()) await this.learnMembers(id)
    this.isAway = this.rooms().some(({ id }) => this.people.member(id, this.#self?.account ?? '')?.away === true)
    this.#listen()
    const first = room === undefined ? [...this.#rooms.values()][0] : this.find(room)
    if (first !== undefined) await this.enter(first)
    if (this.screen.full) for (const { id } of this.rooms()) if (id !== this.current?.id) await this.#countMentions(id)
  }

  #listen(): void {
    this.#on('message', (message) => this.#hear(message))
    this.#on('member', (event) => this.#meet(event))
    this.#on('warning', ({ message }) => this.note(oneLine(message, 500)))
    if (!this.screen.full) return
    this.#on('delivery', (event) => {
      this.#delivery.delivered(event)
      this.overview.delivered(event)
    })
    this.#on('sync', (event) => {
      this.overview.synced(event)
      this.#catchUp.synced(event)
    })
    this.#on('typing', ({ room, member }) => {
      if (!member.self) this.overview.typed(room, member.account, this.people.show(room, member))
    })
    this.#on('peer', () => this.overview.moved())
  }

  /** Shows nothing more. */
  end(): void {
    for (const off of this.#listening.splice(0)) off()
    this.#catchUp.end()
    this.#introductions.forget()
    this.#marks.end()
    this.#delivery.end()
    this.overview.end()
  }

  line(text: string): void {
    this.screen.show({ kind: 'line', text })
  }

  note(text: string): void {
    this.screen.show({ kind: 'note', text })
  }

  fail(text: string): void {
    this.screen.show({ kind: 'failure', text })
  }

  rooms(): Room[] {
    return [...this.#rooms.values()]
  }

  async refreshRooms(): Promise<Room[]> {
    const rooms = await this.client.rooms()
    this.#rooms = new Map(rooms.map((room) => [room.id, room]))
    if (this.current !== undefined && !this.#rooms.has(this.current.id)) this.current = undefined
    this.overview.learn(rooms)
    return rooms
  }

  /** A joined room by name, id or number from 1. */
  find(room: string): Room | undefined {
    return findRoom(this.rooms(), room)
  }

  /** The room so many places further in the list, which is round. */
  neighbour(places: number): Room | undefined {
    return neighbourOf(this.rooms(), this.current?.id, places)
  }

  names(room: string | undefined = this.current?.id): NameBook {
    return this.people.names(room)
  }

  /** Whoever reads it is called something else now. */
  renamed(name: string): void {
    if (this.#self !== undefined) this.#self = { ...this.#self, name }
  }

  async learnMembers(room: string): Promise<Member[]> {
    const members = await this.client.members({ room })
    this.people.learn(room, members)
    this.overview.changed()
    return members
  }

  /** Makes a room the current one, and shows what was said last. */
  async enter(room: Room): Promise<void> {
    this.#catchUp.flush()
    this.#introductions.forget()
    this.current = room
    this.#rooms.set(room.id, room)
    const unread = this.overview.unread(room.id)
    this.overview.enter(room.id)
    const arriving: Message[] = []
    this.#arriving = arriving
    let recent: { messages: Message[]; more: boolean } | undefined
    let members: Member[] = []
    try {
      members = await this.learnMembers(room.id)
      const limit = Math.min(Math.max(SHOWN_ON_ENTRY, unread), NEW_ON_ENTRY)
      if (this.screen.full) recent = await this.client.history({ room: room.id, limit })
    } finally {
      if (this.#arriving === arriving) this.#arriving = undefined
      if (recent === undefined) for (const message of arriving) this.#show(message)
    }
    if (recent === undefined) return
    // What the room itself says may be from the start.
    const who = `${count(members.length, 'member')}, ${members.filter(({ online }) => online).length} online`
    const check = room.kind === 'locked' ? `, check word: ${room.check}` : ''
    this.screen.show({ kind: 'entered', title: `${cleanName(room.name)}: ${who}${check}` })
    this.#showRecent(unread, recent, arriving)
  }

  /** The newest messages, and those that came in while they were being read. */
  #showRecent(unread: number, recent: { messages: Message[]; more: boolean }, arrived: Message[]): void {
    const known = new Set(recent.messages.map(({ id }) => id))
    const messages = [...recent.messages, ...arrived.filter(({ id }) => !known.has(id))]
    if (recent.more) this.note(`(there is more: ${this.screen.older})`)
    this.#lastDay = ''
    const before = recent.messages.filter(({ id }) => !arrived.some((each) => each.id === id))
    const first = firstNew(before, unread, this.#self?.account)
    for (const [at, message] of messages.entries()) {
      const isFirst = message === first && (at > 0 || recent.more)
      this.#introductions.take(message, isFirst ? () => this.screen.show({ kind: 'new', count: unread }) : undefined)
    }
  }

  /** Leaves a room, and goes to another if it was the current one. */
  async leave(room: Room): Promise<void> {
    await this.client.leave({ room: room.id })
    this.#rooms.delete(room.id)
    this.people.forget(room.id)
    this.overview.forget(room.id)
    this.overview.learn(this.rooms())
    this.#delivery.forget(room.id)
    this.note(`left ${cleanName(room.name)}`)
    if (this.current?.id !== room.id) return
    this.current = undefined
    const next = this.rooms()[0]
    if (next !== undefined) await this.enter(next)
    else this.overview.enter(undefined)
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
      this.fail(input.kind === 'text' ? `not sent: ${explain(error)}: ${oneLine(input.text, 200)}` : explain(error))
      return false
    }
  }

  /** Resolves when it is on the disk. */
  async say(text: string, action: boolean = false): Promise<void> {
    if (this.current === undefined) throw new UsageError('you are in no room: /join <room>')
    await this.client.send({ room: this.current.id, text, ...(action ? { action } : {}) })
  }

  /** The screen has marked a message of one's own as one that nobody else has. */
  told(room: string): void {
    this.#delivery.told(room)
  }

  /** Shows a message that was looked for, with its room and its day. */
  found(message: Message): void {
    const { room = this.current?.name, ...entry } = this.entry(message)
    this.screen.show({ ...entry, room: `${room ?? ''} ${dayOf(message.sentAt)}`.trim() })
  }

  /** A message as it is to be shown. */
  entry(message: Message): MessageEntry {
    const { room, author } = message
    const own = author.account === this.#self?.account
    const name = this.people.show(room, author)
    return {
      kind: 'message',
      message,
      name,
      own,
      mention: !own && this.#mentions(message),
      ...(this.screen.full && room === this.current?.id ? {} : { room: this.#rooms.get(room)?.name ?? room }),
    }
  }

  #mentions({ text }: Message): boolean {
    return this.#self !== undefined && mentions(text, [`${this.#self.name}·${this.#self.fingerprint}`])
  }

  async #countMentions(room: string): Promise<void> {
    const unread = Math.min(this.overview.unread(room), NEW_ON_ENTRY)
    if (unread === 0) return
    const { messages } = await this.client.history({ room, limit: unread })
    this.overview.mentioned(room, messages.filter((message) => this.entry(message).mention).length)
  }

  #on<K extends keyof ClientEvents>(type: K, listener: (detail: ClientEvents[K]) => void): void {
    this.client.on(type, listener)
    this.#listening.push(() => this.client.off(type, listener))
  }

  #hear(message: Message): void {
    const { full, mixed } = this.screen
    if (!full) return message.via === 'self' ? undefined : this.#show(message)
    const here = message.room === this.current?.id
    if (message.via === 'self') {
      this.#delivery.wrote(message)
      this.overview.wrote(message)
      if (!here) return
    } else {
      this.overview.stoppedTyping(message.author.account)
      const entry = this.entry(message)
      if (!here) this.overview.missed(message, entry.mention)
      this.screen.alert?.(entry)
      if (!here && !mixed) return
    }
    if (here && this.#arriving !== undefined) this.#arriving.push(message)
    else if (!here) this.#show(message)
    else if (!this.#catchUp.hold(message)) this.#introductions.hear(message)
  }

  /** A note about a room, which it names if it is not the one that is shown. */
  #noteOf(room: string, text: string): void {
    this.note(room === this.current?.id ? text : `[${cleanName(this.#rooms.get(room)?.name ?? room)}] ${text}`)
  }

  #skipped(older: number): void {
    this.note(`(${count(older, 'older message')} came in: ${this.screen.older}, /search)`)
  }

  #show(message: Message): void {
    this.#marks.add(message)
    const day = dayOf(message.sentAt)
    if (this.screen.full && message.room === this.current?.id && day !== this.#lastDay) {
      this.#lastDay = day
      this.screen.show({ kind: 'day', day })
    }
    this.screen.show(this.entry(message))
  }

  #meet(event: ClientEvents['member']): void {
    const { room, member, change } = event
    const names = this.names(room)
    const before = names.nameOf(member.account)
    this.people.meet(event)
    if (member.self && (change === 'away' || change === 'back')) this.isAway = change === 'away'
    this.overview.moved()
    this.#introductions.met()
    // Whose profile has not come yet is shown when it has.
    if (member.self || member.name === UNKNOWN_NAME) return
    if (this.screen.full && !this.screen.mixed && room !== this.current?.id) return
    const name = names.show(member)
    if (change === 'profile' && before !== undefined && before !== cleanName(member.name)) {
      this.note(`${before} is now called ${name}`)
    }
    const line = formatMemberChange(change, name, this.#rooms.get(room)?.name ?? room)
    if (line !== undefined) this.note(line)
  }
}

/** Where what is new begins: with the first of all, if that is new as well as what is not among them. */
function firstNew(messages: Message[], unread: number, self: string | undefined): Message | undefined {
  let left = unread
  for (let at = messages.length - 1; at >= 0 && left > 0; at--) {
    if (messages[at]?.author.account !== self) left -= 1
    if (left === 0) return messages[at]
  }
  return unread > 0 ? messages[0] : undefined
}
