/** A member that writes, and others of whom a test decides what they say they hold. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { prefixOf } from '../../src/chat/author-log.ts'
import { type Beacon, State } from '../../src/chat/beacon.ts'
import { encodeProfile, profilePayload, Type } from '../../src/chat/body.ts'
import { Kind } from '../../src/chat/event.ts'
import type { Page } from '../../src/chat/frontier.ts'
import type { HoldersInit } from '../../src/chat/holders.ts'
import { createProfile, type Identity, loadIdentity } from '../../src/chat/identity.ts'
import type { Arrival } from '../../src/chat/log.ts'
import { Members } from '../../src/chat/members.ts'
import { fill, MapStore, type Member, member, Scribe } from './support.ts'

export interface Other {
  scribe: Scribe
  account: string
  peer: string
  /** Its profile, as a run. */
  profile: Uint8Array
}

export interface Holding extends Member {
  init: HoldersInit
  me: Scribe
  own: Identity
  /** The next person, whose author key is that of the scribe with this number. */
  person(n: number, of?: Identity): Promise<Other>
  /** The same, with the profile in our log. */
  neighbour(n: number): Promise<Other>
  /** Takes runs as somebody else's. */
  take(...runs: Uint8Array[]): Promise<void>
  /** Writes `count` messages. */
  write(count?: number): Promise<void>
  id(seq: number): string
  /** "I hold `from` to `to`", as a frontier says it. */
  page(from: number, to: number, end?: string): Page
  beacon(other: Other, init?: Partial<Beacon>): Beacon
  heard: Map<string, number>
}

const peerOf = (device: Uint8Array): string => `peer ${bytesToHex(device.subarray(0, 4))}`

export async function holding(onArrivals: (arrivals: Arrival[]) => void = () => undefined): Promise<Holding> {
  const here = await member()
  const { log, keys, crypto, clock } = here
  const members = new Members(keys.tag, crypto)
  const heard = new Map<string, number>()
  const identify = async (): Promise<Identity> => (await loadIdentity(new MapStore(), crypto, clock)).identity
  const own = await identify()
  const self = bytesToHex(own.account)
  const me = new Scribe(0, keys, crypto)
  log.ownAuthor = me.name
  log.listen({
    onArrivals(arrivals) {
      for (const { event, body } of arrivals)
        if (body !== undefined && event.type === Type.profile) members.add(event, profilePayload(body))
      onArrivals(arrivals)
    },
  })
  const profileBy = (scribe: Scribe, identity: Identity): Uint8Array => {
    const payload = encodeProfile(createProfile(identity, keys.tag, scribe.key, crypto))
    return scribe.write({ kind: Kind.control, body: { type: Type.profile, payload }, hlc: clock.now() })
  }
  const take = async (...runs: Uint8Array[]): Promise<void> => {
    for (const run of runs) await log.ingest(run, 'sync').durable
  }
  const write = async (count = 1): Promise<void> => {
    for (let i = 0; i < count; i++) await log.ingest(me.write({ hlc: clock.now() + i }), 'self').durable
  }
  const id = (seq: number): string => log.author(me.name)?.at(seq)[0]?.id ?? ''
  const person = async (n: number, of?: Identity): Promise<Other> => {
    const identity = of ?? (await identify())
    const scribe = new Scribe(n, keys, crypto)
    return { scribe, account: bytesToHex(identity.account), peer: peerOf(identity.device), profile: profileBy(scribe, identity) }
  }
  const neighbour = async (n: number): Promise<Other> => {
    const other = await person(n)
    await take(other.profile)
    return other
  }
  await log.ingest(profileBy(me, own), 'self').durable
  return {
    ...here,
    init: { log, members, clock, network: { peerOf }, self, presence: { heardAt: (author) => heard.get(author) } },
    me,
    own,
    person,
    neighbour,
    take,
    write,
    id,
    page: (from, to, end = id(to)) => ({ author: prefixOf(me.name), segments: [{ from, to, end: prefixOf(end) }] }),
    beacon({ scribe }, init = {}) {
      heard.set(scribe.name, clock.now())
      return { author: scribe.key, start: 1, counter: 1, state: State.online, digest: fill(0, 16), tips: [], ...init }
    },
    heard,
  }
}
