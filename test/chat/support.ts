/** What the tests of the chat core share: a store, a clock, crypto and authors that a test holds in its hand. */
import '../../src/shims.ts'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import * as assert from 'uvu/assert'
import { type Body, encodeText, sealBody, Type } from '../../src/chat/body.ts'
import { createRun, type Entry, encodeRun, Kind, type Run, withBody } from '../../src/chat/event.ts'
import { Gate } from '../../src/chat/gate.ts'
import { Log } from '../../src/chat/log.ts'
import { deriveRoomKeys, openRoomSecret, type RoomKeys } from '../../src/chat/room-keys.ts'
import type { Channel, Crypto } from '../../src/chat/seams.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import type { Key, Operation, RangeOptions, Store } from '../../src/storage/store.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const keyText = (key: Key): string =>
  key
    .map((part) =>
      part instanceof Uint8Array
        ? `x${bytesToHex(part)}`
        : typeof part === 'number'
          ? `n${String(part).padStart(15, '0')}`
          : part,
    )
    .join('/')

/** A store in memory whose batches a test can count, hold back or fail. */
export class MapStore implements Store {
  readonly records = new Map<string, [Key, Uint8Array]>()
  /** Batches written so far. */
  batches = 0
  /** The error that the next batches end with, one each. */
  failures: Error[] = []
  #held: (() => void)[] | undefined

  async get(key: Key): Promise<Uint8Array | undefined> {
    return this.records.get(keyText(key))?.[1]
  }

  async getMany(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)))
  }

  async batch(operations: Operation[]): Promise<void> {
    const failure = this.failures.shift()
    if (this.#held === undefined) await Promise.resolve()
    else await new Promise<void>((resolve) => this.#held?.push(resolve))
    if (failure !== undefined) throw failure
    this.batches++
    for (const operation of operations) {
      if (operation.type === 'put') this.records.set(keyText(operation.key), [operation.key, operation.value])
      else this.records.delete(keyText(operation.key))
    }
  }

  async *range(
    prefix: Key,
    { reverse = false, limit = Number.POSITIVE_INFINITY }: RangeOptions = {},
  ): AsyncIterable<[Key, Uint8Array]> {
    const start = keyText(prefix)
    const found = [...this.records]
      .filter(([text]) => text === start || text.startsWith(`${start}/`))
      .sort(([a], [b]) => (a < b ? -1 : 1))
    if (reverse) found.reverse()
    for (const [, record] of found.slice(0, limit)) yield record
  }

  async close(): Promise<void> {
    this.release()
  }

  /** From now on batches wait for `release`. */
  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const waiting = this.#held ?? []
    this.#held = undefined
    for (const resolve of waiting) resolve()
  }
}

/** Stand-ins with the right shapes and none of the strength: for tests that are not about cryptography, and same in every run. */
export function cheapCrypto(seed = 1): Crypto {
  const { sha256 } = nativeCrypto
  let drawn = 0
  const publicKey = (secret: Uint8Array): Uint8Array => sha256(concatBytes(utf8ToBytes('public'), secret))
  const signature = (key: Uint8Array, message: Uint8Array): Uint8Array => {
    const half = sha256(concatBytes(key, message))
    return concatBytes(half, half)
  }
  const tag = (key: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array =>
    sha256(concatBytes(key, sha256(aad), plaintext)).subarray(0, 16)
  const randomBytes = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i += 32)
      bytes.set(sha256(utf8ToBytes(`${seed}/${drawn++}`)).subarray(0, Math.min(32, length - i)), i)
    return bytes
  }
  return {
    ...nativeCrypto,
    randomBytes,
    publicKey,
    sign: (secret, message) => signature(publicKey(secret), message),
    verify: (key, message, given) => bytesToHex(signature(key, message)) === bytesToHex(given),
    isValidKey: () => true,
    seal: (key, plaintext, aad) => concatBytes(randomBytes(24), plaintext, tag(key, plaintext, aad)),
    open(key, sealed, aad) {
      if (sealed.length < 40) return undefined
      const plaintext = sealed.subarray(24, -16)
      return bytesToHex(tag(key, plaintext, aad)) === bytesToHex(sealed.subarray(-16)) ? plaintext : undefined
    },
  }
}

export const roomKeys = (name: string, crypto: Crypto): RoomKeys => deriveRoomKeys('open', openRoomSecret(name, crypto), crypto)

/** Bytes of the given length, all the same. */
export const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)

export interface Said {
  text?: string
  hlc?: number
  parents?: Uint8Array[]
  /** Leave the body out. */
  headerOnly?: boolean
  body?: Partial<Body>
  kind?: number
}

/** Somebody who writes a log, honestly or not. */
export class Scribe {
  readonly seed: Uint8Array
  readonly key: Uint8Array
  readonly name: string
  readonly #keys: RoomKeys
  readonly #crypto: Crypto
  seq = 0
  /** Id of the last event. */
  tip: Uint8Array | undefined

  constructor(seed: number | Uint8Array, keys: RoomKeys, crypto: Crypto) {
    this.seed = typeof seed === 'number' ? crypto.sha256(utf8ToBytes(`scribe ${seed}`)) : seed
    this.key = crypto.publicKey(this.seed)
    this.name = bytesToHex(this.key)
    this.#keys = keys
    this.#crypto = crypto
  }

  /** The next events, as one run. */
  run(...said: Said[]): Run {
    const place = { roomTag: this.#keys.tag, author: this.key, seq: this.seq + 1 }
    const entries = said.map((each, i) => this.#entry(each, place.seq + i))
    const run = createRun(place, this.tip, entries, this.seed, this.#crypto)
    this.seq += said.length
    this.tip = run.ids[run.ids.length - 1]
    return run
  }

  #entry(said: Said, seq: number): Entry {
    const payload = encodeText({ text: said.text ?? `event ${seq}`, replyTo: undefined })
    const body: Body = {
      hlc: said.hlc ?? 1000 * seq,
      type: Type.text,
      parents: said.parents ?? [],
      controlHeads: [],
      payload,
      ext: [],
      ...said.body,
    }
    const kind = said.kind ?? Kind.message
    const key = kind === Kind.control ? this.#keys.controlKey : this.#keys.messageKey
    const sealed = sealBody(body, key, { roomTag: this.#keys.tag, author: this.key, seq }, kind, this.#crypto)
    const entry = withBody(kind, sealed)
    return said.headerOnly === true ? { ...entry, body: undefined } : entry
  }

  /** The same as bytes. */
  write(...said: Said[]): Uint8Array {
    return encodeRun(this.run(...(said.length === 0 ? [{}] : said)))
  }

  /** Goes on from an earlier place, as a copy of it would. */
  fork(): Scribe {
    const twin = new Scribe(this.seed, this.#keys, this.#crypto)
    twin.seq = this.seq
    twin.tip = this.tip
    return twin
  }
}

/** The same run without its bodies, or without some of them. */
export function stripped(run: Run, which: (index: number) => boolean = () => true): Run {
  return { ...run, entries: run.entries.map((entry, i) => (which(i) ? { ...entry, body: undefined } : entry)) }
}

export interface Member {
  store: MapStore
  clock: VirtualClock
  crypto: Crypto
  keys: RoomKeys
  gate: Gate
  log: Log
}

export async function member(init: Partial<Omit<Member, 'log'>> = {}): Promise<Member> {
  const { store = new MapStore(), clock = new VirtualClock(), crypto = cheapCrypto() } = init
  const keys = init.keys ?? roomKeys('test', crypto)
  return { store, clock, crypto, keys, gate: new Gate(), log: await Log.open({ store, clock, crypto, keys }) }
}

/** Every id in the log, sorted. `held`: those whose bodies are here. */
export function idsOf(log: Log, held = false): string[] {
  return [...log.authors()]
    .flatMap((author) => [...author.events()].filter((event) => !held || event.hasBody).map((event) => event.id))
    .sort()
}

/** Two ends in memory. What `near` sends, `far` receives, whole and in order. */
export function channelPair(near: string, far: string): [near: MemoryChannel, far: MemoryChannel] {
  const a = new MemoryChannel(far)
  const b = new MemoryChannel(near)
  a.other = b
  b.other = a
  return [a, b]
}

export class MemoryChannel implements Channel {
  readonly peer: string
  other: MemoryChannel | undefined
  aborted: Error | undefined
  /** Sees, and may replace, what this end sends. */
  tap: (message: Uint8Array) => Uint8Array | undefined = (message) => message
  #queue: (Uint8Array | undefined)[] = []
  #wake: (() => void) | undefined

  constructor(peer: string) {
    this.peer = peer
  }

  async send(message: Uint8Array): Promise<void> {
    if (this.aborted !== undefined) throw this.aborted
    const passed = this.tap(message)
    if (passed !== undefined) this.other?.push(passed)
  }

  push(message: Uint8Array | undefined): void {
    this.#queue.push(message)
    this.#wake?.()
  }

  async receive(): Promise<Uint8Array | undefined> {
    while (this.#queue.length === 0) {
      if (this.aborted !== undefined) throw this.aborted
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#queue.shift()
  }

  async close(): Promise<void> {
    this.other?.push(undefined)
  }

  abort(reason: Error): void {
    if (this.aborted !== undefined) return
    this.aborted = reason
    this.#wake?.()
    this.other?.abort(new Error('reset by the other side'))
  }
}

/** What the promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.instance(outcome, Error, 'must reject')
  return outcome as Error
}

/** What `act` throws. */
export function thrown(act: () => unknown): Error {
  try {
    act()
  } catch (error) {
    assert.instance(error, Error)
    return error as Error
  }
  throw new Error('must throw')
}

export function assertInvalid(act: () => unknown, why?: string): void {
  const error = thrown(() => {
    act()
  })
  assert.is(error.name, 'InvalidEventError', why ?? String(error.stack))
}
