/**
 * Somebody in the room who is faster than everybody else: Ann's runs reach the others only through her, and Cat gets another
 * thing from her first. gossipsub marks a message as seen before it is judged, and charges whoever brings what was rejected
 * before, so the name of a message must commit to all of it.
 */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isBeacon } from '../../src/chat/beacon.ts'
import { decodeRun, encodeRun, suffixOf } from '../../src/chat/event.ts'
import { bytesToHex } from '../../src/chat/hex.ts'
import type { Room } from '../../src/chat/room.ts'
import { type Message, P2PNode } from '../../src/index.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { createPeer, type Peer } from '../../src/node/index.ts'
import { MapStore } from '../chat/support.ts'
import { pubsubOf } from '../support/peers.ts'
import { overhear, rawPeer, whisper } from '../support/raw-gossip.ts'
import { waitFor } from '../support/wait-for.ts'
import { converged, paced, toldBy } from './support.ts'

const test = suite('scenario/front-runner')
const TIMES = 5
const ROOMS = ['harbour', 'tavern'] as const

/** A node whose peer a test can look into. */
async function open(connect: P2PNode[] = []): Promise<{ node: P2PNode; peer: Peer; rooms: Room[] }> {
  let peer: Peer | undefined
  const node = await P2PNode.create(
    {
      store: new MapStore(),
      crypto: nativeCrypto,
      clock: paced(1),
      createPeer: async (init) => {
        peer = await createPeer(init)
        return peer
      },
    },
    { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, connect: connect.map(({ addresses }) => addresses[0] as string) },
  )
  const rooms = [await node.join(ROOMS[0]), await node.join(ROOMS[1])]
  return { node, peer: peer as Peer, rooms }
}

interface Setting {
  /** Ann's room, where all is written. */
  hers: Room
  /** Ann writes these in one run; it is Eve's alone. */
  write(...texts: string[]): Promise<Uint8Array>
  /** Eve says it to one of them. */
  toBob(run: Uint8Array): void
  toCat(bytes: Uint8Array, room?: number): void
  cat: Room[]
  /** What Cat was told of, and what she refused, room by room. */
  told: Message[]
  refused: string[][]
  /** For how much that was rejected Cat holds somebody to account: not the score, which gossipsub keeps for a second. */
  charged(who: 'bob' | 'eve'): number
}

/** Bob and Cat are linked; Ann has no link but to Eve, who has one to each. */
async function withFrontRunner(task: (setting: Setting) => Promise<void>): Promise<void> {
  const ann = await open()
  const bob = await open()
  const cat = await open([bob.node])
  const eve = await rawPeer()
  try {
    const [topic, other] = ann.rooms.map((room) => room.topic) as [string, string]
    const heard = overhear(eve, topic)
    overhear(eve, other)
    for (const { peer } of [ann, bob, cat]) await eve.dial(peer.libp2p.getMultiaddrs())
    const [hers, his, cats] = [ann, bob, cat].map(({ rooms }) => rooms[0]) as [Room, Room, Room]
    await waitFor(() => hers.mates().length === 1 && cats.mates().length === 2 && his.mates().length === 2, 'all to have met')
    const linked = (a: Peer, b: Peer): boolean => pubsubOf(a).getMeshPeers(topic).includes(b.peerId)
    await waitFor(() => linked(bob.peer, cat.peer) && linked(cat.peer, bob.peer), 'Bob and Cat to forward to each other')
    await waitFor(() => cats.members().length === 2, 'Bob and Cat to have synced')
    const refused = cat.rooms.map((room): string[] => {
      const reasons: string[] = []
      room.addEventListener('reject', ({ detail }) => reasons.push(detail.reason))
      return reasons
    })
    await task({
      hers,
      async write(...texts) {
        const [first] = await Promise.all(texts.map((text) => hers.send(text)))
        const holds = (bytes: Uint8Array): boolean =>
          !isBeacon(bytes) && decodeRun(bytes, nativeCrypto).ids.some((id) => bytesToHex(id) === first?.id)
        return waitFor(() => heard.find(holds), 'the run')
      },
      toBob: (run) => whisper(eve, bob.peer.peerId, topic, run),
      toCat: (bytes, room = 0) => whisper(eve, cat.peer.peerId, room === 0 ? topic : other, bytes),
      cat: cat.rooms,
      told: toldBy(cats),
      refused,
      charged(who) {
        const { topics } = pubsubOf(cat.peer).score.peerStats.get(who === 'bob' ? bob.peer.peerId : eve.peerId.toString()) ?? {}
        return Object.values(topics ?? {}).reduce((sum, { invalidMessageDeliveries }) => sum + invalidMessageDeliveries, 0)
      },
    })
    await converged([hers, his, cats], cats.digest().count)
  } finally {
    await eve.stop()
    await Promise.all([ann, bob, cat].map(({ node }) => node.stop()))
  }
}

/** Cat was told of all of it, by gossip: nobody had to ask. */
async function toldByGossip({ told }: Setting, texts: string[]): Promise<void> {
  await waitFor(() => texts.every((each) => told.some(({ text }) => text === each)), `${texts} to arrive`, 30_000)
  assert.equal(
    told.filter(({ text }) => texts.includes(text)).map(({ via }) => via),
    texts.map(() => 'gossip'),
  )
}

test('whoever says a run with another signature first neither suppresses it nor gets who forwards it charged', () =>
  withFrontRunner(async (setting) => {
    const { write, toBob, toCat, refused, charged } = setting
    for (let i = 0; i < TIMES; i++) {
      const run = await write(`flipped ${i}`)
      toCat(run.map((byte, at) => (at === run.length - 1 ? byte ^ 1 : byte)))
      await waitFor(() => refused[0]?.length === i + 1, 'Cat to refuse the forgery')
      toBob(run)
      await toldByGossip(setting, [`flipped ${i}`])
    }
    assert.equal(refused, [Array.from({ length: TIMES }, () => 'signature does not verify'), []])
    assert.is(charged('bob'), 0)
    assert.ok(charged('eve') > 0)
  }))

test('whoever says a run on the topic of another room first neither suppresses it nor gets who forwards it charged', () =>
  withFrontRunner(async (setting) => {
    const { write, toBob, toCat, refused, charged, cat } = setting
    for (let i = 0; i < TIMES; i++) {
      const run = await write(`astray ${i}`)
      toCat(run, 1)
      await waitFor(() => refused[1]?.length === i + 1, 'Cat to refuse it in the other room')
      toBob(run)
      await toldByGossip(setting, [`astray ${i}`])
    }
    assert.equal(refused, [[], Array.from({ length: TIMES }, () => 'event of another room')])
    assert.is(cat[1]?.digest().count, 0)
    assert.is(charged('bob'), 0)
    assert.ok(charged('eve') > 0)
  }))

test('whoever says the end of a run first suppresses nothing of its beginning', () =>
  withFrontRunner(async (setting) => {
    const { write, toBob, toCat, refused, charged } = setting
    const texts = ['one', 'two', 'three']
    const run = await write(...texts)
    const whole = decodeRun(run, nativeCrypto)
    assert.is(whole.entries.length, 3)
    toCat(encodeRun(suffixOf(whole, 2)))
    await toldByGossip(setting, ['three'])
    toBob(run)
    await toldByGossip(setting, texts)
    assert.equal([refused, charged('bob'), charged('eve')], [[[], []], 0, 0])
  }))

test.run()
