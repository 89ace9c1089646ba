/**
 * The number two people compare to know that nobody stands between them: 60 digits, 30 for each account, the smaller first. Each half is
 * SHA-512 iterated 5,200 times over version, account key and key, as Signal's NumericFingerprint.
 */
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { hexToBytes } from './hex.ts'

const VERSION = Uint8Array.of(0, 1)
const ITERATIONS = 5200

/** `accounts`: the account keys in hex. */
export function safetyNumber(...accounts: [string, string]): string {
  return accounts.map(half).sort().join('')
}

function half(account: string): string {
  const key = hexToBytes(account)
  let hash: Uint8Array = concatBytes(VERSION, key)
  for (let i = 0; i < ITERATIONS; i++) hash = sha512(concatBytes(hash, key))
  const digits: string[] = []
  for (let i = 0; i < 30; i += 5) {
    const chunk = hash.subarray(i, i + 5).reduce((number, byte) => number * 256 + byte, 0)
    digits.push(String(chunk % 100_000).padStart(5, '0'))
  }
  return digits.join('')
}
