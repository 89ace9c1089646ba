/** Texts compared as people compare them: neither case nor width nor the form of an accent tells two apart. */
import { clusters } from './clusters.ts'

/** A folded text, and where each of its UTF-16 units comes from. */
export interface Folded {
  readonly folded: string
  /** For each unit of `folded`: the offset at which its grapheme cluster begins in the text. One more for the end. */
  readonly starts: readonly number[]
}

/** Compatibility composition and case folding. Full folding: `ß` is `ss`, and each sigma the same. */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ')
}

/** `fold`, or what else is given, cluster by cluster, so that what was found in the result can be shown in the text. */
export function foldWithOffsets(text: string, foldCluster: (cluster: string) => string = fold): Folded {
  const starts: number[] = []
  let folded = ''
  for (const { segment, index } of clusters(text)) {
    const part = foldCluster(segment)
    folded += part
    for (let unit = 0; unit < part.length; unit++) starts.push(index)
  }
  starts.push(text.length)
  return { folded, starts }
}
