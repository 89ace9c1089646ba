/** Broken worlds: in each, `doctor` names the layer that is broken and says what to do, and finds nothing wrong below it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Check } from '../../src/client/client.ts'
import { CliPeer, type CliPeerInit, whyNoCommand } from '../support/cli-peer.ts'
import { Namespaces, whyNoNamespaces } from '../support/namespaces.ts'
import { clockOf, whyNoFaketime } from '../support/nemesis.ts'
import { canRun } from '../support/requirements.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('system/doctor')
const test = canRun(whyNoNamespaces(), whyNoCommand(), whyNoFaketime()) ? suiteOf : suiteOf.skip

const ROOM = 'harbour'
const HOUR = 3_600
const PATIENCE = 40_000
const STRANGER = '12D3KooWA1bysjrTACSWqf6q172inxvwKHUxAnBtVgaVDKMxpZtx'

/** Machines on one network, and what can be done to them. */
class World {
  readonly #lan = Namespaces.bridge(2)
  readonly #peers: CliPeer[] = []
  readonly #mounts: string[] = []

  get here() {
    return this.#lan.spaces[0] as Namespaces['spaces'][number]
  }

  get there() {
    return this.#lan.spaces[1] as Namespaces['spaces'][number]
  }

  async start(where: World['here'], args: string[], more: Partial<CliPeerInit> = {}): Promise<CliPeer> {
    const peer = await CliPeer.start({ space: where, dataDir: join(where.home, 'data'), args, ...more })
    this.#peers.push(peer)
    return peer
  }

  run(where: World['here'], line: string): void {
    const [program = '', ...words] = where.inside(line.split(' '))
    execFileSync(program, words, { stdio: 'ignore' })
  }

  /** A disk of that many megabytes under the data directory. */
  disk(where: World['here'], megabytes: number): void {
    const path = join(where.home, 'data')
    mkdirSync(path, { mode: 0o700 })
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', path])
    this.#mounts.push(path)
  }

  async end(): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.kill()))
    for (const path of this.#mounts) execFileSync('umount', [path])
    this.#lan.destroy()
  }
}

const checksOf = async (peer: CliPeer): Promise<Check[]> => (await peer.request<{ checks: Check[] }>('doctor')).checks

/** `names`: the first layer that is wrong, and what its line and its remedy say. */
function broken(
  title: string,
  names: { first: string; detail: RegExp; fix: RegExp },
  make: (world: World) => Promise<CliPeer>,
): void {
  test(`names the layer: ${title}`, async () => {
    const world = new World()
    let checks: Check[] = []
    try {
      const peer = await make(world)
      await waitFor(
        async () => {
          checks = await checksOf(peer)
          const wrong = checks.find(({ ok }) => !ok)
          return wrong?.name === names.first && names.detail.test(wrong.detail) && names.fix.test(wrong.fix ?? '')
        },
        `${names.first} to be named`,
        PATIENCE,
      )
    } catch (error) {
      throw new Error(
        `${error instanceof Error ? error.message : error}; the last checks: ${JSON.stringify(checks, undefined, 1)}`,
      )
    } finally {
      await world.end()
    }
  })
}

test('finds nothing wrong with two who talk', async () => {
  const world = new World()
  try {
    const [here, there] = [await world.start(world.here, [ROOM]), await world.start(world.there, [ROOM])]
    await here.untilConnected(there)
    const { id } = await there.send(ROOM, 'hello')
    await here.waitFor('message', (message) => message.id === id)
    let wrong: Check[] = []
    await waitFor(
      async () => {
        wrong = (await checksOf(here)).filter(({ ok }) => !ok)
        return wrong.length === 0
      },
      'all to be well',
      PATIENCE,
    ).catch((error: Error) => assert.unreachable(`${error.message}: ${JSON.stringify(wrong)}`))
    const names = (await checksOf(here)).map(({ name }) => name)
    assert.equal(names, ['disk', 'listening', 'lan', 'lan answers', 'clock', 'room mates', 'mesh', 'sync'])
  } finally {
    await world.end()
  }
})

broken('no network at all', { first: 'listening', detail: /only this machine/, fix: /connect to a network/ }, (world) => {
  world.run(world.here, 'ip link set lan down')
  return world.start(world.here, [ROOM])
})

broken('a firewall keeps multicast out', { first: 'lan', detail: /does not come back/, fix: /5353/ }, (world) => {
  world.run(world.here, 'iptables -A INPUT -p udp --dport 5353 -j DROP')
  return world.start(world.here, [ROOM])
})

broken(
  'a firewall keeps multicast in',
  { first: 'lan', detail: /nothing can be sent|does not come back/, fix: /5353/ },
  (world) => {
    world.run(world.here, 'iptables -A OUTPUT -p udp --dport 5353 -j DROP')
    return world.start(world.here, [ROOM])
  },
)

broken('nobody else is here', { first: 'lan answers', detail: /nobody/, fix: /another device/ }, (world) =>
  world.start(world.here, [ROOM]),
)

broken('nothing listens there', { first: 'dialled', detail: /refused/, fix: /does not run/ }, (world) =>
  world.start(world.here, [ROOM, '--no-mdns', '--connect', `/ip4/${world.there.address}/tcp/4001`]),
)

broken('no way leads there', { first: 'dialled', detail: /no route/, fix: /network of this machine/ }, (world) =>
  world.start(world.here, [ROOM, '--no-mdns', '--connect', '/ip4/198.51.100.1/tcp/4001']),
)

broken('a firewall swallows what is sent there', { first: 'dialled', detail: /no answer in time/, fix: /firewall/ }, (world) => {
  world.run(world.there, 'iptables -A INPUT -p tcp --dport 4001 -j DROP')
  return world.start(world.here, [ROOM, '--no-mdns', '--connect', `/ip4/${world.there.address}/tcp/4001`])
})

broken('the relay does not run', { first: 'relay', detail: /refused/, fix: /the relay does not run/ }, (world) =>
  world.start(world.here, [ROOM, '--no-mdns', '--relay', `/ip4/${world.there.address}/tcp/4747/p2p/${STRANGER}`]),
)

broken('the relay has another key', { first: 'relay', detail: /another peer answers/, fix: /new address/ }, async (world) => {
  await world.start(world.there, [], { command: 'relay' })
  return await world.start(world.here, [ROOM, '--no-mdns', '--relay', `/ip4/${world.there.address}/tcp/4747/p2p/${STRANGER}`])
})

broken('what is used as a relay is none', { first: 'reservation', detail: /no relay/, fix: /another relay/ }, async (world) => {
  const other = await world.start(world.there, [ROOM, '--no-mdns'])
  const address = other.ready.addresses.find((each) => each.includes(world.there.address)) ?? ''
  return await world.start(world.here, ['elsewhere', '--no-mdns', '--relay', address])
})

broken('the others are in another room', { first: 'room mates', detail: /nobody else/, fix: /same room/ }, async (world) => {
  const other = await world.start(world.there, ['tavern'])
  const here = await world.start(world.here, [ROOM])
  await here.untilConnected(other)
  return here
})

broken('the clock is an hour slow', { first: 'clock', detail: /60 minutes behind/, fix: /set the clock/ }, async (world) => {
  const other = await world.start(world.there, [ROOM])
  const here = await world.start(world.here, [ROOM], { env: clockOf(-HOUR) })
  await here.untilConnected(other)
  await waitFor(
    async () => {
      await other.send(ROOM, 'what time is it?')
      return (await checksOf(here)).some(({ name, ok }) => name === 'clock' && !ok)
    },
    'a message that came live',
    PATIENCE,
  )
  return here
})

broken('the disk is nearly full', { first: 'disk', detail: /only \d+ MB/, fix: /make room/ }, (world) => {
  world.disk(world.here, 16)
  return world.start(world.here, [ROOM])
})

suiteOf.run()
