/** The indexes of rooms that are in memory: while somebody is there, and for a while after, as far as there is space. */

import { KeptLog } from '../../src/chat/kept-log.ts'
import { Reservations } from '../../src/chat/reservations.ts'
import type { Clock, Crypto } from '../../src/chat/seams.ts'
import { DamagedStoreError, StorageError } from '../../src/errors.ts'
import type { Store } from '../../src/storage/store.ts'
import { MAX_IDLE_ROOMS, MAX_OPEN_EVENTS, MAX_OPEN_EVENTS_GROWN } from './constants.ts'
import type { Lease, Leases } from './leases.ts'

export interface KeptRoomsInit {
  store: Store
  crypto: Crypto
  clock: Clock
  leases: Leases
  /** What came so long ago is given up, in milliseconds. */
  keptTime: number
}

/** A room whose index is in memory. */
export interface OpenRoom {
  log: KeptLog
  /** Ranges that its visits have asked for. */
  reserved: Reservations
}

interface Entry {
  lease: Lease
  room: Promise<OpenRoom>
  users: number
  /** The disk refused something: the room is read anew when nobody is there. */
  stale: boolean
}

export class KeptRooms {
  readonly #init: KeptRoomsInit
  /** By local number; the longest unused first. */
  readonly #entries = new Map<number, Entry>()
  readonly #closing = new Map<number, Promise<void>>()

  constructor(init: KeptRoomsInit) {
    this.#init = init
  }

  /** Somebody is there. */
  isBusy(lease: Lease): boolean {
    return (this.#entries.get(lease.room)?.users ?? 0) > 0
  }

  /** More events are in memory than may be, even if nobody new is let in. */
  get overgrown(): boolean {
    return this.#events > MAX_OPEN_EVENTS_GROWN
  }

  get #events(): number {
    let sum = 0
    for (const { lease } of this.#entries.values()) sum += lease.events
    return sum
  }

  /**
   * Does something with a room, which stays open meanwhile. Answers false, and does nothing, where there is no memory for it.
   * @throws DamagedStoreError, StorageError, and what `task` throws
   */
  async use(lease: Lease, task: (room: OpenRoom) => Promise<void>): Promise<boolean> {
    const entry = this.#entries.get(lease.room) ?? this.#admit(lease)
    if (entry === undefined) return false
    entry.users++
    try {
      await task(await entry.room)
      return true
    } catch (error) {
      if (error instanceof StorageError || error instanceof DamagedStoreError) entry.stale = true
      throw error
    } finally {
      entry.users--
      this.#tidy(entry)
    }
  }

  #admit(lease: Lease): Entry | undefined {
    const fits = (): boolean => this.#entries.size === 0 || this.#events + lease.events <= MAX_OPEN_EVENTS
    for (const entry of this.#entries.values()) if (entry.users === 0 && !fits()) this.#close(entry)
    if (!fits()) return undefined
    const entry: Entry = { lease, room: this.#open(lease), users: 0, stale: false }
    this.#entries.set(lease.room, entry)
    return entry
  }

  async #open(lease: Lease): Promise<OpenRoom> {
    const { leases, keptTime, ...init } = this.#init
    await this.#closing.get(lease.room)
    const log = await KeptLog.open({
      ...init,
      tag: lease.tag,
      room: lease.room,
      limits: () => leases.limits(lease),
      onCharge: (bytes, events) => {
        leases.charge(lease, bytes, events)
        return [leases.save(lease)]
      },
    })
    // What is there counts, whatever was noted before the last crash.
    leases.charge(lease, log.charged - lease.bytes, log.events - lease.events)
    await log.expire(init.clock.now() - keptTime)
    return { log, reserved: new Reservations() }
  }

  /** Whoever was there last stays longest. */
  #tidy(entry: Entry): void {
    const { lease, stale, users } = entry
    if (this.#entries.get(lease.room) !== entry) return
    this.#entries.delete(lease.room)
    this.#entries.set(lease.room, entry)
    if (stale && users === 0) this.#close(entry)
    const idle = [...this.#entries.values()].filter((each) => each.users === 0)
    for (const each of idle.slice(0, Math.max(0, idle.length - MAX_IDLE_ROOMS))) this.#close(each)
  }

  #close(entry: Entry): void {
    const { room } = entry.lease
    this.#entries.delete(room)
    const closing = entry.room
      .then(async ({ log }) => {
        log.close()
        await log.trimmed()
      })
      .catch(() => undefined) // whoever used it has heard of it
      .finally(() => this.#closing.delete(room))
    this.#closing.set(room, closing)
  }

  /** Closes a room in which nobody is. */
  async close(lease: Lease): Promise<void> {
    const entry = this.#entries.get(lease.room)
    if (entry !== undefined) this.#close(entry)
    await this.#closing.get(lease.room)
  }

  async closeAll(): Promise<void> {
    for (const entry of this.#entries.values()) this.#close(entry)
    await Promise.all(this.#closing.values())
  }

  /** Gives up what came too long ago, in the rooms that are open: others are looked at when they are opened. */
  async expire(): Promise<void> {
    const time = this.#init.clock.now() - this.#init.keptTime
    for (const { room } of [...this.#entries.values()]) {
      const open = await room.catch(() => undefined) // whoever uses it hears of it
      await open?.log.expire(time)
    }
  }
}
