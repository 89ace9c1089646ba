import type { Readable, Writable } from 'node:stream'
import { type LineConnection, splitLines } from '../client/lines.ts'

/** How long the end waits for the other side to take what was written, in milliseconds. */
const FLUSH_PATIENCE = 2_000

/**
 * Node's streams as a carrier of lines: a socket as both, or stdin and stdout. The process's own streams are flushed and left
 * open: Node brings them back to life when they are destroyed.
 */
export function streamConnection(input: Readable, output: Writable): LineConnection {
  const isOwn = output === process.stdout
  let broken = false
  const abort = (): void => {
    if (broken) return
    broken = true
    input.destroy()
    if (!isOwn) output.destroy()
  }
  // A reader that went away is no error: it is the end.
  output.on('error', abort)
  output.once('close', () => {
    if (!output.writableFinished) abort()
  })
  return {
    lines: splitLines(chunksOf(input)),
    write(line) {
      if (broken || output.writableEnded || output.destroyed) return 0
      output.write(`${line}\n`)
      return output.writableLength
    },
    async drained() {
      if (broken || output.destroyed || output.writableLength === 0) return
      await new Promise<void>((resolve) => {
        const done = (): void => {
          for (const event of ['drain', 'close', 'error']) output.off(event, done)
          resolve()
        }
        for (const event of ['drain', 'close', 'error']) output.on(event, done)
      })
    },
    end: () => (broken ? Promise.resolve() : flush(output, isOwn)),
    abort,
  }
}

async function* chunksOf(input: Readable): AsyncGenerator<Uint8Array> {
  try {
    // The end of what is read is not the end of what is written: the iterator must not destroy a socket.
    for await (const chunk of input.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array
  } catch (error) {
    // Reset, aborted, or destroyed by ourselves: there is nothing more to read either way.
    if (!(error instanceof Error)) throw error
  }
}

async function flush(output: Writable, isOwn: boolean): Promise<void> {
  if (output.destroyed || output.writableFinished) return
  let timer: ReturnType<typeof setTimeout> | undefined
  await new Promise<void>((resolve) => {
    const done = (): void => resolve()
    output.once('close', done)
    output.once('error', done)
    timer = setTimeout(done, FLUSH_PATIENCE)
    if (isOwn) output.write('', done)
    else output.end(done)
  })
  clearTimeout(timer)
}
