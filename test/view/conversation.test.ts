import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Conversation } from '../../src/view/conversation.ts'
import { dayOf } from '../../src/view/format.ts'
import { author, FakeClient } from '../support/fake-client.ts'
import { FakeScreen } from '../support/fake-screen.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const test = suite('view/conversation')

const bob = author('bob')
const DAY = `— ${dayOf(new Date(Date.UTC(2026, 10, 21, 12, 0, 1)).toISOString())} —`

/** A client in these rooms; the first is entered at the start. */
async function member(...rooms: string[]): Promise<FakeClient> {
  const client = new FakeClient()
  for (const room of rooms) await client.join({ room })
  return client
}

async function talk(client: FakeClient, look: { full?: boolean; mixed?: boolean } = {}) {
  const screen = new FakeScreen(look)
  const clock = new VirtualClock()
  const chat = new Conversation({ client, screen, after: clock.after })
  await chat.start()
  const tabOf = (name: string) => {
    clock.advance(50)
    const { unread, mentions } = chat.overview.view().rooms.find((room) => room.name === name) ?? {}
    return { unread, mentions }
  }
  return { client, screen, chat, clock, tabOf }
}

const numbered = (n: number): string[] => Array.from({ length: n }, (_, at) => `bob: ${at + 1}`)
const hearMany = (client: FakeClient, room: string, n: number): void => {
  for (let at = 1; at <= n; at++) client.hear(room, bob, `${at}`)
}

test('a room that is entered shows its title, the day, and what was said last', async () => {
  const client = await member('lobby')
  hearMany(client, 'lobby', 3)
  const { screen } = await talk(client)
  assert.equal(screen.take(), ['— lobby: 1 member, 1 online —', DAY, ...numbered(3)])
})

test('a locked room shows its check word', async () => {
  const client = new FakeClient()
  await client.join({ room: 'team', passphrase: 'secret' })
  const { screen } = await talk(client)
  assert.equal(screen.take(), ['— team: 1 member, 1 online, check word: apple river —'])
})

test('twenty are shown, and where there is more', async () => {
  const client = await member('lobby')
  hearMany(client, 'lobby', 21)
  const { screen } = await talk(client)
  assert.equal(screen.take().slice(1), ['(there is more: PgUp)', DAY, ...numbered(21).slice(1)])
})

test('what is new stands below a mark, in whose count one’s own do not', async () => {
  const client = await member('lobby')
  hearMany(client, 'lobby', 3)
  await client.send({ room: 'lobby', text: 'mine' })
  client.hear('lobby', bob, '4')
  client.leaveUnread('lobby', 2)
  const { screen } = await talk(client)
  assert.equal(screen.take().slice(2), ['bob: 1', 'bob: 2', '— 2 new —', 'bob: 3', 'alice: mine', 'bob: 4'])
})

test('no mark stands above all there is', async () => {
  const client = await member('lobby')
  hearMany(client, 'lobby', 3)
  client.leaveUnread('lobby', 3)
  const { screen } = await talk(client)
  assert.equal(screen.take().slice(1), [DAY, ...numbered(3)])
})

test('all that is new is shown, two hundred at most, and how many there are', async () => {
  for (const [all, unread, shown] of [
    [60, 50, 50],
    [250, 230, 200],
  ] as const) {
    const client = await member('lobby')
    hearMany(client, 'lobby', all)
    client.leaveUnread('lobby', unread)
    const { screen } = await talk(client)
    assert.equal(screen.take().slice(1), ['(there is more: PgUp)', `— ${unread} new —`, DAY, ...numbered(all).slice(-shown)])
  }
})

test('nothing is new of what was seen before', async () => {
  const client = await member('lobby', 'dev')
  const { screen, chat } = await talk(client)
  client.hear('lobby', bob, 'one')
  await chat.take('/switch dev')
  screen.take()
  await chat.take('/switch lobby')
  assert.equal(screen.take(), ['— lobby: 1 member, 1 online —', DAY, 'bob: one'])
})

test('a new day is told of once', async () => {
  const client = await member('lobby')
  const { screen } = await talk(client)
  screen.take()
  const later = new Date(Date.UTC(2026, 10, 23, 12)).toISOString()
  client.hear('lobby', bob, 'one')
  client.hear('lobby', bob, 'two', 'gossip', later)
  client.hear('lobby', bob, 'three', 'gossip', later)
  assert.equal(screen.take(), [DAY, 'bob: one', `— ${dayOf(later)} —`, 'bob: two', 'bob: three'])
})

test('what comes in while a room is being entered is shown once, behind the rest', async () => {
  const client = await member('lobby')
  client.hear('lobby', bob, 'before')
  const { members } = client
  client.members = async (params) => {
    const answer = await members.call(client, params)
    if (screen.entries.length === 0 && chat.current !== undefined) client.hear('lobby', bob, 'while the members are read')
    return answer
  }
  client.beforeHistory = async () => void client.hear('lobby', bob, 'before it is read')
  client.afterHistory = async () => {
    client.hear('lobby', bob, 'after it was read')
    client.hear('lobby', bob, 'synced', 'sync')
    await client.send({ room: 'lobby', text: 'mine' })
  }
  const screen = new FakeScreen()
  const chat = new Conversation({ client, screen, after: new VirtualClock().after })
  await chat.start()
  assert.equal(screen.take().slice(2), [
    'bob: before',
    'bob: while the members are read',
    'bob: before it is read',
    'bob: after it was read',
    'bob: synced',
    'alice: mine',
  ])
})

test('what comes in meanwhile does not move the mark', async () => {
  const client = await member('lobby')
  hearMany(client, 'lobby', 3)
  client.leaveUnread('lobby', 1)
  client.beforeHistory = async () => void client.hear('lobby', bob, '4')
  client.afterHistory = async () => void client.hear('lobby', bob, '5')
  const { screen } = await talk(client)
  assert.equal(screen.take().slice(2), ['bob: 1', 'bob: 2', '— 1 new —', 'bob: 3', 'bob: 4', 'bob: 5'])
})

test('what comes in while history cannot be read is shown', async () => {
  const client = await member('lobby', 'dev')
  const { screen, chat } = await talk(client)
  screen.take()
  client.afterHistory = async () => {
    client.hear('dev', bob, 'hello')
    throw new Error('the disk is gone')
  }
  assert.not(await chat.take('/switch dev'))
  assert.equal(screen.take(), [DAY, 'bob: hello', '! the disk is gone'])
  client.hear('dev', bob, 'again')
  assert.equal(screen.take(), ['bob: again'])
})

test('what is said elsewhere is counted where rooms are not mixed, and gone on going there', async () => {
  const client = await member('lobby', 'dev')
  const { screen, chat, tabOf } = await talk(client)
  screen.take()
  client.hear('dev', bob, 'one')
  client.hear('dev', bob, 'alice: two')
  assert.equal(screen.take(), [])
  assert.equal(tabOf('dev'), { unread: 2, mentions: 1 })
  assert.equal(tabOf('lobby'), { unread: 0, mentions: 0 })
  await chat.take('/switch dev')
  assert.equal(tabOf('dev'), { unread: 0, mentions: 0 })
})

test('what is said elsewhere is shown with its room where rooms are mixed', async () => {
  const client = await member('lobby', 'dev')
  const { screen, tabOf } = await talk(client, { mixed: true })
  screen.take()
  client.hear('dev', bob, 'one')
  client.hear('dev', bob, 'synced', 'sync')
  client.hear('lobby', bob, 'two')
  assert.equal(screen.take(), ['[dev] bob: one', '[dev] bob: synced', DAY, 'bob: two'])
  assert.equal(tabOf('dev'), { unread: 2, mentions: 0 })
})

test('what one wrote elsewhere, as in another program, is neither shown nor counted', async () => {
  for (const mixed of [false, true]) {
    const { client, screen, tabOf } = await talk(await member('lobby', 'dev'), { mixed })
    screen.take()
    await client.send({ room: 'dev', text: 'mine' })
    assert.equal(screen.take(), [])
    assert.equal(tabOf('dev'), { unread: 0, mentions: 0 })
  }
})

test('what was shown is read, what was only counted is not', async () => {
  const client = await member('lobby', 'dev')
  for (const room of ['lobby', 'dev']) {
    client.hear(room, bob, 'one')
    client.leaveUnread(room, 1)
  }
  const { chat } = await talk(client)
  const unread = async (): Promise<number[]> => (await client.rooms()).map((room) => room.unread)
  await new Promise(setImmediate)
  assert.equal(await unread(), [0, 1])
  await chat.take('/switch dev')
  await new Promise(setImmediate)
  assert.equal(await unread(), [0, 0])
})

test('what nobody else has is told of after a while, with its room where that is another', async () => {
  const { screen, chat, clock } = await talk(await member('lobby', 'dev'))
  await chat.take('mine')
  await chat.take('/switch dev')
  await chat.take('mine, too')
  screen.take()
  clock.advance(60_000)
  const note = 'stored here, nobody else has it yet: it is sent when somebody comes'
  assert.equal(screen.take(), [`[lobby] ${note}`, note])
})

test('a pipe is shown what others say, each with its room, and nothing else', async () => {
  const client = await member('lobby', 'dev')
  client.hear('lobby', bob, 'before')
  const { screen, chat } = await talk(client, { full: false })
  client.hear('lobby', bob, 'one')
  client.hear('dev', bob, 'two', 'sync')
  await chat.take('three')
  client.sync('lobby', 5)
  client.type('lobby', bob)
  assert.equal(screen.take(), ['[lobby] bob: one', '[dev] bob: two'])
})

test('mentions among what was unread at the start are counted', async () => {
  const client = await member('lobby', 'dev')
  client.hear('dev', bob, 'alice: read before')
  client.hear('dev', bob, 'alice: one')
  client.hear('dev', bob, 'two')
  client.leaveUnread('dev', 2)
  const { tabOf } = await talk(client)
  assert.equal(tabOf('dev'), { unread: 2, mentions: 1 })
})

test('one is alerted to what others say, wherever', async () => {
  const client = await member('lobby', 'dev')
  const { screen, chat } = await talk(client)
  client.hear('lobby', bob, 'one')
  client.hear('dev', bob, 'two')
  await chat.take('mine')
  assert.equal(
    screen.alerts.map(({ message, name }) => [name, message.text]),
    [
      ['bob', 'one'],
      ['bob', 'two'],
    ],
  )
})

test('a mention is of the name that one has now, in what others say', async () => {
  const { client, screen, chat } = await talk(await member('lobby'))
  const mentioned = (): boolean[] =>
    screen.entries.splice(0).flatMap((entry) => (entry.kind === 'message' ? [entry.mention] : []))
  client.hear('lobby', bob, 'Alice, hello')
  client.hear('lobby', bob, 'malice')
  client.hear('lobby', bob, 'al, hello')
  await chat.take('I, alice')
  assert.equal(mentioned(), [true, false, false, false])
  await chat.take('/nick al')
  client.hear('lobby', bob, 'alice, hello')
  client.hear('lobby', bob, 'al, hello')
  assert.equal(mentioned(), [false, true])
})

test('who comes, goes and is renamed is told of in the room that is shown', async () => {
  const client = await member('lobby', 'dev')
  const { screen, chat, clock } = await talk(client)
  screen.take()
  client.meet('lobby', bob, 'joined')
  client.meet('dev', bob, 'joined')
  client.meet('lobby', bob, 'away')
  client.meet('lobby', bob, 'back')
  client.meet('lobby', author('unknown', 'x'), 'joined')
  client.emit('member', {
    room: (await client.rooms())[0]?.id ?? '',
    member: { ...bob, name: 'rob', role: 'member', online: true, self: false },
    change: 'profile',
  })
  assert.equal(screen.take(), ['bob has joined (lobby)', 'bob is away (lobby)', 'bob is back (lobby)', 'bob is now called rob'])
  clock.advance(50)
  assert.ok(chat.overview.view().people.some(({ name }) => name === 'rob'))
  client.meet('lobby', { ...bob, name: 'rob' }, 'left')
  assert.equal(screen.take(), ['rob has left (lobby)'])
})

test('who comes is told of in every room where rooms are mixed', async () => {
  const { client, screen } = await talk(await member('lobby', 'dev'), { mixed: true })
  screen.take()
  client.meet('dev', bob, 'joined')
  assert.equal(screen.take(), ['bob has joined (dev)'])
})

test('rooms are joined, gone to by name and number, and left', async () => {
  const { client, screen, chat, clock } = await talk(await member('lobby', 'dev'))
  assert.ok(await chat.take('/join team'))
  assert.is(chat.current?.name, 'team')
  assert.equal(screen.take().at(-1), 'joined team')
  await chat.take('/switch 2')
  assert.is(chat.current?.name, 'dev')
  assert.equal(
    [1, 2, 3, -1].map((places) => chat.neighbour(places)?.name),
    ['team', 'lobby', 'dev', 'lobby'],
  )
  await chat.take('/leave')
  assert.is(chat.current?.name, 'lobby', 'and goes to another')
  assert.ok(screen.take().includes('left dev'))
  await chat.take('/leave team')
  assert.is(chat.current?.name, 'lobby')
  await chat.take('/leave #LOBBY')
  assert.is(chat.current, undefined)
  clock.advance(50)
  assert.is(chat.overview.view().current, undefined)
  assert.is(chat.neighbour(1), undefined)
  assert.equal(await client.rooms(), [])
  screen.take()
  assert.not(await chat.take('hello'))
  assert.equal(screen.take(), ['! not sent: you are in no room: /join <room>: hello'])
})

test('of a room that was left nothing is kept', async () => {
  const { client, chat, tabOf } = await talk(await member('lobby', 'dev'))
  client.meet('dev', bob, 'joined')
  client.hear('dev', bob, 'one')
  assert.equal(tabOf('dev'), { unread: 1, mentions: 0 })
  const { id = '' } = chat.find('dev') ?? {}
  await chat.take('/leave dev')
  assert.equal(tabOf('dev'), { unread: undefined, mentions: undefined })
  assert.is(chat.overview.unread(id), 0)
  assert.equal(chat.names(id).all(), [])
})

test('the list of rooms is round, both ways', async () => {
  const { chat } = await talk(await member('lobby', 'dev', 'team'))
  assert.is(chat.neighbour(-1)?.name, 'team')
  assert.is(chat.neighbour(1)?.name, 'dev')
})

test('a message that is not sent comes back with its text', async () => {
  const { client, screen, chat } = await talk(await member('lobby'))
  screen.take()
  client.beforeSend = () => Promise.reject(new Error('the disk is full'))
  assert.not(await chat.take('what I had\nto say'))
  assert.equal(screen.take(), ['! not sent: the disk is full: what I had to say'])
})

test('one’s own are shown when they are on the disk, and a slash can be said', async () => {
  const { screen, chat } = await talk(await member('lobby'))
  screen.take()
  assert.ok(await chat.take('hello'))
  assert.ok(await chat.take('//help'))
  assert.ok(await chat.take('/me waves'))
  assert.ok(await chat.take('   '))
  assert.equal(
    screen.entries.flatMap((entry) => (entry.kind === 'message' ? [entry.own] : [])),
    [true, true, true],
  )
  assert.equal(screen.take(), [DAY, 'alice: hello', 'alice: /help', '* alice waves'])
})

test('what a sync brings is shown at its end, and what went before is only counted', async () => {
  const { client, screen, clock } = await talk(await member('lobby', 'dev'))
  screen.take()
  client.sync('lobby', 40)
  for (let n = 1; n <= 40; n++) client.hear('lobby', bob, `${n}`, 'sync')
  client.hear('lobby', bob, 'now')
  assert.equal(screen.take(), [DAY, 'bob: now'])
  client.sync('lobby', 0)
  assert.equal(screen.take(), ['(10 older messages came in: PgUp, /search)', ...numbered(40).slice(10)])
  client.hear('dev', bob, 'elsewhere', 'sync')
  clock.advance(1000)
  assert.equal(screen.take(), [])
})

test('what a sync brought is shown before another room is entered', async () => {
  const { client, screen, chat, clock } = await talk(await member('lobby', 'dev'))
  screen.take()
  client.hear('lobby', bob, 'synced', 'sync')
  await chat.take('/switch dev')
  assert.equal(screen.take(), [DAY, 'bob: synced', '— dev: 1 member, 1 online —'])
  clock.advance(1000)
  assert.equal(screen.take(), [])
})

test('what is typed is told of until it is said', async () => {
  const { client, chat, clock } = await talk(await member('lobby'))
  const typing = (): readonly string[] => {
    clock.advance(50)
    return chat.overview.view().typing
  }
  client.type('lobby', bob)
  assert.equal(typing(), ['bob'])
  client.hear('lobby', bob, 'hello')
  assert.equal(typing(), [])
})

test('after its end it listens to nothing, and nothing is left to come', async () => {
  const { client, screen, chat, clock } = await talk(await member('lobby'))
  client.type('lobby', bob)
  client.hear('lobby', bob, 'synced', 'sync')
  await chat.take('mine')
  screen.take()
  chat.end()
  assert.is(client.listeners(), 0)
  assert.is(clock.pending, 0)
  client.hear('lobby', bob, 'late')
  assert.equal(screen.take(), [])
})

test.run()
