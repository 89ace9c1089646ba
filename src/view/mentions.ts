/** Whether somebody is spoken of: their name in a text, as a word of its own. */
import { MAX_MENTION_TEXT } from './constants.ts'
import { fold, foldWithOffsets } from './fold.ts'

/** Hex digits of a fingerprint behind a name: see `NameBook`. */
const SUFFIX = /^·([0-9a-f]{4,16})(?![\p{L}\p{N}_])/u
const NAME_WITH_SUFFIX = /^(.+)·([0-9a-f]{4,16})$/su
/** Bounded, so that no text makes it slow. */
const ADDRESSES = /\b(?:[a-z][a-z0-9+.-]{0,31}:\/\/|www\.)\S+/giu

const WORD = /[\p{L}\p{N}\p{M}_]/u
/** Scripts that put no space between words, and Korean, which puts endings right behind a name. */
const UNSPACED = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u

/** UTF-16 offsets in a text: from, inclusive, to, exclusive. */
export interface Range {
  readonly from: number
  readonly to: number
}

interface Wanted {
  readonly name: string
  /** Beginnings of the fingerprints of whoever is called so. */
  readonly keys: readonly string[]
}

/**
 * Whether one of the names is mentioned. A name may end in `·` and hex digits of a fingerprint (4 to 16), as `NameBook` shows it or
 * with all of them: then `bob` mentions, and `bob·3f2a` if the fingerprint begins so; without, a text that names a key mentions
 * somebody else.
 */
export function mentions(text: string, names: readonly string[]): boolean {
  return mentionRanges(text, names).length > 0
}

/** The places where one of the names is mentioned, with `@` and suffix, in order; none overlaps another. Of a long text, in its beginning. */
export function mentionRanges(text: string, names: readonly string[]): Range[] {
  const looked = text.slice(0, MAX_MENTION_TEXT)
  const quick = fold(looked)
  const wanted = toWanted(names).filter(({ name }) => quick.includes(name) || quick.includes(fold(name)))
  if (wanted.length === 0) return []
  const { folded, starts } = foldWithOffsets(looked)
  const addresses = [...folded.matchAll(ADDRESSES)].map(({ index, 0: { length } }) => ({ from: index, to: index + length }))
  const found = wanted
    .flatMap((each) => occurrences(folded, each))
    .filter(({ from, to }) => isWhole(starts, from) && isWhole(starts, to))
    .filter(({ from, to }) => !addresses.some((address) => from < address.to && to > address.from))
    .map(({ from, to }) => ({ from: starts[from] ?? 0, to: starts[to] ?? looked.length }))
    .sort((a, b) => a.from - b.from || b.to - a.to)
  let end = 0
  return found.filter(({ from, to }) => {
    const apart = from >= end
    if (apart) end = to
    return apart
  })
}

function toWanted(names: readonly string[]): Wanted[] {
  const wanted = new Map<string, string[]>()
  for (const each of names) {
    // Cluster by cluster, as the text: letters of two clusters may be composed into one.
    const { folded } = foldWithOffsets(each.trim())
    const [, name = folded, key] = NAME_WITH_SUFFIX.exec(folded) ?? []
    if (name === '') continue
    wanted.set(name, [...(wanted.get(name) ?? []), ...(key === undefined ? [] : [key])])
  }
  return [...wanted].map(([name, keys]) => ({ name, keys }))
}

function occurrences(folded: string, { name, keys }: Wanted): Range[] {
  const found: Range[] = []
  for (let at = folded.indexOf(name); at >= 0; at = folded.indexOf(name, at + name.length)) {
    const end = at + name.length
    const called = folded[at - 1] === '@' && !isWordBefore(folded, at - 1)
    const from = called ? at - 1 : at
    if (folded[at - 1] === '@' && !called) continue
    if (!called && !isApart(lastPoint(folded, at), name, true)) continue
    const suffix = SUFFIX.exec(folded.slice(end, end + 20))
    if (suffix?.[1] !== undefined) {
      const [whole, key] = suffix
      if (keys.some((own) => own.startsWith(key) || key.startsWith(own))) found.push({ from, to: end + whole.length })
      continue
    }
    if (isApart(firstPoint(folded, end), name, false)) found.push({ from, to: end })
  }
  return found
}

/** Whether a name ends where its neighbour begins: one of them is no letter, or belongs to a script without spaces. */
function isApart(neighbour: string, name: string, before: boolean): boolean {
  const edge = before ? firstPoint(name, 0) : lastPoint(name, name.length)
  if (!WORD.test(neighbour) || !WORD.test(edge)) return true
  if (!UNSPACED.test(edge)) return UNSPACED.test(neighbour)
  // A single ideograph stands in too many words.
  return name.length > edge.length || !UNSPACED.test(neighbour)
}

function isWordBefore(text: string, at: number): boolean {
  return WORD.test(lastPoint(text, at))
}

function firstPoint(text: string, at: number): string {
  const point = text.codePointAt(at)
  return point === undefined ? '' : String.fromCodePoint(point)
}

function lastPoint(text: string, end: number): string {
  return /.$/su.exec(text.slice(Math.max(0, end - 2), end))?.[0] ?? ''
}

/** Whether no cluster is cut in two. */
function isWhole(starts: readonly number[], at: number): boolean {
  return at === 0 || starts[at] !== starts[at - 1]
}
