import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { LogEvent } from '../../src/chat/author-log.ts'
import type { ProfilePayload } from '../../src/chat/body.ts'
import {
  checkBio,
  checkName,
  createProfile,
  fingerprintOf,
  type Identity,
  loadIdentity,
  recoveryPhrase,
  saveIdentity,
  shownName,
  verifyProfile,
} from '../../src/chat/identity.ts'
import { Members } from '../../src/chat/members.ts'
import { safetyNumber } from '../../src/chat/safety-number.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { fill, MapStore, thrown } from './support.ts'

const test = suite('chat/identity')
const crypto = nativeCrypto
const clock = new VirtualClock()
const tag = fill(1, 16)
const person = async (name?: string, store = new MapStore()): Promise<Identity> =>
  (await loadIdentity(store, crypto, clock, name)).identity

/** An author key of a room, as the members of the room see it. */
const author = (byte: number): Uint8Array => crypto.publicKey(fill(byte))
const profileOf = (identity: Identity, key: Uint8Array, roomTag = tag): ProfilePayload =>
  createProfile(identity, roomTag, key, crypto)
const event = (key: Uint8Array, hlc = 1): LogEvent =>
  ({ hlc, author: { name: bytesToHex(key), key }, seq: 1, id: bytesToHex(crypto.sha256(utf8ToBytes(`${hlc}`))) }) as LogEvent

test('an identity is made once and then kept, name and all', async () => {
  const store = new MapStore()
  const first = await person('Ann', store)
  assert.equal(await person(undefined, store), first)
  assert.is(store.batches, 1)
  const renamed = await loadIdentity(store, crypto, clock, 'Anne')
  assert.equal([renamed.identity.name, renamed.renamed], ['Anne', true])
  assert.equal(renamed.identity.account, first.account)
  assert.is((await person(undefined, store)).name, 'Anne')
  await saveIdentity(store, { ...first, bio: 'hi' })
  assert.is((await person(undefined, store)).bio, 'hi')
})

test('without a name there is a readable random one', async () => {
  assert.match((await person()).name, /^[a-z]+-[a-z]+$/)
})

test('account and device are different keys, both admissible, and no two people share one', async () => {
  const [ann, bob] = [await person(), await person()]
  const keys = [ann.account, ann.device, bob.account, bob.device]
  assert.is(new Set(keys.map(bytesToHex)).size, 4)
  for (const key of keys) assert.ok(crypto.isValidKey(key))
})

test('the recovery phrase is 24 words from which the account comes', async () => {
  const ann = await person()
  const phrase = recoveryPhrase(ann)
  assert.is(phrase.split(' ').length, 24)
  const entropy = mnemonicToEntropy(phrase, wordlist)
  assert.equal(crypto.publicKey(crypto.hkdf(entropy, 'p2pnode/account/v1', 32)), ann.account)
})

test('a profile proves account, device and author key, in its own room only', async () => {
  const ann = await person()
  const profile = profileOf(ann, author(1))
  assert.ok(verifyProfile(profile, tag, author(1), crypto))
  assert.not.ok(verifyProfile(profile, tag, author(2), crypto))
  assert.not.ok(verifyProfile(profile, fill(2, 16), author(1), crypto))
})

test('nobody becomes another with what that one has published', async () => {
  const [ann, bob] = [await person('Ann'), await person('Bob')]
  const [hers, his] = [profileOf(ann, author(1)), profileOf(bob, author(2))]
  const forged: ProfilePayload[] = [
    hers, // all of it, under another author key
    { ...his, account: ann.account },
    { ...his, account: ann.account, certificate: hers.certificate },
    { ...hers, binding: his.binding },
    { ...hers, device: bob.device, binding: his.binding },
    { ...his, account: ann.account, device: ann.device, certificate: hers.certificate },
    { ...hers, binding: crypto.sign(bob.deviceSeed, concatBytes(utf8ToBytes('p2pnode/author/v1'), tag, author(2))) },
  ]
  for (const profile of forged) assert.not.ok(verifyProfile(profile, tag, author(2), crypto))
  assert.not.ok(verifyProfile({ ...hers, created: hers.created + 1 }, tag, author(1), crypto), 'the certificate covers its date')
})

test('a profile under a key of small order proves nothing', async () => {
  const small = fill(0)
  small[0] = 1
  const ann = profileOf(await person(), author(1))
  const always = { ...crypto, verify: () => true }
  assert.not.ok(verifyProfile({ ...ann, account: small }, tag, author(1), always))
  assert.not.ok(verifyProfile({ ...ann, device: small }, tag, author(1), always))
  assert.ok(verifyProfile(ann, tag, author(1), always))
})

test('a name has 1 to 64 characters and none that do not show', () => {
  assert.is(checkName('  Ann  '), 'Ann')
  assert.is(checkName('😀'.repeat(64)), '😀'.repeat(64))
  for (const name of ['', '  ', 'a'.repeat(65), 'a\nb', 'a\u202eb', 'a\u0007b', '\ud800', 'a\u2028b'])
    assert.is(thrown(() => checkName(name)).name, 'InvalidArgumentError', JSON.stringify(name))
  assert.is(checkBio('ä'.repeat(512)), 'ä'.repeat(512))
  for (const bio of ['ä'.repeat(513), '\ud800']) assert.is(thrown(() => checkBio(bio)).name, 'InvalidArgumentError')
})

test('a hostile name is shown without what it hides', () => {
  assert.is(shownName('Ann\u202e\u0007\u200b'), 'Ann')
  assert.is(shownName('\u200b\u200b'), 'unknown')
  assert.is([...shownName('😀'.repeat(200))].length, 64)
})

test('members are accounts: two author keys of one person are one member', async () => {
  const members = new Members(tag, crypto)
  const ann = await person('Ann')
  assert.is(members.add(event(author(1)), profileOf(ann, author(1))), 'joined')
  assert.is(members.add(event(author(2), 2), profileOf(ann, author(2))), undefined)
  assert.is(members.size, 1)
  const account = bytesToHex(ann.account)
  assert.equal([...members.authorsOf(account)], [author(1), author(2)].map(bytesToHex))
  assert.equal([...members.devicesOf(account)], [ann.device])
  assert.equal(members.devices, [{ key: ann.device, account }])
  assert.equal(
    [1, 2, 3].map((n) => [members.accountOf(bytesToHex(author(n))), members.deviceOf(bytesToHex(author(n)))]),
    [
      [account, ann.device],
      [account, ann.device],
      [undefined, undefined],
    ],
  )
  assert.equal(members.personOf(bytesToHex(author(2))), members.get(account))
})

test('the name is that of the latest profile in order, whichever comes first', async () => {
  const ann = await person('Ann')
  for (const order of [
    [1, 2, 3],
    [3, 1, 2],
    [2, 3, 1],
  ]) {
    const members = new Members(tag, crypto)
    for (const hlc of order) members.add(event(author(1), hlc), profileOf({ ...ann, name: `Ann ${hlc}` }, author(1)))
    assert.is(members.personOf(bytesToHex(author(1))).name, 'Ann 3')
  }
  const members = new Members(tag, crypto)
  members.add(event(author(1), 1), profileOf(ann, author(1)))
  assert.is(members.add(event(author(1), 2), profileOf({ ...ann, bio: 'new' }, author(1))), 'profile')
})

test('an author key is one person’s: a second account cannot take it over', async () => {
  const members = new Members(tag, crypto)
  const [ann, bob] = [await person('Ann'), await person('Bob')]
  members.add(event(author(1), 1), profileOf(ann, author(1)))
  assert.is(members.add(event(author(1), 2), profileOf(bob, author(1))), undefined)
  assert.equal([members.size, members.personOf(bytesToHex(author(1))).name], [1, 'Ann'])
})

test('a profile that proves nothing changes nothing: its author is unknown', async () => {
  const members = new Members(tag, crypto)
  const forged = { ...profileOf(await person('Ann'), author(1)), binding: fill(1, 64) }
  assert.is(members.add(event(author(1)), forged), undefined)
  const key = bytesToHex(author(1))
  assert.equal(members.personOf(key), { account: key, name: 'unknown', bio: '', fingerprint: fingerprintOf(author(1), crypto) })
  assert.equal([...members.all()], [])
})

test('a safety number is 60 digits, the same for both, and another for any other two', async () => {
  const [ann, bob, eve] = [await person(), await person(), await person()].map(({ account }) => bytesToHex(account)) as [
    string,
    string,
    string,
  ]
  assert.match(safetyNumber(ann, bob), /^[0-9]{60}$/)
  assert.is(safetyNumber(ann, bob), safetyNumber(bob, ann))
  assert.is.not(safetyNumber(ann, eve), safetyNumber(ann, bob))
})

test.run()
