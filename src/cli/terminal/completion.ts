/** Tab: what is common to the candidates first, then one after the other. */
import { clusters } from '../../view/clusters.ts'
import { MAX_CANDIDATES } from './constants.ts'
import type { Editor } from './editor.ts'

/** What is being chosen. It ends with any other key: with an editor that is not the one it answered, the next Tab begins anew. */
export interface Completion {
  readonly candidates: readonly string[]
  /** Index of the candidate that stands in the text; undefined while only what is common to all does. */
  readonly chosen: number | undefined
  /** Offset in the text at which candidates begin. */
  readonly from: number
  /** The editor that it was given back with. */
  readonly editor: Editor
}

/** Candidates for the text before the cursor, and the part of it that they would replace: `complete` of slash.ts. */
export type Offer = (line: string) => [candidates: string[], replaced: string]

/**
 * Tab (`step` 1) or Shift-Tab (-1). `completion` is undefined when there is nothing left to choose; the editor is then the same one
 * when there were no candidates: ring the bell. All Tabs in a row are undone together.
 */
export function completeNext(
  editor: Editor,
  last: Completion | undefined,
  step: 1 | -1,
  offer: Offer,
): { editor: Editor; completion: Completion | undefined } {
  if (last !== undefined && last.editor === editor) return choose(editor, last, step)
  const [all, replaced] = offer(editor.beforeCursor)
  const candidates = [...new Set(all)].slice(0, MAX_CANDIDATES)
  const [first] = candidates
  if (first === undefined) return { editor, completion: undefined }
  const from = editor.cursor - replaced.length
  if (candidates.length === 1) return { editor: editor.replaceBefore(from, first), completion: undefined }
  const common = commonBeginning(candidates)
  const begun = { candidates, chosen: undefined, from, editor }
  if (common.length <= replaced.length) return choose(editor, begun, step)
  const next = editor.replaceBefore(from, common)
  return { editor: next, completion: { ...begun, editor: next } }
}

function choose(
  editor: Editor,
  { candidates, chosen, from }: Completion,
  step: 1 | -1,
): { editor: Editor; completion: Completion } {
  const at =
    chosen === undefined ? (step === 1 ? 0 : candidates.length - 1) : (chosen + step + candidates.length) % candidates.length
  const next = editor.replaceBefore(from, candidates[at] ?? '')
  return { editor: next, completion: { candidates, chosen: at, from, editor: next } }
}

/** What the candidates begin with, whatever the case; as the first of them writes it. */
function commonBeginning(candidates: readonly string[]): string {
  const lower = candidates.map((candidate) => candidate.toLowerCase())
  let common = ''
  for (const { segment } of clusters(candidates[0] ?? '')) {
    if (!lower.every((candidate) => candidate.startsWith((common + segment).toLowerCase()))) break
    common += segment
  }
  return common
}
