/** What a DHT costs in which nothing happens. DHT_MINUTES=n for another length. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DhtNetwork } from '../support/dht-network.ts'
import { every } from '../support/pace.ts'

const test = suite('long/dht')

const second = 1000
const minute = 60 * second
const PEERS = 50
const ROOMS = 10
const MINUTES = Number(process.env.DHT_MINUTES ?? 60)
const STEP = Math.min(MINUTES, 10)

test(`${PEERS} peers in ${ROOMS} rooms, of whom nobody says anything`, async () => {
  const network = new DhtNetwork()
  try {
    await network.grow(PEERS)
    for (const [at, peer] of network.peers.entries()) peer.meet([`p2pnode/room ${at % ROOMS}`])
    for (let passed = STEP; passed <= MINUTES; passed += STEP) {
      const { bytes, dials } = network.meter
      const connections: number[] = []
      await every(5 * second, STEP * minute, async () => void connections.push(network.connections))
      const mean = connections.reduce((sum, count) => sum + count, 0) / connections.length
      const kilobytes = (network.meter.bytes - bytes) / PEERS / 1000
      const figures = network.figures()
      console.log(
        `minutes ${passed - STEP} to ${passed}: ${kilobytes.toFixed(0)} kB a peer, ${((network.meter.dials - dials) / PEERS).toFixed(1)} ` +
          `connections opened by each, ${mean.toFixed(0)} open in all, ${figures.filter(({ mode }) => mode === 'server').length} servers, ` +
          `${(figures.reduce((sum, { contacts }) => sum + contacts, 0) / PEERS).toFixed(0)} contacts each`,
      )
      // Everybody with everybody would be 1,225.
      if (passed > STEP) assert.ok(mean < 4 * PEERS, `${mean} connections`)
    }
  } finally {
    await network.close()
  }
})

test.run()
