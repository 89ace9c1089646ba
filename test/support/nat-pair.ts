/** Two people behind different NATs, who know a room's name and one relay's address. */
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import type { Peer, Status } from '../../src/client/client.ts'
import { CliPeer } from './cli-peer.ts'
import { NatLab } from './nat-lab.ts'
import { waitFor } from './wait-for.ts'

const second = 1000
export const ROOM = 'harbour'
/** From the start of the second to the first message: it tells a hang from slowness; test/long/nat.test.ts has the figure. */
const PATIENCE = 30 * second

export class Setting {
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

export interface NatPair {
  setting: Setting
  relay: CliPeer
  alice: CliPeer
  bob: CliPeer
  /** Of the relay. */
  address: string
  /** From the start of the second to the first message, in milliseconds. */
  took: number
}

/** `work` is told how long the first message took from the start of the second, in milliseconds. */
export async function withPair(symmetric: boolean, work: (pair: NatPair) => Promise<void>): Promise<void> {
  const setting = new Setting(symmetric)
  try {
    const relay = await setting.relay()
    const address = relay.ready.addresses.find((each) => /\/tcp\/4747\/p2p\//.test(each)) ?? ''
    const alice = await setting.peer(0, address)
    const { id } = await alice.send(ROOM, 'is anybody there?')
    await reserved(alice)
    const start = performance.now()
    const bob = await setting.peer(1, address)
    await bob.waitFor('message', (message) => message.id === id, PATIENCE)
    await work({ setting, relay, alice, bob, address, took: performance.now() - start })
    for (const peer of [alice, bob, relay]) assert.equal(peer.strayLines, [])
  } finally {
    await setting.end()
  }
}

const reserved = (peer: CliPeer): Promise<boolean> =>
  waitFor(async () => (await peer.request<Status>('status')).relays.every(({ reserved }) => reserved), 'a reservation')

export async function via(peer: CliPeer, other: CliPeer): Promise<Peer['via'] | undefined> {
  return (await peer.request<Peer[]>('peers')).find(({ peerId }) => peerId === other.ready.peerId)?.via
}
