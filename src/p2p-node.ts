/**
 * The composition root: identity and rooms from the store, a libp2p peer to carry them, and the few calls and events that a program
 * needs. Nothing here is a decision of its own: store, peer and chat know nothing of each other and meet in this file.
 */
import type { Startable } from '@libp2p/interface'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { TypedEventEmitter } from 'main-event'
import { Chat, type ChatEvents } from './chat/chat.ts'
import { recoveryPhrase } from './chat/identity.ts'
import { Libp2pNetwork, type NetworkComponents } from './chat/libp2p-network.ts'
import type { Room } from './chat/room.ts'
import { deriveRoomKeys, openRoomSecret } from './chat/room-keys.ts'
import { safetyNumber } from './chat/safety-number.ts'
import type { KeeperPeer } from './chat/seams.ts'
import type { Message, Profile, SafetyNumber } from './chat/types.ts'
import { type Check, diagnose } from './doctor.ts'
import { UnreachableError } from './errors.ts'
import type { Peer, PeerView, RelayView } from './node/index.ts'
import type { P2PNodeEvents, P2PNodeInit, Platform } from './p2p-node-init.ts'
import { FIRST_ROOM } from './room-name.ts'

const PORT = ['node', 'port'] as const

/** In a room with so many mates nobody more is dialled who is found far away: all with all is too much where a room is large. */
const ENOUGH_MATES = 8

/**
 * This device's peer: started, and in every room it was in.
 *
 * Events: `message`, `delivery`, `member`, `sync`, `typing` carry the room and a `detail`; `peer`; `warning`; `reject`.
 */
export class P2PNode extends TypedEventEmitter<P2PNodeEvents> {
  readonly #platform: Platform
  readonly #chat: Chat
  /** The id of the room that everybody has from the start: for those nearby, announced nowhere. */
  readonly #local: string
  #peer: Peer | undefined
  #offline = false
  #stopped: Promise<void> | undefined

  private constructor(platform: Platform, chat: Chat) {
    super()
    this.#platform = platform
    this.#chat = chat
    const { crypto } = platform
    this.#local = bytesToHex(deriveRoomKeys('open', openRoomSecret(FIRST_ROOM, crypto), crypto).tag)
    for (const type of ['message', 'delivery', 'member', 'sync', 'typing', 'reject', 'warning'] as const) {
      chat.addEventListener(type, (event: Event) =>
        this.safeDispatchEvent(type, { detail: (event as ChatEvents[typeof type]).detail }),
      )
    }
  }

  /** Without a network: to read what is there. */
  static async offline(platform: Platform): Promise<P2PNode> {
    return new P2PNode(platform, await Chat.open(platform))
  }

  static async create(platform: Platform, init: P2PNodeInit): Promise<P2PNode> {
    const node = new P2PNode(platform, await Chat.open({ ...platform, name: init.name }))
    try {
      await node.#start(init)
      if (platform.copied === true) platform.clock.setTimeout(() => node.#warnOfCopy(), 0) // when the caller has had its turn to listen
    } catch (error) {
      await node.stop()
      throw error
    }
    return node
  }

  async #start({ name: _, port, logger, keepers, keep = true, ...init }: P2PNodeInit): Promise<void> {
    const { store, createPeer } = this.#platform
    this.#offline = init.offline === true
    const chat = this.#chat
    const remembered = await store.get(PORT)
    const log = logger?.forComponent('p2pnode:chat')
    chat.addEventListener('failure', ({ detail }) => log?.('a sync with %s broke - %s', detail.peer, errorName(detail.error)))
    const peer = await createPeer({
      ...init,
      seed: chat.identity.deviceSeed,
      publicKey: chat.identity.device,
      port: port ?? (remembered && new DataView(remembered.buffer, remembered.byteOffset).getUint16(0)),
      ...(logger === undefined ? {} : { logger }),
      services: {
        chat: (components: unknown) => {
          const network = new Libp2pNetwork(components as NetworkComponents, [
            ...(keepers ?? []),
            ...keepersAmong(init.relays ?? [], keep),
          ])
          return chatService(chat, network)
        },
      },
    })
    this.#peer = peer
    peer.addEventListener('connected', ({ detail }) =>
      this.safeDispatchEvent('peer', { detail: { ...detail, change: 'connected' } }),
    )
    peer.addEventListener('disconnected', ({ detail }) =>
      this.safeDispatchEvent('peer', { detail: { ...detail, change: 'disconnected' } }),
    )
    peer.addEventListener('warning', ({ detail }) => this.safeDispatchEvent('warning', { detail: { detail } }))
    peer.addEventListener('connected', () => this.#keepMates())
    chat.addEventListener('member', () => this.#keepMates())
    this.#meet()
    await peer.start()
    await this.#rememberPort(peer.port())
  }

  #warnOfCopy(): void {
    const message =
      'This data directory is a copy, or was moved or restored: it goes on under a new peer id and new author keys, so that two histories do not fork.'
    this.safeDispatchEvent('warning', { detail: { detail: { code: 'COPIED', message } } })
  }

  /** Whoever shares a room is dialled again when lost. */
  #keepMates(): void {
    const connected = new Set(this.#peer?.peers().map(({ peerId }) => peerId))
    for (const room of this.#chat.rooms) for (const device of room.devices()) if (connected.has(device)) this.#peer?.keep(device)
  }

  async #rememberPort(port: number | undefined): Promise<void> {
    if (port === undefined) return
    const value = new Uint8Array(2)
    new DataView(value.buffer).setUint16(0, port)
    await this.#platform.store.batch([{ type: 'put', key: PORT, value }])
  }

  /** Empty without a network. */
  get peerId(): string {
    return this.#peer?.peerId ?? ''
  }

  /** The account key in hex: the person, whatever the device. */
  get account(): string {
    return bytesToHex(this.#chat.identity.account)
  }

  get name(): string {
    return this.#chat.identity.name
  }

  /** Multiaddrs that others can dial. */
  get addresses(): string[] {
    return this.#peer?.addresses() ?? []
  }

  get rooms(): Room[] {
    return this.#chat.rooms
  }

  /**
   * Fetches no more history until the function it answers is called: for whoever cannot take `message` events as fast as they come.
   * What others write meanwhile goes on arriving. Who holds for long keeps the rooms from being brought up to date.
   */
  hold(): () => void {
    return this.#chat.hold()
  }

  /** False until the first room was ever joined. */
  get knowsRooms(): boolean {
    return this.#chat.knowsRooms
  }

  /** A joined room by name or id. @throws UnknownRoomError */
  room(nameOrId: string): Room {
    return this.#chat.room(nameOrId)
  }

  /**
   * Joins an open room by its name, or with a passphrase a locked one. Resolves when that is stored and subscribed.
   * @throws InvalidArgumentError, RoomExistsError, StorageError
   */
  async join(room: string, options: { passphrase?: string | undefined; as?: string | undefined } = {}): Promise<Room> {
    const joined = await this.#chat.join(room, options)
    this.#meet()
    return joined
  }

  /** Leaves a room and keeps its history. @throws UnknownRoomError */
  async leave(room: string): Promise<void> {
    await this.#chat.leave(room)
    this.#meet()
  }

  /** Others in the same rooms are looked for; everybody's first room is for those nearby. */
  #meet(): void {
    const afar = (): Room[] => this.rooms.filter(({ id }) => id !== this.#local)
    this.#peer?.meet(
      afar().map(({ namespace }) => namespace),
      () => afar().every((room) => room.mates().length >= ENOUGH_MATES),
    )
  }

  peers(): PeerView[] {
    return this.#peer?.peers() ?? []
  }

  /** The relays given at the start, as they stand. */
  relays(): RelayView[] {
    return this.#peer?.relays() ?? []
  }

  /** Why nothing comes, or goes: what each layer knows of itself, with what to do. */
  async doctor(): Promise<Check[]> {
    return diagnose({
      network: this.#peer?.diagnose(),
      offline: this.#offline,
      rooms: this.rooms.map((room) => room.facts()),
      disk: await this.#platform.disk?.(),
    })
  }

  /** Dials, and keeps dialling. @throws InvalidArgumentError, UnreachableError */
  connect(address: string): Promise<PeerView> {
    if (this.#peer === undefined) return Promise.reject(new UnreachableError('not on the network'))
    return this.#peer.connect(address)
  }

  async disconnect(peerId: string): Promise<void> {
    await this.#peer?.disconnect(peerId)
  }

  /** Ids of the rooms shared with a peer, as far as its topics say. */
  roomsWith(peerId: string): string[] {
    return this.#chat.rooms.filter((room) => room.mates().includes(peerId)).map((room) => room.id)
  }

  /** Oneself, or somebody by name, account or fingerprint. @throws InvalidArgumentError */
  profile(who?: string): Profile {
    return this.#chat.profile(who)
  }

  setProfile(profile: { name?: string | undefined; bio?: string | undefined }): Promise<void> {
    return this.#chat.setProfile(profile)
  }

  /**
   * The newest messages that hold all words of a query, here or in all rooms: see `parseQuery` in src/chat/query.ts. It reads back until
   * it has found `limit` (50, at most 1,000), which takes a while where a long history has not so many.
   * @throws InvalidArgumentError, UnknownRoomError, the reason of `signal`
   */
  search(
    query: string,
    options: { room?: string | undefined; limit?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<{ messages: Message[]; more: boolean }> {
    return this.#chat.search(query, options)
  }

  /** Whether nobody is looking at this device: every room is told at once, and whoever comes later. Not kept. */
  setAway(away: boolean): void {
    this.#chat.setAway(away)
  }

  /** What a face of this device keeps under a key; undefined if nothing is. @throws InvalidArgumentError */
  preference(key: string): Promise<string | undefined> {
    return this.#chat.preferences.get(key)
  }

  /** Keeps a text of at most 64 KiB, sealed, on this device alone; undefined deletes it. @throws InvalidArgumentError, TooLargeError, QuotaError */
  setPreference(key: string, value: string | undefined): Promise<void> {
    return this.#chat.preferences.set(key, value)
  }

  block(who: string): Promise<void> {
    return this.#chat.block(who)
  }

  unblock(who: string): Promise<void> {
    return this.#chat.unblock(who)
  }

  /** 60 digits that are the same for both of two people: to compare over another channel. @throws InvalidArgumentError */
  async safetyNumber(who: string): Promise<SafetyNumber> {
    const other = this.#chat.profile(who)
    return { ...other, safetyNumber: safetyNumber(this.account, other.account) }
  }

  /** The 24 words from which the account comes: whoever has them is this person. */
  recoveryPhrase(): string {
    return recoveryPhrase(this.#chat.identity)
  }

  /** Says goodbye, closes everything. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    try {
      await this.#peer?.stop()
      await this.#chat.stop()
    } finally {
      await this.#platform.store.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** Relays may keep: whether one does it says itself. */
function keepersAmong(relays: readonly string[], keep: NonNullable<P2PNodeInit['keep']>): KeeperPeer[] {
  if (keep === false) return []
  const token = keep === true || keep.token === undefined ? {} : { token: utf8ToBytes(keep.token) }
  return relays.flatMap((address) => {
    const peer = /\/p2p\/([^/]+)\/?$/.exec(address)?.[1]
    return peer === undefined ? [] : [{ peer, ...token }]
  })
}

/** What has neither start nor stop gets none of the other hooks. */
const nothing = (): undefined => undefined

/** As libp2p starts and stops its services: gossipsub is up before the first hook and after the last. */
function chatService(chat: Chat, network: Libp2pNetwork): Startable {
  return { start: nothing, afterStart: () => chat.start(network), beforeStop: () => chat.stop(), stop: nothing }
}

const errorName = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error))
