import type { Connection } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'

/** libp2p's ping: https://github.com/libp2p/specs/blob/master/ping/ping.md */
const PROTOCOL = '/ipfs/ping/1.0.0'
const LENGTH = 32

/**
 * Asks one connection (not: some connection to the peer, as the ping service does) for a sign of life.
 *
 * @returns the round trip in milliseconds, also kept as `connection.rtt`
 * @throws when no answer comes in time, or a wrong one
 */
export async function probe(connection: Connection, signal: AbortSignal): Promise<number> {
  const stream = await connection.newStream(PROTOCOL, { signal, runOnLimitedConnection: true })
  try {
    const bytes = byteStream(stream)
    const start = performance.now()
    await bytes.write(crypto.getRandomValues(new Uint8Array(LENGTH)), { signal })
    await bytes.read({ bytes: LENGTH, signal })
    connection.rtt = Math.max(1, Math.round(performance.now() - start))
    await stream.close({ signal })
    return connection.rtt
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

/** Cuts a connection that does not answer within `milliseconds`. Never rejects. */
export async function cutIfSilent(connection: Connection, milliseconds: number): Promise<void> {
  try {
    await probe(connection, AbortSignal.timeout(milliseconds))
  } catch {
    connection.abort(new Error('the connection does not answer'))
  }
}
