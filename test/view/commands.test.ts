import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KEYS } from '../../src/cli/terminal/terminal.ts'
import { widthOf } from '../../src/cli/terminal/widths.ts'
import { Conversation } from '../../src/view/conversation.ts'
import { dayOf } from '../../src/view/format.ts'
import { commandGroups, commandTable } from '../../src/view/slash.ts'
import { author, FakeClient } from '../support/fake-client.ts'
import { FakeScreen } from '../support/fake-screen.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const test = suite('view/commands')

const bob = author('bob')

async function talk(...rooms: string[]) {
  const client = new FakeClient()
  for (const room of rooms.length > 0 ? rooms : ['lobby']) await client.join({ room })
  const screen = new FakeScreen()
  const chat = new Conversation({ client, screen, after: new VirtualClock().after })
  await chat.start()
  screen.take()
  /** What a line is answered with. */
  const ask = async (line: string): Promise<string[]> => {
    await chat.take(line)
    return screen.take()
  }
  return { client, screen, chat, ask }
}

test('every command is in one group, once', () => {
  assert.equal(Object.values(commandGroups).flat().sort(), Object.keys(commandTable).sort())
})

test('help is one screen of 80 columns and 20 rows, with the keys', async () => {
  const { screen, ask } = await talk()
  screen.keys = KEYS
  const lines = await ask('/help')
  for (const line of lines) assert.ok(widthOf(line) <= 80, `${widthOf(line)} columns: ${line}`)
  assert.ok(lines.length <= 20, `${lines.length} rows`)
  for (const name of Object.keys(commandTable))
    assert.ok(
      lines.some((line) => line.includes(`/${name}`)),
      name,
    )
  for (const line of KEYS)
    assert.ok(
      lines.some((shown) => shown.includes(line)),
      line,
    )
})

test('help on a command has its usage, its help and its other names', async () => {
  const { ask } = await talk()
  assert.equal(await ask('/help leave'), ['/leave [room]  leave a room; its history stays (also /part)'])
  assert.equal(await ask('/help /part'), await ask('/help leave'))
  assert.equal(await ask('/help ping'), ['/ping  how long a word takes to those you are connected to'])
  assert.equal(await ask('/help \u001b[31mnonsense'), ['! there is no command /nonsense'])
  for (const name of Object.keys(commandTable)) assert.match((await ask(`/help ${name}`))[0] ?? '', new RegExp(`^/${name}\\b`))
})

test('a command that does not exist is not sent, and one that is like it named', async () => {
  const { client, ask } = await talk()
  assert.equal(await ask('/jion dev'), ['! there is no command /jion (did you mean /join?); nothing was sent'])
  assert.equal(await ask('/xyzzy'), ['! there is no command /xyzzy (/help lists the commands); nothing was sent'])
  assert.equal(client.calls, ['join lobby'])
})

test('a command without what it needs says how it is written', async () => {
  const { ask } = await talk()
  for (const name of ['join', 'whois', 'verify', 'nick', 'me', 'block', 'unblock', 'connect', 'search'] as const)
    assert.equal(await ask(`/${name}`), [`! usage: ${commandTable[name].usage}`])
  for (const line of ['/away from here', '/notify maybe', '/join one two', '/join --open'])
    assert.match((await ask(line))[0] ?? '', /^! usage: /, line)
})

test('away tells others, and again that one is back', async () => {
  const { client, chat, ask } = await talk()
  assert.equal(await ask('/away'), ['others see that you are away; /away again when you are back'])
  assert.ok(client.isAway)
  assert.ok(chat.isAway)
  assert.equal(await ask('/away'), ['you are back'])
  assert.not(client.isAway)
})

test('away that could not be told is not what one is', async () => {
  const { client, chat, ask } = await talk()
  client.away = () => Promise.reject(new Error('the disk is full'))
  assert.equal(await ask('/away'), ['! the disk is full'])
  assert.not(chat.isAway)
})

test('notify tells how it is, and changes it', async () => {
  const { screen, ask } = await talk()
  const [on, off] = ['you are told when somebody mentions you (/notify off)', 'you are not told of mentions (/notify on)']
  assert.equal(await ask('/notify'), [on])
  assert.equal(await ask('/notify off'), [off])
  assert.not(screen.notifies)
  assert.equal(await ask('/notify'), [off])
  assert.equal(await ask('/notify on'), [on])
})

test('what is found stands with its room and its day, the oldest first', async () => {
  const { client, ask } = await talk('lobby', 'dev')
  const day = dayOf(client.hear('lobby', bob, 'a word').sentAt)
  client.hear('dev', bob, 'another Word')
  client.hear('dev', bob, 'something')
  assert.equal((await ask('/search word')).slice(-3), [
    `[lobby ${day}] bob: a word`,
    `[dev ${day}] bob: another Word`,
    '(2 messages found, for word)',
  ])
  assert.equal(await ask('/search nonsense'), ['(nothing found, for nonsense)'])
})

test('of much that is found the newest twenty are shown', async () => {
  const { client, screen, ask } = await talk()
  for (let n = 1; n <= 21; n++) client.hear('lobby', bob, `word ${n}`)
  screen.take()
  const lines = await ask('/search word')
  assert.is(lines.length, 21)
  assert.match(lines[0] ?? '', /bob: word 2$/)
  assert.is(lines.at(-1), '(20 messages found, the newest of them; more words find fewer)')
})

test('ping has the nearest first', async () => {
  const { client, ask } = await talk()
  assert.equal(await ask('/ping'), ['connected to nobody'])
  client.reach('far', 'relay', 'lobby')
  client.reach('near', 'direct', 'lobby')
  client.reach('new', 'direct', 'lobby')
  const peers = await client.peers()
  client.peers = async () => peers.map((peer, at) => ({ ...peer, ...[{ latencyMs: 70.4 }, { latencyMs: 3 }, {}][at] }))
  assert.equal(await ask('/ping'), [
    'near  direct           3 ms',
    'far   through a relay  70 ms',
    'new   direct           not measured yet',
  ])
})

test('the doctor says what is wrong and what to do', async () => {
  const { client, ask } = await talk()
  client.checks = [
    { name: 'network', ok: true, detail: 'there is one' },
    { name: 'relays', ok: false, detail: 'none', fix: 'add one' },
  ]
  assert.equal(await ask('/doctor'), [
    'ok     network       there is one',
    'WRONG  relays        none',
    '                     -> add one',
  ])
})

test('a locked room’s passphrase is asked for, and never part of a line', async () => {
  const { client, screen, ask } = await talk()
  const lines = await ask('/join team --locked')
  assert.equal(screen.questions, ['Passphrase of team: '])
  assert.is(lines.at(-1), 'joined team; check word to compare: apple river')
  assert.is((await client.rooms())[1]?.kind, 'locked')
  screen.askSecret = () => Promise.reject(new Error('nobody answers'))
  assert.equal(await ask('/join other --locked'), ['! nobody answers'])
  assert.is((await client.rooms()).length, 2)
})

test('a room’s name that can be none is refused before anything is asked', async () => {
  const { screen, ask } = await talk()
  assert.match((await ask(`/join ${'x'.repeat(65)} --locked`))[0] ?? '', /^! a room name has 1 to 64 characters/)
  assert.equal(screen.questions, [])
})

test('switch without a room lets one choose, where that can be', async () => {
  const { screen, ask } = await talk()
  assert.equal(await ask('/switch'), [])
  assert.is(screen.chosen, 1)
  Object.assign(screen, { chooseRoom: undefined })
  assert.equal(await ask('/switch'), ['! usage: /switch <room>'])
  assert.equal(await ask('/switch nowhere'), ['! you are not in nowhere'])
})

test('people are named as they are shown', async () => {
  const { client, screen, ask } = await talk()
  const other = author('bob', 'another account')
  client.meet('lobby', bob, 'joined')
  client.meet('lobby', other, 'joined')
  screen.take()
  const shown = `bob·${other.fingerprint.slice(0, 4)}`
  assert.ok((await ask('/names')).some((line) => line.startsWith(shown)))
  assert.ok((await ask(`/whois ${shown}`)).some((line) => line.includes('another account')))
  assert.match((await ask(`/verify ${shown}`))[0] ?? '', new RegExp(other.fingerprint))
})

test('the rooms have the numbers by which one goes to them', async () => {
  const { ask } = await talk('lobby', 'dev')
  assert.equal(
    (await ask('/rooms')).map((line) => line.slice(0, 8)),
    ['1  lobby', '2  dev  '],
  )
})

test('clear and quit are the screen’s', async () => {
  const { screen, ask } = await talk()
  await ask('/clear')
  await ask('/quit')
  assert.equal([screen.cleared, screen.quits], [1, 1])
})

test.run()
