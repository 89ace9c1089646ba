import type { Connection, Logger, Stream } from '@libp2p/interface'
import { SETTLE_PATIENCE, SETTLE_PING } from './constants.ts'
import { cutIfSilent, probe } from './probe.ts'

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
    // Whoever comes from another network has left this one behind, and does not know that it is still open here.
    await Promise.all(open.map((surplus) => (mayClose(best, surplus) ? closeGently(surplus) : cutIfSilent(surplus, SETTLE_PING))))
    return
  }
}

/** What is under way on it may come to its end first. */
async function closeGently(connection: Connection): Promise<void> {
  try {
    await probe(connection, AbortSignal.timeout(SETTLE_PING))
    await finished(connection, AbortSignal.timeout(SETTLE_PATIENCE))
    await connection.close({ signal: AbortSignal.timeout(SETTLE_PING) })
  } catch (error) {
    connection.abort(error instanceof Error ? error : new Error(String(error)))
  }
}

/** Resolves when `connection` has no stream that somebody works with, or with the signal. */
async function finished(connection: Connection, signal: AbortSignal): Promise<void> {
  const ended = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  for (let working = inUse(connection); working.length > 0 && !signal.aborted; working = inUse(connection))
    await Promise.race([ended, ...working.map((stream) => new Promise((resolve) => stream.addEventListener('close', resolve)))])
}

/** Streams that every connection has, or that come and go by themselves. */
const BACKGROUND = /^\/(ipfs\/(id|ping)|meshsub|floodsub|libp2p\/dcutr)(\/|$)/

/** The streams of a connection that serve a purpose of their own. */
export function inUse({ streams }: Connection): Stream[] {
  return streams.filter(({ protocol, status }) => status === 'open' && !BACKGROUND.test(protocol))
}
