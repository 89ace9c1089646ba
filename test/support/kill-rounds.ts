import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { CliPeer } from './cli-peer.ts'
import { assertNothingLostOrDoubled } from './room-checks.ts'
import { waitFor } from './wait-for.ts'

const ROOM = 'harbour'
/** Sends under way at once. */
const OUTSTANDING = 16
/** Acknowledgements of a round after which it is killed: another number each round, so that it hits other moments. */
const acksOf = (round: number): number => 5 + ((round * 37) % 90)

/** Sends until it is killed, at `enough` acknowledgements. Answers the acknowledged ids. */
async function sendUntilKilled(peer: CliPeer, round: number, enough: number): Promise<string[]> {
  const ids: string[] = []
  let dead = false
  const sender = async (index: number): Promise<void> => {
    for (let turn = 0; !dead; turn++) {
      const sent = await peer.send(ROOM, `round ${round}, sender ${index}, message ${turn}`).catch((error: unknown) => error)
      if (sent instanceof Error) {
        if (ids.length < enough) throw sent
        return
      }
      ids.push((sent as { id: string }).id)
    }
  }
  const senders = Array.from({ length: OUTSTANDING }, (_, index) => sender(index))
  await Promise.race([waitFor(() => ids.length >= enough, `${enough} acknowledgements`), ...senders])
  await peer.kill()
  dead = true
  await Promise.all(senders)
  return ids
}

/** Kills a sending peer `rounds` times over one data directory, then asserts that it holds every acknowledged message once. */
export async function assertSurvivesKills(rounds: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'p2pnode-kill-'))
  const acknowledged: string[] = []
  const start = (): Promise<CliPeer> => CliPeer.start({ dataDir: dir, args: [ROOM, '--no-mdns'] })
  try {
    for (let round = 0; round < rounds; round++) {
      const peer = await start()
      acknowledged.push(...(await sendUntilKilled(peer, round, acksOf(round))))
    }
    const peer = await start()
    await assertNothingLostOrDoubled(peer, ROOM, acknowledged)
    const check = await peer.request<{ ok: boolean; forks: number }>('verify', { room: ROOM })
    assert.ok(check.ok, 'every signature, chain and seal still holds')
    assert.is(check.forks, 0)
    assert.is(await peer.stop(), 0)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
