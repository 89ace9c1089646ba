/**
 * What somebody looks for in the history: words that must all occur, in any order and also within longer ones; a `"phrase in double
 * quotes"`; `from:name`, the beginning of an author's name or fingerprint, one of them where there are several. Case, accents and widths
 * make no difference.
 */
import { InvalidArgumentError } from '../errors.ts'
import { utf8Length } from './cbor.ts'
import { MAX_QUERY_BYTES } from './constants.ts'
import type { Author } from './types.ts'

export interface Query {
  /** Folded. */
  words: readonly string[]
  /** Beginnings, folded; none: whoever wrote it. */
  from: readonly string[]
}

/** A quote that is not closed goes to the end: whoever types it has not finished. */
const PART = /(from:@?)?(?:"([^"]*)"?|(\S+))/giu
const UNFINISHED = /^from:@?$/iu

/** @throws InvalidArgumentError where nothing is asked for, or too much */
export function parseQuery(text: string): Query {
  if (utf8Length(text) > MAX_QUERY_BYTES) throw new InvalidArgumentError('query', `query has at most ${MAX_QUERY_BYTES} bytes`)
  const words: string[] = []
  const from: string[] = []
  for (const [whole, author, phrase, word] of text.matchAll(PART)) {
    const folded = UNFINISHED.test(whole) ? '' : fold(phrase ?? word ?? '').trim()
    if (folded !== '') (author === undefined ? words : from).push(folded)
  }
  if (words.length === 0 && from.length === 0) throw new InvalidArgumentError('query', 'query must hold a word to look for')
  return { words, from }
}

const NOT_ASCII = /\P{ASCII}/u

/** What is the same for texts that differ in case, accents and widths only: NFKD without marks, in capitals by way of small letters. */
export function fold(text: string): string {
  if (!NOT_ASCII.test(text)) return text.toUpperCase()
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().toUpperCase()
}

/** All that must occur does. */
export function matches({ words }: Query, text: string): boolean {
  if (words.length === 0) return true
  const folded = fold(text)
  return words.every((word) => folded.includes(word))
}

/** Whether what this author wrote is looked for. */
export function isFrom({ from }: Query, { name, fingerprint }: Author): boolean {
  if (from.length === 0) return true
  const print = fold(fingerprint)
  // Of people with one name, each is shown with the beginning of the fingerprint behind it.
  const shown = `${fold(name)}·${print}`
  return from.some((beginning) => shown.startsWith(beginning) || print.startsWith(beginning))
}
