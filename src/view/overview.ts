/**
 * What stands beside the talk: the rooms and what is new in them, who is there, how they are reached, what is being fetched, who types, and
 * who holds what one wrote last. One immutable value that faces draw, replaced when something in it has changed.
 */
import type { Client, ClientEvents, Held, Message, Room } from '../client/client.ts'
import type { People, Person } from './people.ts'
import { cleanName } from './sanitize.ts'
import { type After, after as later } from './timers.ts'
import { Value, type Watched } from './watched.ts'

/** Somebody who typed is shown to for so long. Milliseconds; who goes on typing says so more often. */
const TYPING_LASTS = 6_000
/** Connections are looked at again after a change, and now and then: a relayed one becomes a direct one without a word. Milliseconds. */
const REACH_SETTLES = 100
const REACH_INTERVAL = 5_000
/** Changes are told of together. Milliseconds. */
const SETTLES = 15

export interface RoomTab {
  id: string
  /** Fit for being shown. */
  name: string
  current: boolean
  /** Messages of others that were not shown. */
  unread: number
  /** Of these, as far as they were looked at, how many name whoever reads it. */
  mentions: number
}

/** How many peers with the current room there is a connection to. */
export interface Reach {
  direct: number
  relayed: number
  /** Of whoever is alone and has named relays: whether others can come through one. */
  relay?: 'ready' | 'unreachable'
}

export interface View {
  rooms: readonly RoomTab[]
  current?: Room
  /** In the current room, oneself not counted. */
  people: readonly Person[]
  /** Unknown until the connections were looked at. */
  reach?: Reach
  /** Messages of the current room that are here, and events that are known to be missing. */
  sync?: { have: number; missing: number }
  /** Names of those who type in the current room. */
  typing: readonly string[]
  /** Who holds the newest message of one's own in the current room. */
  delivery?: { id: string; held?: Held }
}

export interface OverviewInit {
  client: Client
  people: People
  after?: After
}

export class Overview implements Watched<View> {
  readonly #init: Required<OverviewInit>
  readonly #state = new Value<View>({ rooms: [], people: [], typing: [] })
  readonly view = this.#state.view
  readonly subscribe = this.#state.subscribe
  readonly #unread = new Map<string, { unread: number; mentions: number }>()
  readonly #typing = new Map<string, { room: string; name: string; cancel: () => void }>()
  readonly #own = new Map<string, { id: string; held?: Held }>()
  readonly #syncs = new Map<string, { have: number; missing: number }>()
  #rooms: readonly Room[] = []
  #current: string | undefined
  #reach: Reach | undefined
  #telling: (() => void) | undefined
  #looking: (() => void) | undefined
  #ended = false

  constructor({ client, people, after = later }: OverviewInit) {
    this.#init = { client, people, after }
  }

  /** The rooms that are joined, in their order. */
  learn(rooms: readonly Room[]): void {
    for (const { id, unread } of rooms) if (!this.#unread.has(id)) this.#unread.set(id, { unread, mentions: 0 })
    this.#rooms = rooms
    this.changed()
  }

  /** Another room is shown, or none: what was unread in it is read. */
  enter(room: string | undefined): void {
    this.#current = room
    if (room !== undefined) this.#unread.set(room, { unread: 0, mentions: 0 })
    this.#reach = undefined
    this.#look(0)
    this.changed()
  }

  forget(room: string): void {
    for (const known of [this.#unread, this.#own, this.#syncs]) known.delete(room)
  }

  unread(room: string): number {
    return this.#unread.get(room)?.unread ?? 0
  }

  /** Of messages that were not shown, these name whoever reads it. */
  mentioned(room: string, mentions: number): void {
    const { unread } = this.#unread.get(room) ?? { unread: 0 }
    this.#unread.set(room, { unread, mentions: Math.min(unread, mentions) })
    this.changed()
  }

  /** Somebody else wrote where nobody looks. */
  missed({ room }: Message, mention: boolean): void {
    const { unread, mentions } = this.#unread.get(room) ?? { unread: 0, mentions: 0 }
    this.#unread.set(room, { unread: unread + 1, mentions: mentions + (mention ? 1 : 0) })
    this.changed()
  }

  /** A message of one's own is on the disk. */
  wrote({ room, id, held }: Message): void {
    this.#own.set(room, { id, held })
    this.changed()
  }

  delivered({ room, id, ...held }: ClientEvents['delivery']): void {
    if (this.#own.get(room)?.id !== id) return
    this.#own.set(room, { id, held })
    this.changed()
  }

  synced({ room, state, count, missing }: ClientEvents['sync']): void {
    if (state === 'done' || missing === 0) this.#syncs.delete(room)
    else this.#syncs.set(room, { have: count, missing })
    this.changed()
  }

  typed(room: string, account: string, name: string): void {
    this.#typing.get(account)?.cancel()
    const cancel = this.#init.after(TYPING_LASTS, () => this.#endTyping(account))
    this.#typing.set(account, { room, name, cancel })
    this.changed()
  }

  /** Whoever has written types no more. */
  stoppedTyping(account: string): void {
    if (this.#typing.has(account)) this.#endTyping(account)
  }

  /** A connection came or went, or somebody did. */
  moved(): void {
    this.#look(REACH_SETTLES)
    this.changed()
  }

  end(): void {
    this.#ended = true
    this.#telling?.()
    this.#looking?.()
    for (const { cancel } of this.#typing.values()) cancel()
  }

  changed(): void {
    if (this.#ended) return
    this.#telling ??= this.#init.after(SETTLES, () => {
      this.#telling = undefined
      this.#state.set(this.#make())
    })
  }

  #endTyping(account: string): void {
    this.#typing.get(account)?.cancel()
    this.#typing.delete(account)
    this.changed()
  }

  #look(wait: number): void {
    if (this.#ended) return
    this.#looking?.()
    this.#looking = this.#init.after(wait, () => void this.#count())
  }

  async #count(): Promise<void> {
    const room = this.#current
    const reach = await reachOf(this.#init.client, room).catch(() => undefined)
    if (this.#ended) return
    if (room === this.#current && reach !== undefined) {
      const { direct, relayed, relay } = this.#reach ?? {}
      const same = reach.direct === direct && reach.relayed === relayed && reach.relay === relay
      this.#reach = reach
      if (!same) this.changed()
    }
    this.#look(REACH_INTERVAL)
  }

  #make(): View {
    const current = this.#current
    return {
      rooms: this.#rooms.map(({ id, name }) => ({
        id,
        name: cleanName(name),
        current: id === current,
        ...(this.#unread.get(id) ?? { unread: 0, mentions: 0 }),
      })),
      current: this.#rooms.find(({ id }) => id === current),
      people: this.#init.people.present(current),
      reach: this.#reach,
      sync: this.#syncs.get(current ?? ''),
      typing: [...this.#typing.values()].filter(({ room }) => room === current).map(({ name }) => name),
      delivery: this.#own.get(current ?? ''),
    }
  }
}

async function reachOf(client: Client, room: string | undefined): Promise<Reach> {
  const mates = (await client.peers()).filter(({ rooms }) => room !== undefined && rooms.includes(room))
  const direct = mates.filter(({ via }) => via === 'direct').length
  const reach = { direct, relayed: mates.length - direct }
  if (mates.length > 0) return reach
  const { relays } = await client.status()
  if (relays.length === 0) return reach
  return { ...reach, relay: relays.some(({ reserved }) => reserved) ? 'ready' : 'unreachable' }
}
