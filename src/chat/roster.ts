/** A room's people as the faces see them: who they say they are, and when their devices were heard last. */
import type { Members } from './members.ts'
import type { Presence } from './presence.ts'
import type { Network } from './seams.ts'
import type { Member, Profile } from './types.ts'

export interface RosterInit {
  members: Members
  presence: Presence
  network: Network
  isSelf: (account: string) => boolean
  /** This device is in the room. */
  isHere: () => boolean
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
    const { members, presence, isSelf, isHere } = this.#init
    const { name, fingerprint } = members.get(account) ?? members.personOf(account)
    const self = isSelf(account)
    const authors = [...members.authorsOf(account)]
    const heard = authors.reduce((last, author) => Math.max(last, presence.heardAt(author) ?? 0), 0)
    return {
      account,
      name,
      fingerprint,
      role: 'member',
      online: self ? isHere() : authors.some((author) => presence.online.has(author)),
      self,
      ...(heard > 0 ? { lastSeen: new Date(heard).toISOString() } : {}),
    }
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
