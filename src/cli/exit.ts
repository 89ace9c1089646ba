/** How the program ends: its exit codes, and one line that says why. */
import {
  DamagedStoreError,
  InvalidArgumentError,
  LockedError,
  StorageError,
  StoreInUseError,
  UnreachableError,
  WrongPassphraseError,
} from '../errors.ts'
import { UsageError } from '../view/explain.ts'

/** The exit codes, a part of the interface. */
export const EXIT = {
  OK: 0,
  FAILURE: 1,
  USAGE: 2,
  PASSPHRASE: 3,
  DAMAGED: 4,
  IN_USE: 5,
  IO: 6,
  NETWORK: 7,
  QUOTA: 8,
  INTERRUPTED: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends the program with this code; the message, if there is one, goes to stderr. */
export class ExitError extends Error {
  override name = 'ExitError'
  readonly exitCode: ExitCode
  constructor(exitCode: ExitCode, message: string = '') {
    super(message)
    this.exitCode = exitCode
  }
}

/** System codes that say a network or a peer is not there; every other one speaks of the disk. */
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'ENETUNREACH',
  'ETIMEDOUT',
])

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof ExitError) return error.exitCode
  if (error instanceof UsageError || error instanceof InvalidArgumentError) return EXIT.USAGE
  if (error instanceof WrongPassphraseError || error instanceof LockedError) return EXIT.PASSPHRASE
  if (error instanceof DamagedStoreError) return EXIT.DAMAGED
  if (error instanceof StoreInUseError) return EXIT.IN_USE
  if (error instanceof UnreachableError) return EXIT.NETWORK
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'QUOTA') return EXIT.QUOTA
  if (NETWORK_CODES.has(code)) return EXIT.NETWORK
  if (error instanceof StorageError || /^E[A-Z]+$/.test(code)) return EXIT.IO
  return EXIT.FAILURE
}

/** Rejects when the program is told to end. */
export function interrupted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
