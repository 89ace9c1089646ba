/**
 * The append queue of a room: the only place where own events come to be. Everything queued while a batch is on its way to the
 * disk becomes the next batch, and as far as it fits the next run, under one signature. A send resolves when its batch is on
 * disk; only then is it published. docs/PROTOCOL.md, "Writing".
 */
import { BusyError, CidReusedError, ClosedError, DamagedStoreError, InvalidArgumentError } from '../errors.ts'
import type { Key, Operation, Store } from '../storage/store.ts'
import { type LogEvent, prefixOf } from './author-log.ts'
import { type Body, encodeProfile, type ProfilePayload, sealBody, Type } from './body.ts'
import { decodeCbor, encodeCbor, isBytes, isText, isUint } from './cbor.ts'
import {
  CID_LIFETIME,
  MAX_CID_LENGTH,
  MAX_CIDS,
  MAX_PARENTS,
  MAX_QUEUED_APPENDS,
  MAX_RUN_BYTES,
  MAX_RUN_EVENTS,
} from './constants.ts'
import { createRun, type Entry, encodeRun, Kind, withBody } from './event.ts'
import { bytesToHex, hexToBytes } from './hex.ts'
import type { Log } from './log.ts'
import type { RoomKeys } from './room-keys.ts'
import type { Clock, Crypto } from './seams.ts'

export interface WriterInit {
  log: Log
  store: Store
  crypto: Crypto
  clock: Clock
  keys: RoomKeys
  /** The profile that opens the log of a new author key, and later ones. */
  profile: (author: Uint8Array) => ProfilePayload
  publish: (run: Uint8Array) => void
}

export interface Written {
  id: string
  seq: number
}

/** What waits to be written. */
interface Draft {
  kind: number
  type: number
  payload: unknown
  cid: string | undefined
  resolve?: (written: Written) => void
  reject?: (error: unknown) => void
}

interface Cid {
  n: number
  /** SHA-256 of what was sent under it. */
  content: Uint8Array
  time: number
  written: Promise<Written>
}

/** Where the seed of the author key is kept. */
const ownKey = ({ tag }: RoomKeys): Key => ['own', tag, 'author']

interface Author {
  seed: Uint8Array
  key: Uint8Array
}

/** More than this is not put into one run, so that the encoding around the bodies fits too. */
const RUN_BUDGET = MAX_RUN_BYTES - 8 * 1024

export class Writer {
  readonly #init: WriterInit
  readonly #cids = new Map<string, Cid>()
  #nextCid = 0
  #queue: Draft[] = []
  #draining: Promise<void> | undefined
  #author: Author | undefined
  #closed = false

  private constructor(init: WriterInit) {
    this.#init = init
  }

  static async open(init: WriterInit): Promise<Writer> {
    const writer = new Writer(init)
    const seed = await init.store.get(ownKey(init.keys))
    if (seed !== undefined) writer.#adopt(seed)
    for await (const [key, value] of init.store.range(['cid', init.keys.tag])) writer.#loadCid(key[2], value)
    return writer
  }

  #adopt(seed: Uint8Array): void {
    this.#author = { seed, key: this.#init.crypto.publicKey(seed) }
    this.#init.log.ownAuthor = bytesToHex(this.#author.key)
  }

  #loadCid(n: unknown, value: Uint8Array): void {
    const parts = decodeCbor(value, 8)
    const [cid, content, time, id, seq] = Array.isArray(parts) ? (parts as unknown[]) : []
    if (
      typeof n !== 'number' ||
      !isText(cid, 256) ||
      !isBytes(content, 32) ||
      !isUint(time) ||
      !isBytes(id, 32) ||
      !isUint(seq)
    ) {
      throw new DamagedStoreError('an idempotence key in the store is malformed')
    }
    this.#cids.set(cid, { n, content, time, written: Promise.resolve({ id: bytesToHex(id), seq }) })
    this.#nextCid = Math.max(this.#nextCid, n + 1)
  }

  /** This device's author key in the room, in hex; undefined until something was written. */
  get author(): string | undefined {
    return this.#author && bytesToHex(this.#author.key)
  }

  get authorSeed(): Uint8Array | undefined {
    return this.#author?.seed
  }

  /** Gives up the author key: it belongs to a log whose end is in doubt. The next event begins a new log. */
  #retire(): void {
    this.#author = undefined
    this.#init.log.ownAuthor = undefined
  }

  /** The same on disk as well. Resolves when that is done. */
  retire(): Promise<void> {
    this.#retire()
    return this.#init.store.batch([{ type: 'delete', key: ownKey(this.#init.keys) }])
  }

  /** Writes a profile, which is also what makes an author key. */
  writeProfile(): Promise<Written> {
    return this.#enqueue({ kind: Kind.control, type: Type.profile, payload: undefined, cid: undefined })
  }

  /**
   * Appends an event; resolves once it is on disk. The same `cid` with the same content answers what the first call answered.
   * @throws CidReusedError, StorageError, ClosedError
   */
  append(event: { kind: number; type: number; payload: unknown; cid?: string | undefined }): Promise<Written> {
    const { cid } = event
    if (cid === undefined) return this.#enqueue({ ...event, cid: undefined })
    if (cid === '' || [...cid].length > MAX_CID_LENGTH)
      return Promise.reject(new InvalidArgumentError('cid', 'a cid has 1 to 64 characters'))
    const content = this.#init.crypto.sha256(encodeCbor([event.kind, event.type, event.payload]))
    const used = this.#cids.get(cid)
    if (used !== undefined) {
      if (bytesToHex(used.content) !== bytesToHex(content))
        return Promise.reject(new CidReusedError('this cid was used for another text'))
      return used.written
    }
    const written = this.#enqueue({ ...event, cid })
    this.#cids.set(cid, { n: this.#nextCid++, content, time: this.#init.clock.now(), written })
    written.catch(() => this.#cids.delete(cid))
    return written
  }

  #enqueue(draft: Omit<Draft, 'resolve' | 'reject'>): Promise<Written> {
    if (this.#closed) return Promise.reject(new ClosedError('the room was left or closed'))
    if (this.#queue.length >= MAX_QUEUED_APPENDS)
      return Promise.reject(new BusyError('too many messages wait for the disk: try again'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...draft, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    await Promise.resolve() // what is sent in the same turn shares a run
    while (this.#queue.length > 0) {
      const drafts = this.#queue
      this.#queue = []
      while (drafts.length > 0) await this.#writeRun(drafts)
    }
    this.#draining = undefined // in the same turn as the last look at the queue: what comes later begins anew
  }

  /** Takes from `drafts` what fits in one run and writes it. A failure is the answer to exactly those. */
  async #writeRun(drafts: Draft[]): Promise<void> {
    const taken: Draft[] = []
    try {
      const also: Operation[] = []
      const author = this.#author ?? this.#createAuthor(also)
      if (also.length > 0 && drafts[0]?.type !== Type.profile) drafts.unshift(silentProfile())
      const { run, bodies, events } = this.#compose(author, drafts, taken)
      also.push(...this.#cidOperations(taken, events))
      const bytes = encodeRun(run)
      await this.#init.log.append(run, bytes, bodies, also)
      this.#init.publish(bytes)
      taken.forEach((draft, i) => {
        draft.resolve?.(events[i] as Written)
      })
    } catch (error) {
      if (taken.length === 0) taken.push(...drafts.splice(0))
      if (this.#init.log.author(this.author ?? '') === undefined) this.#retire() // its first batch is not on disk: there is no such author
      for (const draft of taken) draft.reject?.(error)
    }
  }

  #createAuthor(also: Operation[]): Author {
    const { crypto, keys } = this.#init
    const seed = crypto.randomBytes(32)
    also.push({ type: 'put', key: ownKey(keys), value: seed })
    this.#adopt(seed)
    return this.#author as Author
  }

  #compose(author: Author, drafts: Draft[], taken: Draft[]) {
    const { crypto, keys, log } = this.#init
    const head = log.author(bytesToHex(author.key))?.last
    const first = { roomTag: keys.tag, author: author.key, seq: (head?.seq ?? 0) + 1 }
    let parents = this.#parents(head)
    let size = 0
    const entries: Entry[] = []
    const bodies: Body[] = []
    for (let draft = drafts[0]; draft !== undefined && entries.length < MAX_RUN_EVENTS; draft = drafts[0]) {
      const payload = draft.type === Type.profile ? encodeProfile(this.#init.profile(author.key)) : draft.payload
      const body: Body = { hlc: log.nextClock(), type: draft.type, parents, controlHeads: [], payload, ext: [] }
      const place = { ...first, seq: first.seq + entries.length }
      const key = draft.kind === Kind.control ? keys.controlKey : keys.messageKey
      const sealed = sealBody(body, key, place, draft.kind, crypto)
      if (entries.length > 0 && size + sealed.length > RUN_BUDGET) break
      drafts.shift()
      taken.push(draft)
      entries.push(withBody(draft.kind, sealed))
      bodies.push(body)
      size += sealed.length + 16
      parents = []
    }
    const run = createRun(first, head && hexToBytes(head.id), entries, author.seed, crypto)
    const events = run.ids.map((id, i) => ({ id: bytesToHex(id), seq: first.seq + i }))
    return { run, bodies, events }
  }

  /** Up to four of the events that nothing follows yet; one's own last event is a predecessor anyhow. */
  #parents(head: LogEvent | undefined): Uint8Array[] {
    const others = this.#init.log.heads().filter((event) => event !== head)
    return others.slice(0, MAX_PARENTS).map((event) => hexToBytes(prefixOf(event.id)))
  }

  /** The keys of this batch, and the oldest ones out where there are too many. */
  #cidOperations(taken: Draft[], events: Written[]): Operation[] {
    const { keys, clock } = this.#init
    const operations: Operation[] = []
    taken.forEach((draft, i) => {
      const cid = draft.cid === undefined ? undefined : this.#cids.get(draft.cid)
      const event = events[i]
      if (cid === undefined || event === undefined) return
      const value = encodeCbor([draft.cid, cid.content, cid.time, hexToBytes(event.id), event.seq])
      operations.push({ type: 'put', key: ['cid', keys.tag, cid.n], value })
    })
    for (const [name, { n, time }] of this.#cids) {
      if (this.#cids.size <= MAX_CIDS || time > clock.now() - CID_LIFETIME) break
      operations.push({ type: 'delete', key: ['cid', keys.tag, n] })
      this.#cids.delete(name)
    }
    return operations
  }

  /** Waits for what was queued, then takes no more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#draining
  }
}

/** The profile with which a log begins when the first thing written is something else. */
function silentProfile(): Draft {
  return { kind: Kind.control, type: Type.profile, payload: undefined, cid: undefined }
}
