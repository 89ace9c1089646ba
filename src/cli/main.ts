#!/usr/bin/env node
import '../shims.ts'
import { explain } from '../view/explain.ts'
import { EXIT, type ExitCode, ExitError, exitCodeOf } from './exit.ts'
import { Io } from './io.ts'
import { runProgram } from './program.ts'

/** Nobody but the owner reads what is written, whatever the umask was. */
const PRIVATE_UMASK = 0o077
/** How long a command that was told to end may take, in milliseconds. */
const END_PATIENCE = 7_000

const io = new Io()
const interruption = new AbortController()

/** The second time is meant: it ends at once. */
function interrupt(code: ExitCode): void {
  if (interruption.signal.aborted && code === EXIT.INTERRUPTED) process.exit(code)
  interruption.abort(new ExitError(code))
  setTimeout(() => process.exit(code), END_PATIENCE).unref()
}

function onBrokenOutput(error: NodeJS.ErrnoException): void {
  // Whoever read stdout has seen enough: that is an end, not a failure.
  if (error.code === 'EPIPE') interrupt(EXIT.OK)
  else interruption.abort(error)
}

function report(error: unknown): ExitCode {
  const code = exitCodeOf(error)
  const line = error instanceof ExitError && error.message === '' ? '' : explain(error)
  if (line.startsWith('p2pnode ')) io.stderr.write(`${line}\n`)
  else if (line !== '') io.complain(line)
  return code
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve()
    else stream.write('', () => resolve())
  })
}

async function main(): Promise<void> {
  process.umask(PRIVATE_UMASK)
  process.on('SIGINT', () => interrupt(EXIT.INTERRUPTED))
  process.on('SIGTERM', () => interrupt(EXIT.OK))
  process.on('SIGHUP', () => interrupt(EXIT.OK))
  io.stdout.on('error', onBrokenOutput)
  io.stderr.on('error', () => undefined)
  process.on('uncaughtException', (error) => process.exit(report(error)))
  const code = await runProgram(process.argv.slice(2), io, interruption).then(() => EXIT.OK, report)
  await Promise.all([flush(io.stdout), flush(io.stderr)])
  process.exit(code)
}

await main()
