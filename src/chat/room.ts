/**
 * A joined room: its log, and the parts that write, push, fetch and show it. Everything that arrives goes through `log.ingest`; everything
 * told to the faces starts in `#arrived`.
 */
import { TypedEventEmitter } from 'main-event'
import type { LogEvent } from './author-log.ts'
import { type Beacon, State } from './beacon.ts'
import { type ProfilePayload, profilePayload, Type } from './body.ts'
import { composeText, type SendOptions } from './compose.ts'
import { Delivery } from './delivery.ts'
import { Kind } from './event.ts'
import { Gossip } from './gossip.ts'
import { Health } from './health.ts'
import { bytesToHex } from './hex.ts'
import { createProfile } from './identity.ts'
import { type Arrival, Log } from './log.ts'
import { Members } from './members.ts'
import { Presence } from './presence.ts'
import type { Query } from './query.ts'
import type { RoomEvents } from './room-events.ts'
import type { RoomInit } from './room-init.ts'
import { checkWords } from './room-keys.ts'
import { Roster } from './roster.ts'
import type { Scan } from './scan.ts'
import type { Channel, KeeperPeer } from './seams.ts'
import { Sync } from './sync.ts'
import { type HistoryQuery, Timeline } from './timeline.ts'
import type { Held, Member, Message, Profile, RoomCheck, RoomFacts, Room as RoomInfo } from './types.ts'
import { forked, OWN_FORK, refused } from './warnings.ts'
import { Writer, type Written } from './writer.ts'

export class Room extends TypedEventEmitter<RoomEvents> {
  readonly name: string
  /** The room tag in hex. */
  readonly id: string
  readonly topic: string
  /** What its members are registered under at a rendezvous point. */
  readonly namespace: string
  readonly #init: RoomInit
  readonly #log: Log
  readonly #members: Members
  readonly #timeline: Timeline
  #writer!: Writer
  readonly #gossip: Gossip
  readonly #presence: Presence
  readonly #roster: Roster
  readonly #sync: Sync
  readonly #health: Health
  readonly #delivery: Delivery
  #running = false

  private constructor(init: RoomInit, log: Log) {
    super()
    this.#init = init
    this.#log = log
    this.#health = new Health(init.clock)
    this.name = init.name
    this.id = bytesToHex(init.keys.tag)
    this.topic = init.keys.topic
    this.namespace = init.keys.namespace
    const { keys, crypto, clock, network, gate } = init
    const self = bytesToHex(init.identity().account)
    const isSelf = (account: string): boolean => account === self
    this.#members = new Members(keys.tag, crypto)
    const heldOf = (event: LogEvent): Held | undefined => this.#delivery.of(event)
    this.#timeline = new Timeline({ ...init, log, members: this.#members, isSelf, heldOf })
    this.#gossip = new Gossip({
      network,
      log,
      keys,
      crypto,
      clock,
      onBeacon: (beacon) => this.#hear(beacon),
      onRun: () => this.#sync.arrived(),
      onUnstored: () => this.#sync.want(),
      onReject: (reason, peerId) => this.#tell('reject', { reason, peerId }),
    })
    this.#presence = new Presence({
      log,
      members: this.#members,
      keys,
      crypto,
      clock,
      network,
      seed: () => this.#writer.authorSeed,
      publish: (beacon) => this.#gossip.publish(beacon),
      isAway: init.isAway,
      onChange: (author, change, was) => {
        for (const each of this.#roster.changes(author, change, was))
          this.#tell('member', { member: this.#roster.of(author), change: each })
      },
      onTyping: (author) => this.#tell('typing', { member: this.#roster.of(author) }),
    })
    this.#delivery = new Delivery({
      log,
      members: this.#members,
      presence: this.#presence,
      network,
      clock,
      self,
      isOwnMessage: (event) => this.#timeline.isOwnMessage(event),
      onChange: ({ id }, held) => this.#tell('delivery', { id, ...held }),
      onDoubt: () => this.#sync.askOne(),
    })
    this.#roster = new Roster({
      members: this.#members,
      presence: this.#presence,
      network,
      isSelf,
      isHere: () => this.#running,
      isAway: init.isAway,
    })
    this.#sync = new Sync({
      network,
      log,
      keys,
      crypto,
      clock,
      gate,
      turns: init.turns,
      onState: (state, missing) => this.#tell('sync', { state, missing, ...this.#timeline.standing(state) }),
      onSynced: () => this.#health.synced(),
      onReject: (reason, peerId) => this.#tell('reject', { reason, peerId }),
      own: () => this.#delivery.ownPages(),
      onHeld: (page, first, peer) => this.#delivery.hearPage(page, first, peer),
      onKeeperHeld: (page, first, peer) => this.#delivery.hearKeeper(page, first, peer),
      onKeeperGone: (peer) => this.#delivery.dropKeeper(peer),
      onRefused: (why, peer) => this.#tell('warning', refused(why, peer)),
      onFailure: (error, peer) => {
        this.#health.synced(error)
        init.onFailure(error, peer)
      },
    })
  }

  /** Reads the room from the store. Nothing of it is on the network before `start`. */
  static async open(init: RoomInit): Promise<Room> {
    const log = await Log.open(init)
    const room = new Room(init, log)
    room.#writer = await Writer.open({
      ...init,
      log,
      profile: (author) => room.#profile(author),
      publish: (run) => room.#gossip.publish(run),
    })
    await room.#members.read(log)
    await room.#timeline.open()
    room.#delivery.open()
    log.listen({
      onArrivals: (arrivals) => room.#arrived(arrivals),
      onFork: ({ name }) => room.#tell('warning', forked(room.#members.personOf(name).name, name)),
      onStranger: () => room.#retire(),
    })
    return room
  }

  #profile(author: Uint8Array): ProfilePayload {
    return createProfile(this.#init.identity(), this.#init.keys.tag, author, this.#init.crypto)
  }

  /** Goes on the network; resolves when the profile of this device is on disk, so that others can know who joined. */
  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      if (this.#writer.author === undefined) await this.#writer.writeProfile()
    } catch (error) {
      this.#running = false // so that it can be tried again
      throw error
    }
    if (!this.#running) return // stopped meanwhile
    this.#gossip.start()
    this.#sync.start()
    this.#presence.start()
  }

  /** Goes off the network, having written what was queued. `left`: tells the others that this is a farewell. */
  async stop({ left = false } = {}): Promise<void> {
    await this.#writer.close()
    if (this.#running) await this.#sync.flush()
    this.#log.close()
    this.#delivery.stop()
    if (!this.#running) return
    this.#running = false
    this.#presence.stop(left ? State.left : State.offline)
    this.#sync.stop()
    this.#gossip.stop()
  }

  /**
   * Resolves once the message is on this device's disk; it reaches everybody else as they can be reached.
   * @throws TooLargeError, CidReusedError, StorageError, ClosedError
   */
  async send(text: string, { cid, replyTo, action = false }: SendOptions = {}): Promise<Written> {
    const payload = composeText(text, replyTo)
    return this.#writer.append({ kind: Kind.message, type: action ? Type.action : Type.text, payload, cid })
  }

  /** Tells the room about a changed name. */
  async writeProfile(): Promise<void> {
    await this.#writer.writeProfile()
  }

  typing(): void {
    this.#presence.typing()
  }

  /** Whoever uses this device went away, or came back. */
  turned(): void {
    this.#presence.turned()
    const account = bytesToHex(this.#init.identity().account)
    for (const change of this.#roster.ownChanges(account)) this.#tell('member', { member: this.#roster.get(account), change })
  }

  #arrived(arrivals: Arrival[]): void {
    this.#presence.arrived()
    this.#sync.stored(arrivals)
    if (arrivals.some(({ event }) => event.stored.via === 'self')) this.#sync.wrote()
    for (const { event, body } of arrivals) {
      if (body === undefined) continue
      this.#health.arrived(event)
      if (event.stored.via !== 'self' && event.seq > 1 && event.prev === undefined) this.#sync.want()
      if (event.kind === Kind.control && event.type === Type.profile) {
        const change = this.#members.add(event, profilePayload(body))
        this.#delivery.learned(event.author.name)
        if (change !== undefined) this.#tell('member', { member: this.#roster.of(event.author.name), change })
      }
      if (this.#timeline.isOwnMessage(event)) this.#delivery.wrote(event)
      const message = this.#timeline.arrived(event, body)
      if (message !== undefined) this.#tell('message', message)
    }
  }

  /** How the room does: for whoever asks why nothing comes. */
  facts(): RoomFacts {
    return {
      name: this.name,
      topic: this.topic,
      mates: this.mates().length,
      members: this.#members.size,
      ...this.#health.facts(),
    }
  }

  #hear(beacon: Beacon): boolean {
    const digest = bytesToHex(beacon.digest)
    const news = this.#presence.hear(beacon)
    if (news && digest !== bytesToHex(this.#log.frontierDigest())) this.#sync.want()
    if (news) this.#delivery.hearBeacon(beacon)
    return news
  }

  /** Resolves when another member or a keeper is known to hold everything this device wrote here. */
  held(signal?: AbortSignal): Promise<void> {
    return this.#delivery.all(() => this.#sync.ask(), signal)
  }

  /** Accounts that are known to hold a message of our own; of others nobody is asked. */
  holders(id: string): string[] {
    const event = this.#log.get(id)
    return event === undefined ? [] : [...this.#delivery.holders(event)]
  }

  /** An event of our own key that we do not know: a copy of this device wrote it, or we lost it. The key is given up, nothing else. */
  #retire(): void {
    const retired = this.#writer.retire()
    const renewed = this.#running ? this.#writer.writeProfile() : undefined
    Promise.all([retired, renewed]).catch((error) => this.#init.onFailure(error, 'store'))
    this.#tell('warning', OWN_FORK)
  }

  /** Connected peers that are in this room. */
  mates(): string[] {
    return this.#init.network.mates(this.topic)
  }

  joined(peer: string): void {
    if (!this.#running) return
    this.#sync.joined(peer)
    this.#presence.announce()
  }

  parted(peer: string): void {
    this.#sync.left(peer)
    if (this.#running) this.#presence.lost(peer)
  }

  /** A keeper came or went. */
  keeper(keeper: KeeperPeer, change: 'joined' | 'left'): void {
    this.#sync.keeper(keeper, change)
  }

  /** A sync session for this room that a peer opened. */
  acceptSync(channel: Channel, nonce: Uint8Array): Promise<void> {
    return this.#sync.accept(channel, nonce)
  }

  /** @throws InvalidArgumentError */
  page(query: HistoryQuery): Promise<{ messages: Message[]; more: boolean }> {
    return this.#timeline.page(query)
  }

  /** Messages in order, oldest first, or newest first with `reverse`; at most `limit`. */
  history(query?: { limit?: number; reverse?: boolean }): AsyncGenerator<Message> {
    return this.#timeline.history(query)
  }

  /** Looks through the history, newest first. */
  scan(query: Query): Scan {
    return this.#timeline.scan(query)
  }

  digest(): { count: number; digest: string } {
    return this.#timeline.digest()
  }

  read(id: string): Promise<void> {
    return this.#timeline.read(id)
  }

  async verify(): Promise<RoomCheck> {
    return { room: this.id, ...(await this.#log.verify()), ok: true }
  }

  members(): Member[] {
    return this.#roster.all()
  }

  /** Everybody who has a profile here. */
  people(): Profile[] {
    return this.#roster.profiles()
  }

  /** Peer ids of the devices that members have proved to be theirs. */
  devices(): string[] {
    return this.#roster.devices()
  }

  info(): RoomInfo {
    const members = this.members()
    return {
      id: this.id,
      name: this.name,
      kind: this.#init.keys.kind,
      check: checkWords(this.#init.keys.tag),
      members: members.length,
      online: members.filter((member) => member.online).length,
      count: this.#timeline.count,
      unread: this.#timeline.unread,
    }
  }

  #tell<K extends keyof RoomEvents>(type: K, detail: RoomEvents[K]['detail']): void {
    this.safeDispatchEvent(type, { detail })
  }
}
