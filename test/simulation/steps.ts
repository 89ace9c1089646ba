/** What each step of a scenario does to the world. */

import { decodeCbor } from '../../src/chat/cbor.ts'
import { decodeRun, type Run } from '../../src/chat/event.ts'
import { bytesToHex } from '../../src/chat/hex.ts'
import type { Disk } from './disk.ts'
import { Member } from './member.ts'

import { MAIN_ROOM, SIDE_ROOM, type Step } from './scenario.ts'
import type { World } from './world.ts'

/** A copied data directory is started this much later, as another member. Milliseconds. */
const CLONE_DELAY = 1_000
const MAX_MEMBERS = 9

export function performStep(world: World, step: Step): void {
  const member = 'member' in step ? world.members[step.member] : undefined
  world.trace('step', step.do, member?.index ?? '')
  if (member === undefined) return shake(world, step)
  switch (step.do) {
    case 'send': {
      const room = step.side && member.rooms.includes(SIDE_ROOM) ? SIDE_ROOM : MAIN_ROOM
      for (let i = 0; i < step.count; i++) world.ledger.send(member, room, step)
      return
    }
    case 'retry':
      return retry(world, member)
    case 'crash':
      member.kill()
      return later(world, step.down, () => member.start())
    case 'restart':
      return void member.stop().then(() => later(world, step.down, () => member.start()))
    case 'eio':
      return member.fail(step.down)
    case 'leave': {
      const room = world.random.pick(member.rooms)
      void member.leave(room)
      return later(world, step.away, () => void member.join(room))
    }
    case 'profile':
      return void member.rename(`${member.name}-${Math.floor(world.time.now)}`)
    case 'setBack':
      member.skew -= step.by
      return
    default:
      return handleDisk(world, member, step)
  }
}

const later = (world: World, delay: number, action: () => void): void => {
  world.time.after(delay, action)
}

function retry(world: World, member: Member): void {
  if (member.rewound) return // what it sent before may be forgotten
  const mine = world.ledger.all.filter((sent) => sent.member === member && sent.cid !== undefined)
  if (mine.length > 0) world.ledger.deliver(world.random.pick(mine))
}

function handleDisk(world: World, member: Member, step: Step): void {
  switch (step.do) {
    case 'full':
      member.disk.full = true
      return later(world, step.lasts, () => {
        member.disk.full = false
      })
    case 'slow':
      member.slowness = 20
      return later(world, step.lasts, () => {
        member.slowness = 1
      })
    case 'snapshot':
      member.snapshot = member.disk.copy()
      return
    case 'restore':
      return restore(world, member)
    case 'clone':
      return clone(world, member)
  }
}

/** An old copy of the disk is put back. What was on no other disk is gone, and nobody promised otherwise. */
function restore(world: World, member: Member): void {
  if (member.snapshot === undefined) return
  member.kill()
  const held = new Set<string>()
  const disks = [member.snapshot, ...world.members.filter((each) => each !== member).map((each) => each.disk)]
  for (const disk of disks) for (const id of idsOn(disk, world)) held.add(id)
  for (const id of [...member.has, ...idsOn(member.disk, world)]) member.had.add(id)
  member.has = new Set()
  member.disk = member.snapshot.copy()
  member.rewound = true
  member.mayFork = true
  for (const sent of world.ledger.all) if (sent.id !== undefined && !held.has(sent.id)) sent.gone = true
  later(world, CLONE_DELAY, () => member.start())
}

function runsOn(disk: Disk, world: World, table: 'run' | 'kept' = 'run'): Run[] {
  return disk.entries([table]).map(([, value]) => {
    const [, , bytes] = decodeCbor(value, 8) as [number, number, Uint8Array]
    return decodeRun(bytes, world.crypto)
  })
}

export function idsOn(disk: Disk, world: World, table?: 'run' | 'kept'): string[] {
  return runsOn(disk, world, table).flatMap((run) => run.ids.filter((_, i) => run.entries[i]?.body !== undefined).map(bytesToHex))
}

/** Events of logs whose beginning, which says whose they are, is not there. */
export function orphansOn(disk: Disk, world: World): Set<string> {
  const runs = runsOn(disk, world)
  const begun = new Set(runs.filter(({ firstSeq }) => firstSeq === 1).map(({ author }) => bytesToHex(author)))
  return new Set(runs.filter(({ author }) => !begun.has(bytesToHex(author))).flatMap(({ ids }) => ids.map(bytesToHex)))
}

/** Somebody copies the data directory of a running or stopped member and starts the copy beside it. */
function clone(world: World, original: Member): void {
  if (world.members.length >= MAX_MEMBERS) return
  const copy = new Member(world, world.members.length, { name: original.name, skew: original.skew, rooms: original.rooms })
  copy.disk = original.disk.copy()
  copy.rewound = true
  copy.mayFork = true
  original.mayFork = true
  world.members.push(copy)
  later(world, CLONE_DELAY, () => copy.start())
}

/** What happens between members. */
function shake({ network, members, time }: World, step: Step): void {
  switch (step.do) {
    case 'reset':
      return network.reset(step.from, step.to)
    case 'cut':
      network.block(step.from, step.to)
      return void time.after(step.lasts, () => network.open(step.from, step.to))
    case 'partition': {
      const crossing = step.alone.flatMap((inside) =>
        members.filter(({ index }) => !step.alone.includes(index)).map(({ index }) => [inside, index] as const),
      )
      for (const [a, b] of crossing)
        for (const way of [
          [a, b],
          [b, a],
        ] as const)
          network.block(...way)
      time.after(step.lasts, () => {
        for (const [a, b] of crossing)
          for (const way of [
            [a, b],
            [b, a],
          ] as const)
            network.open(...way)
      })
    }
  }
}
