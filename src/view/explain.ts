/** What goes wrong, as people are told of it. */
import { DamagedStoreError } from '../errors.ts'
import { oneLine } from './sanitize.ts'

/** Characters of the line that says why. */
const MAX_EXPLANATION = 500

/** What somebody typed, the environment or config.json says something that cannot be meant. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** One line for a person, free of control characters. */
export function explain(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error)
  const advice = error instanceof DamagedStoreError ? ' (p2pnode repair keeps what is whole)' : ''
  return oneLine(message + advice, MAX_EXPLANATION)
}
