import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createKeeper, type KeeperInit, type KeeperService } from '../../bootstrap/keeper/index.ts'
import { deriveRoomKeys, lockedRoomSecret, openRoomSecret } from '../../src/chat/room-keys.ts'
import type { Clock } from '../../src/index.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import type { Peer } from '../../src/node/index.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { memoryStore } from '../storage/memory-store.ts'
import { filesBelow, withDirectory } from '../storage/support.ts'
import { addressOf, Peers, randomSeed } from '../support/peers.ts'
import { waitFor } from '../support/wait-for.ts'
import { converged, hasty, type Nodes, paced, toldBy, warningsOf, withNodes } from './support.ts'

const test = suite('scenario/keeper')

interface Keeping {
  peer: Peer
  service: KeeperService
  seed: Uint8Array
  address: string
  /** What a node is started with to be kept by it, and to find nobody else by itself. */
  init: { connect: string[]; dht: false; keepers: { peer: string; token?: Uint8Array }[] }
}

async function keeping(
  peers: Peers,
  store: Store,
  init: Partial<KeeperInit> = {},
  { seed = randomSeed(), listen = ['/ip4/127.0.0.1/tcp/0'] } = {},
): Promise<Keeping> {
  let service: KeeperService | undefined
  const make = createKeeper({ store, crypto: nativeCrypto, clock: paced(1), open: true, ...init })
  const peer = await peers.start({
    seed,
    listen,
    services: {
      keeper: (components) => {
        service = make(components)
        return service
      },
    },
  })
  if (service === undefined) throw new Error('no keeper')
  const address = addressOf(peer)
  return { peer, service, seed, address, init: { connect: [address], dht: false, keepers: [{ peer: peer.peerId }] } }
}

async function withKeeper(
  task: (setting: { nodes: Nodes; peers: Peers; store: Store; keeper: Keeping }) => Promise<void>,
  init: Partial<KeeperInit> = {},
): Promise<void> {
  const peers = new Peers()
  const store = await memoryStore()
  try {
    await withNodes(async (nodes) => task({ nodes, peers, store, keeper: await keeping(peers, store, init) }))
  } finally {
    await peers.close()
    await store.close()
  }
}

/** So many times as much time passes, but for what people see of it. */
const racingBy = (haste: number): Clock => ({ ...paced(haste), monotonic: () => haste * performance.now() })
const racing = racingBy(10)

/** Who leaves gives the keeper two seconds, which a busy machine may not have. */
const patient = paced(1 / 10)

const eventsAt = ({ service }: Keeping): number => service.status()?.rooms.reduce((sum, { events }) => sum + events, 0) ?? 0

test('500 messages of somebody who is gone reach who comes later, in one order, through a keeper that was restarted', () =>
  withDirectory(async (dataDir) => {
    const peers = new Peers()
    try {
      await withNodes(async (nodes) => {
        let { store } = await openStore({ dataDir, crypto: nativeCrypto })
        let keeper = await keeping(peers, store)
        const ann = await nodes.start('ann', [], { ...keeper.init, clock: patient })
        const room = await ann.join('harbour')
        await waitFor(() => eventsAt(keeper) === 1, 'the profile to be kept')
        await Promise.all(Array.from({ length: 500 }, (_, i) => room.send(`message ${i}`)))
        const { digest } = room.digest()
        await nodes.stop(ann) // at once: what was just written is brought before
        assert.is(eventsAt(keeper), 501)
        await peers.close()
        await store.close()

        ;({ store } = await openStore({ dataDir, crypto: nativeCrypto }))
        keeper = await keeping(peers, store)
        const bob = await nodes.start('bob', [], keeper.init)
        const his = await bob.join('harbour')
        const told = toldBy(his)
        await converged([his], 500)
        assert.is(his.digest().digest, digest)
        assert.equal([(await his.verify()).events, told.length], [502, 500])
        assert.ok(told.every(({ via }) => via === 'sync'))
        await nodes.stop(bob)
        await peers.close()
        await store.close()
      })
    } finally {
      await peers.close()
    }
  }))

test('a message is brought to the keeper soon after it was written, and fetched by who cannot reach its author', () =>
  withKeeper(async ({ nodes, keeper }) => {
    const clock = racingBy(40) // whoever is alone asks the keeper once a minute
    const ann = await nodes.start('ann', [], { ...keeper.init, clock })
    const hers = await ann.join('harbour')
    await waitFor(() => eventsAt(keeper) === 1, 'the profile to be kept')
    const bob = await nodes.start('bob', [], { ...keeper.init, clock })
    const his = await bob.join('harbour')
    // Each is connected to the keeper alone, which is in no room and passes nothing on.
    await hers.send('are you there?')
    await converged([hers, his], 1)
    await his.send('yes')
    await converged([hers, his], 2)
    assert.equal([hers.mates(), his.mates()], [[], []])
  }))

test('who writes alone is told that a keeper holds it, may leave then, and is told again when the keeper is gone', () =>
  withKeeper(async ({ nodes, peers, keeper }) => {
    const ann = await nodes.start('ann', [], { ...keeper.init, clock: racing })
    const room = await ann.join('harbour')
    const told: [string, number, number][] = []
    room.addEventListener('delivery', ({ detail: { id, held, keepers } }) => told.push([id, held, keepers]))
    const { id } = await room.send('is anybody there?')
    await room.held(AbortSignal.timeout(30_000))
    await waitFor(() => told.length === 1, 'the keeper to be told of')
    assert.equal([told, room.holders(id)], [[[id, 0, 1]], []])
    await peers.close()
    await waitFor(() => told.length === 2, 'the keeper to be gone')
    assert.equal(told.at(-1), [id, 0, 0])
  }))

test('a keeper that refuses is told of once, in words', () =>
  withKeeper(
    async ({ nodes, keeper }) => {
      const ann = await nodes.start('ann', [], { ...keeper.init, clock: racing })
      const codes = warningsOf(ann)
      const messages: string[] = []
      ann.addEventListener('warning', ({ detail }) => messages.push(detail.detail.message))
      const room = await ann.join('harbour')
      await room.send('to whom it may concern')
      const refusals = (): number => keeper.service.status()?.refused.notAllowed ?? 0
      await waitFor(() => refusals() >= 1, 'a refusal')
      await waitFor(() => codes.length >= 1, 'a warning')
      assert.equal(codes, ['KEEPER_REFUSED'])
      assert.match(messages[0] ?? '', /does not keep this room: it keeps only what its operator allows/)
      assert.is(eventsAt(keeper), 0)
    },
    { open: false },
  ))

test('the keeper’s token lets in', () =>
  withKeeper(
    async ({ nodes, keeper }) => {
      const token = new TextEncoder().encode('for friends')
      const [configured] = keeper.init.keepers
      const ann = await nodes.start('ann', [], { ...keeper.init, keepers: [{ peer: configured?.peer ?? '', token }] })
      const codes = warningsOf(ann)
      const room = await ann.join('harbour')
      await room.send('hello')
      await waitFor(() => eventsAt(keeper) === 2, 'the message to be kept')
      assert.equal(codes, [])
    },
    { open: false, token: 'for friends' },
  ))

test('the lobby is brought to no keeper, and nothing to a peer that was not named as one', () =>
  withKeeper(async ({ nodes, keeper }) => {
    const ann = await nodes.start('ann', [], { ...keeper.init, clock: hasty })
    const bob = await nodes.start('bob', [], { connect: keeper.init.connect, clock: hasty })
    const lobby = await ann.join('lobby')
    await lobby.send('hello neighbours')
    const private_ = await bob.join('harbour')
    await private_.send('nobody keeps this')
    const other = await ann.join('other')
    await other.send('but this')
    await waitFor(() => eventsAt(keeper) === 2, 'the other room to be kept')
    assert.equal(
      keeper.service.status()?.rooms.map(({ id }) => id),
      [other.id],
    )
  }))

test('a keeper that comes back is brought what was written meanwhile', () =>
  withKeeper(async ({ nodes, peers, keeper, store }) => {
    const ann = await nodes.start('ann', [], keeper.init)
    const room = await ann.join('harbour')
    await room.send('before')
    await waitFor(() => eventsAt(keeper) === 2, 'the message to be kept')
    await keeper.peer.stop()
    assert.is(keeper.service.status(), undefined)
    await room.send('meanwhile')
    const again = await keeping(peers, store, {}, { seed: keeper.seed, listen: [keeper.address] })
    await waitFor(() => eventsAt(again) === 3, 'the other message to be kept', 30_000)
    const bob = await nodes.start('bob', [], again.init)
    const his = await bob.join('harbour')
    await converged([room, his], 2)
  }))

const PASSPHRASE = 'ostrich velvet marmalade'
const ROOMS = ['zanzibar-lighthouse', 'quetzal-workshop']
const NAMES = ['Xanthippe Quillfeather', 'Bartholomew Nightingale']
const BIO = 'collects barometers'
const TEXTS = ['kumquats in the cellar', 'jabberwocky at midnight', 'a wildebeest in the library', 'seventeen purple umbrellas']

/** What must be found nowhere, by what it is: words, and the keys of both rooms. */
async function canaries(): Promise<Map<string, Buffer>> {
  const [open = '', locked = ''] = ROOMS
  const found = new Map([...ROOMS, ...NAMES, ...TEXTS, BIO, PASSPHRASE].map((word) => [word, Buffer.from(word)]))
  const rooms = {
    open: deriveRoomKeys('open', openRoomSecret(open, nativeCrypto), nativeCrypto),
    locked: deriveRoomKeys('locked', await lockedRoomSecret(locked, PASSPHRASE, nativeCrypto), nativeCrypto),
  }
  for (const [room, keys] of Object.entries(rooms))
    for (const each of ['secret', 'messageKey', 'controlKey', 'presenceKey', 'accessSeed'] as const)
      found.set(`${each} of the ${room} room`, Buffer.from(keys[each]))
  return found
}

test('nothing on a keeper’s disk, also opened with its own key, is a text, a name or a key of a room', () =>
  withDirectory(async (dataDir) => {
    const peers = new Peers()
    const { store } = await openStore({ dataDir, crypto: nativeCrypto })
    try {
      await withNodes(async (nodes) => {
        const keeper = await keeping(peers, store)
        const ann = await nodes.start('ann', [], { ...keeper.init, name: NAMES[0] })
        const rooms = [await ann.join(ROOMS[0] as string), await ann.join(ROOMS[1] as string, { passphrase: PASSPHRASE })]
        await ann.setProfile({ name: NAMES[1], bio: BIO })
        for (const room of rooms) for (const text of TEXTS) await room.send(text)
        await nodes.stop(ann)
        assert.is(eventsAt(keeper), 2 * (2 + TEXTS.length))
      })
      const values: Uint8Array[] = []
      for (const table of ['node', 'room', 'run', 'own', 'cid', 'lease', 'kept', 'horizon'] as const)
        for await (const [, value] of store.range([table])) values.push(value)
      const files = await Promise.all((await filesBelow(dataDir)).map((file) => readFile(join(dataDir, file))))
      const plain = Buffer.concat(values)
      assert.ok(plain.length > 3000 && files.length > 3)
      const needles = await canaries()
      assert.is(needles.size, 20)
      for (const [what, needle] of needles) {
        for (const form of [needle, Buffer.from(needle.toString('hex')), Buffer.from(needle.toString('base64').slice(0, -4))])
          assert.is(Buffer.concat([plain, ...files]).includes(form), false, what)
      }
      // They would be found: the room's tag is there.
      const { tag } = deriveRoomKeys('open', openRoomSecret(ROOMS[0] as string, nativeCrypto), nativeCrypto)
      assert.ok(plain.includes(Buffer.from(tag)))
    } finally {
      await peers.close()
      await store.close()
    }
  }))

test.run()
