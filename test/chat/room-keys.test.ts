import { bytesToHex } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkWords, deriveRoomKeys, lockedRoomSecret, openRoomSecret } from '../../src/chat/room-keys.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { fill, rejection } from './support.ts'

const test = suite('chat/room-keys')
const crypto = nativeCrypto

test('an open and a locked room of one name, and two passphrases, have nothing in common', async () => {
  const secrets = [
    openRoomSecret('vault', crypto),
    await lockedRoomSecret('vault', 'correct horse', crypto),
    await lockedRoomSecret('vault', 'wrong horse', crypto),
    await lockedRoomSecret('vault2', 'correct horse', crypto),
  ]
  const rooms = secrets.map((secret, i) => deriveRoomKeys(i === 0 ? 'open' : 'locked', secret, crypto))
  for (const part of ['tag', 'topic', 'messageKey', 'controlKey', 'presenceKey', 'accessKey'] as const)
    assert.is(new Set(rooms.map((room) => String(room[part]))).size, 4, part)
  assert.is(new Set(rooms.map((room) => checkWords(room.tag))).size, 4)
  assert.equal(await lockedRoomSecret('vault', 'correct horse', crypto), secrets[1])
})

test('a passphrase is the same in every Unicode form, and not empty', async () => {
  const composed = await lockedRoomSecret('vault', 'caf\u00e9', crypto)
  assert.equal(await lockedRoomSecret('vault', 'cafe\u0301', crypto), composed)
  assert.is((await rejection(lockedRoomSecret('vault', '', crypto))).name, 'InvalidArgumentError')
})

test('every key of a room has a label of its own', () => {
  const keys = deriveRoomKeys('open', openRoomSecret('a', crypto), crypto)
  const all = [keys.secret, keys.messageKey, keys.controlKey, keys.presenceKey, keys.accessSeed, keys.accessKey].map(bytesToHex)
  assert.is(new Set(all).size, 6)
  assert.equal(keys.tag, crypto.sha256(keys.accessKey).slice(0, 16))
  assert.match(keys.topic, /^p2pnode\/room\/[0-9a-f]{32}$/)
  assert.not.ok(keys.topic.includes(bytesToHex(keys.tag)))
})

test('check words are two English words that follow from the first 22 bits', () => {
  assert.match(checkWords(crypto.randomBytes(16)), /^[a-z]+-[a-z]+$/)
  assert.is(checkWords(fill(0, 16)), 'abandon-abandon')
  assert.is(checkWords(fill(255, 16)), 'zoo-zoo')
  assert.is(checkWords(Uint8Array.of(0, 0, 4)), 'abandon-ability')
  assert.is(checkWords(Uint8Array.of(0, 0x20, 0)), 'ability-abandon')
  assert.is(checkWords(Uint8Array.of(0, 0, 3)), 'abandon-abandon', 'the last two bits say nothing')
})

test.run()
