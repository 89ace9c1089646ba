import '../../src/shims.ts'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ExitError } from '../../src/cli/exit.ts'
import { Io } from '../../src/cli/io.ts'
import { pipeMode } from '../../src/cli/pipe-mode.ts'
import { author, FakeClient } from '../support/fake-client.ts'
import { pipes } from '../support/screen.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('cli/pipe-mode')

class HeldClient extends FakeClient {
  held = true

  waitUntilHeld(signal: AbortSignal): Promise<boolean> {
    if (this.held) return Promise.resolve(true)
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(false)))
  }
}

interface Run {
  client: HeldClient
  out: string[]
  err: string[]
  write(text: string | Uint8Array): void
  end(): Promise<number>
}

async function run(patience?: number): Promise<Run> {
  const { stdin, out, err, streams } = pipes()
  const client = new HeldClient()
  await client.join({ room: 'lobby' })
  const done = pipeMode({ io: new Io(streams), client, room: 'lobby', signal: new AbortController().signal, patience })
  const code = done.then(
    () => 0,
    (error: unknown) => (error instanceof ExitError ? error.exitCode : Promise.reject(error)),
  )
  return {
    client,
    out,
    err,
    write: (text) => void stdin.write(text),
    end() {
      stdin.end()
      return code
    },
  }
}

const sends = (client: FakeClient): string[] =>
  client.calls.filter((call) => call.startsWith('send')).map((call) => call.slice(5))

test('sends each line, and leaves once somebody else holds them', async () => {
  const { client, write, end, out, err } = await run()
  write('one\ntwo\r\n\n  \nthree')
  assert.is(await end(), 0)
  assert.equal(sends(client), ['one', 'two', 'three'])
  assert.equal(out, [], 'one knows what one wrote')
  assert.match(err.at(-1) ?? '', 'another member or a keeper holds everything')
})

test('leaves after a while also when nobody does, and says so', async () => {
  const { client, write, end, err } = await run(1)
  client.held = false
  write('one\n')
  assert.is(await end(), 0)
  assert.match(err.at(-1) ?? '', 'nobody else is known to hold')
})

test('waits for nobody when nothing was sent', async () => {
  const { client, end, err } = await run(60_000)
  client.held = false
  assert.is(await end(), 0)
  assert.match(err.at(-1) ?? '', 'nothing was sent')
})

test('prints what others say, each line naming its room', async () => {
  const { client, out, end } = await run()
  await waitFor(() => client.listeners() > 0, 'the chat')
  await client.join({ room: 'dev' })
  client.hear('lobby', author('bob'), 'hello\nthere')
  await waitFor(() => out.length === 2, 'two lines')
  assert.equal(out, ['[lobby] bob: hello', `${' '.repeat(8)}there`])
  await end()
})

test('does what a command says, after what was sent before it', async () => {
  const { client, write, end, out } = await run()
  write('one\n/join dev\ntwo\n/rooms\n')
  assert.is(await end(), 0)
  assert.equal(client.calls.slice(1), ['send one', 'join dev', 'send two'])
  const rooms = await client.rooms()
  assert.equal(
    rooms.map(({ name, count }) => [name, count]),
    [
      ['lobby', 1],
      ['dev', 1],
    ],
  )
  assert.match(out.join('\n'), /^1 {2}lobby .*\n2 {2}dev/)
})

test('an unknown command is an error on stderr, and nothing is sent', async () => {
  const { client, write, end, err } = await run()
  write('/nonsense\n')
  assert.is(await end(), 0)
  assert.match(err[0] ?? '', 'there is no command /nonsense')
  assert.equal(sends(client), [])
})

test('ends with 1 when a line could not be sent', async () => {
  const { client, write, end, err } = await run()
  client.beforeSend = (text) => (text === 'bad' ? Promise.reject(new Error('why')) : Promise.resolve())
  write('good\nbad\ngood\n')
  assert.is(await end(), 1)
  assert.ok(err.some((line) => line.includes('not sent: why: bad')))
  assert.is(sends(client).length, 3)
})

test('a line that is no UTF-8 is not sent', async () => {
  const { client, write, end } = await run()
  write(new Uint8Array([0xff, 0x0a]))
  write('good\n')
  assert.is(await end(), 1)
  assert.equal(sends(client), ['good'])
})

test('/quit ends it though the input goes on', async () => {
  const { client, write, end } = await run()
  write('one\n/quit\ntwo\n')
  assert.is(await end(), 0)
  assert.equal(sends(client), ['one'])
})

test('nobody can be asked for a passphrase', async () => {
  const { client, write, end, err } = await run()
  write('/join vault --locked\n')
  await end()
  assert.match(err[0] ?? '', '--room-passphrase-file')
  assert.is((await client.rooms()).length, 1)
})

test.run()
