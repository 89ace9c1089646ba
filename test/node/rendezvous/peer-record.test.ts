import '../../../src/shims.node.ts'
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { addressesIn, OwnRecord, openPeerRecord } from '../../../src/node/rendezvous/peer-record.ts'
import { ADDRESS, bytes, fieldsOf, keyOf, type RecordParts, signedRecord, varint } from './support.ts'

const test = suite('node/rendezvous/peer-record')
const key = await keyOf(1)
const peerId = peerIdFromPrivateKey(key)
const NOT_SIGNED = 'not an envelope that is signed as a peer record'
const RFC: RecordParts = { domain: 'libp2p-routing-state', payloadType: utf8ToBytes('/libp2p/routing-state-record') }

async function refused(envelope: Uint8Array): Promise<string> {
  try {
    await openPeerRecord(envelope)
  } catch (error) {
    assert.is((error as Error).name, 'InvalidEventError')
    return (error as Error).message
  }
  throw new Error('it was opened')
}

test('opens a record that was written from the RFCs, in the form of go and js and in that of rust', async () => {
  for (const form of [{}, RFC]) {
    const record = await openPeerRecord(
      await signedRecord(key, { ...form, seq: 2n ** 63n, addresses: [ADDRESS, '/dns4/a/tcp/1/ws'] }),
    )
    assert.is(record.peerId.toString(), peerId.toString())
    assert.is(record.seq, 2n ** 63n)
    assert.equal(record.multiaddrs.map(String), [ADDRESS, '/dns4/a/tcp/1/ws'])
  }
})

test('opens a record signed by a key of every kind that peers have', async () => {
  for (const kind of ['Ed25519', 'secp256k1', 'RSA'] as const) {
    const other = await generateKeyPair(kind as 'Ed25519')
    const record = await openPeerRecord(await signedRecord(other))
    assert.is(record.peerId.toString(), peerIdFromPrivateKey(other).toString(), kind)
  }
})

test('refuses a signature that is wrong, of another key, or for another purpose', async () => {
  const other = await keyOf(2)
  const spoil = (signature: Uint8Array): Uint8Array => signature.map((byte, i) => (i === 7 ? byte ^ 1 : byte))
  const forgeries: RecordParts[] = [
    { spoil },
    { spoil: () => new Uint8Array() },
    { publicKey: publicKeyToProtobuf(other.publicKey) },
    { domain: 'libp2p-routing-state' },
    { ...RFC, domain: 'libp2p-peer-record' },
    { domain: 'somewhere else', payloadType: Uint8Array.of(3, 2) },
  ]
  for (const forgery of forgeries) assert.is(await refused(await signedRecord(key, forgery)), NOT_SIGNED)
})

test('refuses a signature by a key of a kind that no peer has', async () => {
  const other = await generateKeyPair('ECDSA')
  assert.is(await refused(await signedRecord(other, { peerId: peerId.toMultihash().bytes })), NOT_SIGNED)
})

test('refuses a record that names another peer than its signer', async () => {
  const other = peerIdFromPrivateKey(await keyOf(2))
  for (const named of [other.toMultihash().bytes, new Uint8Array(), peerId.toMultihash().bytes.subarray(1)])
    assert.is(await refused(await signedRecord(key, { peerId: named })), 'a peer record by another than it names')
})

test('refuses what is no envelope, or one without a key', async () => {
  const fields = fieldsOf(await signedRecord(key))
  const without = (field: number): Uint8Array =>
    concatBytes(...[...fields].filter(([each]) => each !== field).map(([each, [value]]) => bytes(each, value as Uint8Array)))
  for (const envelope of [new Uint8Array(), Uint8Array.of(0xff), utf8ToBytes('x'.repeat(500)), ...[1, 2, 3, 5].map(without)])
    await refused(envelope)
})

test('refuses more than 4 KiB, more than 32 addresses, and one of more than 256 bytes', async () => {
  const path = (length: number): Uint8Array => concatBytes(varint(400), varint(length - 4), new Uint8Array(length - 4).fill(97)) // unix, 2 + 2 bytes before the path
  const opened = async (addresses: (string | Uint8Array)[]) =>
    (await openPeerRecord(await signedRecord(key, { addresses }))).multiaddrs
  assert.is(path(256).length, 256)
  assert.is((await opened([path(256)])).length, 1)
  assert.is(await refused(await signedRecord(key, { addresses: [path(257)] })), 'an address that is too long')
  assert.is((await opened(Array(32).fill(ADDRESS))).length, 32)
  assert.is(await refused(await signedRecord(key, { addresses: Array(33).fill(ADDRESS) })), 'too many addresses')
  assert.is(await refused(await signedRecord(key, { addresses: Array(20).fill(path(256)) })), 'a peer record that is too large')
})

test('leaves out addresses that it cannot read, and keeps the others', async () => {
  const addresses = [Uint8Array.of(0x99, 0x99, 0x01, 5), ADDRESS, Uint8Array.of(4, 1), new Uint8Array()]
  const envelope = await signedRecord(key, { addresses })
  assert.equal((await openPeerRecord(envelope)).multiaddrs.map(String), [ADDRESS])
  assert.equal(addressesIn(envelope).map(String), [ADDRESS])
})

function ownRecord(addresses: string[]): OwnRecord {
  const getAddresses = () => addresses.map((address) => multiaddr(`${address}/p2p/${peerId}`))
  return new OwnRecord({ peerId, privateKey: key, addressManager: { getAddresses } })
}

test('signs its own record once, and anew when its addresses change', async () => {
  const addresses = [ADDRESS]
  const own = ownRecord(addresses)
  const [first, again] = await Promise.all([own.envelope(), own.envelope()])
  assert.is(first, again)
  const opened = await openPeerRecord(first)
  assert.is(opened.peerId.toString(), peerId.toString())
  assert.equal(opened.multiaddrs.map(String), [ADDRESS])
  addresses.push('/ip4/192.0.2.8/tcp/1')
  assert.is(own.addresses, `${ADDRESS} /ip4/192.0.2.8/tcp/1`)
  const second = await openPeerRecord(await own.envelope())
  assert.is(second.multiaddrs.length, 2)
  assert.ok(second.seq > opened.seq)
})

test('has a newer record with the same addresses when it is told to', async () => {
  const own = ownRecord([ADDRESS])
  const first = await openPeerRecord(await own.envelope())
  own.renew()
  const second = await openPeerRecord(await own.envelope())
  assert.ok(second.seq > first.seq)
  assert.equal(second.multiaddrs.map(String), [ADDRESS])
})

test('tells others no loopback address while it has another, but relayed ones', async () => {
  const relayed = `/ip4/127.0.0.1/tcp/4747/p2p/${peerIdFromPrivateKey(await keyOf(2))}/p2p-circuit`
  assert.is(ownRecord(['/ip4/127.0.0.1/tcp/1', ADDRESS, '/ip6/::1/tcp/1', relayed]).addresses, `${ADDRESS} ${relayed}`)
  assert.is(ownRecord(['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1']).addresses, '/ip4/127.0.0.1/tcp/1 /ip6/::1/tcp/1')
})

test('has no record without an address, and never more than 32', async () => {
  const error = await ownRecord([])
    .envelope()
    .catch((failure: Error) => failure)
  assert.is((error as Error).name, 'UnreachableError')
  const many = ownRecord(Array.from({ length: 40 }, (_, i) => `/ip4/192.0.2.7/tcp/${i + 1}`))
  assert.is((await openPeerRecord(await many.envelope())).multiaddrs.length, 32)
})

test.run()
