/** digest = f(set): the same events in any order, cut and joined as signatures allow, make the same room. */

import { decodeCbor, equalBytes } from '../../src/chat/cbor.ts'
import { MAX_RUN_BYTES, MAX_RUN_EVENTS } from '../../src/chat/constants.ts'
import { decodeRun, encodeRun, type Run, suffixOf } from '../../src/chat/event.ts'
import { bytesToHex } from '../../src/chat/hex.ts'
import { Log } from '../../src/chat/log.ts'
import { DeviceClock } from './clock.ts'
import { Disk, DiskStore } from './disk.ts'
import type { Random } from './random.ts'
import { MAIN_ROOM } from './scenario.ts'
import type { World } from './world.ts'

/** Takes the events of the main room from a disk and feeds them to new logs, in `rounds` ways. */
export async function checkPermutations(world: World, disk: Disk, rounds: number): Promise<void> {
  const keys = await world.keysOf(MAIN_ROOM)
  const runs = disk.entries(['run', keys.tag]).map(([, value]) => {
    const [, , bytes] = decodeCbor(value, 8) as [number, number, Uint8Array]
    return decodeRun(bytes, world.crypto)
  })
  const views = new Set<string>()
  for (let round = 0; round <= rounds; round++) {
    const pieces = round === 0 ? runs.map(pieceOf) : world.random.shuffled(recut(runs, world.random))
    views.add(await viewAfter(world, pieces, round > 0))
  }
  if (views.size !== 1) world.violated(`the same ${runs.length} runs make ${views.size} different rooms`)
}

interface Piece {
  bytes: Uint8Array
  /** Every event has its body: gossip takes nothing else. */
  whole: boolean
}

const pieceOf = (run: Omit<Run, 'ids'>): Piece => ({
  bytes: encodeRun(run),
  whole: run.entries.every((entry) => entry.body !== undefined),
})

async function viewAfter(world: World, pieces: Piece[], restart: boolean): Promise<string> {
  const { time, random, crypto } = world
  const keys = await world.keysOf(MAIN_ROOM)
  const clock = new DeviceClock(time, () => 0)
  const disk = new Disk()
  const open = (): Promise<Log> => {
    const store = new DiskStore({ disk, time, random, latency: () => random.between(0, 3) })
    return Log.open({ store, crypto, clock, keys })
  }
  let log = await open()
  const restartAt = restart ? random.below(pieces.length + 1) : -1
  const writes: Promise<void>[] = []
  for (const [i, { bytes, whole }] of pieces.entries()) {
    if (i === restartAt) {
      await Promise.all(writes)
      log = await open()
    }
    const { verdict, reason, durable } = log.ingest(bytes, whole ? random.pick(['gossip', 'sync']) : 'sync')
    if (verdict === 'reject') world.violated(`a piece of what was accepted is refused: ${reason}`)
    writes.push(durable)
    if (random.chance(0.2)) await durable
    if (random.chance(0.2)) log.all()
  }
  await Promise.all(writes)
  const order = log.all().map(({ id }) => id)
  return `${bytesToHex(log.frontierDigest())} ${order.join()}`
}

/** Suffixes, joined neighbours, copies, and headers without bodies that come with or without them later. */
function recut(runs: readonly Run[], random: Random): Piece[] {
  const pieces: Piece[] = []
  for (const run of runs) {
    const length = run.entries.length
    const next = runs.find(
      (other) => equalBytes(other.prevId, run.ids[length - 1] as Uint8Array) && equalBytes(other.author, run.author),
    )
    if (next !== undefined && random.chance(0.4)) {
      const joined = { ...next, firstSeq: run.firstSeq, prevId: run.prevId, entries: [...run.entries, ...next.entries] }
      if (joined.entries.length <= MAX_RUN_EVENTS && encodeRun(joined).length <= MAX_RUN_BYTES) pieces.push(pieceOf(joined))
    }
    if (length > 1 && random.chance(0.5)) pieces.push(pieceOf(suffixOf(run, 1 + random.below(length - 1))))
    if (random.chance(0.3)) {
      const entries = run.entries.map((entry) => (random.chance(0.5) ? { ...entry, body: undefined } : entry))
      pieces.push(pieceOf({ ...run, entries }))
    }
    pieces.push(pieceOf(run))
  }
  return pieces
}
