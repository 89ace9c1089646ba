/** What every adversary is made of: a place on the network, what it knows, and the means to write, whisper and talk. */

import { answerAccess, openAccess } from '../../src/chat/access.ts'
import { type Body, encodeText, sealBody, Type } from '../../src/chat/body.ts'
import { createRun, type Entry, encodeRun, Kind, type Run, withBody } from '../../src/chat/event.ts'
import { Gate } from '../../src/chat/gate.ts'
import { bytesToHex, hexToBytes } from '../../src/chat/hex.ts'
import { askToKeep, KeepDesk } from '../../src/chat/keep-access.ts'
import { KEEP_PROTOCOL } from '../../src/chat/keep-codec.ts'
import { Log } from '../../src/chat/log.ts'
import { Reservations } from '../../src/chat/reservations.ts'
import type { RoomKeys } from '../../src/chat/room-keys.ts'
import type { Channel, Verdict } from '../../src/chat/seams.ts'
import { decodeMessage, encodeMessage, SYNC_PROTOCOL, type SyncMessage } from '../../src/chat/sync-codec.ts'
import { SyncSession } from '../../src/chat/sync-session.ts'
import { DeviceClock } from './clock.ts'
import { Disk, DiskStore } from './disk.ts'
import type { Endpoint } from './endpoint.ts'
import { describe } from './member.ts'
import { MAIN_ROOM } from './scenario.ts'
import type { World } from './world.ts'

/** An author key, and the end of the chain that it is on. */
export interface HostileAuthor {
  seed: Uint8Array
  key: Uint8Array
  seq: number
  last: Uint8Array | undefined
}

export interface Draft {
  text?: string
  hlc?: number
  parents?: Uint8Array[]
  type?: number
}

/** What becomes of a message before it leaves: others in its place, silence for ever, or the end of the stream. */
export type Tamper = (message: SyncMessage, bytes: Uint8Array) => Uint8Array[] | 'silence' | 'end'

export class Hostile {
  readonly world: World
  readonly endpoint: Endpoint
  readonly keys: RoomKeys
  readonly clock: DeviceClock
  /** Everything it hears: what it lies about. */
  readonly log: Log
  readonly #reserved = new Reservations()
  #texts = 0
  /** It writes nothing new any more. */
  silent = false
  #gone = false
  /** It says that it is a keeper. */
  keeps = false
  /** What it thinks of what it hears. */
  onGossip: (bytes: Uint8Array, from: string) => Verdict = () => 'ignore'
  onChannel: (channel: Channel) => Promise<void> = async (channel) => channel.abort(new Error('not today'))

  private constructor(world: World, endpoint: Endpoint, keys: RoomKeys, clock: DeviceClock, log: Log) {
    this.world = world
    this.endpoint = endpoint
    this.keys = keys
    this.clock = clock
    this.log = log
  }

  static async enter(world: World, address: number): Promise<Hostile> {
    const { time, random, crypto, network } = world
    const clock = new DeviceClock(time, () => 0)
    const keys = await world.keysOf(MAIN_ROOM)
    const store = new DiskStore({ disk: new Disk(), time, random, latency: () => 0 })
    const log = await Log.open({ store, crypto, clock, keys })
    const endpoint = network.attach(network.peerOf(crypto.publicKey(crypto.randomBytes(32))), address)
    world.strangers.add(endpoint)
    const hostile = new Hostile(world, endpoint, keys, clock, log)
    endpoint.subscribe(keys.topic, (from, bytes) => hostile.onGossip(bytes, from))
    await endpoint.handle(SYNC_PROTOCOL, (channel) => hostile.onChannel(channel))
    return hostile
  }

  /** Leaves. */
  stop(): void {
    this.#gone = true
    this.world.network.detach(this.endpoint)
  }

  get peers(): string[] {
    return this.endpoint.mates(this.keys.topic)
  }

  /** Again and again, at times between `low` and `high` milliseconds apart. */
  every(low: number, high: number, action: () => unknown): void {
    this.world.time.after(this.world.random.between(low, high), () => {
      if (this.#gone) return
      action()
      this.every(low, high, action)
    })
  }

  /** The same, until the heal: what adds to the room. */
  everyWriting(low: number, high: number, action: () => unknown): void {
    this.every(low, high, () => (this.world.healed ? undefined : action()))
  }

  author(): HostileAuthor {
    const seed = this.world.crypto.randomBytes(32)
    return { seed, key: this.world.crypto.publicKey(seed), seq: 0, last: undefined }
  }

  #text(author: HostileAuthor): string {
    const text = `hostile ${this.endpoint.address}-${this.#texts++}`
    this.world.ledger.hostileTexts.set(text, bytesToHex(author.key))
    return text
  }

  /** A well-formed run at the end of the author's chain, which goes on from there. */
  write(author: HostileAuthor, drafts: Draft[]): Run {
    const run = this.compose(author, drafts)
    author.seq += drafts.length
    author.last = run.ids[run.ids.length - 1]
    return run
  }

  /** The same, without going on: what is composed next stands in the same place. */
  compose(author: HostileAuthor, drafts: Draft[]): Run {
    const { crypto } = this.world
    const place = { roomTag: this.keys.tag, author: author.key, seq: author.seq + 1 }
    const entries = drafts.map(
      ({ text = this.#text(author), hlc = this.clock.now(), parents = [], type = Type.text }, i): Entry => {
        const body: Body = { hlc, type, parents, controlHeads: [], payload: encodeText({ text, replyTo: undefined }), ext: [] }
        const sealed = sealBody(body, this.keys.messageKey, { ...place, seq: place.seq + i }, Kind.message, crypto)
        return withBody(Kind.message, sealed)
      },
    )
    return createRun(place, author.last, entries, author.seed, crypto)
  }

  /** The same entries with ids and signature made anew. */
  recomposed(author: HostileAuthor, { roomTag, entries, firstSeq }: Run): Run {
    return createRun({ roomTag, author: author.key, seq: firstSeq }, author.last, entries, author.seed, this.world.crypto)
  }

  publish(run: Run): void {
    this.endpoint.publish(this.keys.topic, encodeRun(run))
  }

  /** To some only, and at once. */
  whisper(peers: readonly string[], bytes: Uint8Array): void {
    this.endpoint.publishTo(peers, this.keys.topic, bytes)
  }

  /** Ids of the last events it knows, to be named as parents. */
  heads(): Uint8Array[] {
    return this.log
      .heads()
      .slice(0, 4)
      .map(({ id }) => hexToBytes(id).subarray(0, 16))
  }

  /** Talks as members do, but for what it changes on the way out. */
  async converse(channel: Channel, tamper: Tamper, hello?: Uint8Array): Promise<void> {
    const { world, keys, clock } = this
    const access = { channel: tampered(channel, tamper), keys, crypto: world.crypto, clock, self: this.endpoint.self }
    try {
      await (hello === undefined ? openAccess(access) : answerAccess(access, hello))
      await this.#session(access.channel).converse()
    } catch (error) {
      world.trace('hostile session ends', this.endpoint.address, describe(error))
      channel.abort(new Error('enough'))
    }
  }

  /** The same, from where access has been proved. */
  async #talk(channel: Channel, tamper: Tamper): Promise<void> {
    try {
      await this.#session(tampered(channel, tamper)).converse()
    } catch (error) {
      this.world.trace('hostile visit ends', this.endpoint.address, describe(error))
      channel.abort(new Error('enough'))
    }
  }

  #session(channel: Channel): SyncSession {
    return new SyncSession({
      gate: new Gate(),
      log: this.log,
      crypto: this.world.crypto,
      clock: this.clock,
      channel,
      reserved: this.#reserved,
      allow: () => true,
      onProgress: () => undefined,
      onReject: () => undefined,
      own: () => [],
      onHeld: () => undefined,
      onFresh: () => undefined,
    })
  }

  /** Answers every session, and opens one now and then; where there are keepers, it visits one and says that it is another. */
  syncs(low: number, high: number, tamper: () => Tamper): void {
    if (this.world.scenario.keeper?.liars === true) this.#keep(low, high, tamper)
    this.onChannel = async (channel) => {
      const bytes = await channel.receive()
      const hello = bytes && decodeMessage(bytes)
      if (hello?.type === 'hello') await this.converse(channel, tamper(), hello.nonce)
    }
    this.every(low, high, () => {
      void this.call(async (channel) => this.converse(channel, tamper()))
    })
  }

  #keep(low: number, high: number, tamper: () => Tamper): void {
    this.keeps = true
    const { crypto, keeper } = this.world
    const init = { crypto, clock: this.clock, self: this.endpoint.self }
    void this.endpoint.handle(KEEP_PROTOCOL, async (channel) => {
      const desk = new KeepDesk({ ...init, channel })
      await desk.hear()
      await desk.grant({ seconds: 3600, bytes: 2 ** 30 })
      await this.#talk(channel, tamper())
    })
    this.every(low, high, () => {
      void this.call(
        async (channel) => {
          await askToKeep({ ...init, channel, keys: this.keys, seconds: 3600 })
          await this.#talk(channel, tamper())
        },
        { peers: keeper === undefined ? [] : [keeper.peer], protocol: KEEP_PROTOCOL },
      )
    })
  }

  /** Opens a stream to some peer. */
  async call(
    talk: (channel: Channel, peer: string) => Promise<void>,
    { peers = this.peers, protocol = SYNC_PROTOCOL }: { peers?: string[]; protocol?: string } = {},
  ): Promise<void> {
    const { world } = this
    if (peers.length === 0) return
    const peer = world.random.pick(peers)
    try {
      await talk(await this.endpoint.open(peer, protocol), peer)
    } catch (error) {
      world.trace('hostile call ends', this.endpoint.address, describe(error))
    }
  }
}

function tampered(channel: Channel, tamper: Tamper): Channel {
  return {
    peer: channel.peer,
    async send(bytes) {
      const instead = tamper(decodeMessage(bytes), bytes)
      if (instead === 'silence') return new Promise(() => {})
      if (instead === 'end') return channel.close()
      for (const each of instead) await channel.send(each)
    },
    receive: () => channel.receive(),
    close: () => channel.close(),
    abort: (reason) => channel.abort(reason),
  }
}

export const encoded = (message: SyncMessage): Uint8Array[] => [encodeMessage(message)]
