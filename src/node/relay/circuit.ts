/** The circuit relay v2 transport as the peer needs it: relays are those that were configured, and none is given up. */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { Connection, Stream, Transport } from '@libp2p/interface'
import type { TransportFactory } from '../presets.ts'

/** The parts of the transport of @libp2p/circuit-relay-v2 4.2 that its interface hides; the version is pinned. */
interface CircuitTransport extends Transport {
  readonly reservationStore: { relayFilter: { has(id: Uint8Array): boolean; add(id: Uint8Array): unknown } }
  onStop(stream: Stream, connection: Connection): Promise<void>
}

/** A relay that does not answer in this time is tried again. Milliseconds. */
const RESERVATION_TIMEOUT = 8_000

/** `isRelay`: whether a peer is one of the relays configured here. */
export function circuit(isRelay: (peer: string) => boolean): TransportFactory {
  return (components) => {
    const transport = circuitRelayTransport({ reservationCompletionTimeout: RESERVATION_TIMEOUT })(components) as CircuitTransport
    // A relay that once could not be dialled, as it was being restarted, would be refused for good.
    transport.reservationStore.relayFilter = { has: () => false, add: () => undefined }
    // Whoever hands on a caller becomes a relay of ours otherwise, reservation and all.
    const onStop = transport.onStop
    transport.onStop = async (stream, connection) => {
      if (isRelay(connection.remotePeer.toString())) return await onStop(stream, connection)
      stream.abort(new Error('not a relay of ours'))
    }
    return transport
  }
}
