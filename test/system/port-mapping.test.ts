/** A home whose router maps ports: it can be reached from everywhere, by people whose routers let nothing in. */
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Status } from '../../src/client/client.ts'
import type { Check } from '../../src/doctor.ts'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { MappingRouter, whyNoMappingRouter } from '../support/mapping-router.ts'
import { NatLab, whyNoNats } from '../support/nat-lab.ts'
import { via } from '../support/nat-pair.ts'
import { canRun } from '../support/requirements.ts'
import { converge } from '../support/room-checks.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('system/port-mapping')
const test = canRun(whyNoNats(), whyNoCommand(), whyNoMappingRouter()) ? suiteOf : suiteOf.skip

const second = 1000
const ROOM = 'harbour'
/** It tells a hang from slowness. */
const PATIENCE = 30 * second
/** The home whose router maps ports; the other's does not. */
const [MAPPED, CLOSED] = [0, 1]
const OUTSIDE = '/ip4/5.5.0.11/tcp/'

/** NATs with another port for each destination: no other way than a mapping lets anybody in. */
async function withLab(
  work: (lab: NatLab, start: (home: number, ...args: string[]) => Promise<CliPeer>) => Promise<void>,
): Promise<void> {
  const lab = NatLab.create({ symmetric: true })
  const running: CliPeer[] = []
  try {
    await work(lab, async (home, ...args) => {
      const space = lab.homes[home]
      if (space === undefined) throw new Error('no such home')
      const peer = await CliPeer.start({ space, dataDir: join(space.home, `data${running.length}`), args: [ROOM, ...args] })
      running.push(peer)
      return peer
    })
    for (const peer of running) assert.equal(peer.strayLines, [])
  } finally {
    await Promise.all(running.map((peer) => peer.kill()))
    lab.destroy()
  }
}

const outside = (peer: CliPeer): Promise<string> =>
  waitFor(
    async () => (await peer.request<Status>('status')).addresses.find((each) => each.startsWith(OUTSIDE)),
    'an address outside',
  )

for (const speaks of ['NAT-PMP', 'UPnP'] as const) {
  test(`${speaks}: who is given the address outside connects directly, and nothing is left of it after a stop`, () =>
    withLab(async (lab, start) => {
      const router = await MappingRouter.start(lab, MAPPED, speaks)
      const alice = await start(MAPPED, '--upnp')
      const address = await outside(alice)
      const bob = await start(CLOSED, '--connect', address)
      await alice.untilConnected(bob, PATIENCE)
      assert.is(await via(bob, alice), 'direct')
      await alice.send(ROOM, 'come in')
      await bob.send(ROOM, 'thank you')
      await converge([alice, bob], ROOM, 2, PATIENCE)
      const { checks } = await alice.request<{ checks: Check[] }>('doctor')
      const check = checks.find(({ name }) => name === 'port mapping')
      assert.ok(check?.ok)
      assert.match(check.detail, /5\.5\.0\.11:\d+ /)
      assert.ok(check.detail.endsWith(`(${speaks})`), check.detail)
      assert.is(router.rules().length, 1)
      assert.is(await alice.stop(), 0)
      assert.equal(router.rules(), [])
    }))
}

test('two who know a relay, one of them behind such a router: they are connected directly, and talk on without the relay', () =>
  withLab(async (lab, start) => {
    await MappingRouter.start(lab, MAPPED, 'NAT-PMP')
    const { outside: space } = lab
    const relay = await CliPeer.start({ space, command: 'relay', dataDir: join(space.home, 'data') })
    try {
      const address = relay.ready.addresses.find((each) => /\/tcp\/4747\/p2p\//.test(each)) ?? ''
      const alice = await start(MAPPED, '--relay', address)
      await outside(alice)
      const bob = await start(CLOSED, '--relay', address)
      await alice.untilConnected(bob, PATIENCE)
      await waitFor(async () => (await via(bob, alice)) === 'direct', 'a direct connection', PATIENCE)
      await relay.kill()
      await bob.send(ROOM, 'the relay is gone')
      await converge([alice, bob], ROOM, 1, PATIENCE)
    } finally {
      await relay.kill()
    }
  }))

test('a relay at home has an address outside, and somebody else reaches it there', () =>
  withLab(async (lab, start) => {
    const router = await MappingRouter.start(lab, MAPPED, 'UPnP')
    const [space] = lab.homes
    if (space === undefined) throw new Error('no home')
    const relay = await CliPeer.start({ space, command: 'relay', args: ['--upnp'], dataDir: join(space.home, 'relay') })
    try {
      const { addresses } = relay.ready
      assert.equal(
        addresses.map((address) => address.split('/p2p/')[0]),
        [`${OUTSIDE}4747`],
      )
      const bob = await start(CLOSED, '--relay', addresses[0] ?? '', '--no-upnp')
      await waitFor(async () => (await bob.request<Status>('status')).relays[0]?.reserved, 'a reservation', PATIENCE)
      assert.is(await relay.stop(), 0)
      assert.equal(router.rules(), [])
    } finally {
      await relay.kill()
    }
  }))

test('a router is asked for nothing by who stays at home, who forbids it, and who names his own address', () =>
  withLab(async (lab, start) => {
    const [router, other] = [await MappingRouter.start(lab, MAPPED, 'UPnP'), await MappingRouter.start(lab, CLOSED, 'UPnP')]
    const far = '/ip4/5.5.0.1/tcp/4747/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'
    await start(MAPPED)
    await start(MAPPED, '--connect', '/ip4/192.168.1.77/tcp/4001')
    await start(MAPPED, '--relay', far, '--no-upnp')
    await start(MAPPED, '--relay', far, '--offline')
    await start(MAPPED, '--upnp', '--offline')
    await start(MAPPED, '--relay', far, '--announce', '/ip4/5.5.0.11/tcp/4001')
    // It starts last: what the others had to ask, they have asked before.
    await start(CLOSED, '--relay', far)
    await waitFor(() => other.asked() > 0, 'a question')
    assert.is(router.asked(), 0)
  }))

suiteOf.run()
