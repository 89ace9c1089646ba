/** Names by a few of their letters, for switching rooms: `dv` finds `dev`. */
import { go, prepare } from 'fuzzysort'
import { MAX_QUERY } from './constants.ts'
import { fold, foldWithOffsets } from './fold.ts'

export interface Ranked {
  readonly name: string
  /** Offsets in the name, ascending, at which the grapheme clusters begin that the query found. */
  readonly marks: readonly number[]
}

/** The names in which the letters of the query stand in its order, the best first. An empty query finds all, as they are. */
export function rank(query: string, names: readonly string[]): Ranked[] {
  // Cluster by cluster, as the names: letters of two clusters may be composed into one.
  const wanted = foldWithOffsets(query.slice(0, MAX_QUERY), bare).folded.trim()
  if (wanted === '') return names.map((name) => ({ name, marks: [] }))
  const targets = names.map((name, at) => {
    const { folded, starts } = foldWithOffsets(name, bare)
    // Prepared here, for fuzzysort remembers for ever the texts that it prepares itself.
    return { name, at, starts, target: prepare(folded) }
  })
  return go(wanted, targets, { key: (each) => each.target, limit: 0, threshold: 0 })
    .map(({ obj, score, indexes }) => ({ ...obj, score, marks: [...new Set(indexes.map((index) => obj.starts[index] ?? 0))] }))
    .sort((a, b) => b.score - a.score || a.at - b.at)
    .map(({ name, marks }) => ({ name, marks }))
}

/** Folded, and without accents: fuzzysort takes them off as well, but of a query's words one more than of a name's. */
function bare(text: string): string {
  return fold(text)
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
}
