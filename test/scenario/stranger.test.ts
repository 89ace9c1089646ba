import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeBeacon } from '../../src/chat/beacon.ts'
import { encodeRun } from '../../src/chat/event.ts'
import { Libp2pNetwork, type NetworkComponents } from '../../src/chat/libp2p-network.ts'
import type { Room } from '../../src/chat/room.ts'
import { deriveRoomKeys, lockedRoomSecret, openRoomSecret, type RoomKeys } from '../../src/chat/room-keys.ts'
import type { Channel } from '../../src/chat/seams.ts'
import { accessChallenge, decodeMessage, encodeMessage, SYNC_PROTOCOL, type SyncMessage } from '../../src/chat/sync-codec.ts'
import type { CreateP2PNodeInit, P2PNode } from '../../src/index.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import type { Peer } from '../../src/node/index.ts'
import { fill, Scribe, stripped } from '../chat/support.ts'
import { Peers } from '../support/peers.ts'
import { waitFor } from '../support/wait-for.ts'
import { converged, mates, type Nodes, paced, textsIn, withNodes } from './support.ts'

const test = suite('scenario/stranger')
const crypto = nativeCrypto
const PASSPHRASE = 'correct horse'
const KEYS = deriveRoomKeys('locked', await lockedRoomSecret('vault', PASSPHRASE, crypto), crypto)

/** A peer that knows what everybody sees: a room's topic and tag, and what is said there. It has no key of the room. */
interface Stranger {
  peer: Peer
  network: Libp2pNetwork
  heard: Uint8Array[]
  /** The room's keys as far as one can make them up. */
  forged: RoomKeys
  publish(...runs: Uint8Array[]): void
}

async function stranger(peers: Peers, keys: RoomKeys, victim: P2PNode): Promise<Stranger> {
  let network: Libp2pNetwork | undefined
  const services = {
    chat: (components: unknown) => {
      network = new Libp2pNetwork(components as NetworkComponents)
      return {}
    },
  }
  const peer = await peers.start({ services })
  if (network === undefined) throw new Error('no network')
  const ours = network
  const heard: Uint8Array[] = []
  ours.subscribe(keys.topic, (_from, bytes) => {
    heard.push(bytes)
    return 'accept'
  })
  await peer.connect(victim.addresses[0] as string)
  await waitFor(() => ours.mates(keys.topic).includes(victim.peerId), 'to see the topic')
  const made = deriveRoomKeys('locked', fill(66), crypto)
  const forged = { ...made, tag: keys.tag, topic: keys.topic }
  const publish = (...runs: Uint8Array[]): void => {
    for (const run of runs) ours.publish(keys.topic, run)
  }
  return { peer, network: ours, heard, forged, publish }
}

interface Setting {
  ann: P2PNode
  room: Room
  keys: RoomKeys
  eve: Stranger
  nodes: Nodes
  rejects: string[]
  peers: Peers
}

async function withStranger(task: (setting: Setting) => Promise<void>, init: CreateP2PNodeInit = {}): Promise<void> {
  const peers = new Peers()
  try {
    await withNodes(async (nodes) => {
      const ann = await nodes.start('ann', [], init)
      const room = await ann.join('vault', { passphrase: PASSPHRASE })
      const rejects: string[] = []
      room.addEventListener('reject', ({ detail }) => rejects.push(detail.reason))
      await room.send('for members only')
      const eve = await stranger(peers, KEYS, ann)
      await mates(room, 1)
      await task({ ann, room, keys: KEYS, eve, nodes, rejects, peers })
    })
  } finally {
    await peers.close()
  }
}

/** A member that comes now gets everything: the node still serves. */
async function stillServes({ nodes, ann, room }: Setting, count: number): Promise<Room> {
  const bob = await nodes.start('bob', [ann])
  const his = await bob.join('vault', { passphrase: PASSPHRASE })
  await converged([room, his], count)
  return his
}

test('what a stranger publishes is rejected, neither stored nor shown, and cuts nobody else', () =>
  withStranger(async (setting) => {
    const { room, eve, rejects } = setting
    const scribe = new Scribe(1, eve.forged, crypto)
    const run = scribe.run({ text: 'sealed under a wrong key' })
    const beacon = encodeBeacon(
      { author: scribe.key, start: 1, counter: 1, state: 1, digest: fill(0, 16), tips: [] },
      eve.forged,
      scribe.seed,
      crypto,
    )
    const otherRoom = new Scribe(2, deriveRoomKeys('open', fill(1), crypto), crypto).write()
    eve.publish(encodeRun(run), encodeRun(stripped(run)), scribe.write({}, {}), beacon, otherRoom, fill(0xff, 100))
    await waitFor(() => rejects.length >= 6, 'six rejects')
    assert.equal([room.digest().count, await textsIn(room), (await room.verify()).events], [1, ['for members only'], 2])
    assert.equal(
      room.members().map(({ self }) => self),
      [true],
    )
    await stillServes(setting, 1)
  }))

test('what a stranger heard and altered, or says again, brings nothing new', () =>
  withStranger(async (setting) => {
    const { room, eve, nodes, peers } = setting
    const before = eve.heard.length
    await room.send('heard by everybody, read by members')
    const run = await waitFor(() => eve.heard.slice(before).find((bytes) => bytes[1] === 1), 'the run')
    assert.not.ok(new TextDecoder().decode(run).includes('members'), 'it is sealed')
    const damaged = run.map((byte, i) => (i === run.length - 1 ? byte ^ 1 : byte))
    eve.publish(damaged)
    // Into a room of people who have not heard it yet.
    const cat = await nodes.start('cat')
    const other = await cat.join('elsewhere')
    const told: string[] = []
    other.addEventListener('reject', ({ detail }) => told.push(detail.reason))
    const { publish } = await stranger(peers, deriveRoomKeys('open', openRoomSecret('elsewhere', crypto), crypto), cat)
    await mates(other, 1)
    publish(run)
    await waitFor(() => told.includes('event of another room'), 'the run to be refused in another room')
    assert.equal([room.digest().count, other.digest().count], [2, 0])
    await stillServes(setting, 2)
  }))

/** Says these messages on a sync stream of its own; what came back until it ended. */
async function say(
  eve: Stranger,
  victim: P2PNode,
  script: (channel: Channel, answers: SyncMessage[]) => Promise<void>,
): Promise<SyncMessage[]> {
  const channel = await eve.network.open(victim.peerId, SYNC_PROTOCOL)
  const answers: SyncMessage[] = []
  try {
    await script(channel, answers)
    for (let bytes = await channel.receive(); bytes !== undefined; bytes = await channel.receive())
      answers.push(decodeMessage(bytes))
  } catch (error) {
    assert.instance(error, Error) // the other side has reset the stream
  }
  return answers
}

const next = async (channel: Channel): Promise<SyncMessage> => decodeMessage((await channel.receive()) ?? new Uint8Array(0))

test('without the room key no proof is good, and nothing but a nonce is got', () =>
  withStranger(async (setting) => {
    const { eve, ann, keys } = setting
    const hello = encodeMessage({ type: 'hello', roomTag: keys.tag, nonce: fill(1) })
    type Forger = (welcome: Extract<SyncMessage, { type: 'welcome' }>) => Promise<Uint8Array> | Uint8Array
    const proofs: Record<string, Forger> = {
      reflected: ({ proof }) => proof,
      'of another key': ({ nonce }) =>
        crypto.sign(
          eve.forged.accessSeed,
          accessChallenge('initiator', keys.tag, [fill(1), nonce], [eve.peer.peerId, ann.peerId]),
        ),
      'of nothing': () => fill(0, 64),
      'made by the victim in a second conversation': async ({ nonce }) => {
        const channel = await eve.network.open(ann.peerId, SYNC_PROTOCOL)
        await channel.send(encodeMessage({ type: 'hello', roomTag: keys.tag, nonce }))
        const second = await next(channel).catch(() => undefined) // refused, or answered for other nonces
        channel.abort(new Error('enough'))
        return second?.type === 'welcome' ? second.proof : fill(0, 64)
      },
    }
    for (const [what, forge] of Object.entries(proofs)) {
      const answers = await say(eve, ann, async (channel) => {
        await channel.send(hello)
        const welcome = await next(channel)
        assert.is(welcome.type, 'welcome')
        await channel.send(
          encodeMessage({ type: 'proof', proof: await forge(welcome as Extract<SyncMessage, { type: 'welcome' }>) }),
        )
        await channel.send(encodeMessage({ type: 'summary', digest: fill(0, 16), buckets: [] }))
        await channel.send(encodeMessage({ type: 'pages', pages: [], last: true, more: false }))
      })
      assert.equal(answers, [], what)
    }
    await stillServes(setting, 1)
  }))

test('malformed streams and those for an unknown room are ended, and the node goes on', () =>
  withStranger(
    async (setting) => {
      const { eve, ann } = setting
      const first: Uint8Array[] = [
        encodeMessage({ type: 'hello', roomTag: fill(9, 16), nonce: fill(1) }),
        encodeMessage({ type: 'served' }),
        encodeMessage({ type: 'proof', proof: fill(1, 64) }),
        fill(0xff, 50),
        new Uint8Array(0),
        new Uint8Array(200_000).fill(0x81),
      ]
      for (const bytes of first)
        assert.equal(await say(eve, ann, (channel) => channel.send(bytes)), [], bytesToHex(bytes.subarray(0, 20)))
      const raw: Uint8Array[] = [
        fill(0xff, 20), // a length without an end
        Uint8Array.of(0xff, 0xff, 0xff, 0x7f), // 256 MiB to come
        concatBytes(Uint8Array.of(0x80, 0x80, 0x10), fill(0x81, 262_144)),
        new Uint8Array(5000), // nothing but empty messages
      ]
      for (const bytes of raw) {
        const stream: Stream = await eve.peer.libp2p.dialProtocol(multiaddr(ann.addresses[0] as string), SYNC_PROTOCOL)
        const closed = new Promise((resolve) => stream.addEventListener('close', resolve))
        stream.send(bytes)
        await closed
        assert.is.not(stream.status, 'open')
      }
      await stillServes(setting, 1)
    },
    { clock: paced(40) },
  ))

test('twenty silent conversations of a stranger keep no member out', () =>
  withStranger(async (setting) => {
    const { eve, ann, keys } = setting
    const silent: Channel[] = []
    for (let i = 0; i < 20; i++) {
      const channel = await eve.network.open(ann.peerId, SYNC_PROTOCOL)
      if (i % 2 === 0) await channel.send(encodeMessage({ type: 'hello', roomTag: keys.tag, nonce: fill(i) }))
      silent.push(channel)
    }
    await stillServes(setting, 1)
    for (const channel of silent) channel.abort(new Error('over'))
  }))

test.run()
