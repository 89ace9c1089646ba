/**
 * What carries JSON-RPC: lines of UTF-8, both ways. A carrier (stdio, a Unix socket, a WebSocket) is a `LineConnection`;
 * rpc-server.ts and rpc-client.ts know nothing else of it.
 */

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

/** Bytes a line may have, either way, without its end. */
export const MAX_LINE = MEBIBYTE

/** Bytes that the other side may leave unread before it is closed. */
export const MAX_UNREAD = 8 * MEBIBYTE

/** A line as it came, or why there is none. */
export type Line = { text: string } | { problem: 'TOO_LARGE' | 'NOT_UTF8' }

/** One side of a connection that carries lines. */
export interface LineConnection {
  /** What the other side sends, to be read once; ends with it, and when the connection is broken or aborted. */
  readonly lines: AsyncIterable<Line>
  /** Queues a line (without its end) and answers the bytes that the other side has not taken yet. After the end: nothing. */
  write(line: string): number
  /** Resolves when the other side has taken everything, or cannot any more. */
  drained(): Promise<void>
  /** Says that nothing more will be written; resolves when everything has gone out, or cannot any more. */
  end(): Promise<void>
  /** Drops the connection at once, and what was not taken with it. */
  abort(): void
}

/** Cuts a stream of bytes into lines. One over `limit` bytes, or not in UTF-8, becomes a problem, and the next is read as ever. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>, limit: number = MAX_LINE): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let parts: Uint8Array[] = []
  let length = 0
  const take = (): Line => {
    const line = length > limit ? ({ problem: 'TOO_LARGE' } as const) : decodeLine(decoder, parts, length)
    parts = []
    length = 0
    return line
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      length += at - from
      if (length <= limit) parts.push(chunk.subarray(from, at))
      yield take()
      from = at + 1
    }
    length += chunk.length - from
    // Past the limit only the length is kept, so that a line without an end costs no memory.
    if (length > limit) parts = []
    else if (from < chunk.length) parts.push(chunk.slice(from))
  }
  if (length > 0) yield take()
}

function decodeLine(decoder: TextDecoder, parts: Uint8Array[], length: number): Line {
  try {
    if (parts.length === 1) return { text: decoder.decode(parts[0]) }
    const whole = new Uint8Array(length)
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return { text: decoder.decode(whole) }
  } catch (error) {
    if (error instanceof TypeError) return { problem: 'NOT_UTF8' }
    throw error
  }
}

/** Whether a text is over `limit` bytes in UTF-8. */
export function isLonger(text: string, limit: number): boolean {
  // A UTF-16 unit is one to three bytes: only what lies between needs to be encoded to be known.
  if (text.length * 3 <= limit) return false
  return text.length > limit || new TextEncoder().encode(text).length > limit
}
