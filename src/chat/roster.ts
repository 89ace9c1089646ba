/** A room's people as the faces see them: who they say they are, and when their devices were heard last. */
import type { Members } from './members.ts'
import type { Presence, Whereabouts } from './presence.ts'
import type { Network } from './seams.ts'
import type { Member, MemberChange, Profile } from './types.ts'

export interface RosterInit {
  members: Members
  presence: Presence
  network: Network
  isSelf: (account: string) => boolean
  /** This device is in the room. */
  isHere: () => boolean
  /** Nobody is looking at it. */
  isAway: () => boolean
}

export class Roster {
  readonly #init: RosterInit

  constructor(init: RosterInit) {
    this.#init = init
  }

  all(): Member[] {
    return [...this.#init.members.all()].map(({ account }) => this.get(account))
  }

  /** The member an author belongs to, by the author key in hex. */
  of(author: string): Member {
    return this.get(this.#init.members.personOf(author).account)
  }

  get(account: string): Member {
    const { members, presence, isSelf } = this.#init
    const { name, fingerprint } = members.get(account) ?? members.personOf(account)
    const self = isSelf(account)
    const authors = [...members.authorsOf(account)]
    const where = together(this.#places(account))
    const online = (self ? this.#own() : where) !== 'offline'
    const heard = authors.reduce((last, author) => Math.max(last, presence.heardAt(author) ?? 0), 0)
    return {
      account,
      name,
      fingerprint,
      role: 'member',
      online,
      ...(online && where === 'away' ? { away: true } : {}),
      self,
      ...(heard > 0 ? { lastSeen: new Date(heard).toISOString() } : {}),
    }
  }

  /** Where a person is on each device, this one included, but not under the key of `except`. */
  #places(account: string, except?: string): Whereabouts[] {
    const { members, presence, isSelf } = this.#init
    const others = [...members.authorsOf(account)].filter((author) => author !== except)
    const places = others.map((author) => presence.where(author))
    return isSelf(account) ? [...places, this.#own()] : places
  }

  #own(): Whereabouts {
    const { isHere, isAway } = this.#init
    return !isHere() ? 'offline' : isAway() ? 'away' : 'here'
  }

  /** What to tell of a member when that was said of one device: a person is away when all devices are that are online. */
  changes(author: string, change: MemberChange, was: Whereabouts): MemberChange[] {
    const others = this.#places(this.#init.members.personOf(author).account, author)
    const turn = turned([was, ...others], [this.#init.presence.where(author), ...others])
    const told = change === 'away' || change === 'back' ? [] : [change]
    return turn === undefined ? told : [...told, turn]
  }

  /** The same when whoever uses this device, who is `account`, went away or came back. */
  ownChanges(account: string): MemberChange[] {
    const { members, presence, isHere, isAway } = this.#init
    if (!isHere()) return []
    const others = [...members.authorsOf(account)].map((author) => presence.where(author))
    const turn = turned([isAway() ? 'here' : 'away', ...others], [this.#own(), ...others])
    return turn === undefined ? [] : [turn]
  }

  /** Everybody who has a profile here. */
  profiles(): Profile[] {
    return [...this.#init.members.all()].map(({ account, name, fingerprint, bio }) => ({
      account,
      name,
      fingerprint,
      ...(bio === '' ? {} : { bio }),
    }))
  }

  /** Peer ids of the devices that members have proved to be theirs. */
  devices(): string[] {
    const { members, network } = this.#init
    return [...members.all()].flatMap(({ account }) => [...members.devicesOf(account)].map((device) => network.peerOf(device)))
  }
}

function together(places: Whereabouts[]): Whereabouts {
  return places.includes('here') ? 'here' : places.includes('away') ? 'away' : 'offline'
}

function turned(before: Whereabouts[], after: Whereabouts[]): 'away' | 'back' | undefined {
  const [was, is] = [together(before), together(after)]
  if (was === is || was === 'offline' || is === 'offline') return undefined
  return is === 'away' ? 'away' : 'back'
}
