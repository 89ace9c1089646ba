/**
 * Stand-ins for the primitives, through the `Crypto` seam: as binding as the real ones for anybody who goes through the seam, a tenth
 * of their cost, and worth nothing outside of a simulation. `seededCrypto` takes the real ones and makes them repeatable.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { bytesToHex } from '../../src/chat/hex.ts'
import type { Crypto } from '../../src/chat/seams.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import type { Random } from './random.ts'

const NONCE = 24
const TAG = 16
const Domain = { hash: 1, key: 2, signature: 3, derive: 4, stream: 5, tag: 6 } as const

/** 256 bits that depend on every bit of the parts and on where each ends. Not a cryptographic hash. */
function digest(domain: number, first: Uint8Array, second?: Uint8Array, third?: Uint8Array): Uint8Array {
  a = 0x9e3779b9 ^ domain
  b = 0x85ebca6b
  mix(first)
  if (second !== undefined) mix(second)
  if (third !== undefined) mix(third)
  const out = new Uint8Array(32)
  for (let i = 0; i < 32; i += 4) {
    a = Math.imul(a ^ (b >>> 16) ^ i, 0x85ebca6b)
    b = Math.imul(b + (a ^ (a >>> 13)), 0xc2b2ae35)
    const word = a ^ b
    out[i] = word
    out[i + 1] = word >>> 8
    out[i + 2] = word >>> 16
    out[i + 3] = word >>> 24
  }
  return out
}

/** The state of the digest under way. */
let a = 0
let b = 0

function mix(part: Uint8Array): void {
  const { length } = part
  const whole = length & ~3
  let [x, y] = [a, b]
  for (let i = 0; i < whole; i += 4) {
    const word = at(part, i) | (at(part, i + 1) << 8) | (at(part, i + 2) << 16) | (at(part, i + 3) << 24)
    x = Math.imul(x ^ word, 0xcc9e2d51)
    y = (Math.imul(y, 5) + ((x << 13) | (x >>> 19))) | 0
    x ^= y >>> 15
  }
  let rest = length
  for (let i = whole; i < length; i++) rest = (rest << 8) ^ at(part, i)
  a = Math.imul(x ^ rest, 0x1b873593) ^ length
  b = Math.imul(y + (a ^ (a >>> 16)), 0x85ebca6b)
}

const at = (bytes: Uint8Array, i: number): number => bytes[i] as number

function xorStream(key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array, out: Uint8Array): void {
  const block = digest(Domain.stream, key, nonce)
  let state = (at(block, 0) << 24) | (at(block, 1) << 16) | (at(block, 2) << 8) | at(block, 3) | 1
  for (let i = 0; i < bytes.length; i++) {
    if ((i & 3) === 0) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
    }
    out[i] = at(bytes, i) ^ (state >>> ((i & 3) * 8))
  }
}

export interface SimulatedCrypto extends Crypto {
  /** From now on the second input hashes to something that begins with the same 8 bytes as the first one's hash. */
  arrangeTwins?(first: Uint8Array, second: Uint8Array): void
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return a.length === b.length
}

/** A key as a string, for maps. Asking a small array for its buffer would give it one of its own, which is dear. */
const nameOf = (key: Uint8Array): string => String.fromCharCode(...key)

/** One for all members of a run: it knows which seed each public key was made of, and that is how it verifies. */
export function cheapCrypto(random: Random): SimulatedCrypto {
  const seeds = new Map<string, Uint8Array>()
  const keys = new Map<string, Uint8Array>()
  const twins = new Map<string, Uint8Array>()
  const signature = (seed: Uint8Array, message: Uint8Array): Uint8Array => {
    const half = digest(Domain.signature, seed, message)
    return concatBytes(half, digest(Domain.signature, half))
  }
  return {
    randomBytes: (length) => random.bytes(length),
    sha256(bytes) {
      const hash = digest(Domain.hash, bytes)
      return (twins.size === 0 ? undefined : twins.get(bytesToHex(hash))) ?? hash
    },
    sha256Of(parts) {
      return this.sha256(concatBytes(...Array.from(parts, (part) => part.slice())))
    },
    arrangeTwins(first, second) {
      const [like, own] = [digest(Domain.hash, first), digest(Domain.hash, second)]
      twins.set(bytesToHex(own), concatBytes(like.subarray(0, 8), own.subarray(8)))
    },
    publicKey(seed) {
      const name = nameOf(seed)
      let key = keys.get(name)
      if (key === undefined) {
        key = digest(Domain.key, seed)
        keys.set(name, key)
        seeds.set(nameOf(key), seed.slice())
      }
      return key.slice()
    },
    sign: (seed, message) => signature(seed, message),
    verify(publicKey, message, claimed) {
      const seed = seeds.get(nameOf(publicKey))
      return seed !== undefined && same(signature(seed, message), claimed)
    },
    isValidKey: (publicKey) => publicKey.length === 32 && publicKey.some((byte) => byte !== 0),
    hkdf: (ikm, info, length, salt) => digest(Domain.derive, ikm, utf8ToBytes(info), salt ?? new Uint8Array()).slice(0, length),
    seal(key, plaintext, aad) {
      const out = new Uint8Array(NONCE + plaintext.length + TAG)
      out.set(random.bytes(NONCE))
      xorStream(key, out.subarray(0, NONCE), plaintext, out.subarray(NONCE))
      out.set(digest(Domain.tag, key, out.subarray(0, -TAG), aad).subarray(0, TAG), out.length - TAG)
      return out
    },
    open(key, sealed, aad) {
      if (sealed.length < NONCE + TAG) return undefined
      const tag = digest(Domain.tag, key, sealed.subarray(0, -TAG), aad).subarray(0, TAG)
      if (!same(tag, sealed.subarray(-TAG))) return undefined
      const plaintext = new Uint8Array(sealed.length - NONCE - TAG)
      xorStream(key, sealed.subarray(0, NONCE), sealed.subarray(NONCE, -TAG), plaintext)
      return plaintext
    },
    argon2id: async (password, salt) => digest(Domain.derive, utf8ToBytes(password), salt),
  }
}

/** The real primitives with seeded randomness. Only argon2id is replaced: its price is its purpose. */
export function seededCrypto(random: Random): SimulatedCrypto {
  return {
    ...nativeCrypto,
    randomBytes: (length) => random.bytes(length),
    seal(key, plaintext, aad) {
      const nonce = random.bytes(NONCE)
      return concatBytes(nonce, xchacha20poly1305(key, nonce, aad).encrypt(plaintext))
    },
    argon2id: async (password, salt) => nativeCrypto.hkdf(utf8ToBytes(password), 'simulated argon2id', 32, salt),
  }
}
