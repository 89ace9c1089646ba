import * as assert from 'uvu/assert'
import type { CliPeer } from './cli-peer.ts'
import { waitFor } from './wait-for.ts'

/** Resolves with the digest once every peer answers the same one, over `count` messages. @throws naming all digests after `deadline` ms */
export async function converge(peers: readonly CliPeer[], room: string, count: number, deadline: number): Promise<string> {
  let seen: { count: number; digest: string }[] = []
  const agree = async (): Promise<boolean> => {
    seen = await Promise.all(peers.map((peer) => peer.digest(room)))
    return seen.every((one) => one.count === count && one.digest === seen[0]?.digest)
  }
  await waitFor(agree, `one digest over ${count} messages`, deadline).catch((error: Error) => {
    const each = seen.map((one) => `${one.count}:${one.digest.slice(0, 8)}`).join(' ')
    throw new Error(`${error.message}; have ${each}`, { cause: error })
  })
  return seen[0]?.digest ?? ''
}

/** Every acknowledged id is in the history once, and was told of once at most. */
export async function assertNothingLostOrDoubled(peer: CliPeer, room: string, acknowledged: readonly string[]): Promise<void> {
  const ids = (await peer.history(room)).map(({ id }) => id)
  const held = new Set(ids)
  assert.equal(
    acknowledged.filter((id) => !held.has(id)),
    [],
    'lost',
  )
  assert.is(ids.length, held.size, 'doubled in the history')
  const told = peer.events('message').map(({ id }) => id)
  assert.is(told.length, new Set(told).size, 'doubled as events')
}
