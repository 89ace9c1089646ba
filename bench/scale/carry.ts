/** How much a relay carries: pairs of guests that have only it between them, each sending as fast as the other takes. */
import { multiaddr } from '@multiformats/multiaddr'
import type { Peer } from '../../src/node/index.ts'
import { guest, inDirectory, MB, MeasuredRelay, until } from './relay.ts'

const PAIRS = 4
const PROTOCOL = '/p2pnode/scale/1'
const CHUNK = new Uint8Array(16 * 1024)

export async function carry(megabytes: number): Promise<void> {
  await inDirectory(async (directory) => {
    const relay = await MeasuredRelay.start(directory)
    const peers: Peer[] = []
    try {
      for (let i = 0; i < 2 * PAIRS; i++) {
        const peer = await guest(64 * i, relay.address)
        peers.push(peer)
        await peer.start()
      }
      await until(() => peers.every((peer) => peer.relays()[0]?.reserved === true), 'reservations')
      const each = (megabytes * MB) / PAIRS
      const before = relay.usage()
      const start = performance.now()
      await Promise.all(
        Array.from({ length: PAIRS }, (_, i) => send(peers[2 * i] as Peer, peers[2 * i + 1] as Peer, relay, each)),
      )
      const seconds = (performance.now() - start) / 1000
      const after = relay.usage()
      const { carried } = await relay.status()
      const cpu = after.cpu - before.cpu
      console.log(
        `${PAIRS} pairs, ${(carried.bytes / MB).toFixed(0)} MB carried in ${seconds.toFixed(1)} s, ` +
          `${((8 * carried.bytes) / MB / seconds).toFixed(0)} Mbit/s; ${((1000 * cpu) / (carried.bytes / MB)).toFixed(1)} ms of CPU a MB: ` +
          `a core is busy with ${((8 * carried.bytes) / MB / cpu).toFixed(0)} Mbit/s; RSS ${(before.rss / MB).toFixed(0)} to ${(after.rss / MB).toFixed(0)} MB`,
      )
    } finally {
      await Promise.all(peers.map((peer) => peer.stop()))
      await relay.end()
    }
  })
}

async function send(from: Peer, to: Peer, relay: MeasuredRelay, bytes: number): Promise<void> {
  let taken = 0
  await to.libp2p.handle(PROTOCOL, (stream) => {
    stream.addEventListener('message', ({ data }) => {
      taken += data.byteLength
    })
  })
  const connection = await from.libp2p.dial(multiaddr(`${relay.address}/p2p-circuit/p2p/${to.peerId}`))
  const stream = await connection.newStream(PROTOCOL)
  for (let sent = 0; sent < bytes; sent += CHUNK.length)
    if (!stream.send(CHUNK)) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
  await until(() => taken >= bytes, 'the other side to have it all')
}
