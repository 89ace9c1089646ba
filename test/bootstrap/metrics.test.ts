import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_METRICS_CONNECTIONS } from '../../bootstrap/constants.ts'
import { gauge } from '../../bootstrap/exposition.ts'
import { type Metrics, type MetricsInit, serveMetrics } from '../../bootstrap/metrics.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('bootstrap/metrics')

const open: Metrics[] = []
const sockets: Socket[] = []
test.after.each(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(open.splice(0).map((metrics) => metrics.close()))
})

async function serve(init: Partial<MetricsInit> = {}): Promise<Metrics> {
  const figures = [gauge('answer', 'It.', () => 42)]
  const metrics = await serveMetrics({
    port: 0,
    figures,
    problem: () => undefined,
    onDefect: (error) => assert.unreachable(String(error)),
    ...init,
  })
  open.push(metrics)
  return metrics
}

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

function ask(
  { port }: Metrics,
  path: string,
  init: { method?: string; host?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { method = 'GET', host = `localhost:${port}`, headers } = init
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, agent: false, headers: { connection: 'keep-alive', ...headers, host } },
      async (response) => {
        let text = ''
        for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

/** A connection that says this and no more. */
async function silent({ port }: Metrics, words = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.resume().write(words)
  return socket
}

test('/metrics is the text of the figures, read when they are asked for', async () => {
  let value = 1
  const metrics = await serve({ figures: [gauge('answer', 'It.', () => value)] })
  const first = await ask(metrics, '/metrics')
  assert.is(first.status, 200)
  assert.is(first.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  assert.is(first.headers.connection, 'close')
  assert.is(first.text, '# HELP answer It.\n# TYPE answer gauge\nanswer 1\n')
  value = 2
  assert.match((await ask(metrics, '/metrics?from=prometheus')).text, /\nanswer 2\n$/)
})

test('/healthz is 200 while all is well, and 503 with the reason when it is not', async () => {
  let problem: string | undefined
  const metrics = await serve({ problem: () => problem })
  const well = await ask(metrics, '/healthz')
  assert.equal([well.status, well.text], [200, 'ok\n'])
  problem = 'it does not listen'
  const ill = await ask(metrics, '/healthz')
  assert.equal([ill.status, ill.text], [503, 'it does not listen\n'])
})

test('HEAD is the same without the text; other methods, and other paths, are refused', async () => {
  const metrics = await serve()
  const head = await ask(metrics, '/metrics', { method: 'HEAD' })
  assert.equal([head.status, head.text], [200, ''])
  assert.is(head.headers['content-length'], String((await ask(metrics, '/metrics')).text.length))
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const { status, headers } = await ask(metrics, '/metrics', { method })
    assert.equal([status, headers.allow], [405, 'GET, HEAD'], method)
  }
  for (const path of ['/', '/metrics/', '/Metrics', '/metrics/../healthz', '//metrics', 'http://localhost/metrics', '*']) {
    assert.is((await ask(metrics, path)).status, 404, path)
  }
})

test('only who asks for this machine by its own names is answered, on whatever port', async () => {
  const metrics = await serve()
  for (const host of ['localhost', '127.0.0.1', 'LOCALHOST:9464', `127.0.0.1:${metrics.port}`]) {
    assert.is((await ask(metrics, '/metrics', { host })).status, 200, host)
  }
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:80',
    'evil.example:localhost',
    '10.0.0.1',
    '[::1]',
  ]) {
    const { status, text } = await ask(metrics, '/metrics', { host })
    assert.is(status, 421, host)
    assert.not.match(text, /answer/)
  }
  const nameless = await silent(metrics, 'GET /metrics HTTP/1.0\r\n\r\n')
  let text = ''
  nameless.setEncoding('utf8').on('data', (part) => {
    text += part
  })
  await waitFor(() => nameless.closed, 'the answer')
  assert.match(text, /^HTTP\/1\.1 421 /)
})

test('no page of another origin is let in', async () => {
  const metrics = await serve()
  const { headers } = await ask(metrics, '/metrics', { headers: { origin: 'https://evil.example' } })
  assert.equal(
    Object.keys(headers).filter((name) => name.startsWith('access-control-')),
    [],
  )
  assert.is(headers['x-content-type-options'], 'nosniff')
})

test('is reached over 127.0.0.1 and no other address', async () => {
  const { port } = await serve()
  // The same port of another address of this machine is free.
  const other = createServer()
  other.listen(port, '127.0.0.2')
  await once(other, 'listening')
  other.close()
})

test('who says nothing, or never ends what it says, is cut off; headers have a size', async () => {
  const metrics = await serve({ timeout: 100 })
  for (const words of ['', 'GET /metrics HTTP/1.1\r\n', 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ']) {
    const socket = await silent(metrics, words)
    await waitFor(() => socket.closed, `the end of ${JSON.stringify(words)}`)
  }
  assert.is((await ask(await serve(), '/metrics', { headers: { x: 'x'.repeat(20_000) } })).status, 431)
})

test('connections are counted, and one is free again when its question is answered', async () => {
  const metrics = await serve()
  const held = await Promise.all(Array.from({ length: MAX_METRICS_CONNECTIONS }, () => silent(metrics)))
  const refused = await silent(metrics)
  await waitFor(() => refused.closed, 'the refusal')
  assert.ok(held.every(({ closed }) => !closed))
  held[0]?.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n')
  await waitFor(() => held[0]?.closed, 'the end of the first')
  assert.is((await ask(metrics, '/healthz')).status, 200)
})

test('a figure that cannot be read is told as a defect, and the next question is answered', async () => {
  const defects: unknown[] = []
  const broken = gauge('broken', 'It.', () => {
    throw new TypeError('why')
  })
  const metrics = await serve({ figures: [broken], onDefect: (error) => defects.push(error) })
  const { status, text } = await ask(metrics, '/metrics')
  assert.equal([status, text], [500, 'a figure cannot be read\n'])
  assert.is(defects.length, 1)
  assert.is((await ask(metrics, '/healthz')).status, 200)
})

test('a port that is taken is told in one line; a closed server leaves it free', async () => {
  const first = await serve({ timeout: 60_000 })
  try {
    await serve({ port: first.port })
    assert.unreachable('it was taken twice')
  } catch (error) {
    assert.is((error as Error).name, 'InvalidArgumentError')
    assert.is((error as Error).message, `cannot serve metrics on 127.0.0.1:${first.port}: address already in use (EADDRINUSE)`)
  }
  const held = await silent(first, 'GET /metrics HTTP/1.1\r\n')
  let isClosed = false
  void first.close().then(() => {
    isClosed = true
  })
  await waitFor(() => held.closed && isClosed, 'the end of what was open')
  assert.is((await serve({ port: first.port })).port, first.port)
})

test.run()
