/** Passphrases: from a file or from a person, never from the command line, never shown. */
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { LockedError, WrongPassphraseError } from '../errors.ts'
import { UsageError } from '../view/explain.ts'
import type { Context } from './context.ts'
import { EXIT, ExitError } from './exit.ts'
import type { Io } from './io.ts'

/** How often a person may try. */
const MAX_TRIES = 3
/** Characters of a passphrase. */
const MAX_PASSPHRASE = 1_024

/** The first line of a file; `-`: of stdin. Errors: `UsageError` if there is none. */
export async function secretFrom(path: string, option: string, io: Io): Promise<string> {
  const line = path === '-' ? await firstLine(io) : (await readText(path, option)).split(/\r?\n/, 1)[0]
  if (line === undefined || line === '') throw new UsageError(`--${option}: the first line is empty`)
  if (line.length > MAX_PASSPHRASE) throw new UsageError(`--${option}: the first line has more than ${MAX_PASSPHRASE} characters`)
  return line
}

async function firstLine(io: Io): Promise<string | undefined> {
  const { value, done } = await io.lines().next()
  return done === true || !('text' in value) ? undefined : value.text.replace(/\r$/, '')
}

async function readText(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw new UsageError(`--${option} ${path} cannot be read (${code})`)
  }
}

/** What a relay that keeps messages wants to be shown, or shown to it, if anything. Errors: `UsageError`. */
export async function keepToken({ io, settings }: Context): Promise<string | undefined> {
  const file = settings['keep-token-file']
  if (file === '-') throw new UsageError('--keep-token-file - : stdin is for the chat; name a file')
  return file === undefined ? undefined : await secretFrom(file, 'keep-token-file', io)
}

/** Asks without echo. Errors: `ExitError` 130 at Ctrl-C and at the end of input. */
export function askSecret(io: Io, question: string): Promise<string> {
  if (io.face !== undefined) return io.face.askSecret(question)
  io.stderr.write(question)
  return new Promise((resolve, reject) => {
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
    const reader = createInterface({ input: io.stdin, output: nowhere, terminal: true, historySize: 0 })
    let answer: string | undefined
    reader.once('line', (line) => {
      answer = line
      reader.close()
    })
    reader.once('SIGINT', () => reader.close())
    reader.once('close', () => {
      io.stderr.write('\n')
      if (answer === undefined) reject(new ExitError(EXIT.INTERRUPTED))
      else resolve(answer)
    })
  })
}

/** Asks for a new passphrase twice. Errors: `UsageError` if they differ or are empty. */
export async function askNewSecret(io: Io, what: string): Promise<string> {
  const first = await askSecret(io, `${what}: `)
  if (first === '') throw new UsageError('a passphrase has at least one character')
  if ((await askSecret(io, `${what}, once more: `)) !== first) throw new UsageError('the two passphrases differ')
  return first
}

/**
 * Opens something with the store's passphrase: the one in `--passphrase-file`; else without one, and if there has to be one a
 * person is asked, unless stdin is no terminal or carries JSON.
 *
 * Errors: those of `open`.
 */
export async function storePassphrase<T>(context: Context, open: (passphrase?: string) => Promise<T>, mayAsk = true): Promise<T> {
  const { io, settings } = context
  const file = settings['passphrase-file']
  if (file !== undefined) return await open(await secretFrom(file, 'passphrase-file', io))
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof LockedError) || !mayAsk || !io.canAsk) throw error
  }
  for (let tries = 1; ; tries++) {
    const passphrase = await askSecret(io, 'Passphrase: ')
    try {
      return await open(passphrase)
    } catch (error) {
      if (!(error instanceof WrongPassphraseError) || tries === MAX_TRIES) throw error
      io.complain('that passphrase does not open it')
    }
  }
}
