import { readFileSync } from 'node:fs'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeBeacon, encodeBeacon, isBeacon } from '../../src/chat/beacon.ts'
import { openBody, profilePayload, sealBody, Type } from '../../src/chat/body.ts'
import { encodeCbor } from '../../src/chat/cbor.ts'
import { portableCrypto } from '../../src/chat/crypto.ts'
import { decodeRun, encodeRun, Kind, verifyRun } from '../../src/chat/event.ts'
import { verifyProfile } from '../../src/chat/identity.ts'
import {
  checkWords,
  deriveRoomKeys,
  lockedRoomSecret,
  openRoomSecret,
  type RoomKeys, tagOf,
} from '../../src/chat/room-keys.ts'
import { canonicalRoomName } from '../../src/room-name.ts'
import { safetyNumber } from '../../src/chat/safety-number.ts'
import { decodeKeepMessage, encodeKeepMessage, keepChallenge } from '../../src/chat/keep-codec.ts'
import { accessChallenge, decodeMessage, encodeMessage, type SyncMessage } from '../../src/chat/sync-codec.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { fixed, vectors } from './generate.ts'

const test = suite('vectors')
const BOTH = { native: nativeCrypto, portable: portableCrypto }

/** The shape of the files; byte strings are hex. */
interface Files {
  rooms: {
    open: { typed: string; name: string; tag: string; topic: string; namespace: string; accessKey: string; check: string }[]
    locked: [{ name: string; passphrase: string; secret: string; tag: string }]
  }
  events: {
    author: string
    bodies: { what: string; kind: number; seq: number; plaintext: string; sealed: string }[]
    runs: { what: string; headers: string[]; ids: string[]; encoded: string }[]
  }
  beacons: {
    seed: string
    beacons: { start: number; counter: number; state: number; digest: string; tips: unknown[]; encoded: string }[]
  }
  sync: {
    messages: { message: { type: string }; encoded: string }[]
    access: {
      room: string
      accessKey: string
      nonces: [string, string]
      peers: [string, string]
      proofs: { role: 'initiator' | 'responder'; challenge: string; proof: string }[]
    }
  }
  keep: {
    messages: { message: { type: string }; encoded: string }[]
    access: {
      room: string
      accessKey: string
      tag: string
      nonces: [string, string]
      peers: [string, string]
      challenge: string
      proof: string
    }
  }
  identity: {
    entropy: string
    phrase: string
    account: string
    device: string
    created: number
    certificate: string
    roomTag: string
    author: string
    profile: { name: string; bio: string; binding: string }
    safety: { other: string; number: string }
    forged: { publicKey: string; message: string; signature: string }
  }
}

const read = <K extends keyof Files>(name: K): Files[K] =>
  JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8')) as Files[K]
const bytes = (hex: string): Uint8Array => hexToBytes(hex)

for (const [which, crypto] of Object.entries(BOTH)) {
  const lobby: RoomKeys = deriveRoomKeys('open', openRoomSecret('lobby', crypto), crypto)

  test(`${which}: everything is encoded as it was when the vectors were written`, async () => {
    for (const [name, content] of Object.entries(await vectors(crypto)))
      assert.equal(content, read(name as keyof Files), `${name}.json: the format has changed`)
  })

  test(`${which}: a room's name and passphrase give its keys`, async () => {
    const { open, locked } = read('rooms')
    assert.is(open.length, 9)
    for (const each of open) {
      assert.is(canonicalRoomName(each.typed), each.name)
      const keys = deriveRoomKeys('open', openRoomSecret(each.name, crypto), crypto)
      assert.equal(
        [bytesToHex(keys.tag), keys.topic, keys.namespace, bytesToHex(keys.accessKey), checkWords(keys.tag)],
        [each.tag, each.topic, each.namespace, each.accessKey, each.check],
      )
    }
    const [vault] = locked
    const secret = await lockedRoomSecret(vault.name, vault.passphrase, crypto)
    assert.equal([bytesToHex(secret), bytesToHex(deriveRoomKeys('locked', secret, crypto).tag)], [vault.secret, vault.tag])
  })

  test(`${which}: bodies open, and are sealed again to the same bytes`, () => {
    const { bodies, author } = read('events')
    assert.is(bodies.length, 6)
    for (const { what, kind, seq, plaintext, sealed } of bodies) {
      const key = kind === Kind.control ? lobby.controlKey : lobby.messageKey
      const place = { roomTag: lobby.tag, author: bytes(author), seq }
      const body = openBody(bytes(sealed), key, place, kind, crypto)
      const { hlc, type, parents, controlHeads, payload, ext } = body
      assert.is(bytesToHex(encodeCbor([hlc, type, parents, controlHeads, payload, ext])), plaintext, what)
      assert.is(bytesToHex(sealBody(body, key, place, kind, fixed(crypto))), sealed, what)
      if (type === Type.profile) assert.is(profilePayload(body).name, 'Ann')
    }
  })

  test(`${which}: runs are decoded, verified, and encoded again to the same bytes`, () => {
    const { runs } = read('events')
    assert.equal(
      runs.map(({ ids }) => ids.length),
      [1, 3, 3],
    )
    for (const { what, headers, ids, encoded } of runs) {
      const run = decodeRun(bytes(encoded), crypto)
      assert.ok(verifyRun(run, crypto), what)
      assert.equal(run.ids.map(bytesToHex), ids)
      assert.equal(
        headers.map((header) => bytesToHex(crypto.sha256(bytes(header)))),
        ids,
        'an id is the hash of the header',
      )
      assert.is(bytesToHex(encodeRun(run)), encoded, what)
    }
    const [, whole, bare] = runs
    assert.equal(whole?.ids, bare?.ids)
    assert.is(decodeRun(bytes(bare?.encoded ?? ''), crypto).entries[1]?.body, undefined)
  })

  test(`${which}: beacons are decoded, and encoded again to the same bytes`, () => {
    const { seed, beacons } = read('beacons')
    assert.is(beacons.length, 3)
    for (const { start, counter, state, digest, tips, encoded } of beacons) {
      assert.ok(isBeacon(bytes(encoded)))
      const beacon = decodeBeacon(bytes(encoded), lobby, crypto)
      assert.equal(
        [beacon.start, beacon.counter, beacon.state, bytesToHex(beacon.digest), beacon.tips],
        [start, counter, state, digest, tips],
      )
      assert.is(bytesToHex(encodeBeacon(beacon, lobby, bytes(seed), fixed(crypto))), encoded)
    }
  })

  test(`${which}: the proofs of access are those of the room`, () => {
    const { room, accessKey, nonces, peers, proofs } = read('sync').access
    assert.equal([room, bytesToHex(lobby.accessKey)], ['lobby', accessKey])
    for (const { role, challenge, proof } of proofs) {
      const made = accessChallenge(role, lobby.tag, [bytes(nonces[0]), bytes(nonces[1])], peers)
      assert.is(bytesToHex(made), challenge)
      assert.ok(crypto.verify(bytes(accessKey), made, bytes(proof)))
    }
    assert.is.not(proofs[0]?.challenge, proofs[1]?.challenge)
  })

  test(`${which}: the proof for a keeper is that of the room, and its tag is made of the access key`, () => {
    const { room, accessKey, tag, nonces, peers, challenge, proof } = read('keep').access
    const keys = deriveRoomKeys('open', openRoomSecret(room, crypto), crypto)
    assert.equal([bytesToHex(keys.accessKey), bytesToHex(tagOf(bytes(accessKey), crypto))], [accessKey, tag])
    const made = keepChallenge(keys.tag, [bytes(nonces[0]), bytes(nonces[1])], peers)
    assert.is(bytesToHex(made), challenge)
    assert.ok(crypto.verify(bytes(accessKey), made, bytes(proof)))
  })

  test(`${which}: certificate, binding, phrase and safety number follow from the account`, () => {
    const { entropy, phrase, account, device, created, certificate, roomTag, author, profile, safety } = read('identity')
    assert.equal(mnemonicToEntropy(phrase, wordlist), bytes(entropy))
    assert.is(bytesToHex(crypto.publicKey(crypto.hkdf(bytes(entropy), 'p2pnode/account/v1', 32))), account)
    const claims = {
      ...profile,
      account: bytes(account),
      device: bytes(device),
      created,
      certificate: bytes(certificate),
      binding: bytes(profile.binding),
    }
    assert.ok(verifyProfile(claims, bytes(roomTag), bytes(author), crypto))
    assert.is(safetyNumber(safety.other, account), safety.number)
  })

  test(`${which}: the forged signature is refused`, () => {
    const { publicKey, message, signature } = read('identity').forged
    assert.ok(crypto.isValidKey(bytes(publicKey)))
    assert.not.ok(crypto.verify(bytes(publicKey), bytes(message), bytes(signature)))
  })
}

test('sync messages are decoded, and encoded again to the same bytes', () => {
  const { messages } = read('sync')
  const types = new Set<string>()
  for (const { message, encoded } of messages) {
    const decoded: SyncMessage = decodeMessage(bytes(encoded))
    types.add(decoded.type)
    assert.is(decoded.type, message.type)
    assert.is(bytesToHex(encodeMessage(decoded)), encoded, message.type)
  }
  assert.is(types.size, 8, 'every type of message has a vector')
})

test('keep messages are decoded, and encoded again to the same bytes', () => {
  const types = new Set<string>()
  for (const { message, encoded } of read('keep').messages) {
    const decoded = decodeKeepMessage(bytes(encoded))
    types.add(decoded.type)
    assert.is(decoded.type, message.type)
    assert.is(bytesToHex(encodeKeepMessage(decoded)), encoded, message.type)
  }
  assert.is(types.size, 5, 'every type of message has a vector')
})

test.run()
