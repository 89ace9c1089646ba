/**
 * What a relay learns of people: every byte that crosses it is recorded, behind its own encryption, and nothing that speaks of
 * anybody may be in there that `relay status` does not show. What people say to each other is sealed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RelayStatus } from '../../bootstrap/status.ts'
import { PROTOCOL as KAD } from '../../src/node/dht/constants.ts'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { ADD_PROVIDER, addressesIn, type KadMessage, kadMessages, type Piece, readRecord } from '../support/recorded.ts'
import { canRun } from '../support/requirements.ts'
import { converge } from '../support/room-checks.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('system/relay-knows')
const test = canRun(whyNoCommand()) ? suiteOf : suiteOf.skip

const ROOT = join(import.meta.dirname, '../..')
/** What nobody but the members may see. */
const SECRETS = {
  room: 'canary-room-harbour',
  alice: 'canary-name-alice',
  bob: 'canary-name-bob',
  bio: 'canary-bio-plays-the-oboe',
  text: 'canary-text-meet-me-at-nine',
  answer: 'canary-text-under-the-bridge',
}
/** Shorter runs of letters come about by chance, in keys and signatures. */
const SHORTEST_TEXT = 16

/** Texts, peer ids and addresses that are in there in the clear. */
function findings(pieces: Piece[]): { texts: Set<string>; addresses: Set<string>; keys: Set<string> } {
  const found = { texts: new Set<string>(), addresses: new Set<string>(), keys: new Set<string>() }
  for (const { hex } of pieces) {
    const text = Buffer.from(hex, 'hex').toString('latin1')
    for (const [run] of text.matchAll(new RegExp(`[ -~]{${SHORTEST_TEXT},}`, 'g'))) found.texts.add(run)
    for (const address of addressesIn(hexToBytes(hex))) found.addresses.add(address)
    // an Ed25519 public key as libp2p writes it, also inside of peer ids
    for (const [, key = ''] of hex.matchAll(/08011220([0-9a-f]{64})/g)) found.keys.add(key)
  }
  return found
}

const isPlain = ({ protocol }: Piece): boolean => !protocol.includes('/circuit/') && !protocol.includes('/ping/')

/** Of a namespace's key in the DHT: the code and the length of its hash. */
const HASH_PREFIX = '1220'

/** What the DHT told it and the status does not show: who provides what, and where; and hashes that were asked for. */
function unshown(messages: KadMessage[], { dht }: RelayStatus): string[] {
  const told = messages
    .filter(({ type }) => type === ADD_PROVIDER)
    .flatMap(({ key, providers }) =>
      providers.flatMap(({ peerId, addresses }) => [
        `${peerId} under ${bytesToHex(key)}`,
        ...addresses.map((address) => `${peerId} at ${address}`),
      ]),
    )
  const asked = messages.map(({ key }) => bytesToHex(key)).filter((key) => key.startsWith(HASH_PREFIX))
  const shown = dht.records.flatMap(({ peerId, addresses, hashes }) => [
    ...addresses.map((address) => `${peerId} at ${address}`),
    ...hashes
      .filter(({ expires }) => Date.parse(expires) > Date.now())
      .map(({ hash }) => `${peerId} under ${HASH_PREFIX}${hash}`),
    ...hashes.map(({ hash }) => `${HASH_PREFIX}${hash}`),
  ])
  return [...told, ...asked].filter((each) => !shown.includes(each))
}

test('addresses are found behind their length, and not where two bytes are as in one by chance', () => {
  const address = '04c000020706128b' // /ip4/192.0.2.7/tcp/4747
  const found = ['/ip4/192.0.2.7/tcp/4747']
  for (const [what, hex] of Object.entries({
    'a field': `ffff0a08${address}ffff`,
    'with its peer': `1210${address}a503050003010203`,
    'CBOR, short': `8248${address}f6`,
    'CBOR, long': `82582d${address}a503221220${'0f'.repeat(32)}`,
  }))
    assert.equal(addressesIn(hexToBytes(hex)), found, what)
  assert.equal(addressesIn(hexToBytes(`1240${'ab'.repeat(20)}${address}${'cd'.repeat(20)}`)), [], 'in a signature')
})

test('a relay knows of people what its status shows, and nothing else', async () => {
  const base = mkdtempSync(join(tmpdir(), 'p2pnode-knows-'))
  const record = join(base, 'record')
  const started: CliPeer[] = []
  const start = async (init: Parameters<typeof CliPeer.start>[0]): Promise<CliPeer> => {
    const peer = await CliPeer.start(init)
    started.push(peer)
    return peer
  }
  try {
    const hook = join(ROOT, 'test/support/record-streams.js')
    const relay = await start({
      command: 'relay',
      dataDir: join(base, 'relay'),
      args: ['--listen', '/ip4/127.0.0.1/tcp/0', '--keep', 'open'],
      file: join(ROOT, 'src/cli/main.ts'),
      env: { RECORD_STREAMS: record, NODE_OPTIONS: `--import tsx --import ${hook}` },
    })
    const address = relay.ready.addresses[0] ?? ''
    const person = (name: string): Promise<CliPeer> =>
      start({ dataDir: join(base, name), args: [SECRETS.room, '--name', name, '--no-mdns', '--relay', address] })
    const [alice, bob] = [await person(SECRETS.alice), await person(SECRETS.bob)]
    await alice.request('setProfile', { bio: SECRETS.bio })
    await alice.send(SECRETS.room, SECRETS.text)
    await bob.send(SECRETS.room, SECRETS.answer)
    await converge([alice, bob], SECRETS.room, 2, 30_000)
    const both = async (): Promise<boolean> => {
      const { dht, kept } = await relay.request<RelayStatus>('status')
      return dht.records.length === 2 && kept?.rooms.length === 1
    }
    await waitFor(both, 'both to be in the DHT, and the room to be kept', 30_000)
    // The record first: what is in there by now comes to be in the status.
    const pieces = readRecord(record)
    const messages = kadMessages(pieces, KAD)
    assert.ok(messages.filter(({ type }) => type === ADD_PROVIDER).length >= 2 && messages.length >= 4, 'they use the DHT')
    let status = await relay.request<RelayStatus>('status')
    const isShown = async (): Promise<boolean> => {
      status = await relay.request<RelayStatus>('status')
      return unshown(messages, status).length === 0
    }
    await waitFor(isShown, 'all of it to be shown').catch(() => undefined) // and is told of below
    assert.is(status.omitted, undefined)
    assert.equal(unshown(messages, status), [], 'what the DHT told it and it does not show')
    const everything = pieces.map(({ hex }) => hex).join('|')
    for (const secret of Object.values(SECRETS)) assert.not.ok(everything.includes(bytesToHex(utf8ToBytes(secret))), secret)

    const shown = JSON.stringify(status)
    const { texts, addresses, keys } = findings(pieces.filter(isPlain))
    assert.ok(texts.size > 0 && addresses.size > 0 && keys.size > 0, 'the record has something in it')
    const protocols = status.peers.flatMap(({ told }) => told.protocols)
    // What all that use libp2p say of themselves, whoever they are.
    const common = [
      ...protocols,
      '/multistream/1.0.0',
      'libp2p-peer-record',
      'ipfs/0.1.0',
      '/ipfs/id/',
      '/libp2p/circuit/relay/0.2.0/hop',
      '/rendezvous/1.0.0',
      KAD,
      '/p2pnode/keep/1.0.0',
    ]
    const unknown = [...texts].filter((text) => {
      let rest = text
      for (const known of [...common, ...status.peers.flatMap(({ told }) => told.agent ?? [])].sort(
        (a, b) => b.length - a.length,
      ))
        rest = rest.replaceAll(known, ' ')
      const names = rest.match(/p2pnode\/[0-9a-f]{32}/g) ?? []
      for (const name of names) if (shown.includes(name)) rest = rest.replaceAll(name, ' ')
      return rest.split(/\s+/).some((word) => word.length >= SHORTEST_TEXT && !shown.includes(word))
    })
    assert.equal(unknown, [], 'texts that it read and does not show')
    const own = status.addresses.join(' ')
    assert.equal(
      [...addresses].filter((each) => !shown.includes(`${each}/`) && !shown.includes(`${each}"`) && !own.includes(each)),
      [],
      'addresses that it read and does not show',
    )
    // A peer id is the key itself.
    const { peerIdFromString } = await import('@libp2p/peer-id')
    const ids = new Set(shown.match(/12D3KooW[1-9A-HJ-NP-Za-km-z]{44}/g))
    const known = new Set([...ids].map((id) => bytesToHex(peerIdFromString(id).toMultihash().digest).slice(-64)))
    assert.equal(
      [...keys].filter((key) => !known.has(key)),
      [],
      'keys of peers that it read and does not show',
    )
  } finally {
    await Promise.all(started.map((peer) => peer.kill()))
    rmSync(base, { recursive: true, force: true })
  }
})

suiteOf.run()
