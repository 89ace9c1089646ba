/** Hex, in which the core names keys and ids. */
export { hexToBytes } from '@noble/hashes/utils.js'

const codeOf = (digit: number): number => '0123456789abcdef'.charCodeAt(digit)
const HIGH = Uint8Array.from({ length: 256 }, (_, byte) => codeOf(byte >> 4))
const LOW = Uint8Array.from({ length: 256 }, (_, byte) => codeOf(byte & 15))

/** In one piece: text put together digit by digit stays a tree of its parts, which is dear as the key of a map. */
export function bytesToHex(bytes: Uint8Array): string {
  const codes = new Array<number>(2 * bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    codes[2 * i] = HIGH[byte] as number
    codes[2 * i + 1] = LOW[byte] as number
  }
  return String.fromCharCode(...codes)
}
