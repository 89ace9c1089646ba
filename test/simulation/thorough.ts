/** What is too dear to check in every run: every disk opened anew, and the order of the room under other arrivals. */
import { Chat } from '../../src/chat/chat.ts'
import { DeviceClock } from './clock.ts'
import { DiskStore } from './disk.ts'
import { describe, type Member } from './member.ts'
import { checkPermutations } from './permutations.ts'
import { MAIN_ROOM } from './scenario.ts'
import type { World } from './world.ts'

export async function checkThoroughly(world: World): Promise<void> {
  for (const member of world.members) {
    try {
      await checkMember(world, member)
    } catch (error) {
      world.violated(`${member.name} does not stand a second look: ${describe(error)}`, error)
    }
  }
  const witness = world.random.pick(world.members)
  await checkPermutations(world, witness.disk, 4)
}

/** Verifies, then kills the process and reads the disk: the same history must be there. */
async function checkMember(world: World, member: Member): Promise<void> {
  const room = member.room(MAIN_ROOM)
  if (room === undefined) return
  const { events } = await room.verify()
  const before = room.digest()
  if (events < before.count) world.violated(`${member.name} verified fewer events than it shows`)
  member.kill()
  const { time, random, crypto } = world
  const store = new DiskStore({ disk: member.disk.copy(), time, random, latency: () => 0 })
  const chat = await Chat.open({ store, crypto, clock: new DeviceClock(time, () => member.skew) })
  const after = chat.rooms.find((each) => each.name === MAIN_ROOM)?.digest()
  if (after?.digest !== before.digest)
    world.violated(`${member.name} had ${before.count} messages, and has ${after?.count} after a restart`)
}
