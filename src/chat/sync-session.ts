/**
 * One conversation in which two peers bring each other up to date on a room, after whatever had to be proved was proved: two members, or a
 * member and a keeper. In rounds, each says what it holds, asks for what it lacks, and serves what the other asked for, newest first.
 * The state is the store: whenever a conversation breaks, the next one goes on where it was.
 */
import { InvalidEventError } from '../errors.ts'
import { prefixOf } from './author-log.ts'
import { equalBytes } from './cbor.ts'
import {
  MAX_FLAT_LOGS,
  MAX_FRONTIER_ENTRIES,
  MAX_SYNC_ROUNDS,
  MAX_SYNC_UNSTORED,
  SYNC_MESSAGE_TARGET,
  SYNC_SILENCE,
} from './constants.ts'
import { Conversation } from './conversation.ts'
import { encodeRun, parseRun } from './event.ts'
import { bucketDigests, differs, type Page, pageOf, type Want } from './frontier.ts'
import type { Gate } from './gate.ts'
import { hexToBytes } from './hex.ts'
import { type Portion, portionsOf } from './portions.ts'
import type { Recent } from './recent.ts'
import type { Reservations } from './reservations.ts'
import type { RunLog } from './run-log.ts'
import type { PlainRun } from './run-store.ts'
import type { Channel, Clock, Crypto } from './seams.ts'
import { SYNC_CODEC, type SyncMessage } from './sync-codec.ts'

const PAGES_A_MESSAGE = 256
/** At most 36 bytes each, so that the message fits the stream. */
const SEGMENTS_A_MESSAGE = 4096
const WANTS_A_MESSAGE = 1024

export interface SessionInit {
  /** What is read and filled. */
  log: RunLog<unknown>
  crypto: Crypto
  clock: Clock
  channel: Channel
  /** Passed before more is read: whoever is told of what comes may need time. */
  gate: Pick<Gate, 'passed'>
  /** Ranges asked of others at this moment; shared by a room's sessions. */
  reserved: Reservations
  /** Logs that one side may tell of in a round, and ranges that one may ask for. @default MAX_FRONTIER_ENTRIES */
  entries?: number
  /**
   * Authors (the first 16 bytes of the key, in hex) who have signed what does not open. A keeper cannot know of it and is not blamed: what
   * they wrote is passed over. @default who serves such a thing is left
   */
  unreadable?: Recent
  /** Asks whether the peer may be sent this many bytes more. */
  allow: (bytes: number) => boolean
  /** Something came in. */
  onProgress: () => void
  onReject: (reason: string) => void
  /** A run that brought something written at `latest`, in milliseconds. */
  onFresh: (run: Uint8Array, latest: number) => void
  /** What is held here of the logs that the other side is asked about, at this moment. */
  own: () => Page[]
  /** What the other side holds of one of them: all that it says, or with `first` false more than it said before. */
  onHeld: (page: Page, first: boolean) => void
}

export interface Outcome {
  /** New events received, and events served. */
  received: number
  sent: number
  /** At the end both held the same. */
  equal: boolean
}

export class SyncSession {
  readonly #init: SessionInit
  readonly #conversation: Conversation<SyncMessage>
  readonly #outcome: Outcome = { received: 0, sent: 0, equal: false }
  #reserved: Want[] = []

  constructor(init: SessionInit) {
    this.#init = init
    this.#conversation = new Conversation(init.channel, init.clock, SYNC_CODEC, SYNC_SILENCE)
  }

  /** From the first summary to the end. Throws when the conversation breaks. */
  async converse(): Promise<Outcome> {
    let page = 0
    try {
      for (let round = 0; round < MAX_SYNC_ROUNDS; round++) {
        const { moved, more, equal } = await this.#round(page)
        this.#outcome.equal = equal
        if (equal || (!moved && !more)) break
        page = moved ? 0 : page + 1
      }
      await this.#init.channel.close()
    } finally {
      this.#init.reserved.release(this.#reserved)
    }
    return this.#outcome
  }

  async #round(page: number): Promise<{ moved: boolean; more: boolean; equal: boolean }> {
    const { log, crypto } = this.#init
    const logs = [...log.authors()]
    const summary = {
      type: 'summary' as const,
      digest: log.frontierDigest(),
      buckets: logs.length > MAX_FLAT_LOGS ? bucketDigests(logs, crypto) : [],
    }
    // Of the same moment as the digest: what is written while the other side answers, it does not speak of.
    const own = this.#init.own()
    const [, theirs] = await Promise.all([this.#conversation.send(summary), this.#conversation.expect('summary')])
    if (equalBytes(summary.digest, theirs.digest)) {
      for (const each of own) this.#init.onHeld(each, true)
      return { moved: false, more: false, equal: true }
    }
    // Both directions at once, here and below: two members that only wrote would wait for each other for ever.
    const unequal = logs.filter((each) => differs(each, summary.buckets, theirs.buckets, crypto))
    const told = unequal.map((each) => pageOf(each, page))
    const more = told.some((each) => each.more)
    const [, read] = await Promise.all([
      this.#sendPages(
        told.map((each) => each.page),
        more,
      ),
      this.#readPages(own),
    ])
    const named = new Set(unequal.map(({ name }) => prefixOf(name)))
    for (const each of own) {
      const said = read.said.get(each.author)
      // Where nothing is said of a log that is not equal, nothing of it is held.
      if (page === 0) this.#init.onHeld(named.has(each.author) ? (said ?? { ...each, segments: [] }) : each, true)
      else if (said !== undefined) this.#init.onHeld(said, false)
    }
    const wants = this.#init.reserved.take(read.lacking)
    for (const want of wants) this.#reserved.push(want)
    const [, asked] = await Promise.all([this.#sendWants(wants), this.#readWants()])
    const [sent, received] = await Promise.all([this.#serve(asked), this.#receive()])
    this.#init.reserved.release(wants)
    return { moved: sent > 0 || received > 0, more: more || read.more, equal: false }
  }

  async #sendPages(all: Page[], more: boolean): Promise<void> {
    let batch: Page[] = []
    let segments = 0
    for (const page of all) {
      if (page.segments.length === 0) continue
      if (batch.length === PAGES_A_MESSAGE || segments + page.segments.length > SEGMENTS_A_MESSAGE) {
        await this.#conversation.send({ type: 'pages', pages: batch, last: false, more })
        batch = []
        segments = 0
      }
      batch.push(page)
      segments += page.segments.length
    }
    await this.#conversation.send({ type: 'pages', pages: batch, last: true, more })
  }

  /** What is lacking here of one page a log, and what is `said` of our own; `more` says that the other side has older ranges to tell. */
  async #readPages(own: Page[]): Promise<{ lacking: Want[]; said: Map<string, Page>; more: boolean }> {
    const { log, unreadable } = this.#init
    const asked = new Set(own.map(({ author }) => author))
    const said = new Map<string, Page>()
    const named = new Set<string>()
    const lacking: Want[] = []
    for (;;) {
      const message = await this.#conversation.expect('pages')
      for (const page of message.pages) {
        if (named.has(page.author)) throw new InvalidEventError('a log named twice')
        named.add(page.author)
        if (asked.has(page.author)) said.set(page.author, page)
        if (unreadable?.has(page.author) === true) continue
        for (const want of log.lacks(page)) if (lacking.length < this.#entries) lacking.push(want) // the rest in the next round
      }
      if (named.size > this.#entries) throw new InvalidEventError('frontier too long')
      if (message.last) return { lacking, said, more: message.more }
    }
  }

  get #entries(): number {
    return this.#init.entries ?? MAX_FRONTIER_ENTRIES
  }

  async #sendWants(wants: Want[]): Promise<void> {
    for (let i = 0; i === 0 || i < wants.length; i += WANTS_A_MESSAGE) {
      await this.#conversation.send({
        type: 'wants',
        wants: wants.slice(i, i + WANTS_A_MESSAGE),
        last: i + WANTS_A_MESSAGE >= wants.length,
      })
    }
  }

  async #readWants(): Promise<Want[]> {
    const wants: Want[] = []
    for (;;) {
      const message = await this.#conversation.expect('wants')
      for (const want of message.wants) wants.push(want)
      if (wants.length > this.#entries) throw new InvalidEventError('too many wants')
      if (message.last) return wants
    }
  }

  /** Serves what was asked for, newest first; answers how many runs. */
  async #serve(wants: Want[]): Promise<number> {
    const portions = portionsOf(wants, this.#init.log).sort((a, b) => b.hlc - a.hlc)
    let batch: Uint8Array[] = []
    let size = 0
    let sent = 0
    for (const portion of portions) {
      const run = await this.#load(portion)
      if (run === undefined) continue
      if (size > 0 && size + run.length > SYNC_MESSAGE_TARGET) {
        await this.#conversation.send({ type: 'runs', runs: batch })
        batch = []
        size = 0
      }
      if (!this.#init.allow(run.length)) break
      batch.push(run)
      size += run.length
      sent++
    }
    if (batch.length > 0) await this.#conversation.send({ type: 'runs', runs: batch })
    await this.#conversation.send({ type: 'served' })
    this.#outcome.sent += sent
    return sent
  }

  /**
   * Adjacent stored runs leave as one, under the last signature: the receiver verifies once. undefined if something of them was given
   * up meanwhile.
   */
  async #load({ first, runs }: Portion): Promise<Uint8Array | undefined> {
    const { log } = this.#init
    const [earliest] = runs
    if (earliest === undefined) throw new TypeError('an empty portion')
    if (runs.length === 1 && first.seq === earliest.firstSeq) return log.bytesOf(first.author, earliest)
    const encoded = await Promise.all(runs.map((stored) => log.bytesOf(first.author, stored)))
    const parts = encoded.flatMap((bytes) => (bytes === undefined ? [] : parseRun(bytes)))
    if (parts.length < runs.length) return undefined
    const entries = parts.flatMap((part) => part.entries).slice(first.seq - earliest.firstSeq)
    const { signature } = parts[parts.length - 1] as PlainRun
    return encodeRun({ ...(parts[0] as PlainRun), firstSeq: first.seq, prevId: hexToBytes(first.prevId), entries, signature })
  }

  /** Takes runs until the other side has served all; answers how many. At most 256 KiB of them wait for the disk, or one. */
  async #receive(): Promise<number> {
    const waiting = new Set<Promise<void>>()
    let inFlight = 0
    let received = 0
    let failure: unknown
    for (;;) {
      await this.#init.gate.passed()
      const message = await this.#conversation.next()
      if (message.type === 'served') break
      if (message.type !== 'runs') throw new InvalidEventError(`unexpected ${message.type}`)
      for (const bytes of message.runs) {
        const { verdict, reason, unreadable, fresh, latest, durable } = this.#init.log.ingest(bytes, 'sync')
        if (unreadable !== undefined && this.#init.unreadable !== undefined) {
          this.#init.unreadable.add(prefixOf(unreadable))
        } else if (verdict === 'reject') {
          this.#init.onReject(reason ?? 'malformed')
          throw new InvalidEventError(`the peer served what is not valid: ${reason}`)
        }
        received++
        if (fresh > 0) this.#init.onFresh(bytes, latest ?? 0)
        this.#outcome.received += fresh
        inFlight += bytes.length
        const settled: Promise<void> = durable
          .catch((error) => {
            failure ??= error
          })
          .finally(() => {
            inFlight -= bytes.length
            waiting.delete(settled)
          })
        waiting.add(settled)
        while (inFlight > MAX_SYNC_UNSTORED) await Promise.race(waiting)
      }
      this.#init.onProgress()
      if (failure !== undefined) throw failure
    }
    await Promise.all(waiting)
    if (failure !== undefined) throw failure
    return received
  }
}
