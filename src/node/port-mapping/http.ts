import { type IncomingMessage, request } from 'node:http'
import { type Clock, within } from '../clock.ts'
import { HTTP_TIMEOUT, MAX_HTTP_BODY, MAX_HTTP_HEADERS } from './constants.ts'

export interface HttpRequest {
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
}

/** Who asks: the address of this machine that it is sent from, and by what deadlines are measured. */
export interface Caller {
  local: string
  clock: Clock
}

export interface HttpAnswer {
  status: number
  body: string
}

/**
 * One request to a router, on a connection of its own. Goes where `url` says and nowhere else: no redirect is followed.
 *
 * @throws Error when there is no answer in time, or too much of one
 */
export async function ask(
  url: URL,
  { method, headers, body }: HttpRequest,
  { local, clock }: Caller,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  return await within(
    clock,
    HTTP_TIMEOUT,
    async (signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      const sent = request(url, {
        method,
        agent: false,
        localAddress: local,
        maxHeaderSize: MAX_HTTP_HEADERS,
        signal,
        headers: {
          ...headers,
          connection: 'close',
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        },
      })
      sent.on('error', reject)
      sent.on('response', resolve)
      sent.end(body)
      try {
        const answer = await promise
        return { status: answer.statusCode ?? 0, body: await readBody(answer) }
      } finally {
        sent.destroy()
      }
    },
    signal,
  )
}

async function readBody(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    size += part.length
    if (size > MAX_HTTP_BODY) throw new Error('the router answers with too much')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
