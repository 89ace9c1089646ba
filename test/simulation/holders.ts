/** Whoever is counted as holding a message holds it; and once all is quiet, all who do are counted. */
import type { Room } from '../../src/chat/room.ts'
import type { Held } from '../../src/chat/types.ts'
import { membersOf } from './check.ts'
import type { Sent } from './ledger.ts'
import type { Member } from './member.ts'
import { MAIN_ROOM, SIDE_ROOM } from './scenario.ts'
import { idsOn, orphansOn } from './steps.ts'
import type { World } from './world.ts'

const ROOMS = [MAIN_ROOM, SIDE_ROOM]

type Delivery = { id: string } & Held

/** What a member wrote in a room, as far as it was acknowledged. */
function writtenBy({ ledger }: World, { account }: Member, room: string): Sent[] {
  return ledger.all.filter((sent) => sent.id !== undefined && !sent.gone && sent.room === room && sent.account === account)
}

/** It is on the disk, or was before that was set back: whoever was told so then cannot know better. */
function hasHeld(world: World, member: Member, id: string): boolean {
  if (member.has.has(id) || member.had.has(id)) return true
  for (const each of idsOn(member.disk, world)) member.has.add(each)
  return member.has.has(id)
}

/** What a member tells of one of its messages. */
export function checkDelivery(world: World, member: Member, room: Room, { id, held, members, keepers }: Delivery): void {
  if (held !== room.holders(id).length || held > members || keepers > keptBy(world, member, id))
    world.violated(`${member.name} tells of ${held} of ${members} holders and ${keepers} keepers`)
  checkHolders(world, member, room, id)
}

/** How many keepers have it, or say so of whatever is asked. */
function keptBy(world: World, member: Member, id: string): number {
  const { keeper } = world
  const liars = world.keepersOf(member).filter(({ peer }) => peer !== keeper?.peer)
  return liars.length + (keeper?.hasHeld(id) === true ? 1 : 0)
}

/** Every account that is counted has it on a disk. */
function checkHolders(world: World, member: Member, room: Room, id: string): void {
  for (const account of room.holders(id)) {
    if (account === member.account) world.violated(`${member.name} counts itself`)
    const devices = world.members.filter(({ accounts }) => accounts.has(account))
    if (!devices.some((each) => hasHeld(world, each, id)))
      world.violated(`${member.name} says that ${devices[0]?.name ?? 'a stranger'} holds ${id.slice(0, 16)}, and it does not`)
  }
}

export function checkAllHolders(world: World): void {
  for (const name of ROOMS)
    for (const member of world.members) {
      const room = member.room(name)
      if (room !== undefined) for (const { id } of writtenBy(world, member, name)) checkHolders(world, member, room, id as string)
    }
}

/** The first message found of which somebody does not know that all others hold it. */
export function uncounted(world: World): string | undefined {
  for (const name of ROOMS) {
    const members = membersOf(world, name)
    for (const member of members) {
      const room = member.room(name)
      const others = new Set(members.map(({ account }) => account))
      others.delete(member.account)
      // The only disk that had the beginning of a log was set back: nobody can tell whose the rest is.
      const orphans = member.rewound ? orphansOn(member.disk, world) : undefined
      for (const { id, text } of writtenBy(world, member, name)) {
        if (orphans?.has(id as string)) continue
        const counted = new Set(room?.holders(id as string))
        const missing = [...others].find((account) => !counted.has(account))
        if (missing === undefined) continue
        const who = members.find(({ account }) => account === missing)
        return `${member.name} does not know that ${who?.name} holds ${text.trim()}`
      }
    }
  }
  return undefined
}
