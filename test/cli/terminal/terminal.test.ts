import '../../../src/shims.ts'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT, ExitError } from '../../../src/cli/exit.ts'
import { Io } from '../../../src/cli/io.ts'
import { Terminal } from '../../../src/cli/terminal/terminal.ts'
import { author, FakeClient } from '../../support/fake-client.ts'
import { terminal } from '../../support/screen.ts'
import { waitFor } from '../../support/wait-for.ts'

// Where there is no terminal Ink draws at the end only, and it takes these for a sign of that. It is loaded later.
delete process.env.CI
delete process.env.CONTINUOUS_INTEGRATION

const test = suite('cli/terminal/terminal')

const bob = author('bob')
const open: Terminal[] = []
test.after.each(async () => {
  for (const face of open.splice(0)) await face.leave()
})

function setup() {
  const { screen, keyboard, streams } = terminal(80)
  const io = new Io(streams)
  const exits: Error[] = []
  const face = new Terminal({ io, exit: (reason) => exits.push(reason) })
  open.push(face)
  const see = (text: string): Promise<unknown> =>
    waitFor(() => screen.lines.some((line) => line.includes(text)), `"${text}" on the screen`).catch((error: Error) => {
      throw new Error(`${error.message}; there was:\n${screen.lines.join('\n')}`)
    })
  return { screen, keyboard, io, face, exits, see }
}

async function chat(...rooms: string[]) {
  const client = new FakeClient()
  for (const room of rooms.length > 0 ? rooms : ['lobby']) await client.join({ room })
  const shown = setup()
  await shown.face.start(client)
  await shown.see('1 lobby')
  return { ...shown, client }
}

const withoutTimes = (lines: string[]): string[] => lines.map((line) => line.replace(/^\d\d:\d\d /, ''))
const count = (lines: string[], text: string): number => lines.filter((line) => line.includes(text)).length

test('it is drawn at once, with the modes it needs', () => {
  const { screen, keyboard } = setup()
  assert.match(screen.lines.join('\n'), /^─+\n>\n +starting…$/)
  assert.equal(screen.cursor, [1, 2])
  assert.ok(screen.modes.has(2004) && screen.modes.has(1004))
  assert.ok(keyboard.isRaw)
})

test('Ctrl-C before the chat has begun ends the program, and the terminal is as it was', () => {
  const { screen, keyboard, exits } = setup()
  keyboard.write('\u0003')
  assert.equal(
    exits.map((reason) => reason instanceof ExitError && reason.exitCode),
    [EXIT.INTERRUPTED],
  )
  assert.equal(
    [screen.lines, keyboard.isRaw, [...screen.modes].filter((mode) => mode === 2004 || mode === 1004)],
    [[], false, []],
  )
})

test('what was said stands above what is drawn, once, and the cursor where one types', async () => {
  const { client, screen, keyboard, see } = await chat()
  keyboard.write('half')
  await see('lobby> half')
  client.hear('lobby', bob, 'one')
  client.hear('lobby', bob, 'two')
  await see('bob: two')
  const lines = withoutTimes(screen.lines)
  assert.equal(lines[0], '— lobby: 1 member, 1 online —')
  assert.equal(lines.slice(-5, -3), ['bob: one', 'bob: two'])
  assert.match(lines.at(-3) ?? '', /^── lobby ─ nobody else is here ─+$/)
  assert.is(lines.at(-2), 'lobby> half')
  assert.is(count(screen.lines, 'bob: one'), 1)
  assert.equal(screen.cursor, [screen.lines.length - 2, 11])
})

test('lines typed before the chat has begun are sent then, in their order', async () => {
  const { keyboard, face, see } = setup()
  const client = new FakeClient()
  await client.join({ room: 'lobby' })
  keyboard.write('one\rtwo\r/me waves\rhalf')
  await see('> half')
  assert.equal(client.calls, ['join lobby'])
  await face.start(client)
  await see('* alice waves')
  await see('lobby> half')
  assert.equal(
    client.calls.filter((call) => call.startsWith('send')),
    ['send one', 'send two', 'send waves'],
  )
})

test('a passphrase that is asked for through the io is not shown, and is no line', async () => {
  const { client, screen, keyboard, io, see } = await chat()
  keyboard.write('half')
  const answer = io.face?.askSecret('Passphrase of\nthe store: ')
  await see('Passphrase of the store:')
  keyboard.write('hunter2')
  keyboard.write('\r')
  assert.is(await answer, 'hunter2')
  await see('lobby> half')
  assert.is(count(screen.lines, 'hunter2'), 0)
  assert.equal(client.calls, ['join lobby', 'typing lobby'])
})

test('the room one types in is told so, at once where one goes on in another, and not at every key', async () => {
  const { client, keyboard, see } = await chat('lobby', 'team')
  keyboard.write('ab')
  keyboard.write('c')
  await see('lobby> abc')
  keyboard.write('\u001b2')
  await see('team>')
  keyboard.write('d')
  keyboard.write('e')
  await see('de')
  assert.equal(
    client.calls.filter((call) => call.startsWith('typing')),
    ['typing lobby', 'typing team'],
  )
})

test('a passphrase that is refused ends as Ctrl-C does', async () => {
  const { keyboard, io, see } = await chat()
  const answer = io.face?.askSecret('Passphrase: ')
  await see('Passphrase:')
  keyboard.write('\u0003')
  const error = await answer?.catch((reason: unknown) => reason)
  assert.instance(error, ExitError)
  assert.is((error as ExitError).exitCode, EXIT.INTERRUPTED)
  await see('lobby>')
})

test('what is for people stands among what was said, on one line without controls', async () => {
  const { screen, io, face, see } = await chat()
  io.say('something\u001b[2J happens\nhere')
  io.complain('it does not')
  face.log.write('{"level":50,"msg":"a peer left","err":"gone"}')
  face.log.write('no record')
  await see('! no record')
  assert.equal(screen.lines.slice(1, 5), ['something happens here', '! it does not', '! a peer left: gone', '! no record'])
})

test('a command stands dimmed above its answer, and a text once it is on the disk', async () => {
  const { screen, keyboard, see } = await chat()
  keyboard.write('/away\r')
  await see('others see that you are away')
  assert.equal(screen.lines.slice(1, 3), ['/away', 'others see that you are away; /away again when you are back'])
  keyboard.write('hello\r')
  await see('alice: hello')
  assert.is(count(screen.lines, 'hello'), 1)
})

test('who has what one wrote is drawn behind it', async () => {
  const { client, keyboard, see } = await chat()
  client.reach('a', 'direct', 'lobby')
  client.emit('peer', { peerId: 'a', change: 'connected', via: 'direct' })
  await see('1 direct')
  keyboard.write('hello\r')
  await see('alice: hello …')
  const { messages } = await client.history({ room: 'lobby' })
  const { room = '', id = '' } = messages[0] ?? {}
  client.emit('delivery', { room, id, held: 1, members: 2, keepers: 0 })
  await see('alice: hello ✓')
})

test('looking back has a screen of its own, and the talk comes back as it was, with what was said meanwhile', async () => {
  const { client, screen, keyboard, see } = await chat()
  for (let n = 1; n <= 60; n++) client.hear('lobby', bob, `number ${n}`)
  await see('number 60')
  keyboard.write('\u001b[5~')
  await see('lobby: 60 messages, all there are')
  assert.ok(screen.modes.has(1049))
  assert.is(count(screen.lines, 'number 60'), 0)
  client.hear('lobby', bob, 'meanwhile')
  keyboard.write('q')
  await see('bob: meanwhile')
  assert.not(screen.modes.has(1049))
  assert.is(count(screen.lines, 'number 60'), 1)
  assert.is(count(screen.lines, 'meanwhile'), 1)
  assert.is(count(screen.lines, 'lobby>'), 1)
})

test('rooms are gone to by number, name and place', async () => {
  const { keyboard, see } = await chat('lobby', 'dev')
  keyboard.write('\u001b2')
  await see('dev>')
  keyboard.write('\u000e')
  await see('lobby>')
  keyboard.write('\u0014')
  await see('go to:')
  keyboard.write('de\r')
  await see('dev>')
})

test('a mention rings, once in a while, and not while one looks or does not want it', async () => {
  for (const [told, before] of [
    [1, '\u001b[O'],
    [0, '\u001b[I'],
    // The terminal does not tell, and somebody has just typed.
    [0, ''],
    [0, '\u001b[O/notify off\r'],
  ] as const) {
    const { client, screen, keyboard, see } = await chat()
    keyboard.write(`${before}ready`)
    await see('> ready')
    if (before.includes('/notify')) await see('you are not told of mentions')
    client.hear('lobby', bob, 'nothing')
    client.hear('lobby', bob, 'alice: hello')
    client.hear('lobby', bob, 'alice: again')
    await see('alice: again')
    assert.is(screen.bells, told, before)
  }
})

test('its end leaves the terminal as it was, what was said on it, and twice is once', async () => {
  const { client, screen, keyboard, io, face, see } = await chat()
  client.hear('lobby', bob, 'one')
  await see('bob: one')
  keyboard.write('/quit\r')
  await face.left
  client.hear('lobby', bob, 'two')
  client.hear('lobby', bob, 'three')
  await face.leave()
  const lines = [...screen.lines]
  assert.equal(withoutTimes(lines).slice(2), ['bob: one', '/quit', 'bob: two', 'bob: three'])
  assert.equal(screen.cursor, [lines.length, 0])
  assert.equal(
    [...screen.modes].filter((mode) => mode !== 25),
    [],
  )
  assert.not(keyboard.isRaw)
  assert.is(io.face, undefined)
  open.splice(0)
  Object.assign(screen, { write: () => assert.unreachable('nothing more is written') })
  face.end()
  await face.leave()
  client.hear('lobby', bob, 'late')
  assert.equal(screen.lines, lines)
})

test('an end before Ink was loaded leaves nothing', async () => {
  const { screen, face } = setup()
  face.end()
  await import('ink')
  await new Promise(setImmediate)
  assert.equal(screen.lines, [])
  assert.equal(screen.cursor, [0, 0])
  assert.equal(
    [...screen.modes].filter((mode) => mode !== 25),
    [],
  )
})

test('Ctrl-D leaves, Ctrl-C leaves with its code, and lines are kept for the next time', async () => {
  const first = await chat()
  first.keyboard.write('hello\r')
  await first.see('alice: hello')
  first.keyboard.write('\u0004')
  await first.face.left
  await first.face.leave()
  const next = setup()
  await next.face.start(first.client)
  next.keyboard.write('\u001b[A')
  await next.see('lobby> hello')
  next.keyboard.write('\u0003')
  const error = await next.face.left.catch((reason: unknown) => reason)
  assert.is((error as ExitError).exitCode, EXIT.INTERRUPTED)
})

test.run()
