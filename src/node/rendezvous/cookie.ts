import { equalBytes } from '@noble/ciphers/utils.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Cursor } from './sample.ts'

const CURSOR_BYTES = 28
const MAC_BYTES = 16

/** What a point gives to go on from: a cursor, and proof that this point made it, since it started, for this namespace. */
export class Cookies {
  readonly #key = crypto.getRandomValues(new Uint8Array(32))

  make({ salt, from, to, below }: Cursor, namespace: string): Uint8Array {
    const cursor = new DataView(new ArrayBuffer(CURSOR_BYTES))
    cursor.setUint32(0, salt)
    for (const [index, value] of [from, to, below].entries()) cursor.setFloat64(4 + 8 * index, value)
    const bytes = new Uint8Array(cursor.buffer)
    return concatBytes(bytes, this.#mac(bytes, namespace))
  }

  /** undefined for any other bytes. */
  read(cookie: Uint8Array, namespace: string): Cursor | undefined {
    if (cookie.length !== CURSOR_BYTES + MAC_BYTES) return undefined
    const bytes = Uint8Array.from(cookie.subarray(0, CURSOR_BYTES))
    if (!equalBytes(cookie.subarray(CURSOR_BYTES), this.#mac(bytes, namespace))) return undefined
    const cursor = new DataView(bytes.buffer)
    return { salt: cursor.getUint32(0), from: cursor.getFloat64(4), to: cursor.getFloat64(12), below: cursor.getFloat64(20) }
  }

  #mac(cursor: Uint8Array, namespace: string): Uint8Array {
    return hmac(sha256, this.#key, concatBytes(cursor, utf8ToBytes(namespace))).subarray(0, MAC_BYTES)
  }
}
