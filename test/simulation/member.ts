/** A member of the simulated rooms: a device with a disk and a clock, whose process comes and goes. */

import { Chat } from '../../src/chat/chat.ts'
import { bytesToHex } from '../../src/chat/hex.ts'
import type { Room } from '../../src/chat/room.ts'
import type { Message } from '../../src/chat/types.ts'
import { StorageError } from '../../src/errors.ts'
import { DeviceClock } from './clock.ts'
import { Disk, DiskStore } from './disk.ts'
import type { Endpoint } from './endpoint.ts'
import type { World } from './world.ts'

/** After a start that failed, or a disk that did, the next try comes so much later. Milliseconds. */
const RETRY = 3_000

/** What the faces of one process were told about one opening of a room. */
interface Told {
  /** Messages it held when it was opened; undefined until that was noted. */
  loaded: number | undefined
  ids: Set<string>
}

/** One process. */
export interface Incarnation {
  alive: boolean
  store: DiskStore
  chat?: Chat
  endpoint?: Endpoint
  told: Map<Room, Told>
  /** Every message it told of, by room and id: never twice in one process. */
  ever: Set<string>
}

export class Member {
  readonly #world: World
  readonly index: number
  readonly name: string
  readonly rooms: string[]
  disk = new Disk()
  /** Milliseconds that its clock is off. */
  skew: number
  /** Writes take this many times as long. */
  slowness = 1
  /** Rooms it is meant to be in. */
  readonly wanted = new Set<string>()
  now: Incarnation | undefined
  ready = false
  snapshot: Disk | undefined
  /** Its disk was set back, or is a copy: what it remembers of sends may be gone. */
  rewound = false
  /** Its disk was set back, is a copy or was copied: it may write two histories under one key. */
  mayFork = false
  /** It went for good. */
  gone = false
  /** Messages that are known to be on its disk, and that were on it before it was set back. */
  has = new Set<string>()
  readonly had = new Set<string>()
  /** The person, in hex; and all it ever was: a disk that was set back may know none. */
  account = ''
  readonly accounts = new Set<string>()

  constructor(world: World, index: number, { name, skew, rooms }: { name: string; skew: number; rooms: string[] }) {
    this.#world = world
    this.index = index
    this.name = name
    this.skew = skew
    this.rooms = rooms
    for (const room of rooms) this.wanted.add(room)
  }

  /** Goes, and never comes back. */
  depart(): void {
    this.#world.trace('departs', this.index)
    this.kill()
    this.gone = true
  }

  /** Starts a process on the disk, unless one is running. */
  start(): void {
    if (this.now !== undefined || this.gone) return
    const { time, random, scenario } = this.#world
    const latency = (): number => random.between(...scenario.disk) * this.slowness
    const store = new DiskStore({ disk: this.disk, time, random, latency })
    const incarnation: Incarnation = { alive: true, store, told: new Map(), ever: new Set() }
    this.now = incarnation
    this.#world.trace('start', this.index)
    this.#boot(incarnation).then(
      () => {
        this.ready = incarnation.alive
        this.#world.trace('ready', this.index)
      },
      (error) => this.#failedToStart(incarnation, error),
    )
  }

  async #boot(incarnation: Incarnation): Promise<void> {
    const { time, crypto, network } = this.#world
    const clock = new DeviceClock(
      time,
      () => this.skew,
      () => incarnation.alive,
    )
    const chat = await Chat.open({ store: incarnation.store, crypto, clock, name: this.name })
    incarnation.chat = chat
    this.account = bytesToHex(chat.identity.account)
    this.accounts.add(this.account)
    chat.addEventListener('message', ({ detail: { room, detail } }) => this.#told(incarnation, room, detail))
    chat.addEventListener('delivery', ({ detail: { room, detail } }) => {
      if (incarnation.alive) this.#world.delivered(this, room, detail)
    })
    chat.addEventListener('failure', ({ detail: { error, peer } }) => this.#world.failed(this, error, peer))
    chat.addEventListener('warning', ({ detail: { detail } }) => this.#warned(detail))
    chat.addEventListener('reject', ({ detail: { detail } }) =>
      this.#world.trace('refuses', this.index, detail.peerId, detail.reason),
    )
    chat.addEventListener('sync', ({ detail: { detail } }) =>
      this.#world.trace('sync', this.index, detail.state, detail.count, detail.digest.slice(0, 8)),
    )
    for (const room of chat.rooms) this.#opened(incarnation, room)
    for (const room of chat.rooms) if (!this.wanted.has(room.name)) await chat.leave(room.id)
    const endpoint = network.attach(network.peerOf(chat.identity.device), this.index)
    incarnation.endpoint = endpoint
    endpoint.keptBy(this.#world.keepersOf(this))
    if (!incarnation.alive) return network.detach(endpoint)
    await chat.start(endpoint)
    for (const name of this.wanted) await this.#join(incarnation, name)
  }

  async #join(incarnation: Incarnation, name: string): Promise<void> {
    const { chat } = incarnation
    if (chat === undefined) return
    try {
      await chat.join(name, { passphrase: this.#world.scenario.locked ? 'open sesame' : undefined })
    } finally {
      const room = chat.rooms.find((each) => each.name === name)
      if (room !== undefined) this.#opened(incarnation, room)
    }
  }

  /** Notes what a room holds that nobody was told of in this process. */
  #opened({ told }: Incarnation, room: Room): void {
    const { loaded, ids } = told.get(room) ?? { loaded: undefined, ids: new Set<string>() }
    told.set(room, { loaded: loaded ?? room.digest().count - ids.size, ids })
  }

  #told(incarnation: Incarnation, room: Room, message: Message): void {
    if (!incarnation.alive) return
    this.#world.trace('told', this.index, message.id)
    this.has.add(message.id)
    const key = `${room.id} ${message.id}`
    if (incarnation.ever.has(key)) this.#world.violated(`${this.name} was told twice of ${message.text}`)
    incarnation.ever.add(key)
    if (message.kind === 'unknown') return
    const told = incarnation.told.get(room) ?? { loaded: undefined, ids: new Set<string>() }
    told.ids.add(message.id)
    incarnation.told.set(room, told)
  }

  /** Nobody who is honest, and whose disk nobody touched, is ever taken for somebody with two histories. */
  #warned({ code, message }: { code: string; message: string }): void {
    this.#world.trace('warning', this.index, code, message)
    const name = code === 'OWN_FORK' ? this.name : /^member-\d+/.exec(message)?.[0]
    const accused = this.#world.members.filter((member) => member.name === name)
    if (accused.length > 0 && !accused.some((member) => member.mayFork)) this.#world.violated(`${name} is accused of a fork`)
  }

  #failedToStart(incarnation: Incarnation, error: unknown): void {
    if (!(error instanceof StorageError)) this.#world.violated(`${this.name} does not start: ${describe(error)}`, error)
    if (!incarnation.alive) return
    this.kill()
    this.#world.time.after(RETRY, () => this.start())
  }

  /** As kill -9 or a power cut. */
  kill(): void {
    const incarnation = this.now
    if (incarnation === undefined) return
    this.#world.trace('kill', this.index)
    this.#end(incarnation)
    incarnation.store.kill()
  }

  #end(incarnation: Incarnation): void {
    this.now = undefined
    this.ready = false
    incarnation.alive = false
    if (incarnation.endpoint !== undefined) this.#world.network.detach(incarnation.endpoint)
  }

  /** A clean stop. */
  async stop(): Promise<void> {
    const incarnation = this.now
    if (incarnation === undefined || !this.ready) return this.kill()
    this.ready = false
    this.#world.trace('stop', this.index)
    await incarnation.chat?.stop()
    await incarnation.store.close()
    if (incarnation.alive) this.#end(incarnation)
  }

  /** The disk fails; the process goes down with it a moment later. */
  fail(down: number): void {
    const incarnation = this.now
    if (incarnation === undefined) return
    this.#world.trace('eio', this.index)
    incarnation.store.fail()
    this.#world.time.after(20, () => {
      if (!incarnation.alive) return
      this.kill()
      this.#world.time.after(down, () => this.start())
    })
  }

  async leave(name: string): Promise<void> {
    if (!this.wanted.delete(name)) return // it is leaving already
    const incarnation = this.now
    const room = this.room(name)
    if (incarnation === undefined || room === undefined) return
    this.#world.trace('leave', this.index)
    await this.#unlessFull(() => incarnation.chat?.leave(room.id) ?? Promise.resolve())
  }

  async join(name: string): Promise<void> {
    this.wanted.add(name)
    const incarnation = this.now
    if (incarnation === undefined || !this.ready) return
    this.#world.trace('join', this.index)
    const done = await this.#unlessFull(() => this.#join(incarnation, name))
    if (!done) this.#world.time.after(RETRY, () => (this.wanted.has(name) ? this.join(name) : undefined))
  }

  async rename(name: string): Promise<void> {
    const chat = this.ready ? this.now?.chat : undefined
    if (chat !== undefined) await this.#unlessFull(() => chat.setProfile({ name }))
  }

  /** A disk that refuses is answered with a clear error, which a person would see and try again. */
  async #unlessFull(action: () => Promise<void>): Promise<boolean> {
    try {
      await action()
      return true
    } catch (error) {
      this.#world.trace('refused', this.index, describe(error))
      if (!isRefusal(error)) this.#world.violated(`${this.name}: ${describe(error)}`, error)
      return false
    }
  }

  /** The room of this name, while it is joined and the process runs. */
  room(name: string): Room | undefined {
    return this.ready ? this.now?.chat?.rooms.find((room) => room.name === name) : undefined
  }
}

export const describe = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error))

/** The disk refused, or the room was closed meanwhile. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'StorageError' || error.name === 'ClosedError')
