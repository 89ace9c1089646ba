/** Looks for many short values at once, each in all the forms in which a program may write it. */

const ALPHABETS = ['base64', 'base64url'] as const
/** Of a needle's first bytes: so many are hashed, and no form is shorter. */
const PREFIX = 4
/** A form that is shorter than this comes about by chance. Bytes. */
const SHORTEST = 8
const HASH_BITS = 16
/** 2^32 over the golden ratio: it spreads what lies close together. */
const MULTIPLIER = 0x9e3779b1

interface Needle {
  name: string
  bytes: Buffer
}

export class Needles {
  readonly #byHash = new Map<number, Needle[]>()
  readonly #hashes = new Uint8Array(1 << HASH_BITS)
  readonly #names = new Set<string>()
  #longest = 0

  /** What somebody typed. */
  text(name: string, value: string): void {
    this.#names.add(name)
    this.#encoded(name, Buffer.from(value))
    this.#add(`${name} in UTF-16`, Buffer.from(value, 'utf16le'))
    const latin1 = Buffer.from(value, 'latin1')
    if (latin1.toString('latin1') === value) this.#add(`${name} in Latin-1`, latin1)
  }

  /** Bytes, a key for example. */
  bytes(name: string, value: Uint8Array): void {
    this.#names.add(name)
    this.#encoded(name, Buffer.from(value))
    this.#add(`${name} in numbers`, Buffer.from(value.join(',')))
  }

  /** What is looked for. */
  get names(): string[] {
    return [...this.#names]
  }

  /** Bytes of the longest form: so much less one must be searched again with what follows. */
  get longest(): number {
    return this.#longest
  }

  /** The names of what is in there, with the form. */
  in(haystack: Uint8Array): Set<string> {
    const found = new Set<string>()
    const buffer = Buffer.from(haystack.buffer, haystack.byteOffset, haystack.byteLength)
    const { length } = buffer
    let word = 0
    for (let at = 0; at < length; at++) {
      word = (word >>> 8) | ((buffer[at] as number) << 24)
      const hash = hashOf(word)
      if (this.#hashes[hash] === 0 || at < PREFIX - 1) continue
      const start = at - PREFIX + 1
      for (const { name, bytes } of this.#byHash.get(hash) ?? [])
        if (start + bytes.length <= length && buffer.compare(bytes, 0, bytes.length, start, start + bytes.length) === 0)
          found.add(name)
    }
    return found
  }

  #encoded(name: string, bytes: Buffer): void {
    this.#add(name, bytes)
    this.#add(`${name} in hex`, Buffer.from(bytes.toString('hex')))
    this.#add(`${name} in upper-case hex`, Buffer.from(bytes.toString('hex').toUpperCase()))
    for (const alphabet of ALPHABETS)
      for (const shift of [0, 1, 2]) {
        // Inside of something longer: without the digits that its neighbours have a part in.
        const digits = Buffer.concat([Buffer.alloc(shift), bytes])
          .toString(alphabet)
          .replaceAll('=', '')
        const whole = Math.floor(((shift + bytes.length) * 8) / 6)
        this.#add(`${name} in ${alphabet}`, Buffer.from(digits.slice(Math.ceil((shift * 8) / 6), whole)))
      }
  }

  #add(name: string, bytes: Buffer): void {
    if (bytes.length < SHORTEST) throw new RangeError(`${name} is too short to be looked for`)
    const hash = hashOf(bytes.readInt32LE(0))
    this.#hashes[hash] = 1
    const needles = this.#byHash.get(hash) ?? []
    if (needles.some((needle) => needle.bytes.equals(bytes))) return
    this.#byHash.set(hash, [...needles, { name, bytes }])
    this.#longest = Math.max(this.#longest, bytes.length)
  }
}

const hashOf = (word: number): number => Math.imul(word, MULTIPLIER) >>> (32 - HASH_BITS)
