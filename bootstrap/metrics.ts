/** `/metrics` and `/healthz` of a running relay: HTTP, on this machine only. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InvalidArgumentError } from '../src/errors.ts'
import { reason } from '../src/node/reason.ts'
import { MAX_METRICS_CONNECTIONS, MAX_METRICS_HEADERS, METRICS_CHECK_INTERVAL, METRICS_TIMEOUT } from './constants.ts'
import { CONTENT_TYPE, exposition, type Figure } from './exposition.ts'

export interface MetricsInit {
  /** 0: any free one. */
  port: number
  figures: readonly Figure[]
  /** Why it is not well; undefined while it is. */
  problem(): string | undefined
  /** Hears of defects: what reading a figure threw. */
  onDefect(error: unknown): void
  /** What a request, and a connection without one, may take, in milliseconds. @default 5 s */
  timeout?: number
}

export interface Metrics {
  /** The port that is listened on. */
  readonly port: number
  close(): Promise<void>
}

/** Whoever forwards a port to this machine has another one in the header. */
const OWN_HOST = /^(localhost|127\.0\.0\.1)(:\d{1,5})?$/i

interface Answer {
  status: number
  text: string
  headers?: Record<string, string>
}

/** @throws InvalidArgumentError the port cannot be listened on */
export async function serveMetrics(init: MetricsInit): Promise<Metrics> {
  const { timeout = METRICS_TIMEOUT } = init
  const server = createServer(
    {
      maxHeaderSize: MAX_METRICS_HEADERS,
      headersTimeout: timeout,
      requestTimeout: timeout,
      connectionsCheckingInterval: Math.min(timeout, METRICS_CHECK_INTERVAL),
    },
    answering(init),
  )
  server.maxConnections = MAX_METRICS_CONNECTIONS
  server.timeout = timeout
  await listen(server, init.port)
  server.on('error', init.onDefect)
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function listen(server: Server, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    const message = `cannot serve metrics on 127.0.0.1:${port}: ${reason(error)}`
    throw new InvalidArgumentError('metrics', message, { cause: error })
  }
}

function answering(init: MetricsInit): RequestListener {
  return ({ method = '', url = '', headers: { host = '' } }, response) => {
    let answer: Answer
    try {
      answer = answerTo(method, url, host, init)
    } catch (error) {
      init.onDefect(error)
      answer = { status: 500, text: 'a figure cannot be read\n' }
    }
    const { status, text, headers } = answer
    response.writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // Nobody holds one of the few connections between two questions.
      connection: 'close',
      ...headers,
    })
    response.end(text)
  }
}

function answerTo(method: string, url: string, host: string, { figures, problem }: MetricsInit): Answer {
  // A page whose name was made to point to this machine may ask, as its name is in the header.
  if (!OWN_HOST.test(host)) return { status: 421, text: 'ask for localhost\n' }
  const [path] = url.split('?')
  if (path !== '/metrics' && path !== '/healthz') return { status: 404, text: 'there is /metrics and /healthz\n' }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'only GET\n', headers: { allow: 'GET, HEAD' } }
  if (path === '/metrics') return { status: 200, text: exposition(figures), headers: { 'content-type': CONTENT_TYPE } }
  const ill = problem()
  return ill === undefined ? { status: 200, text: 'ok\n' } : { status: 503, text: `${ill}\n` }
}
