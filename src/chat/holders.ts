/**
 * Who holds what was written under this account, by what they said: frontiers told in sync, beacons, and keepers apart.
 * docs/PROTOCOL.md, "Delivery".
 */
import { type AuthorLog, type LogEvent, prefixOf } from './author-log.ts'
import type { Beacon } from './beacon.ts'
import { equalBytes } from './cbor.ts'
import { type Claim, Claims } from './claims.ts'
import { MAX_CLAIMANTS, MAX_COUNTED_MEMBERS, MAX_KEEPERS, MAX_OWN_LOGS, MAX_STRANGERS, MEMBER_LIFETIME } from './constants.ts'
import type { Page } from './frontier.ts'
import { bytesToHex } from './hex.ts'
import type { Log } from './log.ts'
import type { Members } from './members.ts'
import type { Presence } from './presence.ts'
import type { Clock, Network } from './seams.ts'
import type { Held } from './types.ts'

/** How long it may take to be noticed that somebody was silent for 30 days, in milliseconds. */
const RECOUNT = 60_000

export interface HoldersInit {
  log: Log
  members: Members
  presence: Pick<Presence, 'heardAt'>
  network: Pick<Network, 'peerOf'>
  clock: Clock
  /** The account of this device, in hex. */
  self: string
}

export class Holders {
  readonly #init: HoldersInit
  /** Devices of others, by peer id. */
  readonly #devices: Claims
  /** Peers and author keys of whom no profile has told yet whose they are. */
  readonly #strangers: Claims
  readonly #keepers: Claims
  /** Whose a peer is, for as many of the devices that members have named as `#named` says. */
  readonly #owners = new Map<string, string>()
  #named = 0
  /** How far our logs went when they were read: what is in them, others may have held long ago. */
  readonly #read = new Map<AuthorLog, number>()
  #members: { accounts: Set<string>; until: number } | undefined

  constructor(init: HoldersInit) {
    this.#init = init
    const now = (): number => init.clock.monotonic()
    this.#devices = new Claims({ limit: MAX_CLAIMANTS, patience: MEMBER_LIFETIME, now })
    this.#strangers = new Claims({ limit: MAX_STRANGERS, patience: 0, now })
    this.#keepers = new Claims({ limit: MAX_KEEPERS, patience: 0, now })
  }

  /** Notes what was read from the disk. */
  open(): void {
    const { log, members, self } = this.#init
    for (const author of members.authorsOf(self)) {
      const own = log.author(author)
      if (own !== undefined) this.#read.set(own, own.last?.seq ?? 0)
    }
  }

  /** The logs of this account that were begun last. */
  #ownLogs(): AuthorLog[] {
    const { log, members, self } = this.#init
    return [...members.authorsOf(self)].slice(-MAX_OWN_LOGS).flatMap((author) => log.author(author) ?? [])
  }

  /** What is held here of these, at this moment. */
  ownPages(): Page[] {
    return this.#ownLogs().map((log) => ({
      author: prefixOf(log.name),
      segments: log.segments().map((segment) => ({ ...segment })),
    }))
  }

  /** Somebody's signed beacon, which is newer than all that were heard of it. True if it changes a figure. */
  hearBeacon(beacon: Beacon): boolean {
    const { log, presence } = this.#init
    // Of a crowd nobody remembers which beacon came first.
    if (presence.heardAt(bytesToHex(beacon.author)) === undefined) return false
    const equal = equalBytes(beacon.digest, log.frontierDigest())
    const pages = equal ? this.ownPages() : this.#pagesOf(beacon)
    const claim = pages.length === 0 ? undefined : this.#claimOf(bytesToHex(beacon.author))
    return claim !== undefined && this.#note(claim, pages)
  }

  #pagesOf({ tips }: Beacon): Page[] {
    const own = new Set(this.#ownLogs().map(({ name }) => prefixOf(name)))
    const named = tips.filter(({ author }) => own.has(author))
    return named.map(({ author, seq, id }) => ({ author, segments: [{ from: 1, to: seq, end: id }] }))
  }

  #claimOf(author: string): Claim | undefined {
    const { members, network, self } = this.#init
    const device = members.deviceOf(author)
    if (device === undefined) return this.#strangers.hear(author)
    const account = members.accountOf(author)
    return account === undefined || account === self ? undefined : this.#claimOfDevice(network.peerOf(device), account)
  }

  #claimOfDevice(peer: string, owner: string): Claim | undefined {
    if (this.#members?.accounts.has(owner) === false) this.#members = undefined // it is back after more than 30 days
    return this.#devices.hear(peer)
  }

  /** What a peer said in a session of a log of ours. `first`: in place of what it said before; else besides. */
  hearPage(page: Page, first: boolean, peer: string): boolean {
    const owner = this.#ownerOf(peer)
    if (owner === this.#init.self) return false
    const claim = owner === undefined ? this.#strangers.hear(peer) : this.#claimOfDevice(peer, owner)
    return claim !== undefined && this.#note(claim, [page], first)
  }

  /** The same of a keeper. */
  hearKeeper(page: Page, first: boolean, peer: string): boolean {
    const claim = this.#keepers.hear(peer)
    return claim !== undefined && this.#note(claim, [page], first)
  }

  /** A keeper does not keep this room any more. */
  dropKeeper(peer: string): boolean {
    return this.#keepers.take(peer) !== undefined
  }

  #note(claim: Claim, pages: Page[], first = true): boolean {
    const { log } = this.#init
    const own = new Map(this.#ownLogs().map((each) => [prefixOf(each.name), each]))
    let changed = false
    for (const page of pages) {
      const each = own.get(page.author)
      if (each !== undefined && claim.note(each, page, first, log.find)) changed = true
    }
    return changed
  }

  #ownerOf(peer: string): string | undefined {
    const { members, network } = this.#init
    for (; this.#named < members.devices.length; this.#named++) {
      const { key, account } = members.devices[this.#named] as (typeof members.devices)[number]
      const name = network.peerOf(key)
      if (!this.#owners.has(name)) this.#owners.set(name, account)
    }
    return this.#owners.get(peer)
  }

  /** A profile says whose an author key is: what that device said before counts from now on. */
  learned(author: string): boolean {
    const { members, network, self } = this.#init
    this.#members = undefined
    const device = members.deviceOf(author)
    if (device === undefined || members.accountOf(author) === self) return false
    const peer = network.peerOf(device)
    for (const name of [author, peer]) {
      const claim = this.#strangers.take(name)
      if (claim !== undefined) this.#devices.put(peer, claim)
    }
    return true
  }

  /** Accounts heard in the last 30 days, our own not counted. */
  #recent(): Set<string> {
    const { members, clock, self } = this.#init
    if (this.#members !== undefined && clock.monotonic() < this.#members.until) return this.#members.accounts
    const accounts = new Set<string>()
    for (const { account } of members.all())
      if (account !== self && this.#heardAt(account) > clock.now() - MEMBER_LIFETIME) accounts.add(account)
    for (const [peer, { at }] of this.#devices) {
      const owner = this.#ownerOf(peer)
      if (owner !== undefined && at > clock.monotonic() - MEMBER_LIFETIME) accounts.add(owner)
    }
    this.#members = { accounts, until: clock.monotonic() + RECOUNT }
    return accounts
  }

  /** What was written was written before it came, and not in our future. */
  #heardAt(account: string): number {
    const { members, presence, log } = this.#init
    let latest = 0
    for (const author of members.authorsOf(account)) {
      const last = log.author(author)?.last
      const written = last === undefined ? 0 : Math.min(last.hlc, last.stored.receivedAt)
      latest = Math.max(latest, written, presence.heardAt(author) ?? 0)
    }
    return latest
  }

  /** Accounts of members whose claims are `true` of this. */
  #accountsThat(claims: (claim: Claim) => boolean): Set<string> {
    const recent = this.#recent()
    const accounts = new Set<string>()
    for (const [peer, claim] of this.#devices) {
      const owner = claims(claim) ? this.#ownerOf(peer) : undefined
      if (owner !== undefined && recent.has(owner)) accounts.add(owner)
    }
    return accounts
  }

  /** Accounts that are known to hold an event of ours. */
  of(event: LogEvent): Set<string> {
    return this.#accountsThat((claim) => claim.covers(event))
  }

  /** True if some other member or a keeper holds the whole log up to this event of ours. */
  hasAll(last: LogEvent): boolean {
    for (const [, claim] of this.#keepers) if (claim.coversAll(last)) return true
    return this.#accountsThat((claim) => claim.coversAll(last)).size > 0
  }

  count(event: LogEvent): Held {
    const members = this.#recent().size
    let keepers = 0
    for (const [, claim] of this.#keepers) if (claim.covers(event)) keepers++
    const incomplete = members > MAX_COUNTED_MEMBERS || this.#devices.full
    return { held: this.of(event).size, members, keepers, ...(incomplete ? { atLeast: true } : {}) }
  }

  /**
   * The same, or undefined while nobody can say: what was read from the disk and nobody claims may be held by those who were not
   * heard since.
   */
  known(event: LogEvent): Held | undefined {
    const figures = this.count(event)
    const isNew = event.stored.via === 'self' && event.seq > (this.#read.get(event.author) ?? 0)
    if (isNew || figures.held + figures.keepers > 0) return figures
    const heard = this.#accountsThat((claim) => claim.speaksOf(event.author)).size
    return heard > 0 && heard === figures.members ? figures : undefined
  }
}
