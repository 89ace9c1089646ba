/** When to tell who holds what was written here: soon after somebody says so, all that changed at once, the newest messages only. */
import type { LogEvent } from './author-log.ts'
import type { Beacon } from './beacon.ts'
import { DELIVERY_DOUBT, DELIVERY_INTERVAL, MAX_TOLD_MESSAGES } from './constants.ts'
import type { Page } from './frontier.ts'
import { Holders, type HoldersInit } from './holders.ts'
import type { Held } from './types.ts'

export interface DeliveryInit extends HoldersInit {
  /** Whether an event is a message of this account. */
  isOwnMessage: (event: LogEvent) => boolean
  onChange: (event: LogEvent, held: Held) => void
  /** A message is a while old, and nobody is known to hold it: somebody should be asked. */
  onDoubt: () => void
}

export class Delivery {
  readonly #init: DeliveryInit
  readonly #holders: Holders
  /** The newest messages of our own, the newest last, and what was told of them. */
  #newest: LogEvent[] = []
  readonly #told = new Map<LogEvent, Held>()
  #timer: (() => void) | undefined
  #doubt: (() => void) | undefined
  #waiters: (() => void)[] = []
  #stopped = false

  constructor(init: DeliveryInit) {
    this.#init = init
    this.#holders = new Holders(init)
  }

  /** Notes what was read from the disk. */
  open(): void {
    this.#holders.open()
    const all = this.#init.log.all()
    for (let i = all.length - 1; i >= 0 && this.#newest.length < MAX_TOLD_MESSAGES; i--)
      if (this.#init.isOwnMessage(all[i] as LogEvent)) this.#newest.unshift(all[i] as LogEvent)
  }

  /** Tells nothing more. */
  stop(): void {
    this.#stopped = true
    this.#timer?.()
    this.#doubt?.()
  }

  /** What is held here of the logs that others are asked about, at this moment. */
  ownPages(): Page[] {
    return this.#holders.ownPages()
  }

  /** A beacon that is newer than all that were heard of its author. */
  hearBeacon(beacon: Beacon): void {
    if (this.#holders.hearBeacon(beacon)) this.#changed()
  }

  /** What a peer said in a session of a log of ours. `first`: in place of what it said before; else besides. */
  hearPage(page: Page, first: boolean, peer: string): void {
    if (this.#holders.hearPage(page, first, peer)) this.#changed()
  }

  /** The same of a keeper, over a stream on which it has proved access. */
  hearKeeper(page: Page, first: boolean, peer: string): void {
    if (this.#holders.hearKeeper(page, first, peer)) this.#changed()
  }

  /** A keeper does not keep this room any more. */
  dropKeeper(peer: string): void {
    if (this.#holders.dropKeeper(peer)) this.#changed()
  }

  /** A profile has come: it says whose an author key (hex) is. */
  learned(author: string): void {
    if (this.#holders.learned(author)) this.#changed()
  }

  /** A message of ours is on the disk. */
  wrote(event: LogEvent): void {
    if (event.stored.via === 'self') this.#await(event)
    const at = this.#newest.findLastIndex((each) => each.hlc <= event.hlc) + 1
    this.#newest.splice(at, 0, event)
    const told = this.#holders.known(event)
    if (told !== undefined) this.#told.set(event, told)
    if (this.#newest.length > MAX_TOLD_MESSAGES) this.#told.delete(this.#newest.shift() as LogEvent)
  }

  /** Looks after a while whether somebody holds it, and then at what was written last meanwhile. */
  #await(event: LogEvent): void {
    if (this.#stopped) return
    this.#doubt ??= this.#init.clock.setTimeout(() => {
      this.#doubt = undefined
      if (this.#isUnheld(event)) this.#init.onDoubt()
      const last = this.#newest.findLast(({ stored }) => stored.via === 'self')
      if (last !== undefined && last !== event && this.#isUnheld(last)) this.#await(last)
    }, DELIVERY_DOUBT)
  }

  #isUnheld(event: LogEvent): boolean {
    return this.#holders.of(event).size === 0
  }

  /** What is known of a message of ours; undefined while nobody can say. */
  of(event: LogEvent): Held | undefined {
    return this.#holders.known(event)
  }

  /** Accounts that are known to hold it. */
  holders(event: LogEvent): Set<string> {
    return this.#holders.of(event)
  }

  #changed(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
    if (this.#newest.length > 0 && !this.#stopped)
      this.#timer ??= this.#init.clock.setTimeout(() => this.#tell(), DELIVERY_INTERVAL)
  }

  #tell(): void {
    this.#timer = undefined
    for (const event of this.#newest) {
      const told = this.#told.get(event)
      const held = told === undefined ? this.#holders.known(event) : this.#holders.count(event)
      if (held === undefined || (told !== undefined && isSame(told, held))) continue
      this.#told.set(event, held)
      this.#init.onChange(event, held)
    }
  }

  /**
   * Resolves when another member or a keeper holds everything that is in the log we write; `ask` is called whenever it is worth asking them.
   * Of a log that was given up nothing counts for the next.
   */
  async all(ask: () => void, signal?: AbortSignal): Promise<void> {
    for (;;) {
      const { log } = this.#init
      const last = log.author(log.ownAuthor ?? '')?.last
      if (last === undefined || this.#holders.hasAll(last)) return
      signal?.throwIfAborted()
      ask()
      await this.#nextChange(signal)
    }
  }

  /** Resolves at the next change. Leaves nothing behind on `signal`, which may outlive many of these. */
  #nextChange(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== go)
        reject(signal?.reason)
      }
      this.#waiters.push(go)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }
}

const isSame = (a: Held, b: Held): boolean =>
  a.held === b.held && a.members === b.members && a.keepers === b.keepers && a.atLeast === b.atLeast
