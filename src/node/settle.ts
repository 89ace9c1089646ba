import type { Connection, Logger } from '@libp2p/interface'
import { SETTLE_PING } from './constants.ts'
import { probe } from './probe.ts'

/**
 * Two peers that dial each other at once end with two connections. Both keep the same one: direct before relayed, then the one
 * that the peer with the smaller id dialled, then the newer (of two dialled from one side, that side alone closes the older, so
 * that no two clocks must agree). The one to be kept must answer first: it may be the one that died unnoticed.
 */
export function rank(self: string, a: Connection, b: Connection): number {
  return (
    Number(isRelayed(a)) - Number(isRelayed(b)) ||
    Number(dialledBySmaller(self, b)) - Number(dialledBySmaller(self, a)) ||
    b.timeline.open - a.timeline.open
  )
}

export function isRelayed(connection: Connection): boolean {
  return connection.limits !== undefined || !connection.direct
}

function dialledBySmaller(self: string, connection: Connection): boolean {
  return self < connection.remotePeer.toString() === (connection.direction === 'outbound')
}

/** Whether this side may close `surplus` in favour of `kept`. */
function mayClose(kept: Connection, surplus: Connection): boolean {
  return kept.direction !== surplus.direction || isRelayed(kept) !== isRelayed(surplus) || surplus.direction === 'outbound'
}

/** Closes all but one; the gossip watch opens anew what streams were on the others. */
export async function settle(self: string, connections: Connection[], log: Logger): Promise<void> {
  const open = connections.filter(({ status }) => status === 'open').sort((a, b) => rank(self, a, b))
  while (open.length > 1) {
    const best = open.shift()
    if (best === undefined) break
    try {
      await probe(best, AbortSignal.timeout(SETTLE_PING))
    } catch (error) {
      log('a connection to %p is dead - %e', best.remotePeer, error)
      best.abort(new Error('the connection does not answer'))
      continue
    }
    await Promise.all(open.map((surplus) => (mayClose(best, surplus) ? closeGently(surplus) : closeIfDead(surplus))))
    return
  }
}

/** Whoever comes from another network has left this one behind, and does not know that it is still open here. */
async function closeIfDead(connection: Connection): Promise<void> {
  try {
    await probe(connection, AbortSignal.timeout(SETTLE_PING))
  } catch {
    connection.abort(new Error('the connection does not answer'))
  }
}

async function closeGently(connection: Connection): Promise<void> {
  try {
    await connection.close({ signal: AbortSignal.timeout(SETTLE_PING) })
  } catch (error) {
    connection.abort(error instanceof Error ? error : new Error(String(error)))
  }
}
