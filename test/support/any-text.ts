import fc from 'fast-check'

const SURROGATES = { first: 0xd800, count: 0x800 }
const LAST = 0x10ffff

/**
 * Every code point but half of a surrogate pair. fast-check has this as the unit `binary`, for which it makes a table of all of them:
 * most of a second in each process.
 */
const codePoint = fc.integer({ min: 0, max: LAST - SURROGATES.count }).map(
  (n) => String.fromCodePoint(n < SURROGATES.first ? n : n + SURROGATES.count),
  (text) => {
    const n = typeof text === 'string' ? text.codePointAt(0) : undefined
    if (n === undefined || String.fromCodePoint(n) !== text) throw new TypeError('not one code point')
    if (n >= SURROGATES.first && n < SURROGATES.first + SURROGATES.count) throw new TypeError('half of a pair')
    return n < SURROGATES.first ? n : n - SURROGATES.count
  },
)

/** Any text that can be encoded. */
export const anyText = (constraints: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.string({ unit: codePoint, ...constraints })
