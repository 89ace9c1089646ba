/** POWER_CUTS=n for another count, SEED=n for other instants. */
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../simulation/random.ts'
import { Ext4Disk, whyNoDisk } from '../support/ext4-disk.ts'
import { assertHolds, LibraryWriter, whyNoLibrary } from '../support/library-writer.ts'
import { canRun } from '../support/requirements.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('long/power')
const test = canRun(whyNoLibrary(), whyNoDisk()) ? suiteOf : suiteOf.skip

const CUTS = Number(process.env.POWER_CUTS ?? 60)
const SEED = Number(process.env.SEED ?? 1)
/** Cuts that one disk lives through. */
const CUTS_A_DISK = 6
/** Milliseconds of opening, and of sending. */
const [OPENING, SENDING] = [600, 400]

/** Cuts the power under a process that opens or sends, at a random instant, and mounts what is left. */
async function cutOnce(
  disk: Ext4Disk,
  acknowledged: readonly string[],
  unsynced: string,
  random: Random,
): Promise<LibraryWriter> {
  const writer = new LibraryWriter(join(disk.path, 'data'))
  if (random.chance(0.2)) await delay(random.between(0, OPENING))
  else {
    await waitFor(() => writer.holding !== undefined || writer.ended, 'the room to open', 60_000)
    await delay(random.between(0, SENDING))
  }
  writeFileSync(unsynced, 'nobody has asked for this to be on the disk')
  await writer.pause()
  disk.cut()
  await writer.kill()
  disk.restore()
  if (writer.holding !== undefined) assertHolds(writer.holding, acknowledged)
  return writer
}

test(`keeps every acknowledged message over ${CUTS} power cuts`, async () => {
  const random = new Random(SEED)
  const start = performance.now()
  let [acknowledgements, midOpening, slowest, forgotten] = [0, 0, 0, 0]
  for (let round = 0; round < CUTS; ) {
    const disk = new Ext4Disk()
    const acknowledged: string[] = []
    try {
      for (let cut = 0; cut < CUTS_A_DISK && round < CUTS; cut++, round++) {
        const unsynced = join(disk.path, `unsynced-${cut}`)
        const writer = await cutOnce(disk, acknowledged, unsynced, random)
        acknowledged.push(...writer.acknowledged)
        if (writer.holding === undefined) midOpening++
        if (!existsSync(unsynced) || statSync(unsynced).size === 0) forgotten++
        slowest = Math.max(slowest, writer.holding?.milliseconds ?? 0)
      }
      const holding = await LibraryWriter.look(join(disk.path, 'data'))
      assertHolds(holding, acknowledged)
      slowest = Math.max(slowest, holding.milliseconds)
      acknowledgements += acknowledged.length
    } catch (error) {
      console.log(`power cuts: seed ${SEED}, failed at cut ${round}`)
      throw error
    } finally {
      disk.destroy()
    }
  }
  // otherwise nothing was cut, and the test would pass without any fsync
  assert.ok(forgotten >= CUTS / 2, `what was not synced was lost in ${forgotten} cuts only`)
  const seconds = Math.round((performance.now() - start) / 1000)
  console.log(
    `power cuts: seed ${SEED}, ${CUTS} cuts (${midOpening} while it opened), ${acknowledgements} acknowledged, 0 lost, unsynced ` +
      `data gone in ${forgotten}, slowest opening ${slowest.toFixed(0)} ms, ${seconds} s`,
  )
})

suiteOf.run()
