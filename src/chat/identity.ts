/**
 * Who one is: an account (a person, from a recovery phrase) that certifies a device (the libp2p peer key), which vouches for an
 * author key in each room. docs/PROTOCOL.md, "Identity".
 */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { entropyToMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { DamagedStoreError, InvalidArgumentError } from '../errors.ts'
import type { Operation, Store } from '../storage/store.ts'
import type { ProfilePayload } from './body.ts'
import { decodeCbor, encodeCbor, equalBytes, isBytes, isText, isUint, utf8Length } from './cbor.ts'
import { MAX_BIO_BYTES, MAX_NAME_LENGTH } from './constants.ts'
import { bytesToHex } from './hex.ts'
import { checkWords } from './room-keys.ts'
import type { Clock, Crypto } from './seams.ts'

const DEVICE_LABEL = utf8ToBytes('p2pnode/device/v1')
const AUTHOR_LABEL = utf8ToBytes('p2pnode/author/v1')
const KEY = ['node', 'identity'] as const
const PLACE = ['node', 'place'] as const
/** What a terminal or page could take for something else: control and format characters, line and paragraph separators. */
const REFUSED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

export interface Identity {
  /** 32 bytes behind the 24 words. */
  entropy: Uint8Array
  accountSeed: Uint8Array
  account: Uint8Array
  deviceSeed: Uint8Array
  device: Uint8Array
  created: number
  certificate: Uint8Array
  name: string
  bio: string
}

/** Trimmed, 1-64 code points; control and format characters are refused, so that a name shows as what it is. */
export function checkName(name: string): string {
  const trimmed = name.normalize('NFC').trim()
  const length = [...trimmed].length
  if (length < 1 || length > MAX_NAME_LENGTH) throw new InvalidArgumentError('name', 'a name has 1 to 64 characters')
  if (trimmed.search(REFUSED) >= 0) throw new InvalidArgumentError('name', 'a name has no control or invisible characters')
  return trimmed
}

export function checkBio(bio: string): string {
  if (utf8Length(bio) > MAX_BIO_BYTES || !bio.isWellFormed())
    throw new InvalidArgumentError('bio', 'a bio has at most 1,024 bytes')
  return bio
}

/** Another's name as it may be shown: names are claims, and a hostile one is only shortened, never an error. */
export function shownName(name: string): string {
  const clean = [...name.replace(REFUSED, '').trim()].slice(0, MAX_NAME_LENGTH).join('')
  return clean === '' ? 'unknown' : clean
}

/** The identity of this store, made at the first call, with a readable random name unless one is given. */
export async function loadIdentity(
  store: Store,
  crypto: Crypto,
  clock: Clock,
  name?: string,
): Promise<{ identity: Identity; renamed: boolean }> {
  const stored = await store.get(KEY)
  const kept = stored && decodeIdentity(stored, crypto)
  if (kept !== undefined && (name === undefined || checkName(name) === kept.name)) return { identity: kept, renamed: false }
  const identity = kept === undefined ? createIdentity(crypto, clock, name) : { ...kept, name: checkName(name ?? kept.name) }
  await saveIdentity(store, identity)
  return { identity, renamed: kept !== undefined }
}

function createIdentity(crypto: Crypto, clock: Clock, name?: string): Identity {
  const [entropy, deviceSeed] = [crypto.randomBytes(32), crypto.randomBytes(32)]
  return assemble(
    { entropy, deviceSeed, created: clock.now(), name: checkName(name ?? checkWords(crypto.randomBytes(3))), bio: '' },
    crypto,
  )
}

function assemble(base: Pick<Identity, 'entropy' | 'deviceSeed' | 'created' | 'name' | 'bio'>, crypto: Crypto): Identity {
  const accountSeed = crypto.hkdf(base.entropy, 'p2pnode/account/v1', 32)
  const device = crypto.publicKey(base.deviceSeed)
  const certificate = crypto.sign(accountSeed, certified(device, base.created))
  return { ...base, accountSeed, account: crypto.publicKey(accountSeed), device, certificate }
}

const certified = (device: Uint8Array, created: number): Uint8Array => concatBytes(DEVICE_LABEL, device, encodeCbor(created))

export async function saveIdentity(store: Store, identity: Identity): Promise<void> {
  await store.batch([putIdentity(identity)])
}

function putIdentity({
  entropy,
  deviceSeed,
  created,
  name,
  bio,
}: Pick<Identity, 'entropy' | 'deviceSeed' | 'created' | 'name' | 'bio'>): Operation {
  return { type: 'put', key: KEY, value: encodeCbor([1, entropy, deviceSeed, created, name, bio]) }
}

/**
 * A store that was copied, or restored from a backup, must not go on as the original does: two peers would have one peer id and write
 * two histories under one key. `place` is anything that a copy does not share with its original. Where it differs from the one
 * kept, the device and author keys are made anew; the account, rooms and history stay. Answers whether it did.
 */
export async function renewIfCopied(store: Store, crypto: Crypto, place: string): Promise<boolean> {
  const kept = await store.get(PLACE)
  const here = utf8ToBytes(place)
  if (kept !== undefined && equalBytes(kept, here)) return false
  const operations: Operation[] = [{ type: 'put', key: PLACE, value: here }]
  const stored = kept && (await store.get(KEY))
  if (stored !== undefined) {
    operations.push(putIdentity({ ...decodeIdentity(stored, crypto), deviceSeed: crypto.randomBytes(32) }))
    for await (const [key] of store.range(['own'])) if (key[2] === 'author') operations.push({ type: 'delete', key })
  }
  await store.batch(operations)
  return stored !== undefined
}

function decodeIdentity(bytes: Uint8Array, crypto: Crypto): Identity {
  const parts = decodeCbor(bytes, 16)
  if (!Array.isArray(parts)) throw new DamagedStoreError('the identity in the store is malformed')
  const [version, entropy, deviceSeed, created, name, bio] = parts as unknown[]
  if (
    version !== 1 ||
    !isBytes(entropy, 32) ||
    !isBytes(deviceSeed, 32) ||
    !isUint(created) ||
    !isText(name, 1024) ||
    !isText(bio, MAX_BIO_BYTES)
  ) {
    throw new DamagedStoreError('the identity in the store is malformed')
  }
  return assemble({ entropy, deviceSeed, created, name, bio }, crypto)
}

/** The 24 words from which the account comes. */
export function recoveryPhrase(identity: Identity): string {
  return entropyToMnemonic(identity.entropy, wordlist)
}

/** This identity's profile, bound to an author key in a room. */
export function createProfile(identity: Identity, roomTag: Uint8Array, author: Uint8Array, crypto: Crypto): ProfilePayload {
  const { name, bio, account, device, created, certificate } = identity
  const binding = crypto.sign(identity.deviceSeed, concatBytes(AUTHOR_LABEL, roomTag, author))
  return { name, bio, account, device, created, certificate, binding }
}

/** True if the account certified the device and the device vouches for this author key in this room. Only then is a name shown. */
export function verifyProfile(profile: ProfilePayload, roomTag: Uint8Array, author: Uint8Array, crypto: Crypto): boolean {
  const { account, device, created, certificate, binding } = profile
  return (
    crypto.isValidKey(account) &&
    crypto.isValidKey(device) &&
    crypto.verify(account, certified(device, created), certificate) &&
    crypto.verify(device, concatBytes(AUTHOR_LABEL, roomTag, author), binding)
  )
}

/** 16 hex of SHA-256(account key). */
export function fingerprintOf(account: Uint8Array, crypto: Crypto): string {
  return bytesToHex(crypto.sha256(account).subarray(0, 8))
}
