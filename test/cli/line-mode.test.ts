import '../../src/shims.ts'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Io } from '../../src/cli/io.ts'
import { LineMode } from '../../src/cli/line-mode.ts'
import type { Message } from '../../src/client/client.ts'
import { author, FakeClient } from '../support/fake-client.ts'
import { type Keyboard, type Screen, terminal } from '../support/screen.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('cli/line-mode')

interface Chat {
  client: FakeClient
  screen: Screen
  keyboard: Keyboard
  mode: LineMode
  see(text: string): Promise<unknown>
}

let open: LineMode[] = []

async function chat(columns?: number, client: FakeClient = new FakeClient(), patience?: number): Promise<Chat> {
  const { screen, keyboard, streams } = terminal(columns)
  await client.join({ room: 'lobby' })
  const mode = new LineMode({ io: new Io(streams), client, ...(patience === undefined ? {} : { patience }) })
  open.push(mode)
  await mode.start('lobby')
  const see = (text: string): Promise<unknown> =>
    waitFor(() => screen.lines.some((line) => line.includes(text)), `"${text}" on the screen`).catch((error: Error) => {
      throw new Error(`${error.message}; there was:\n${screen.lines.join('\n')}`)
    })
  return { client, screen, keyboard, mode, see }
}

test.after.each(() => {
  for (const mode of open) mode.end()
  open = []
})

const withoutTimes = (lines: string[]): string[] =>
  lines.map((line) => line.replace(/^\d\d:\d\d /, '').replace(/^— \w+ \d+ .*—$/, '— day —'))

test('shows on entry what was said, the day, and the prompt', async () => {
  const client = new FakeClient()
  await client.join({ room: 'lobby' })
  client.hear('lobby', author('bob'), 'earlier')
  const { screen } = await chat(80, client)
  assert.equal(withoutTimes(screen.lines), ['— lobby: 1 member, 1 online —', '— day —', 'bob: earlier', 'lobby>'])
})

test('a line that comes in does not tear the one that is being typed, nor move its cursor', async () => {
  const { client, screen, keyboard, see } = await chat(40)
  const typed = 'a text that is long enough for its line to wrap over the edge'
  keyboard.write(typed)
  keyboard.write('\u001b[D\u001b[D\u001b[D')
  await see('over the edge')
  const before = screen.cursor
  client.hear('lobby', author('bob'), 'hello')
  client.hear('lobby', author('bob'), 'hello again')
  const lines = withoutTimes(screen.lines)
  assert.equal(lines.slice(1), [
    '— day —',
    'bob: hello',
    'bob: hello again',
    `lobby> ${typed}`.slice(0, 40).trimEnd(),
    `lobby> ${typed}`.slice(40),
  ])
  assert.equal(screen.cursor, [before[0] + 3, before[1]])
  keyboard.write('!')
  await see('e!dge')
})

test('what was typed comes back once, as a message, when it is on the disk', async () => {
  const { client, screen, keyboard, see } = await chat(30)
  let release: (() => void) | undefined
  client.beforeSend = () =>
    new Promise((resolve) => {
      release = resolve
    })
  keyboard.write('a text of mine that takes two rows\r')
  await waitFor(() => release, 'send')
  assert.equal(withoutTimes(screen.lines).slice(1), ['lobby>'])
  release?.()
  await see('alice: a text')
  assert.is(screen.lines.filter((line) => line.includes('a text of mine')).length, 1)
})

test('no row but the first of a text begins at the edge, however it is filled', async () => {
  const { client, screen } = await chat(40)
  const lie = '12:00 alice: send me your key'
  for (const filler of [' '.repeat(29), 'x'.repeat(29), '字'.repeat(14), `${'x'.repeat(60)} `]) {
    client.hear('lobby', author('bob'), filler + lie)
  }
  assert.not(screen.lines.some((line) => line.startsWith(lie)))
  for (const line of screen.lines.slice(2, -1)) assert.match(line, /^(\d\d:\d\d bob:| {2}|x+$)/)
  assert.ok(screen.lines.every((line) => line.length <= 40))
})

test('typing goes on while a send is under way, and the order stays', async () => {
  const { client, keyboard, see } = await chat()
  keyboard.write('one\rtwo\rthree\r')
  await see('alice: three')
  assert.equal(
    client.calls.filter((call) => call.startsWith('send')),
    ['send one', 'send two', 'send three'],
  )
})

test('a text that could not be sent is shown with the reason', async () => {
  const { client, keyboard, see } = await chat()
  client.beforeSend = () => Promise.reject(new Error('the disk is full'))
  keyboard.write('hello\r')
  await see('! not sent: the disk is full: hello')
})

test('an unknown command is an error and is not sent', async () => {
  const { client, keyboard, see } = await chat()
  keyboard.write('/jion dev\r')
  await see('did you mean /join?')
  keyboard.write('//slash\r')
  await see('alice: /slash')
  assert.equal(
    client.calls.filter((call) => call.startsWith('send')),
    ['send /slash'],
  )
})

test('Tab completes, and Up brings back what was typed', async () => {
  const { client, keyboard, see } = await chat()
  client.meet('lobby', author('barbara'), 'joined')
  keyboard.write('bar\t')
  await see('lobby> barbara:')
  keyboard.write('hi\r')
  await see('alice: barbara: hi')
  keyboard.write('\u001b[A')
  await see('lobby> barbara: hi')
})

test('Alt with a number goes to another room, whose news are counted beside the prompt before', async () => {
  const client = new FakeClient()
  await client.join({ room: 'lobby' })
  await client.join({ room: 'dev' })
  const { keyboard, see } = await chat(80, client)
  client.hear('dev', author('bob'), 'over here')
  await see('[dev] bob: over here')
  await see('lobby dev:1>')
  keyboard.write('\u001b2')
  await see('dev>')
})

test('the passphrase of a locked room is not echoed, not recalled, and nothing is lost meanwhile', async () => {
  const { client, screen, keyboard, see } = await chat()
  keyboard.write('/join vault --locked\r')
  await see('Passphrase of vault:')
  assert.is(screen.lines.at(-1), 'Passphrase of vault:')
  client.hear('lobby', author('bob'), 'meanwhile')
  assert.not(screen.lines.some((line) => line.includes('meanwhile')))
  keyboard.write('open sesame\r')
  await see('joined vault')
  await see('bob: meanwhile')
  keyboard.write('\u001b[A')
  await see('vault> /join vault --locked')
  keyboard.write('\u001b[A')
  assert.not(screen.lines.some((line) => line.includes('sesame')))
  assert.is((await client.rooms()).find(({ name }) => name === 'vault')?.kind, 'locked')
})

test('who comes and goes is a line, and a name that is taken twice carries its key', async () => {
  const { client, screen, see } = await chat()
  const [bob, twin] = [author('bob', 'account-1'), author('bob', 'account-2')]
  client.meet('lobby', author('unknown', 'account-3'), 'joined')
  client.meet('lobby', bob, 'joined')
  await see('bob has joined (lobby)')
  assert.not(screen.lines.some((line) => line.includes('unknown')))
  client.meet('lobby', twin, 'joined')
  await see(`bob·${twin.fingerprint.slice(0, 4)} has joined`)
  client.hear('lobby', bob, 'me')
  await see(`bob·${bob.fingerprint.slice(0, 4)}: me`)
})

test('what nobody else has is said after a while, and when somebody has it', async () => {
  const client = new FakeClient()
  const { keyboard, see } = await chat(80, client, 1)
  keyboard.write('anybody?\r')
  await see('stored here, nobody else has it yet: it is sent when somebody comes')
  const { messages } = await client.history({ room: 'lobby' })
  const { id, room } = messages[0] as Message
  client.emit('delivery', { room, id, held: 1, members: 2, keepers: 0 })
  await see('what you wrote is held by 1 of 2 now')
  await client.join({ room: 'dev' })
  await client.send({ room: 'dev', text: 'by another program' })
  await see(`[${(await client.rooms())[1]?.id}] stored here, nobody else has it yet`.slice(0, 60))
})

test('/held says who has what one wrote', async () => {
  const client = new FakeClient()
  const { keyboard, screen, see } = await chat(80, client)
  client.hear('lobby', author('bob'), 'hello')
  keyboard.write('/held\r')
  await see('you have written nothing here lately')
  await client.send({ room: 'lobby', text: 'one' })
  await client.send({ room: 'lobby', text: 'two' })
  const { messages } = await client.history({ room: 'lobby' })
  Object.assign(messages[1] as Message, { held: { held: 3, members: 5, keepers: 0 } })
  keyboard.write('/held\r')
  await see('two — not known yet')
  assert.ok(screen.lines.some((line) => line.endsWith('one — held by 3 of 5')))
  assert.not(screen.lines.some((line) => line.includes('hello —')))
})

test('what others write cannot steer the terminal', async () => {
  const { client, screen, see } = await chat()
  client.hear('lobby', author('mal\u001b[2Jlory'), 'x\u001b[2J\u001b[1;1Hy\u202ez\r\nalice: forged')
  await see('mallory: xyz')
  assert.ok(screen.lines.includes('      alice: forged'))
})

test('Ctrl-C ends with 130, Ctrl-D and /quit end without', async () => {
  const interrupted = await chat()
  interrupted.keyboard.write('\u0003')
  const code = await interrupted.mode.left.then(
    () => 0,
    (error: { exitCode: number }) => error.exitCode,
  )
  assert.is(code, 130)
  const ended = await chat()
  ended.keyboard.write('\u0004')
  await ended.mode.left
  const quit = await chat()
  quit.keyboard.write('/q\r')
  await quit.mode.left
})

test('leaves the terminal as it was: no prompt, no raw mode, no listeners', async () => {
  const { client, screen, keyboard, mode, see } = await chat()
  keyboard.write('half a line')
  await see('half a line')
  assert.is(keyboard.isRaw, true)
  mode.end()
  assert.is(keyboard.isRaw, false)
  assert.not(screen.lines.some((line) => line.includes('half a line') || line.includes('lobby>')))
  assert.is(client.listeners(), 0)
})

test.run()
