/** A keeper and its visitors over channels in memory. */
import { Keeper, type KeeperInit } from '../../../bootstrap/keeper/keeper.ts'
import { encodeRun } from '../../../src/chat/event.ts'
import { type AskInit, askToKeep, type Grant, KeeperRefusal } from '../../../src/chat/keep-access.ts'
import { Refusal } from '../../../src/chat/keep-codec.ts'
import { Reservations } from '../../../src/chat/reservations.ts'
import type { RoomKeys } from '../../../src/chat/room-keys.ts'
import type { Crypto } from '../../../src/chat/seams.ts'
import { type Outcome, SyncSession } from '../../../src/chat/sync-session.ts'
import type { Store } from '../../../src/storage/store.ts'
import {
  channelPair,
  cheapCrypto,
  MapStore,
  type Member,
  type MemoryChannel,
  member,
  roomKeys,
  Scribe,
} from '../../chat/support.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR
const KEEPER = 'keeper'

export interface Setting {
  keeper: Keeper
  store: Store
  clock: VirtualClock
  crypto: Crypto
  /** The process ends, and another begins on the same store. */
  restart(): Promise<Setting>
}

/** A keeper that keeps for anybody unless it is told otherwise. */
export async function setting(init: Partial<KeeperInit> = {}): Promise<Setting> {
  const { store = new MapStore(), clock = new VirtualClock(), crypto = cheapCrypto() } = init
  const whole: KeeperInit = { open: true, ...init, store, clock, crypto }
  const keeper = await Keeper.open(whole, KEEPER)
  return {
    keeper,
    store,
    clock: clock as VirtualClock,
    crypto,
    async restart() {
      await keeper.close()
      return setting(whole)
    },
  }
}

/** A device in a room, with a log of its own. */
export interface Guest extends Member {
  peer: string
  network: string
}

export async function guest(
  { clock, crypto }: Setting,
  peer: string,
  { room = 'harbour', network = `network of ${peer}` }: { room?: string; network?: string } = {},
): Promise<Guest> {
  return { ...(await member({ clock, crypto, keys: roomKeys(room, crypto) })), peer, network }
}

export interface VisitOptions {
  /** Sees, and may replace, what each side sends. */
  fromGuest?: (message: Uint8Array) => Uint8Array | undefined
  fromKeeper?: (message: Uint8Array) => Uint8Array | undefined
  keys?: RoomKeys
  token?: Uint8Array
  seconds?: number
  self?: string
  /** What the guest serves at most. */
  allow?: (bytes: number) => boolean
}

export interface Visited {
  grant: Grant
  outcome: Outcome
}

/** Both ends, and what the keeper's side comes to. */
export function open(
  { keeper }: Setting,
  { peer, network }: Guest,
): { channel: MemoryChannel; far: MemoryChannel; over: Promise<void> } {
  const [channel, far] = channelPair(peer, KEEPER)
  const over = keeper.accept(far, network).catch((error: Error) => {
    far.abort(error)
    throw error
  })
  over.catch(() => undefined)
  return { channel, far, over }
}

/** A visit to its end. @throws KeeperRefusal, and whatever breaks it */
export async function visit(here: Setting, by: Guest, options: VisitOptions = {}): Promise<Visited> {
  const { channel, far, over } = open(here, by)
  if (options.fromGuest !== undefined) channel.tap = options.fromGuest
  if (options.fromKeeper !== undefined) far.tap = options.fromKeeper
  try {
    const grant = await ask(channel, by, options)
    const session = new SyncSession({
      ...by,
      channel,
      reserved: new Reservations(),
      allow: options.allow ?? (() => true),
      onProgress: () => undefined,
      onReject: () => undefined,
      own: () => [],
      onHeld: () => undefined,
      onFresh: () => undefined,
    })
    const outcome = await session.converse()
    await over
    return { grant, outcome }
  } catch (error) {
    channel.abort(error as Error)
    await over.catch(() => undefined)
    throw error
  }
}

export function ask(channel: MemoryChannel, by: Guest, options: VisitOptions = {}): Promise<Grant> {
  const { keys = by.keys, token, seconds = 7 * 86_400, self = by.peer } = options
  const init: AskInit = { channel, crypto: by.crypto, clock: by.clock, self, keys, seconds, token }
  return askToKeep(init)
}

/** The name of the reason for which a visit was refused; undefined if it was not. */
export async function refusalOf(visiting: Promise<unknown>): Promise<string | undefined> {
  try {
    await visiting
    return undefined
  } catch (error) {
    if (!(error instanceof KeeperRefusal)) throw error
    return Object.entries(Refusal).find(([, reason]) => reason === error.reason)?.[0] ?? String(error.reason)
  }
}

/** What the visit ended with, whatever it was. */
export async function endOf(visiting: Promise<unknown>): Promise<string> {
  return visiting.then(
    () => 'served',
    (error: Error) => (error instanceof KeeperRefusal ? 'refused' : error.message),
  )
}

/** So many messages of somebody who writes in the guest's room, in runs of `each`. */
export async function write(by: Guest, count: number, { author = 1, each = 1, text = 'hello' } = {}): Promise<void> {
  const scribe = scribeOf(by, author)
  for (let written = 0; written < count; written += each) {
    const run = encodeRun(
      scribe.run(...Array.from({ length: Math.min(each, count - written) }, (_, i) => ({ text: `${text} ${written + i}` }))),
    )
    await by.log.ingest(run, 'sync').durable
  }
}

const scribes = new WeakMap<Guest['log'], Map<number, Scribe>>()

/** The same author writes on. */
function scribeOf(by: Guest, author: number): Scribe {
  const own = scribes.get(by.log) ?? new Map<number, Scribe>()
  scribes.set(by.log, own)
  const scribe =
    own.get(author) ?? new Scribe(by.crypto.sha256(new TextEncoder().encode(`${by.peer} ${author}`)), by.keys, by.crypto)
  own.set(author, scribe)
  return scribe
}

/** Bytes of the values in the store, by table. */
export async function stored(store: Store, table: 'kept' | 'lease' | 'horizon' = 'kept'): Promise<number> {
  let bytes = 0
  for await (const [, value] of store.range([table])) bytes += value.length
  return bytes
}
