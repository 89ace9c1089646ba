/** The chat of one device: who it is, the rooms it knows, whom it blocks. Rooms find each other's peers through the network it is given. */
import { TypedEventEmitter } from 'main-event'
import { InvalidArgumentError, RoomExistsError, UnknownRoomError } from '../errors.ts'
import { canonicalRoomName } from '../room-name.ts'
import type { Store } from '../storage/store.ts'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { MAX_KEEPER_VISITS } from './constants.ts'
import { Gate } from './gate.ts'
import { bytesToHex, hexToBytes } from './hex.ts'
import { checkBio, checkName, fingerprintOf, type Identity, loadIdentity, saveIdentity } from './identity.ts'
import { KeeperTurns } from './keeper-turns.ts'
import { bindNetwork, OFFLINE } from './offline.ts'
import { Preferences } from './preferences.ts'
import { Room } from './room.ts'
import type { RoomEvents } from './room-events.ts'
import { deriveRoomKeys, lockedRoomSecret, openRoomSecret, type RoomKeys, type RoomKind } from './room-keys.ts'
import { decodeRoom, encodeRoom, type RoomRecord } from './room-record.ts'
import type { Channel, Clock, Crypto, Network } from './seams.ts'
import { Searches, type SearchOptions, type SearchResult } from './search.ts'
import { decodeMessage, SYNC_PROTOCOL } from './sync-codec.ts'
import type { Profile } from './types.ts'

/** Rooms joined at once. */
const MAX_ROOMS = 500
/** Accounts blocked. */
const MAX_BLOCKED = 10_000
const BLOCKED = ['node', 'blocked'] as const
/** The first message on a sync stream must come within this time. */
const HELLO_TIMEOUT = 10_000

type InRoom<K extends keyof RoomEvents> = CustomEvent<{ room: Room; detail: RoomEvents[K]['detail'] }>
export type ChatEvents = { [K in keyof RoomEvents]: InRoom<K> } & {
  /** An error that concerns nobody's call: a sync that broke, say. */
  failure: CustomEvent<{ error: unknown; peer: string }>
}

export interface ChatInit {
  store: Store
  crypto: Crypto
  clock: Clock
  /** A name instead of the one kept or, the first time, a random one. */
  name?: string | undefined
}

export interface JoinOptions {
  /** Makes it a locked room. */
  passphrase?: string | undefined
  /** Its local name. */
  as?: string | undefined
}

export class Chat extends TypedEventEmitter<ChatEvents> {
  /** What the faces of this device keep for themselves. */
  readonly preferences: Preferences
  readonly #init: ChatInit
  #identity: Identity
  readonly #known = new Map<string, RoomRecord>()
  readonly #rooms = new Map<string, Room>()
  readonly #blocked = new Set<string>()
  readonly #searches: Searches
  readonly #gate = new Gate()
  readonly #turns = new KeeperTurns(MAX_KEEPER_VISITS)
  #network: Network = OFFLINE
  #online = false
  #away = false
  /** Joins and leaves take turns: a room is not read from the disk while what it had before is still being written. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(init: ChatInit, identity: Identity) {
    super()
    this.#init = init
    this.#identity = identity
    this.preferences = new Preferences(init.store)
    this.#searches = new Searches(init.clock)
  }

  /** Reads everything; nothing is on the network before `start`. @throws DamagedStoreError, StorageError */
  static async open(init: ChatInit): Promise<Chat> {
    const { store, crypto, clock, name } = init
    const { identity, renamed } = await loadIdentity(store, crypto, clock, name)
    const chat = new Chat(init, identity)
    const blocked = await store.get(BLOCKED)
    if (blocked !== undefined)
      for (const account of decodeCbor(blocked, MAX_BLOCKED + 1) as Uint8Array[]) chat.#blocked.add(bytesToHex(account))
    for await (const [, value] of store.range(['room'])) {
      const record = decodeRoom(value)
      chat.#known.set(bytesToHex(deriveRoomKeys(record.kind, record.secret, crypto).tag), record)
    }
    for (const [id, record] of chat.#known) if (record.joined) await chat.#open(id, record)
    if (renamed) await chat.#tellRooms()
    return chat
  }

  async #open(id: string, record: RoomRecord): Promise<Room> {
    const { store, crypto, clock } = this.#init
    const room = await Room.open({
      name: record.name,
      keys: deriveRoomKeys(record.kind, record.secret, crypto),
      store,
      crypto,
      clock,
      gate: this.#gate,
      turns: this.#turns,
      network: bindNetwork(() => this.#network),
      identity: () => this.#identity,
      isBlocked: (account) => this.#blocked.has(account),
      isAway: () => this.#away,
      onFailure: (error, peer) => this.safeDispatchEvent('failure', { detail: { error, peer } }),
    })
    for (const type of ['message', 'delivery', 'member', 'sync', 'typing', 'reject', 'warning'] as const) {
      room.addEventListener(type, (event: Event) => {
        const { detail } = event as CustomEvent
        this.safeDispatchEvent(type, { detail: { room, detail } })
      })
    }
    this.#rooms.set(id, room)
    return room
  }

  /** Goes on the network with every joined room. */
  async start(network: Network): Promise<void> {
    this.#network = network
    this.#online = true
    network.onMate((topic, peer, change) => this.#mate(topic, peer, change))
    network.onKeeper((keeper, change) => {
      for (const room of this.#rooms.values()) room.keeper(keeper, change)
    })
    await network.handle(SYNC_PROTOCOL, (channel) => this.#acceptSync(channel))
    for (const room of this.#rooms.values()) await room.start()
  }

  async stop(): Promise<void> {
    this.#online = false
    await Promise.all([...this.#rooms.values()].map((room) => room.stop()))
  }

  #mate(topic: string, peer: string, change: 'joined' | 'left'): void {
    for (const room of this.#rooms.values()) {
      if (room.topic !== topic) continue
      if (change === 'joined') room.joined(peer)
      else room.parted(peer)
    }
  }

  async #acceptSync(channel: Channel): Promise<void> {
    const cancel = this.#init.clock.setTimeout(() => channel.abort(new Error('no hello')), HELLO_TIMEOUT)
    const bytes = await channel.receive().finally(cancel)
    if (bytes === undefined) return
    const hello = decodeMessage(bytes)
    const room = hello.type === 'hello' ? this.#rooms.get(bytesToHex(hello.roomTag)) : undefined
    // Whoever asks for a room that is not here learns nothing but that.
    if (hello.type !== 'hello' || room === undefined) return channel.abort(new Error('no such room'))
    await room.acceptSync(channel, hello.nonce)
  }

  get identity(): Identity {
    return this.#identity
  }

  get rooms(): Room[] {
    return [...this.#rooms.values()]
  }

  /** Fetches no more history until the answer is called: for whoever cannot take what he is told of as fast as it comes. */
  hold(): () => void {
    return this.#gate.hold()
  }

  /** Whether nobody is looking at this device: every room is told at once. Not kept: after a start somebody is. */
  setAway(away: boolean): void {
    if (this.#away === away) return
    this.#away = away
    for (const room of this.#rooms.values()) room.turned()
  }

  /** Whether this device ever joined a room. */
  get knowsRooms(): boolean {
    return this.#known.size > 0
  }

  /** A joined room by its local name or id. @throws UnknownRoomError */
  room(nameOrId: string): Room {
    const byId = this.#rooms.get(nameOrId)
    if (byId !== undefined) return byId
    const name = canonicalRoomName(nameOrId)
    for (const room of this.#rooms.values()) if (room.name === name) return room
    throw new UnknownRoomError(`not in a room called ${name}: join it first`)
  }

  /** What was said in a room, or in all that are joined. @throws InvalidArgumentError, UnknownRoomError */
  async search(query: string, { room, ...options }: SearchOptions & { room?: string | undefined } = {}): Promise<SearchResult> {
    return this.#searches.search(room === undefined ? this.rooms : [this.room(room)], query, options)
  }

  /**
   * Joins an open room, or with a passphrase a locked one; `as` is the name it gets here. Resolves when that is on disk and the
   * topic subscribed.
   * @throws InvalidArgumentError, RoomExistsError
   */
  join(name: string, options: JoinOptions = {}): Promise<Room> {
    return this.#inTurn(() => this.#join(name, options))
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action)
    this.#turn = result.catch(nothing)
    return result
  }

  async #join(name: string, { passphrase, as }: JoinOptions): Promise<Room> {
    const { crypto, store } = this.#init
    const canonical = canonicalRoomName(name)
    const kind: RoomKind = passphrase === undefined ? 'open' : 'locked'
    const secret =
      passphrase === undefined ? openRoomSecret(canonical, crypto) : await lockedRoomSecret(canonical, passphrase, crypto)
    const keys: RoomKeys = deriveRoomKeys(kind, secret, crypto)
    const id = bytesToHex(keys.tag)
    const local = as === undefined ? (this.#known.get(id)?.name ?? canonical) : canonicalRoomName(as)
    const joined = this.#rooms.get(id)
    if (joined !== undefined && (as === undefined || joined.name === local)) {
      if (this.#online) await joined.start() // the last try may have failed half-way
      return joined
    }
    for (const other of this.#rooms.values()) {
      if (other.name === local)
        throw new RoomExistsError(`another room is called ${local} here: give this one a name of its own with "as"`)
    }
    if (joined !== undefined) throw new RoomExistsError(`this room is joined already, as ${joined.name}`)
    if (this.#rooms.size >= MAX_ROOMS) throw new InvalidArgumentError('room', `at most ${MAX_ROOMS} rooms at once`)
    const record: RoomRecord = { kind, name: local, secret, joined: true }
    await store.batch([{ type: 'put', key: ['room', keys.tag], value: encodeRoom(record) }])
    this.#known.set(id, record)
    const room = await this.#open(id, record)
    if (this.#online) await room.start()
    return room
  }

  /** Leaves a room; its history stays here. The author key ends with it: whoever comes back writes a new log. */
  leave(nameOrId: string): Promise<void> {
    return this.#inTurn(() => this.#leave(nameOrId))
  }

  async #leave(nameOrId: string): Promise<void> {
    const room = this.room(nameOrId)
    const record = this.#known.get(room.id)
    if (record === undefined) throw new UnknownRoomError('not in this room')
    const left = { ...record, joined: false }
    const tag = hexToBytes(room.id)
    // The disk first: what it refuses has not happened.
    await this.#init.store.batch([
      { type: 'put', key: ['room', tag], value: encodeRoom(left) },
      { type: 'delete', key: ['own', tag, 'author'] },
    ])
    this.#known.set(room.id, left)
    await room.stop({ left: true })
    this.#rooms.delete(room.id)
  }

  /** Changes the name or bio, here and in every joined room. @throws InvalidArgumentError */
  async setProfile({ name, bio }: { name?: string | undefined; bio?: string | undefined }): Promise<void> {
    const changed = {
      ...this.#identity,
      ...(name === undefined ? {} : { name: checkName(name) }),
      ...(bio === undefined ? {} : { bio: checkBio(bio) }),
    }
    await saveIdentity(this.#init.store, changed)
    this.#identity = changed
    await this.#tellRooms()
  }

  async #tellRooms(): Promise<void> {
    await Promise.all([...this.#rooms.values()].map((room) => room.writeProfile()))
  }

  /** Oneself, or whoever is meant by a name, an account or a fingerprint. @throws InvalidArgumentError when nobody or several are */
  profile(who?: string): Profile {
    const own = this.#ownProfile()
    if (who === undefined) return own
    const wanted = who.replace(/^@/, '').toLowerCase()
    const found = new Map<string, Profile>([[own.account, own]])
    for (const room of this.#rooms.values())
      for (const each of room.people()) if (!found.has(each.account)) found.set(each.account, each)
    const matching = [...found.values()].filter(({ account, name, fingerprint }) => {
      return (
        account === wanted || name.toLowerCase() === wanted || (/^[0-9a-f]{4,16}$/.test(wanted) && fingerprint.startsWith(wanted))
      )
    })
    if (matching.length > 1)
      throw new InvalidArgumentError(
        'who',
        `several people are called ${who}: say which by fingerprint (${matching.map((each) => each.fingerprint).join(', ')})`,
      )
    const [match] = matching
    if (match === undefined) throw new InvalidArgumentError('who', `nobody here is called ${who}`)
    return match
  }

  #ownProfile(): Profile {
    const { account, name, bio } = this.#identity
    return {
      account: bytesToHex(account),
      name,
      fingerprint: fingerprintOf(account, this.#init.crypto),
      ...(bio === '' ? {} : { bio }),
    }
  }

  /** Hides what an account writes, here only. */
  async block(who: string): Promise<void> {
    const { account } = this.profile(who)
    if (account === bytesToHex(this.#identity.account)) throw new InvalidArgumentError('who', 'that is you')
    if (this.#blocked.size >= MAX_BLOCKED) throw new InvalidArgumentError('who', `at most ${MAX_BLOCKED} people can be blocked`)
    this.#blocked.add(account)
    await this.#saveBlocked()
  }

  async unblock(who: string): Promise<void> {
    this.#blocked.delete(this.profile(who).account)
    await this.#saveBlocked()
  }

  async #saveBlocked(): Promise<void> {
    await this.#init.store.batch([
      { type: 'put', key: BLOCKED, value: encodeCbor([...this.#blocked].map((account) => hexToBytes(account))) },
    ])
  }
}

const nothing = (): undefined => undefined
