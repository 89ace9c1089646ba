import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_ERRANDS } from '../../src/node/dht/constants.ts'
import type { Peer } from '../../src/node/index.ts'
import { DhtNetwork } from '../support/dht-network.ts'
import { percentile } from '../support/load.ts'
import { connected } from '../support/peers.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('system/dht')

const second = 1000
const PEERS = Number(process.env.P2PNODE_DHT_PEERS ?? 50)
const ROOMS = 10
/** For one room, on a machine that does other things too; what it took is printed. */
const DEADLINE = 60 * second
/** Looks after which what does not change is taken to have come to rest. */
const REST = 40

async function rests(value: () => number, what: string): Promise<void> {
  let [last, times] = [-1, 0]
  await waitFor(
    () => {
      const now = value()
      times = now === last ? times + 1 : 0
      last = now
      return times >= REST
    },
    what,
    2 * DEADLINE,
  )
}

test(`in a DHT of ${PEERS} peers those who are in a room find each other`, async () => {
  const network = new DhtNetwork()
  try {
    await network.grow(PEERS)
    const contacts = (): number => network.figures().reduce((sum, { contacts }) => sum + contacts, 0)
    await rests(contacts, 'the servers to know each other')
    const took: number[] = []
    for (let number = 0; number < ROOMS; number++) {
      // Far from each other, and none of them twice. The one with the smaller id dials at once.
      const pair = [network.peers[PEERS - 1 - number], network.peers[Math.floor(PEERS / 2) - 1 - number]] as [Peer, Peer]
      const [seeker, host] = pair.sort((a, b) => (a.peerId < b.peerId ? -1 : 1))
      const room = `p2pnode/room ${number}`
      host.meet([room])
      const records = (): number => network.figures().reduce((sum, { records }) => sum + records, 0)
      const before = records()
      await waitFor(() => records() > before, 'the record', DEADLINE)
      await rests(records, 'the record to be where it is looked for')
      const start = performance.now()
      seeker.meet([room])
      await connected(seeker, host, DEADLINE)
      took.push(performance.now() - start)
      assert.ok(network.figures().every(({ errands }) => errands <= MAX_ERRANDS))
    }
    const [median, slowest] = [0.5, 1].map((p) => `${((percentile(took, p) ?? 0) / second).toFixed(1)} s`)
    const servers = network.figures().filter(({ mode }) => mode === 'server').length
    console.log(
      `${PEERS} peers, ${servers} of them servers; ${ROOMS} rooms, in each the other found and connected in ${median} (median), ` +
        `${took.filter((time) => time <= 3 * second).length} in 3 s, the slowest in ${slowest}; ` +
        `${network.meter.dials} dials, ${(network.meter.bytes / 1e6).toFixed(1)} MB`,
    )
  } finally {
    await network.close()
  }
})

test.run()
