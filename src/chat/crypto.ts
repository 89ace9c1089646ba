/**
 * The portable implementation of `Crypto`: noble and hash-wasm, in any runtime. Node hands in native-crypto.ts, which is
 * faster and agrees with this one byte by byte and verdict by verdict (test/chat/crypto.test.ts).
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { randomBytes } from '@noble/ciphers/utils.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Crypto } from './seams.ts'

const NONCE_LENGTH = 24
const TAG_LENGTH = 16

function isValidKey(publicKey: Uint8Array): boolean {
  try {
    const point = ed25519.Point.fromBytes(publicKey)
    return !point.isSmallOrder() && point.isTorsionFree()
  } catch {
    return false // not a canonical encoding of a point
  }
}

/**
 * noble checks the cofactored equation also with zip215 off, so it takes signatures whose R carries a small-order part, which
 * node:crypto and WebCrypto refuse. A torsion-free R makes the three agree: with it both equations say the same.
 */
function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false
  try {
    if (!ed25519.verify(signature, message, publicKey, { zip215: false })) return false
    return ed25519.Point.fromBytes(signature.subarray(0, 32)).isTorsionFree()
  } catch {
    return false // R or the key is no point
  }
}

export const portableCrypto: Crypto = {
  randomBytes,
  sha256,
  sha256Of(parts) {
    const hash = sha256.create()
    for (const part of parts) hash.update(part)
    return hash.digest()
  },
  publicKey: (seed) => ed25519.getPublicKey(seed),
  sign: (seed, message) => ed25519.sign(message, seed),
  verify,
  isValidKey,
  hkdf: (ikm, info, length, salt) => hkdf(sha256, ikm, salt, utf8ToBytes(info), length),
  seal(key, plaintext, aad) {
    const nonce = randomBytes(NONCE_LENGTH)
    return concatBytes(nonce, xchacha20poly1305(key, nonce, aad).encrypt(plaintext))
  },
  open(key, sealed, aad) {
    if (sealed.length < NONCE_LENGTH + TAG_LENGTH) return undefined
    try {
      return xchacha20poly1305(key, sealed.subarray(0, NONCE_LENGTH), aad).decrypt(sealed.subarray(NONCE_LENGTH))
    } catch {
      return undefined // the tag does not match
    }
  },
  async argon2id(password, salt, memoryKiB, iterations) {
    const { argon2id } = await import('hash-wasm')
    return argon2id({ password, salt, memorySize: memoryKiB, iterations, parallelism: 1, hashLength: 32, outputType: 'binary' })
  },
}
