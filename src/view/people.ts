/** Who is in which room, under which name, and whether they are there. */
import type { Author, ClientEvents, Member } from '../client/client.ts'
import { NameBook } from './names.ts'

interface Crowd {
  names: NameBook
  members: Map<string, Member>
}

/** As people see them. */
export interface Person {
  account: string
  name: string
  self: boolean
  away: boolean
}

export class People {
  readonly #rooms = new Map<string, Crowd>()

  names(room: string | undefined): NameBook {
    return this.#crowd(room ?? '').names
  }

  /** All that are in a room, oneself included. */
  learn(room: string, members: Member[]): void {
    const crowd = this.#crowd(room)
    crowd.members = new Map(members.map((member) => [member.account, member]))
    for (const member of members) crowd.names.add(member)
  }

  /** Somebody came, went or changed. */
  meet({ room, member, change }: ClientEvents['member']): void {
    const crowd = this.#crowd(room)
    crowd.names.add(member)
    if (change === 'left') crowd.members.delete(member.account)
    else crowd.members.set(member.account, member)
  }

  forget(room: string): void {
    this.#rooms.delete(room)
  }

  member(room: string, account: string): Member | undefined {
    return this.#rooms.get(room)?.members.get(account)
  }

  /** The author's name as it is to be shown in a room. */
  show(room: string, author: Author): string {
    return this.names(room).show(author)
  }

  /** Those who are there, oneself not among them: first who looks, then who is away, by name. */
  present(room: string | undefined): Person[] {
    const { names, members } = this.#crowd(room ?? '')
    return [...members.values()]
      .filter(({ self, online }) => online && !self)
      .map((member) => ({ account: member.account, name: names.show(member), self: false, away: member.away === true }))
      .sort((a, b) => Number(a.away) - Number(b.away) || a.name.localeCompare(b.name))
  }

  #crowd(room: string): Crowd {
    const known = this.#rooms.get(room) ?? { names: new NameBook(), members: new Map<string, Member>() }
    this.#rooms.set(room, known)
    return known
  }
}
