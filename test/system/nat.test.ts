/** Two people behind different NATs, who know a room's name and one relay's address. */
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Peer, Status } from '../../src/client/client.ts'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { NatLab, whyNoNats } from '../support/nat-lab.ts'
import { canRun } from '../support/requirements.ts'
import { converge } from '../support/room-checks.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('system/nat')
const test = canRun(whyNoNats(), whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
const ROOM = 'harbour'
/** From the start of the second to the first message. */
const FIRST_MESSAGE = 5 * second
/** From the relay's return. */
const BACK = 10 * second
const OUTAGE = 20 * second
const LARGE = 'x'.repeat(32_000)
/** More than 1 MiB. */
const MANY = 40

class Setting {
  readonly lab: NatLab
  readonly #all: CliPeer[] = []

  constructor(symmetric: boolean) {
    this.lab = NatLab.create({ symmetric })
  }

  async relay(): Promise<CliPeer> {
    const { outside } = this.lab
    return await this.#started(CliPeer.start({ space: outside, command: 'relay', dataDir: join(outside.home, 'data') }))
  }

  async peer(home: number, relay: string): Promise<CliPeer> {
    const space = this.lab.homes[home]
    if (space === undefined) throw new Error('no such home')
    return await this.#started(CliPeer.start({ space, dataDir: join(space.home, 'data'), args: [ROOM, '--relay', relay] }))
  }

  async #started(starting: Promise<CliPeer>): Promise<CliPeer> {
    const peer = await starting
    this.#all.push(peer)
    return peer
  }

  async end(): Promise<void> {
    await Promise.all(this.#all.map((peer) => peer.kill()))
    this.lab.destroy()
  }
}

async function withPair(
  symmetric: boolean,
  work: (setting: Setting, relay: CliPeer, alice: CliPeer, bob: CliPeer, address: string) => Promise<void>,
): Promise<void> {
  const setting = new Setting(symmetric)
  try {
    const relay = await setting.relay()
    const address = relay.ready.addresses.find((each) => /\/tcp\/4747\/p2p\//.test(each)) ?? ''
    const alice = await setting.peer(0, address)
    const { id } = await alice.send(ROOM, 'is anybody there?')
    await reserved(alice)
    const bob = await setting.peer(1, address)
    await bob.waitFor('message', (message) => message.id === id, FIRST_MESSAGE)
    await work(setting, relay, alice, bob, address)
    for (const peer of [alice, bob, relay]) assert.equal(peer.strayLines, [])
  } finally {
    await setting.end()
  }
}

const reserved = (peer: CliPeer): Promise<boolean> =>
  waitFor(async () => (await peer.request<Status>('status')).relays.every(({ reserved }) => reserved), 'a reservation')

async function via(peer: CliPeer, other: CliPeer): Promise<Peer['via'] | undefined> {
  return (await peer.request<Peer[]>('peers')).find(({ peerId }) => peerId === other.ready.peerId)?.via
}

async function talk(from: CliPeer, to: CliPeer, text: string, deadline?: number): Promise<void> {
  const { id } = await from.send(ROOM, text)
  await to.waitFor('message', (message) => message.id === id, deadline)
}

test('NATs that keep ports: the first message comes through the relay, later ones directly, also without the relay', () =>
  withPair(false, async (_setting, relay, alice, bob) => {
    await waitFor(async () => (await via(alice, bob)) === 'direct' && (await via(bob, alice)) === 'direct', 'a direct connection')
    await relay.kill()
    await talk(alice, bob, 'the relay is gone')
    await talk(bob, alice, 'who needs it?')
    await converge([alice, bob], ROOM, 3, BACK)
  }))

test('symmetric NATs: everything comes through the relay, more than a megabyte of it, and goes on after it was away', () =>
  withPair(true, async (setting, relay, alice, bob, address) => {
    assert.is(await via(alice, bob), 'relay')
    for (let n = 0; n < MANY; n++) await alice.send(ROOM, `${n} ${LARGE}`)
    await converge([alice, bob], ROOM, 1 + MANY, 60 * second)
    assert.is(await via(alice, bob), 'relay')
    await relay.kill()
    await alice.send(ROOM, 'written while the relay is away')
    await new Promise((resolve) => setTimeout(resolve, OUTAGE))
    const again = await setting.relay()
    assert.ok(again.ready.addresses.includes(address), 'the relay has its key and its port')
    await converge([alice, bob], ROOM, 2 + MANY, BACK)
    await talk(bob, alice, 'it is back', BACK)
  }))

suiteOf.run()
