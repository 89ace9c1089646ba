/** A `Client` in memory: a little chat of one, with the rules that faces and carriers rely on. No disk, no network. */
import { createHash } from 'node:crypto'
import type {
  Author,
  Check,
  Client,
  ClientEvents,
  Member,
  Message,
  Peer,
  Profile,
  Room,
  Status,
} from '../../src/client/client.ts'
import {
  CidReusedError,
  InvalidArgumentError,
  RoomExistsError,
  TooLargeError,
  UnknownRoomError,
  UnreachableError,
} from '../../src/errors.ts'

interface FakeRoom {
  id: string
  name: string
  kind: Room['kind']
  messages: Message[]
  cids: Map<string, Message>
  others: Member[]
  unread: number
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

export function author(name: string, account: string = sha256(name)): Author {
  return { account, name, fingerprint: sha256(account).slice(0, 16) }
}

export class FakeClient implements Client {
  stopped = false
  /** Awaited before each `send` is durable. */
  beforeSend: (text: string) => Promise<void> = async () => undefined
  /** Awaited before `history` looks, and before it answers with what it saw. */
  beforeHistory: () => Promise<void> = async () => undefined
  afterHistory: () => Promise<void> = async () => undefined
  /** What the doctor says. */
  checks: Check[] = []
  readonly calls: string[] = []
  /** Those who hold it back. */
  holders = 0
  isAway = false
  /** What a face has kept. */
  readonly preferences = new Map<string, string>()
  readonly #self: Author & { bio?: string }
  readonly #rooms = new Map<string, FakeRoom>()
  readonly #blocked = new Set<string>()
  readonly #listeners = new Map<string, Set<(detail: never) => void>>()
  #peers: Peer[] = []
  #now = Date.UTC(2026, 10, 21, 12)

  constructor(name: string = 'alice') {
    this.#self = author(name)
  }

  async status(): Promise<Status> {
    const { account, name } = this.#self
    return {
      version: '0.1.0',
      peerId: `peer-${name}`,
      account,
      name,
      addresses: ['/ip4/127.0.0.1/tcp/4747/p2p/peer'],
      connections: this.#peers.length,
      relays: [],
      rooms: await this.rooms(),
    }
  }

  async join({ room, passphrase, as }: { room: string; passphrase?: string; as?: string }): Promise<Room> {
    this.calls.push(`join ${room}`)
    const name = as ?? room
    const id = sha256(`${room}/${passphrase ?? ''}`).slice(0, 32)
    const known = this.#rooms.get(name)
    if (known !== undefined && known.id !== id) throw new RoomExistsError(`another room is called ${name} here`)
    const joined: FakeRoom = known ?? {
      id,
      name,
      kind: passphrase === undefined ? 'open' : 'locked',
      messages: [],
      cids: new Map(),
      others: [],
      unread: 0,
    }
    this.#rooms.set(name, joined)
    return this.#describe(joined)
  }

  async leave({ room }: { room: string }): Promise<void> {
    this.calls.push(`leave ${room}`)
    this.#rooms.delete(this.#room(room).name)
  }

  async rooms(): Promise<Room[]> {
    return [...this.#rooms.values()].map((room) => this.#describe(room))
  }

  async members({ room }: { room: string }): Promise<Member[]> {
    return [this.#own(), ...this.#room(room).others]
  }

  async send(params: { room: string; text: string; cid?: string; action?: boolean }): Promise<{ id: string; seq: number }> {
    this.calls.push(`send ${params.text.slice(0, 20)}`)
    const room = this.#room(params.room)
    if (params.text.length > 32_768) throw new TooLargeError('a text has at most 32 KiB')
    await this.beforeSend(params.text)
    const known = params.cid === undefined ? undefined : room.cids.get(params.cid)
    if (known !== undefined && known.text !== params.text) throw new CidReusedError('this cid stands for another text')
    const message = known ?? this.#append(room, this.#self, params.text, 'self', params.action)
    if (params.cid !== undefined) room.cids.set(params.cid, message)
    return { id: message.id, seq: message.seq }
  }

  async typing({ room }: { room: string }): Promise<void> {
    this.calls.push(`typing ${this.#room(room).name}`)
  }

  async away({ away }: { away: boolean }): Promise<void> {
    if (this.isAway === away) return
    this.isAway = away
    for (const { id } of this.#rooms.values())
      this.emit('member', { room: id, member: this.#own(), change: away ? 'away' : 'back' })
  }

  async read({ room }: { room: string; id: string }): Promise<void> {
    this.#room(room).unread = 0
  }

  async block({ who }: { who: string }): Promise<void> {
    this.#blocked.add(who)
  }

  async unblock({ who }: { who: string }): Promise<void> {
    this.#blocked.delete(who)
  }

  async history(params: { room: string; limit?: number; before?: string; after?: string }): Promise<{
    messages: Message[]
    more: boolean
  }> {
    await this.beforeHistory()
    const messages = [...this.#room(params.room).messages]
    await this.afterHistory()
    const at = messages.findIndex(({ id }) => id === params.before)
    const shown = params.before === undefined ? messages : messages.slice(0, Math.max(at, 0))
    const limit = params.limit ?? 50
    return { messages: shown.slice(-limit), more: shown.length > limit }
  }

  /** Words that stand in a text as they are. */
  async search({ query, room, limit = 50 }: { query: string; room?: string; limit?: number }): Promise<{
    messages: Message[]
    more: boolean
  }> {
    this.calls.push(`search ${query}`)
    const rooms = room === undefined ? [...this.#rooms.values()] : [this.#room(room)]
    const words = query.toLowerCase().split(/\s+/)
    const found = rooms
      .flatMap(({ messages }) => messages)
      .filter(({ text }) => words.every((word) => text.toLowerCase().includes(word)))
      .sort((a, b) => (a.sentAt < b.sentAt ? -1 : 1))
    return { messages: found.slice(-limit), more: found.length > limit }
  }

  async digest({ room }: { room: string }): Promise<{ count: number; digest: string }> {
    const { messages } = this.#room(room)
    return { count: messages.length, digest: sha256(messages.map(({ id }) => id).join('\n')) }
  }

  async peers(): Promise<Peer[]> {
    return this.#peers
  }

  async connect({ address }: { address: string }): Promise<Peer> {
    if (!address.startsWith('/')) throw new InvalidArgumentError('address', 'not a multiaddr')
    if (address.includes('/tcp/1/')) throw new UnreachableError('nobody answers there')
    const peer: Peer = {
      peerId: address.split('/').at(-1) ?? '',
      addresses: [address],
      via: 'direct',
      direction: 'outbound',
      rooms: [],
    }
    this.#peers = [...this.#peers, peer]
    return peer
  }

  async disconnect({ peerId }: { peerId: string }): Promise<void> {
    this.#peers = this.#peers.filter((peer) => peer.peerId !== peerId)
  }

  async profile({ who }: { who?: string }): Promise<Profile> {
    return who === undefined ? { ...this.#self } : this.#find(who)
  }

  async setProfile({ name, bio }: { name?: string; bio?: string }): Promise<Profile> {
    if (name !== undefined) this.#self.name = name
    if (bio !== undefined) this.#self.bio = bio
    return { ...this.#self }
  }

  async preference({ key }: { key: string }): Promise<{ value?: string }> {
    const value = this.preferences.get(key)
    return value === undefined ? {} : { value }
  }

  async setPreference({ key, value }: { key: string; value?: string }): Promise<void> {
    if (value === undefined) this.preferences.delete(key)
    else this.preferences.set(key, value)
  }

  async verify(params: { room: string } | { who: string }): ReturnType<Client['verify']> {
    if ('who' in params) return { ...this.#find(params.who), safetyNumber: '0123456789'.repeat(6) }
    const { name, messages } = this.#room(params.room)
    return { room: name, events: messages.length, authors: 1, forks: 0, ok: true }
  }

  hold(): () => void {
    this.holders++
    return () => {
      this.holders--
    }
  }

  async doctor(): Promise<{ checks: Check[] }> {
    return { checks: this.checks }
  }

  async stop(): Promise<void> {
    if (this.stopped) return
    this.stopped = true
    this.emit('closing', { reason: 'stop' })
  }

  on<K extends keyof ClientEvents>(type: K, listener: (detail: ClientEvents[K]) => void): void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(listener))
  }

  off<K extends keyof ClientEvents>(type: K, listener: (detail: ClientEvents[K]) => void): void {
    this.#listeners.get(type)?.delete(listener)
  }

  emit<K extends keyof ClientEvents>(type: K, detail: ClientEvents[K]): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(detail as never)
  }

  listeners(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** Somebody else says something, now or, as a sync brings it, at another time. */
  hear(room: string, from: Author, text: string, via: Message['via'] = 'gossip', sentAt?: string): Message {
    return this.#append(this.#room(room), from, text, via, false, sentAt)
  }

  /** The newest messages of a room were not read. */
  leaveUnread(room: string, unread: number): void {
    this.#room(room).unread = unread
  }

  /** A peer with these rooms, by name, is connected; one with this id is another one from now on. Nobody is told. */
  reach(peerId: string, via: Peer['via'], ...rooms: string[]): void {
    const others = this.#peers.filter((peer) => peer.peerId !== peerId)
    const ids = rooms.map((room) => this.#room(room).id)
    this.#peers = [...others, { peerId, addresses: [], via, direction: 'outbound', rooms: ids }]
  }

  /** So many events are known to be missing; none: the sync is over. */
  sync(room: string, missing: number): void {
    const { id, messages } = this.#room(room)
    this.emit('sync', { room: id, state: missing > 0 ? 'running' : 'done', count: messages.length, missing, digest: '' })
  }

  /** Somebody types. */
  type(room: string, who: Author): void {
    this.emit('typing', { room: this.#room(room).id, member: { ...who, role: 'member', online: true, self: false } })
  }

  /** Somebody comes or goes. */
  meet(room: string, who: Author, change: 'joined' | 'left' | 'away' | 'back'): void {
    const known = this.#room(room)
    const away = change === 'away' ? { away: true as const } : {}
    const member: Member = { ...who, role: 'member', online: change !== 'left', ...away, self: false }
    known.others = known.others.filter(({ account }) => account !== who.account)
    if (member.online) known.others.push(member)
    this.emit('member', { room: known.id, member, change })
  }

  #own(): Member {
    const { account, name, fingerprint } = this.#self
    return { account, name, fingerprint, role: 'member', online: true, ...(this.isAway ? { away: true } : {}), self: true }
  }

  #append(room: FakeRoom, from: Author, text: string, via: Message['via'], action?: boolean, sentAt?: string): Message {
    this.#now += 1000
    const at = new Date(this.#now).toISOString()
    const seq = room.messages.length + 1
    const message: Message = {
      id: sha256(`${room.id}/${from.account}/${seq}`),
      room: room.id,
      seq,
      kind: action === true ? 'action' : 'text',
      author: { account: from.account, name: from.name, fingerprint: from.fingerprint },
      text,
      sentAt: sentAt ?? at,
      receivedAt: at,
      via,
    }
    room.messages.push(message)
    this.emit('message', message)
    return message
  }

  #find(who: string): Profile {
    const everybody = [this.#self, ...[...this.#rooms.values()].flatMap(({ others }) => others)]
    const found = everybody.find(({ name, account, fingerprint }) => [name, account, fingerprint].includes(who))
    if (found === undefined) throw new InvalidArgumentError('who', `nobody here is called ${who}`)
    return { account: found.account, name: found.name, fingerprint: found.fingerprint }
  }

  #room(name: string): FakeRoom {
    const found = [...this.#rooms.values()].find((room) => room.name === name || room.id === name)
    if (found === undefined) throw new UnknownRoomError(`not in a room called ${name}`)
    return found
  }

  #describe({ id, name, kind, messages, others, unread }: FakeRoom): Room {
    const online = 1 + others.filter((member) => member.online).length
    return { id, name, kind, check: 'apple river', members: 1 + others.length, online, count: messages.length, unread }
  }
}
