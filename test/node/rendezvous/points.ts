/** Real points: on loopback, or without a network at all. */
import '../../../src/shims.node.ts'
import type { Connection, PrivateKey, Startable, StreamHandler, StreamHandlerOptions } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import type { Peer } from '../../../src/node/index.ts'
import { type RendezvousServer, type RendezvousServerInit, rendezvousServer } from '../../../src/node/rendezvous/index.ts'
import { addressOf, type Peers } from '../../support/peers.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { ADDRESS, type Answer, registerRequest, signedRecord, silent, Wire } from './support.ts'

/** A point that listens, and where. Its time stands still until a test moves it. */
export async function pointAmong(peers: Peers, init: RendezvousServerInit = {}) {
  const clock = new VirtualClock()
  const peer: Peer = await peers.start({ services: { rendezvous: rendezvousServer({ clock, ...init }) } })
  return { at: addressOf(peer), server: peer.libp2p.services.rendezvous as RendezvousServer, clock, peer }
}

/** A point without a network: a stream goes straight to it, from whoever a test says. */
export async function unconnected(init: RendezvousServerInit = {}) {
  let [serve, options] = [undefined as StreamHandler | undefined, undefined as StreamHandlerOptions | undefined]
  const registrar = {
    handle: async (_protocol: string, handler: StreamHandler, how: StreamHandlerOptions) => {
      ;[serve, options] = [handler, how]
    },
  } as unknown as Registrar
  const server = rendezvousServer({ clock: new VirtualClock(), ...init })({ registrar, logger: { forComponent: () => silent } })
  await (server as unknown as Startable).start()
  const wire = async (key: PrivateKey, connection: object = {}): Promise<Wire> => {
    const [ours, theirs] = await streamPair()
    const remotePeer = peerIdFromPrivateKey(key)
    const from = { remotePeer, remoteAddr: multiaddr(ADDRESS) }
    serve?.(theirs, Object.defineProperties(from, Object.getOwnPropertyDescriptors(connection)) as unknown as Connection)
    return new Wire(ours)
  }
  const register = async (key: PrivateKey, ns: string, connection?: object): Promise<Answer> => {
    const conversation = await wire(key, connection)
    const answer = await conversation.ask(registerRequest({ ns, record: await signedRecord(key) }))
    await conversation.stream.close()
    return answer
  }
  return { server, options, wire, register }
}

export const statusOf = async (answer: Promise<{ status: number | undefined }>): Promise<number | undefined> =>
  (await answer).status

export async function ended(wire: Wire): Promise<void> {
  await waitFor(() => !wire.isOpen, 'the end of the stream')
}
