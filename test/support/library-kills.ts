import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '../simulation/random.ts'
import { assertHolds, LibraryWriter } from './library-writer.ts'
import { waitFor } from './wait-for.ts'

/** Kills of one directory; each opening reads all that it holds, which must not grow without end. */
const KILLS_A_DIRECTORY = 10
/** An opening that takes longer than this is killed in its middle, where one is to be. Milliseconds, module loading included. */
const OPENING = 600
/** Milliseconds of sending. */
const SENDING = 150

/** Kills a process that opens or sends, at a random instant. Answers what it had acknowledged. */
async function killOnce(dataDir: string, acknowledged: readonly string[], random: Random): Promise<LibraryWriter> {
  const writer = new LibraryWriter(dataDir)
  if (random.chance(0.2)) await delay(random.between(0, OPENING))
  else {
    await waitFor(() => writer.holding !== undefined || writer.ended, 'the room to open', 60_000)
    await delay(random.between(0, SENDING))
  }
  await writer.kill()
  if (writer.holding !== undefined) assertHolds(writer.holding, acknowledged)
  return writer
}

/** Kills a process that sends through the library `rounds` times; every later opening must hold all that was acknowledged. */
export async function assertLibrarySurvivesKills(rounds: number, seed: number): Promise<void> {
  const random = new Random(seed)
  const start = performance.now()
  let [acknowledgements, midOpening, slowest] = [0, 0, 0]
  for (let round = 0; round < rounds; ) {
    const dataDir = mkdtempSync(join(tmpdir(), 'p2pnode-kill-'))
    const acknowledged: string[] = []
    try {
      for (let kill = 0; kill < KILLS_A_DIRECTORY && round < rounds; kill++, round++) {
        const writer = await killOnce(dataDir, acknowledged, random)
        if (writer.holding === undefined) midOpening++
        slowest = Math.max(slowest, writer.holding?.milliseconds ?? 0)
        acknowledged.push(...writer.acknowledged)
      }
      const holding = await LibraryWriter.look(dataDir)
      assertHolds(holding, acknowledged)
      slowest = Math.max(slowest, holding.milliseconds)
      acknowledgements += acknowledged.length
    } catch (error) {
      console.log(`kill -9, library: seed ${seed}, failed at kill ${round}`)
      throw error
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
  const seconds = Math.round((performance.now() - start) / 1000)
  console.log(
    `kill -9, library: seed ${seed}, ${rounds} kills (${midOpening} while it opened), ${acknowledgements} acknowledged, 0 lost, ` +
      `slowest opening ${slowest.toFixed(0)} ms, ${seconds} s`,
  )
}
