/** The messages of a room as people see them: in order, with names and times, counted, read or unread. */
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { InvalidArgumentError } from '../errors.ts'
import type { Store } from '../storage/store.ts'
import type { LogEvent } from './author-log.ts'
import { type Body, Type, textPayload } from './body.ts'
import { utf8Length } from './cbor.ts'
import { CLOCK_AHEAD, DEFAULT_HISTORY, MAX_HISTORY, MAX_HISTORY_BYTES } from './constants.ts'
import { Kind } from './event.ts'
import { bytesToHex, hexToBytes } from './hex.ts'
import type { Log } from './log.ts'
import type { Members } from './members.ts'
import type { Query } from './query.ts'
import { isFrom } from './query.ts'
import type { RoomKeys } from './room-keys.ts'
import { Scan } from './scan.ts'
import type { Crypto } from './seams.ts'
import type { Held, Message } from './types.ts'

export interface TimelineInit {
  log: Log
  members: Members
  keys: RoomKeys
  store: Store
  crypto: Crypto
  /** True for accounts (hex) whose messages are not shown. */
  isBlocked: (account: string) => boolean
  isSelf: (account: string) => boolean
  /** Who is known to hold an event of ours. */
  heldOf: (event: LogEvent) => Held | undefined
}

export interface HistoryQuery {
  limit?: number | undefined
  before?: string | undefined
  after?: string | undefined
  /** From the oldest (or from `after`) on, not back from the newest (or from `before`). @default true if only `after` is given */
  forwards?: boolean
}

/** Messages are what the digest counts: texts and actions; later, files. */
const isMessage = (event: LogEvent): boolean =>
  event.kind === Kind.message && (event.type === Type.text || event.type === Type.action)
/** What history shows: messages, and what only a newer version can read. */
const isShown = (event: LogEvent): boolean => event.kind === Kind.message

const IDS_AT_ONCE = 512

export class Timeline {
  readonly #init: TimelineInit
  #count = 0
  #unread = 0
  #digest: { count: number; digest: string } | undefined
  /** The digest at the beginning of a sync. */
  #digestBefore: string | undefined

  constructor(init: TimelineInit) {
    this.#init = init
  }

  async open(): Promise<void> {
    const all = this.#init.log.all()
    for (const event of all) if (isMessage(event)) this.#count++
    const mark = await this.#init.store.get(['own', this.#init.keys.tag, 'read'])
    this.#unread = this.#unreadAfter(mark && bytesToHex(mark))
  }

  #unreadAfter(id: string | undefined): number {
    const all = this.#init.log.all()
    const mark = id === undefined ? -1 : (this.#init.log.get(id)?.position ?? -1)
    let unread = 0
    for (let i = all.length - 1; i > mark; i--) if (this.#countsAsUnread(all[i] as LogEvent)) unread++
    return unread
  }

  #countsAsUnread(event: LogEvent): boolean {
    if (!isMessage(event)) return false
    const { account } = this.#init.members.personOf(event.author.name)
    return !this.#init.isSelf(account) && !this.#init.isBlocked(account)
  }

  /** It is a message, and of this account. */
  isOwnMessage(event: LogEvent): boolean {
    const account = this.#init.members.accountOf(event.author.name)
    return isMessage(event) && account !== undefined && this.#init.isSelf(account)
  }

  get count(): number {
    return this.#count
  }

  get unread(): number {
    return this.#unread
  }

  /** Notes an arrival; answers the message to tell of, if it is one that is shown. */
  arrived(event: LogEvent, body: Body): Message | undefined {
    this.#digest = undefined
    if (!isShown(event)) return undefined
    if (isMessage(event)) this.#count++
    if (this.#countsAsUnread(event)) this.#unread++
    const message = this.#message(event, body)
    return this.#init.isBlocked(message.author.account) ? undefined : message
  }

  /** Marks everything up to `id` as read. @throws InvalidArgumentError */
  async read(id: string): Promise<void> {
    if (this.#init.log.get(id) === undefined) throw new InvalidArgumentError('id', 'no such message in this room')
    await this.#init.store.batch([{ type: 'put', key: ['own', this.#init.keys.tag, 'read'], value: hexToBytes(id) }])
    this.#unread = this.#unreadAfter(id)
  }

  /** SHA-256 over the ids of all messages in order: equal for members who hold the same. */
  digest(): { count: number; digest: string } {
    if (this.#digest === undefined) {
      this.#digest = { count: this.#count, digest: bytesToHex(this.#init.crypto.sha256Of(this.#ids())) }
    }
    return this.#digest
  }

  /** The same at the end of a sync. While much comes in, to hash all of it again and again would take longer than to fetch it. */
  standing(sync: 'running' | 'done'): { count: number; digest: string } {
    if (sync === 'running') {
      this.#digestBefore ??= this.digest().digest
      return { count: this.#count, digest: this.#digestBefore }
    }
    this.#digestBefore = undefined
    return this.digest()
  }

  /** The ids of all messages with a line feed between them, piece by piece: whole, those of a long history are megabytes. */
  *#ids(): Generator<Uint8Array> {
    const messages = this.#init.log.all().filter(isMessage)
    for (let i = 0; i < messages.length; i += IDS_AT_ONCE) {
      const ids = messages.slice(i, i + IDS_AT_ONCE).map(({ id }) => id)
      yield utf8ToBytes((i === 0 ? '' : '\n') + ids.join('\n'))
    }
  }

  /** The newest messages that fit, oldest first. @throws InvalidArgumentError */
  async page({
    limit = DEFAULT_HISTORY,
    before,
    after,
    forwards = after !== undefined && before === undefined,
  }: HistoryQuery): Promise<{ messages: Message[]; more: boolean }> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_HISTORY)
      throw new InvalidArgumentError('limit', `limit is 1 to ${MAX_HISTORY}`)
    const all = this.#init.log.all()
    const end = before === undefined ? all.length : this.#positionOf(before, 'before')
    const start = after === undefined ? -1 : this.#positionOf(after, 'after')
    const picked: LogEvent[] = []
    let more = false
    for (let i = forwards ? start + 1 : end - 1; forwards ? i < end : i > start; i += forwards ? 1 : -1) {
      const event = all[i] as LogEvent
      if (!isShown(event) || this.#init.isBlocked(this.#init.members.personOf(event.author.name).account)) continue
      if (picked.length === limit) {
        more = true
        break
      }
      picked.push(event)
    }
    const messages = await this.#messages(picked)
    const fitting = withinBytes(messages)
    return { messages: forwards ? fitting : fitting.reverse(), more: more || fitting.length < messages.length }
  }

  /** Messages in order, oldest first, or newest first with `reverse`; at most `limit`. */
  async *history({ limit = Number.POSITIVE_INFINITY, reverse = false } = {}): AsyncGenerator<Message> {
    let left = limit
    let cursor: string | undefined
    while (left > 0) {
      const query = {
        limit: Math.min(left, MAX_HISTORY),
        forwards: !reverse,
        ...(reverse ? { before: cursor } : { after: cursor }),
      }
      const { messages, more } = await this.page(query)
      yield* reverse ? [...messages].reverse() : messages
      left -= messages.length
      cursor = (reverse ? messages[0] : messages[messages.length - 1])?.id
      if (!more || cursor === undefined) return
    }
  }

  /** What matches a query, as far back as somebody goes on asking. What history does not show is not found. */
  scan(query: Query): Scan {
    const { log, members, isBlocked } = this.#init
    return new Scan({
      query,
      isMessage,
      all: () => log.all(),
      read: (events) => log.read(events),
      isWanted: ({ name }) => {
        const person = members.personOf(name)
        return !isBlocked(person.account) && isFrom(query, person)
      },
      message: (event, body) => this.#message(event, body),
    })
  }

  #positionOf(id: string, field: string): number {
    const event = this.#init.log.get(id)
    if (event === undefined || event.position < 0) throw new InvalidArgumentError(field, 'no such message in this room')
    return event.position
  }

  async #messages(events: LogEvent[]): Promise<Message[]> {
    const bodies = await this.#init.log.read(events)
    return events.map((event, i) => this.#message(event, bodies[i] as Body))
  }

  #message(event: LogEvent, body: Body): Message {
    const { account, name, fingerprint } = this.#init.members.personOf(event.author.name)
    const { receivedAt, via } = event.stored
    const known = isMessage(event) ? textPayload(body) : undefined
    const held = known !== undefined && this.#init.isSelf(account) ? this.#init.heldOf(event) : undefined
    return {
      id: event.id,
      room: bytesToHex(this.#init.keys.tag),
      seq: event.seq,
      kind: known === undefined ? 'unknown' : event.type === Type.action ? 'action' : 'text',
      author: { account, name, fingerprint },
      text: known?.text ?? '',
      sentAt: new Date(event.hlc).toISOString(),
      receivedAt: new Date(receivedAt).toISOString(),
      via,
      ...(known?.replyTo === undefined ? {} : { replyTo: bytesToHex(known.replyTo) }),
      ...(event.hlc > receivedAt + CLOCK_AHEAD ? { clockAhead: true } : {}),
      ...(this.#isLate(event) ? { late: true } : {}),
      ...(held === undefined ? {} : { held }),
    }
  }

  /** It stands before something that was shown live before it came. */
  #isLate(event: LogEvent): boolean {
    const { via, receivedAt } = event.stored
    if (via === 'self') return false
    const next = this.#init.log.after(event)
    return next !== undefined && next.stored.via !== 'sync' && next.stored.receivedAt < receivedAt
  }
}

/** As many of the first messages as stay below the size of an answer. */
export function withinBytes(messages: Message[]): Message[] {
  let size = 0
  const end = messages.findIndex((message) => {
    size += utf8Length(JSON.stringify(message)) + 1
    return size > MAX_HISTORY_BYTES
  })
  return end < 0 ? messages : messages.slice(0, Math.max(1, end))
}
