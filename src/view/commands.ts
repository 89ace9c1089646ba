/** The slash commands, each on a conversation. */
import type { Room } from '../client/client.ts'
import { canonicalRoomName } from '../room-name.ts'
import type { Conversation } from './conversation.ts'
import { UsageError } from './explain.ts'
import {
  clockTime,
  count,
  formatChecks,
  formatHeld,
  formatLatency,
  formatMembers,
  formatPeers,
  formatProfile,
  formatRooms,
  formatStatus,
  formatVerified,
  table,
} from './format.ts'
import { cleanName, oneLine } from './sanitize.ts'
import { type CommandName, commandGroups, commandTable, findCommand } from './slash.ts'

/** Messages that /held looks back for one's own, how many of these it shows, and characters of each. */
const HELD_AMONG = 200
const HELD_SHOWN = 10
const HELD_WIDTH = 60
/** Messages that /search shows. */
const FOUND_SHOWN = 20

type Command = (chat: Conversation, rest: string) => Promise<void> | void

const commands: Record<CommandName, Command> = {
  async join(chat, rest) {
    const words = rest.split(/\s+/).filter((word) => word !== '')
    const locked = words.includes('--locked')
    const [room, ...more] = words.filter((word) => word !== '--locked')
    if (room === undefined || more.length > 0 || room.startsWith('--')) throw usage('join')
    canonicalRoomName(room)
    const passphrase = locked ? await chat.screen.askSecret(`Passphrase of ${cleanName(room)}: `) : undefined
    const joined = await chat.client.join({ room, ...(passphrase === undefined ? {} : { passphrase }) })
    await chat.refreshRooms()
    await chat.enter(joined)
    chat.note(`joined ${cleanName(joined.name)}${locked ? `; check word to compare: ${joined.check}` : ''}`)
  },
  async leave(chat, rest) {
    await chat.leave(roomOf(chat, rest))
  },
  async switch(chat, rest) {
    if (rest === '' && chat.screen.chooseRoom !== undefined) return chat.screen.chooseRoom()
    if (rest === '') throw usage('switch')
    await chat.enter(roomOf(chat, rest))
  },
  async rooms(chat) {
    const lines = formatRooms(await chat.refreshRooms())
    showAll(
      chat,
      lines.map((line, at) => `${at + 1}  ${line}`),
      'you are in no room',
    )
  },
  async names(chat, rest) {
    const room = roomOf(chat, rest)
    const names = chat.names(room.id)
    const members = await chat.client.members({ room: room.id })
    chat.people.learn(room.id, members)
    showAll(
      chat,
      formatMembers(members, (member) => names.show(member)),
      'nobody is here',
    )
  },
  async held(chat, rest) {
    const room = roomOf(chat, rest)
    const self = (await chat.client.members({ room: room.id })).find((member) => member.self)
    const { messages } = await chat.client.history({ room: room.id, limit: HELD_AMONG })
    const own = messages.filter(({ author }) => author.account === self?.account).slice(-HELD_SHOWN)
    showAll(
      chat,
      own.map(({ sentAt, text, held }) => `${clockTime(sentAt)} ${oneLine(text, HELD_WIDTH)} — ${formatHeld(held)}`),
      'you have written nothing here lately',
    )
  },
  async whois(chat, rest) {
    showAll(chat, formatProfile(await chat.client.profile({ who: personOf(chat, rest, 'whois') })))
  },
  async verify(chat, rest) {
    showAll(chat, formatVerified(await chat.client.verify({ who: personOf(chat, rest, 'verify') })))
  },
  async nick(chat, rest) {
    if (rest === '') throw usage('nick')
    const { name } = await chat.client.setProfile({ name: rest })
    chat.renamed(name)
    chat.note(`you are now called ${cleanName(name)}`)
  },
  async away(chat, rest) {
    if (rest !== '') throw usage('away')
    const away = !chat.isAway
    await chat.client.away({ away })
    chat.isAway = away
    chat.note(chat.isAway ? 'others see that you are away; /away again when you are back' : 'you are back')
  },
  async me(chat, rest) {
    if (rest === '') throw usage('me')
    await chat.say(rest, true)
  },
  async block(chat, rest) {
    await chat.client.block({ who: personOf(chat, rest, 'block') })
    chat.note(`blocked ${cleanName(rest)}`)
  },
  async unblock(chat, rest) {
    await chat.client.unblock({ who: personOf(chat, rest, 'unblock') })
    chat.note(`unblocked ${cleanName(rest)}`)
  },
  async connect(chat, rest) {
    if (rest === '') throw usage('connect')
    const { peerId } = await chat.client.connect({ address: rest })
    chat.note(`connected to ${peerId}`)
  },
  async search(chat, rest) {
    if (rest === '') throw usage('search')
    const { messages, more } = await chat.client.search({ query: rest, limit: FOUND_SHOWN })
    for (const message of messages) chat.found(message)
    const most = more ? 'the newest of them; more words find fewer' : `for ${oneLine(rest, HELD_WIDTH)}`
    chat.note(`(${messages.length === 0 ? 'nothing found' : `${count(messages.length, 'message')} found`}, ${most})`)
  },
  notify(chat, rest) {
    if (rest !== '' && rest !== 'on' && rest !== 'off') throw usage('notify')
    const on = chat.screen.notify(rest === '' ? undefined : rest === 'on')
    chat.note(on ? 'you are told when somebody mentions you (/notify off)' : 'you are not told of mentions (/notify on)')
  },
  async doctor(chat) {
    showAll(chat, formatChecks((await chat.client.doctor()).checks))
  },
  async ping(chat) {
    const peers = await chat.client.peers()
    showAll(chat, formatLatency(peers), 'connected to nobody')
  },
  async peers(chat) {
    showAll(chat, formatPeers(await chat.client.peers()), 'connected to nobody')
  },
  async status(chat) {
    showAll(chat, formatStatus(await chat.client.status()))
  },
  clear(chat) {
    chat.screen.clear()
  },
  help(chat, rest) {
    showAll(chat, rest === '' ? overviewOf(chat.screen.keys) : helpOn(rest))
  },
  quit(chat) {
    chat.screen.quit()
  },
}

/** Errors: `UsageError`, and those of the client. */
export async function runCommand(chat: Conversation, name: CommandName, rest: string): Promise<void> {
  await commands[name](chat, rest)
}

/** All of them on one screen of 80 columns. */
function overviewOf(keys: readonly string[]): string[] {
  const lines = Object.entries(commandGroups).map(([group, names]) => [
    group,
    names.map((name) => commandTable[name].usage.replace(/ \[.*?\]/g, '')).join('  '),
  ])
  return [
    ...table([...lines, ...keys.map((line, at) => [at === 0 ? 'keys' : '', line])]),
    'Anything else is sent; //x sends /x. /help <command> says more.',
  ]
}

function helpOn(command: string): string[] {
  const name = findCommand(command)
  if (name === undefined) throw new UsageError(`there is no command /${cleanName(command.replace(/^\//, ''))}`)
  const { usage, help, aliases } = commandTable[name]
  const also = aliases.length === 0 ? '' : ` (also ${aliases.map((alias) => `/${alias}`).join(', ')})`
  return [`${usage}  ${help}${also}`]
}

function usage(name: CommandName): UsageError {
  return new UsageError(`usage: ${commandTable[name].usage}`)
}

function showAll(chat: Conversation, lines: string[], empty: string = ''): void {
  if (lines.length === 0) chat.note(empty)
  for (const line of lines) chat.line(line)
}

function roomOf(chat: Conversation, rest: string): Room {
  const room = rest === '' ? chat.current : chat.find(rest)
  if (room === undefined)
    throw new UsageError(rest === '' ? 'you are in no room: /join <room>' : `you are not in ${cleanName(rest)}`)
  return room
}

function personOf(chat: Conversation, rest: string, name: CommandName): string {
  if (rest === '') throw usage(name)
  return chat.names().account(rest)
}
