/** The slash commands, each on a conversation. */
import type { Room } from '../client/client.ts'
import { roomArgument } from './arguments.ts'
import type { Conversation } from './conversation.ts'
import { UsageError } from './exit.ts'
import {
  clockTime,
  formatHeld,
  formatMembers,
  formatPeers,
  formatProfile,
  formatRooms,
  formatStatus,
  formatVerified,
} from './format.ts'
import { cleanName, oneLine } from './sanitize.ts'
import { type CommandHelp, type CommandName, commandTable, findCommand } from './slash.ts'

/** Messages that /held looks back for one's own, how many of these it shows, and characters of each. */
const HELD_AMONG = 200
const HELD_SHOWN = 10
const HELD_WIDTH = 60

type Command = (chat: Conversation, rest: string) => Promise<void> | void

const commands: Record<CommandName, Command> = {
  async join(chat, rest) {
    const words = rest.split(/\s+/).filter((word) => word !== '')
    const locked = words.includes('--locked')
    const [room, ...more] = words.filter((word) => word !== '--locked')
    if (room === undefined || more.length > 0 || room.startsWith('--')) throw usage('join')
    roomArgument(room)
    const passphrase = locked ? await chat.screen.askSecret(`Passphrase of ${cleanName(room)}: `) : undefined
    const joined = await chat.client.join({ room, ...(passphrase === undefined ? {} : { passphrase }) })
    await chat.refreshRooms()
    await chat.enter(joined)
    chat.screen.note(`joined ${cleanName(joined.name)}${locked ? `; check word to compare: ${joined.check}` : ''}`)
  },
  async leave(chat, rest) {
    await chat.leave(roomOf(chat, rest))
  },
  async switch(chat, rest) {
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
    for (const member of members) names.add(member)
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
    chat.screen.note(`you are now called ${cleanName(name)}`)
  },
  async me(chat, rest) {
    if (rest === '') throw usage('me')
    await chat.say(rest, true)
  },
  async block(chat, rest) {
    await chat.client.block({ who: personOf(chat, rest, 'block') })
    chat.screen.note(`blocked ${cleanName(rest)}`)
  },
  async unblock(chat, rest) {
    await chat.client.unblock({ who: personOf(chat, rest, 'unblock') })
    chat.screen.note(`unblocked ${cleanName(rest)}`)
  },
  async connect(chat, rest) {
    if (rest === '') throw usage('connect')
    const { peerId } = await chat.client.connect({ address: rest })
    chat.screen.note(`connected to ${peerId}`)
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
    const wanted = rest === '' ? undefined : findCommand(rest)
    if (rest !== '' && wanted === undefined) throw new UsageError(`there is no command /${cleanName(rest.replace(/^\//, ''))}`)
    const shown = (Object.entries(commandTable) as [CommandName, CommandHelp][]).filter(
      ([name]) => wanted === undefined || name === wanted,
    )
    const width = Math.max(...shown.map(([, { usage }]) => usage.length))
    showAll(
      chat,
      shown.map(([, { usage, help, aliases }]) => `${usage.padEnd(width)}  ${help}${also(aliases)}`),
    )
    if (wanted === undefined) chat.screen.show('Anything else is sent; //text sends a text that begins with a slash.')
  },
  quit(chat) {
    chat.screen.quit()
  },
}

/** Errors: `UsageError`, and those of the client. */
export async function runCommand(chat: Conversation, name: CommandName, rest: string): Promise<void> {
  await commands[name](chat, rest)
}

function also(aliases: readonly string[]): string {
  return aliases.length === 0 ? '' : ` (also ${aliases.map((alias) => `/${alias}`).join(', ')})`
}

function usage(name: CommandName): UsageError {
  return new UsageError(`usage: ${commandTable[name].usage}`)
}

function showAll(chat: Conversation, lines: string[], empty: string = ''): void {
  if (lines.length === 0) chat.screen.note(empty)
  for (const line of lines) chat.screen.show(line)
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
