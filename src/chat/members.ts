/**
 * The people of an open or locked room: whoever wrote a profile that proves its account. Several author keys may be one account;
 * the name is that of the latest profile in the room's order.
 */
import type { LogEvent } from './author-log.ts'
import { type Body, type ProfilePayload, profilePayload, Type } from './body.ts'
import { Kind } from './event.ts'
import { bytesToHex, hexToBytes } from './hex.ts'
import { fingerprintOf, shownName, verifyProfile } from './identity.ts'
import type { Log } from './log.ts'
import { compareKeys } from './order.ts'
import type { Crypto } from './seams.ts'

export interface Person {
  /** The account key in hex; the author key until a profile says more. */
  account: string
  name: string
  bio: string
  fingerprint: string
}

export interface Device {
  key: Uint8Array
  /** Whose it is, by the first profile that says so: the account key in hex. */
  account: string
}

interface Account extends Person {
  /** The profile event that the name is from. */
  profile: LogEvent
  authors: Set<string>
  devices: Map<string, Uint8Array>
}

export class Members {
  readonly #crypto: Crypto
  readonly #roomTag: Uint8Array
  readonly #accounts = new Map<string, Account>()
  /** Whose an author key is: the account of the first profile in its log. */
  readonly #authors = new Map<string, { account: Account; profile: LogEvent; device: Uint8Array }>()
  readonly #devices: Device[] = []

  constructor(roomTag: Uint8Array, crypto: Crypto) {
    this.#roomTag = roomTag
    this.#crypto = crypto
  }

  /** Takes every profile of a log. @throws DamagedStoreError */
  async read(log: Log): Promise<void> {
    const profiles = log.all().filter((event) => event.kind === Kind.control && event.type === Type.profile)
    const bodies = await log.read(profiles)
    for (const [i, event] of profiles.entries()) this.add(event, profilePayload(bodies[i] as Body))
  }

  /** Takes a profile event. A profile that proves nothing changes nothing. */
  add(event: LogEvent, profile: ProfilePayload): 'joined' | 'profile' | undefined {
    if (!verifyProfile(profile, this.#roomTag, event.author.key, this.#crypto)) return undefined
    const account = bytesToHex(profile.account)
    const bound = this.#authors.get(event.author.name)
    if (bound !== undefined && bound.account.account !== account) {
      if (!stands(event, bound.profile)) return undefined
      bound.account.authors.delete(event.author.name)
    }
    let known = this.#accounts.get(account)
    const joined = known === undefined
    if (known === undefined) {
      const fingerprint = fingerprintOf(profile.account, this.#crypto)
      known = { account, name: '', bio: '', fingerprint, profile: event, authors: new Set(), devices: new Map() }
      this.#accounts.set(account, known)
    }
    known.authors.add(event.author.name)
    this.#addDevice(known, profile.device)
    if (bound === undefined || stands(event, bound.profile))
      this.#authors.set(event.author.name, { account: known, profile: event, device: profile.device })
    if (!joined && compareKeys(event, known.profile) < 0) return undefined
    const changed = known.name !== shownName(profile.name) || known.bio !== profile.bio
    Object.assign(known, { name: shownName(profile.name), bio: profile.bio, profile: event })
    return joined ? 'joined' : changed ? 'profile' : undefined
  }

  #addDevice({ account, devices }: Account, key: Uint8Array): void {
    const name = bytesToHex(key)
    if (devices.has(name)) return
    devices.set(name, key)
    this.#devices.push({ key, account })
  }

  /** Who wrote under an author key (hex). */
  personOf(author: string): Person {
    const known = this.#authors.get(author)
    if (known !== undefined) return known.account
    return { account: author, name: 'unknown', bio: '', fingerprint: fingerprintOf(hexToBytes(author), this.#crypto) }
  }

  /** The account (hex) of an author key; undefined until a profile says so. */
  accountOf(author: string): string | undefined {
    return this.#authors.get(author)?.account.account
  }

  /** Author keys (hex) of an account. */
  authorsOf(account: string): Iterable<string> {
    return this.#accounts.get(account)?.authors ?? []
  }

  /** Device keys of an account. */
  devicesOf(account: string): Iterable<Uint8Array> {
    return this.#accounts.get(account)?.devices.values() ?? []
  }

  /** The key of the device that an author key (hex) is on; undefined until a profile says so. */
  deviceOf(author: string): Uint8Array | undefined {
    return this.#authors.get(author)?.device
  }

  /** Every device that a profile has named, in the order in which they became known. */
  get devices(): readonly Device[] {
    return this.#devices
  }

  get(account: string): Person | undefined {
    return this.#accounts.get(account)
  }

  all(): Iterable<Person> {
    return this.#accounts.values()
  }

  get size(): number {
    return this.#accounts.size
  }
}

/** `event` stands before `other` in the same log. */
const stands = (event: LogEvent, other: LogEvent): boolean =>
  event.seq < other.seq || (event.seq === other.seq && event.id < other.id)
