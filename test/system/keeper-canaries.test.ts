/**
 * A keeper stores what Alice writes and gives it to Bob when she has gone. Whatever a person can put in is looked for where the
 * keeper's operator, or whoever takes the machine from him, could look: memory, disk, logs, figures and traffic.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entropyToMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RelayStatus } from '../../bootstrap/status.ts'
import { encodeCbor } from '../../src/chat/cbor.ts'
import { loadIdentity } from '../../src/chat/identity.ts'
import { deriveRoomKeys, lockedRoomSecret, openRoomSecret, type RoomKeys } from '../../src/chat/room-keys.ts'
import type { Message } from '../../src/client/client.ts'
import { nativeCrypto as crypto } from '../../src/native-crypto.ts'
import { canonicalRoomName } from '../../src/room-name.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { Store, Table } from '../../src/storage/store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { Capture, whyNoCapture } from '../support/capture.ts'
import { BUILT, CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { dumpMemory, whyNoDump } from '../support/memory-dump.ts'
import { Needles } from '../support/needles.ts'
import { canRun } from '../support/requirements.ts'
import { SlowWay } from '../support/slow-way.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('system/keeper-canaries')
const test = canRun(whyNoCommand(), whyNoCapture(), whyNoDump()) ? suiteOf : suiteOf.skip

/** Where all of this takes place, and nothing else. */
const HOST = '127.0.77.1'

/** What people put in. Some are longer than one byte a character in UTF-8, in V8's strings, or in both. */
const CANARIES = {
  'open room': 'zanzibar-leuchttürme',
  'locked room': 'quetzal-workshop',
  'local name of the room': 'the-kitchen-table-people',
  'room passphrase': 'ostrich velvet marmalade',
  'store passphrase': 'periwinkle bassoon harvest',
  'first name': 'Xanthippe Quillfeather',
  'later name': 'Éléonore Æsop-Brontë',
  bio: 'plays the theorbo on Thursdays',
  "Bob's name": 'Бартоломей Соловей',
  "Bob's bio": 'breeds axolotls near Łódź',
  'ASCII text': 'the kumquats are in the cellar',
  'Latin-1 text': 'rendez-vous à l’écluse, très tôt'.replace('’', "'"),
  'Cyrillic text': 'бармаглот в полночь',
  'emoji text': '🦉🗝️🪞🕯️ at the gate',
  'long text': 'a wildebeest in the library',
  reply: 'seventeen purple umbrellas',
  action: 'hides the harpsichord',
  'text in the locked room': 'the ink is invisible after dusk',
  cid: 'idempotent-pangolin-0042',
  "Bob's answer": 'jabberwocky, then; bring the lantern',
} as const
const OPEN_ROOM = CANARIES['open room']
const LOCAL_NAME = CANARIES['local name of the room']
/** Its keeper has to know it. */
const TOKEN = 'tamarind-for-friends-only'

/** One message nearly as long as may be, so often that to fetch them takes many times what lies in buffers on the way. */
const LONG_TEXT = `${'.'.repeat(20_000)}${CANARIES['long text']}${'.'.repeat(10_000)}`
const LONG_TEXTS = 100
/** After so many bytes to Bob his way stands still. */
const FIRST_PART = 512 * 1024
const PATIENCE = 30_000
const TABLES: Table[] = ['node', 'room', 'run', 'own', 'cid', 'lease', 'kept', 'horizon']

interface Rooms {
  open: RoomKeys
  locked: RoomKeys
}

async function roomsOf(): Promise<Rooms> {
  const locked = await lockedRoomSecret(canonicalRoomName(CANARIES['locked room']), CANARIES['room passphrase'], crypto)
  return {
    open: deriveRoomKeys('open', openRoomSecret(canonicalRoomName(OPEN_ROOM), crypto), crypto),
    locked: deriveRoomKeys('locked', locked, crypto),
  }
}

/** What only the members of the rooms may have: what they typed, and the keys that follow from it. */
function secretsOf(rooms: Rooms): Needles {
  const needles = new Needles()
  for (const [name, value] of Object.entries(CANARIES)) needles.text(name, value)
  for (const [room, keys] of Object.entries(rooms)) {
    for (const key of ['secret', 'messageKey', 'controlKey', 'presenceKey', 'accessSeed'] as const)
      needles.bytes(`${room} ${key}`, keys[key])
    needles.text(`${room} topic`, keys.topic)
  }
  return needles
}

/** What else only a person's own device may have; and the account, which says who somebody is in all rooms. */
async function addIdentity(needles: Needles, who: string, dataDir: string): Promise<void> {
  const { store } = await openStore({ dataDir, passphrase: CANARIES['store passphrase'], crypto, create: false })
  const { identity } = await loadIdentity(store, crypto, systemClock)
  for (const key of ['entropy', 'accountSeed', 'account', 'deviceSeed'] as const) needles.bytes(`${key} of ${who}`, identity[key])
  needles.text(`recovery phrase of ${who}`, entropyToMnemonic(identity.entropy, wordlist))
  let authors = 0
  for await (const [key, seed] of store.range(['own']))
    if (key[2] === 'author') needles.bytes(`author seed ${++authors} of ${who}`, seed)
  assert.is(authors, 2)
  await store.close()
}

/** What a keeper cannot but know: a search that does not find it finds nothing. */
function knownOf(rooms: Rooms, { peerId }: { peerId: string }): Needles {
  const needles = new Needles()
  needles.text('peer id', peerId)
  for (const [room, { tag }] of Object.entries(rooms)) needles.bytes(`${room} tag`, tag)
  return needles
}

/** The names of what is in the memory of a process: of each of the lists. */
async function inMemory({ pid }: CliPeer, ...lists: Needles[]): Promise<Set<string>[]> {
  const found = lists.map(() => new Set<string>())
  const overlap = Math.max(...lists.map(({ longest }) => longest))
  const { bytes, unread } = await dumpMemory(pid, overlap, (piece) => {
    for (const [at, needles] of lists.entries()) for (const name of needles.in(piece)) found[at]?.add(name)
  })
  assert.ok(unread < bytes / 100, `${unread} bytes of the memory could not be read`)
  return found
}

/** A keeper has in memory what it knows, and nothing of the secrets. */
async function assertKnowsNothing(keeper: CliPeer, secrets: Needles, known: Needles): Promise<void> {
  const [leaked = new Set(), found = new Set()] = await inMemory(keeper, secrets, known)
  assert.equal([...leaked], [], 'in the memory of the keeper')
  assert.equal(
    known.names.filter((name) => !found.has(name)),
    [],
    'what the keeper knows is found in its memory',
  )
}

/** Everything that a store holds, as it was before it was sealed and compressed. */
async function contentsOf(store: Store): Promise<Uint8Array> {
  const records: Uint8Array[] = []
  for (const table of TABLES)
    for await (const [key, value] of store.range([table])) records.push(encodeCbor(key.filter((part) => part !== table)), value)
  return Buffer.concat(records)
}

function* filesBelow(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) yield join(entry.parentPath, entry.name)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** One keeper, and who uses it. Everything is gone after `end`. */
class Setting {
  readonly base = mkdtempSync(join(tmpdir(), 'p2pnode-keeper-canaries-'))
  readonly keeperDir = this.#directory('keeper')
  readonly log = join(this.base, 'keeper.log')
  readonly captured = join(this.base, 'capture.pcap')
  readonly #token = this.#secretFile('token', TOKEN)
  readonly #storePassphrase = this.#secretFile('passphrase', CANARIES['store passphrase'])
  readonly #ends: (() => unknown)[] = []
  /** Of the keeper: everything it wrote to stdout and stderr. */
  output = ''

  async capture(): Promise<Capture> {
    const capture = await Capture.start(this.captured, HOST)
    this.#ends.push(() => capture.kill())
    return capture
  }

  async keeper(metrics: number): Promise<CliPeer> {
    const listen = ['--listen', `/ip4/${HOST}/tcp/0`, '--metrics', `${metrics}`]
    const log = ['--log-level', 'trace', '--log-file', this.log]
    const args = [...listen, ...log, '--keep', 'open', '--keep-token-file', this.#token]
    const onOutput = (text: string): void => {
      this.output += text
    }
    return this.#started({ command: 'relay', dataDir: this.keeperDir, args, onOutput })
  }

  person(name: string, shownAs: string, relay: string): Promise<CliPeer> {
    const files = ['--passphrase-file', this.#storePassphrase, '--keep-token-file', this.#token]
    const network = ['--no-mdns', '--listen', `/ip4/${HOST}/tcp/0`, '--relay', relay]
    return this.#started({ dataDir: join(this.base, name), args: [OPEN_ROOM, '--name', shownAs, ...files, ...network] })
  }

  /** A way to the keeper that stands still in the middle, and the address of its beginning. */
  async slowWay({ ready }: CliPeer): Promise<{ way: SlowWay; address: string }> {
    const address = ready.addresses[0] ?? ''
    const way = await SlowWay.to(HOST, Number(/\/tcp\/(\d+)\//.exec(address)?.[1]), FIRST_PART)
    this.#ends.push(() => way.close())
    return { way, address: address.replace(/\/tcp\/\d+\//, `/tcp/${way.port}/`) }
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end()
    rmSync(this.base, { recursive: true, force: true })
  }

  async #started(init: Parameters<typeof CliPeer.start>[0]): Promise<CliPeer> {
    const peer = await CliPeer.start(init)
    this.#ends.push(() => peer.kill())
    return peer
  }

  #directory(name: string): string {
    const directory = join(this.base, name)
    mkdirSync(directory)
    return directory
  }

  #secretFile(name: string, secret: string): string {
    const file = join(this.base, name)
    writeFileSync(file, `${secret}\n`, { mode: 0o600 })
    return file
  }
}

const isKept = (messages: Message[]): boolean =>
  messages.length > 0 && messages.every(({ held, via }) => via !== 'self' || held?.keepers === 1)

/** Whether the keeper has all that a peer wrote in a room: first the newest, for the whole is long. */
async function isAllKept(peer: CliPeer, room: string): Promise<boolean> {
  const { messages } = await peer.request<{ messages: Message[] }>('history', { room, limit: 1 })
  return isKept(messages) && isKept(await peer.history(room))
}

/** Alice puts in whatever there is to put in. */
async function fillIn(alice: CliPeer): Promise<void> {
  const room = OPEN_ROOM
  await alice.request('join', { room: CANARIES['locked room'], passphrase: CANARIES['room passphrase'], as: LOCAL_NAME })
  await alice.send(room, CANARIES['ASCII text'])
  await alice.request('setProfile', { name: CANARIES['later name'], bio: CANARIES.bio })
  for (let n = 0; n < LONG_TEXTS; n++) await alice.send(room, LONG_TEXT)
  const { id } = await alice.send(room, CANARIES['Cyrillic text'], CANARIES.cid)
  await alice.request('send', { room, text: CANARIES.reply, replyTo: id })
  await alice.request('send', { room, text: CANARIES.action, action: true })
  await alice.send(room, CANARIES['emoji text'])
  await alice.send(room, CANARIES['Latin-1 text'])
  await alice.send(LOCAL_NAME, CANARIES['text in the locked room'])
}

/** What `relay status` and the figures say. */
async function figuresOf(keeperDir: string, metrics: number): Promise<string> {
  const line = [BUILT, 'relay', 'status', '--data-dir', keeperDir]
  const [text, json] = [line, [...line, '--json']].map((each) => execFileSync(process.execPath, each, { encoding: 'utf8' }))
  const pages = ['metrics', 'healthz'].map(async (path) => (await fetch(`http://127.0.0.1:${metrics}/${path}`)).text())
  return [text, json, ...(await Promise.all(pages))].join('\n')
}

/** Everything of a keeper that stays, or that others see, and where it is. Of the disk first as it lies there, then as it is read. */
async function placesOf(setting: Setting, figures: string): Promise<Map<string, Uint8Array>> {
  const places = new Map<string, Uint8Array>([
    ['its output', Buffer.from(setting.output)],
    ['its figures', Buffer.from(figures)],
    ['the names of its files', Buffer.from([...filesBelow(setting.keeperDir)].join('\n'))],
    ['its log', readFileSync(setting.log)],
    ['its traffic', readFileSync(setting.captured)],
  ])
  for (const path of filesBelow(setting.keeperDir)) places.set(path, readFileSync(path))
  const { store } = await openStore({ dataDir: join(setting.keeperDir, 'relay'), crypto, create: false })
  places.set('its store', await contentsOf(store))
  await store.close()
  return places
}

/** Alice comes, fills in, and goes when the keeper has everything. Answers the digest of the open room. */
async function aliceWasHere(setting: Setting, keeper: CliPeer, secrets: Needles): Promise<string> {
  const alice = await setting.person('alice', CANARIES['first name'], keeper.ready.addresses[0] ?? '')
  await fillIn(alice)
  for (const room of [OPEN_ROOM, LOCAL_NAME]) await waitFor(() => isAllKept(alice, room), `all of ${room} to be kept`, PATIENCE)
  const { digest } = await alice.digest(OPEN_ROOM)
  const [own = new Set()] = await inMemory(alice, secrets)
  for (const name of ['open room', 'later name', 'bio', 'local name of the room', 'open messageKey', 'locked accessSeed'])
    assert.ok(own.has(name), `the ${name} is found in Alice's own memory`)
  assert.ok(
    [...own].some((name) => /text/.test(name)),
    "texts are found in Alice's own memory",
  )
  assert.is(await alice.stop(), 0)
  await addIdentity(secrets, 'Alice', join(setting.base, 'alice'))
  return digest
}

/** Bob comes when she has gone; the keeper is looked into when it has served him a part. */
async function bobIsServed(setting: Setting, keeper: CliPeer, secrets: Needles, digest: string): Promise<CliPeer> {
  const known = knownOf(await roomsOf(), keeper.ready)
  const { way, address } = await setting.slowWay(keeper)
  const bob = await setting.person('bob', CANARIES["Bob's name"], address)
  await bob.request('join', { room: CANARIES['locked room'], passphrase: CANARIES['room passphrase'] })
  await waitFor(() => way.isStopped, 'the keeper to be in the middle', PATIENCE)
  await assertKnowsNothing(keeper, secrets, known)
  assert.ok(((await keeper.request<RelayStatus>('status')).kept?.visits ?? 0) > 0, 'the keeper is serving')
  way.goOn()
  await waitFor(async () => (await bob.digest(OPEN_ROOM)).digest === digest, 'Bob to have all of the open room', PATIENCE)
  const locked = async (): Promise<boolean> => (await bob.history(CANARIES['locked room'])).length === 1
  await waitFor(locked, 'Bob to have all of the locked room', PATIENCE)
  await bob.request('setProfile', { bio: CANARIES["Bob's bio"] })
  await bob.send(OPEN_ROOM, CANARIES["Bob's answer"])
  await waitFor(() => isAllKept(bob, OPEN_ROOM), 'his answer to be kept', PATIENCE)
  return bob
}

test('nothing that people put in is in the memory, on the disk, in the logs, the figures or the traffic of their keeper', async () => {
  const setting = new Setting()
  try {
    assert.is(Object.keys(CANARIES).length, 20)
    const capture = await setting.capture()
    const metrics = await freePort()
    const keeper = await setting.keeper(metrics)
    const rooms = await roomsOf()
    const secrets = secretsOf(rooms)
    const digest = await aliceWasHere(setting, keeper, secrets)
    const bob = await bobIsServed(setting, keeper, secrets, digest)
    const read = new Set((await bob.history(OPEN_ROOM)).map(({ text }) => text))
    for (const name of ['ASCII text', 'Latin-1 text', 'Cyrillic text', 'emoji text', 'reply', 'action'] as const)
      assert.ok(read.has(CANARIES[name]), `Bob has the ${name}`)
    const figures = await figuresOf(setting.keeperDir, metrics)
    assert.is(await bob.stop(), 0)
    await addIdentity(secrets, 'Bob', join(setting.base, 'bob'))
    await assertKnowsNothing(keeper, secrets, knownOf(rooms, keeper.ready))
    assert.is(await keeper.stop(), 0)
    await capture.stop()

    secrets.text('keep token', TOKEN)
    const places = await placesOf(setting, figures)
    for (const [place, bytes] of places) assert.equal([...secrets.in(bytes)], [], place)
    // Each of them is what it is taken for.
    const known = knownOf(rooms, keeper.ready)
    const seen = (place: string): string[] => [...known.in(places.get(place) ?? new Uint8Array())].sort()
    const named = ['locked tag in hex', 'open tag in hex', 'peer id']
    assert.equal([seen('its output'), seen('its figures')], [named, named])
    assert.equal([seen('its store'), seen('its log')], [['locked tag', 'open tag'], ['peer id']])
    // Up and down.
    assert.ok((places.get('its traffic')?.length ?? 0) > 2 * LONG_TEXTS * LONG_TEXT.length)
    assert.ok(Buffer.from(places.get('its traffic') ?? []).includes('/multistream/1.0.0'))
  } finally {
    await setting.end()
  }
})

suiteOf.run()
