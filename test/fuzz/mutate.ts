/** Changes of bytes, from a seed: what a broken or hostile peer could send instead. */

/** `random(n)` is an integer, 0 <= it < n. */
export type Random = (below: number) => number

const INTERESTING = [
  0x00, 0x01, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f, 0x20, 0x3b, 0x40, 0x58, 0x5f, 0x60, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xf4,
  0xf6, 0xf7, 0xf9, 0xfb, 0xff,
]
/** CBOR heads that promise much: arrays, maps, bytes and text of 2^16 to 2^64 items; integers at 2^53, 2^64. */
const HEADS = [
  '9affffffff',
  '9b0010000000000000',
  '9bffffffffffffffff',
  'baffffffff',
  '5affffffff',
  '5b0020000000000000',
  '7affffffff',
  '1b001fffffffffffff',
  '1b0020000000000000',
  '1bffffffffffffffff',
  '3bffffffffffffffff',
  'fb7ff0000000000000',
  'f97e00',
  'fb8000000000000000',
  '99ffff',
  '59ffff',
].map((hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))

const joined = (...parts: Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

type Change = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array

const insert = (bytes: Uint8Array, at: number, what: Uint8Array): Uint8Array =>
  joined(bytes.subarray(0, at), what, bytes.subarray(at))

const CHANGES: Change[] = [
  function flipBit(bytes, random) {
    const at = random(bytes.length)
    return bytes.map((byte, i) => (i === at ? byte ^ (1 << random(8)) : byte))
  },
  function setByte(bytes, random) {
    const [at, value] = [random(bytes.length), INTERESTING[random(INTERESTING.length)] ?? 0]
    return bytes.map((byte, i) => (i === at ? value : byte))
  },
  function cut(bytes, random) {
    return bytes.subarray(0, random(bytes.length + 1))
  },
  function drop(bytes, random) {
    const at = random(bytes.length)
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + random(16)))
  },
  function repeat(bytes, random) {
    const from = random(bytes.length)
    return insert(bytes, random(bytes.length), bytes.subarray(from, from + 1 + random(200)))
  },
  function splice(bytes, random, other) {
    return joined(bytes.subarray(0, random(bytes.length)), other.subarray(random(other.length + 1)))
  },
  function promise(bytes, random) {
    const head = HEADS[random(HEADS.length)] as Uint8Array
    const at = random(bytes.length)
    return random(2) === 0 ? insert(bytes, at, head) : joined(bytes.subarray(0, at), head, bytes.subarray(at + 1))
  },
  function nest(bytes, random) {
    const depth = 1 + random(random(8) === 0 ? 30_000 : 60)
    return insert(bytes, random(bytes.length), new Uint8Array(depth).fill(random(2) === 0 ? 0x81 : 0xa1))
  },
  function crowd(bytes, random) {
    const count = 1 + random(random(8) === 0 ? 60_000 : 300)
    const items = new Uint8Array(count).fill(INTERESTING[random(INTERESTING.length)] ?? 0)
    return insert(bytes, random(bytes.length), joined(Uint8Array.of(0x99, count >> 8, count & 255), items))
  },
]

/** One to four changes of one of the samples. */
export function mutate(samples: readonly Uint8Array[], random: Random): Uint8Array {
  const pick = (): Uint8Array => samples[random(samples.length)] as Uint8Array
  let bytes = pick()
  for (let left = 1 + random(4); left > 0 && bytes.length > 0; left--)
    bytes = (CHANGES[random(CHANGES.length)] as Change)(bytes, random, pick())
  return bytes
}

/** Bytes without any sample: structure of any kind, huge, deep or many. */
export function invent(random: Random): Uint8Array {
  const bytes = Uint8Array.from({ length: 1 + random(64) }, () =>
    random(3) === 0 ? (INTERESTING[random(INTERESTING.length)] ?? 0) : random(256),
  )
  return random(4) === 0 ? mutate([bytes], random) : bytes
}
