import { ClosedError, DamagedStoreError, P2PNodeError, StorageError } from '../errors.ts'

/** LevelDB passes on the system's words (strerror), never its numbers. */
const SYSTEM_CODES: readonly [words: string, code: string][] = [
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Input/output error', 'EIO'],
  ['Permission denied', 'EACCES'],
  ['Read-only file system', 'EROFS'],
  ['Too many open files', 'EMFILE'],
  ['Cannot allocate memory', 'ENOMEM'],
]

/** The disk is full: nothing was written, and it may work again later. */
export function isFull(error: unknown): boolean {
  return error instanceof StorageError && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

/** Turns what a level throws into one of the store's errors. */
export function storeError(error: unknown): Error {
  if (error instanceof P2PNodeError || error instanceof TypeError) return error
  const chain = causes(error)
  const text = chain.map(({ message }) => message).join(': ')
  const known = SYSTEM_CODES.find(([words]) => text.includes(words))
  if (known !== undefined) return new StorageError(`the disk refused: ${known[0]}`, { cause: error, code: known[1] })
  const codes = chain.map(({ code }) => code)
  if (codes.includes('LEVEL_CORRUPTION') || codes.includes('LEVEL_IO_ERROR')) {
    return new DamagedStoreError(`the database is damaged: ${text}`, { cause: error })
  }
  if (codes.some((code) => code !== undefined && /^LEVEL_(DATABASE|ITERATOR|SNAPSHOT)_NOT_OPEN$/.test(code))) {
    return new ClosedError('the store is closed', { cause: error })
  }
  return new StorageError(`the disk refused: ${text}`, { cause: error, code: 'UNKNOWN' })
}

/** The codes of an error and its causes. */
export function hasCode(error: unknown, code: string): boolean {
  return causes(error).some((cause) => cause.code === code)
}

function causes(error: unknown): { message: string; code?: string }[] {
  const chain: { message: string; code?: string }[] = []
  for (let each = error; each instanceof Error && chain.length < 5; each = each.cause) {
    const code = 'code' in each && typeof each.code === 'string' ? each.code : undefined
    chain.push({ message: each.message, code })
  }
  return chain
}
