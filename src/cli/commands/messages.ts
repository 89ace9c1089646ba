/** send, history, search, tail, digest. */
import type { Client, Message, Room } from '../../client/client.ts'
import { MAX_UNREAD } from '../../client/lines.ts'
import { ClosedError, UnknownRoomError } from '../../errors.ts'
import { canonicalRoomName } from '../../room-name.ts'
import { explain, UsageError } from '../../view/explain.ts'
import { formatMessage, type MessageLook } from '../../view/format.ts'
import { NameBook } from '../../view/names.ts'
import { type Context, withPeer, withStore } from '../context.ts'
import { EXIT, ExitError } from '../exit.ts'
import { parseCount } from '../options.ts'

/** Sends under way at once, so that many lines share a write to the disk. */
const MAX_OPEN = 64
const MAX_HISTORY = 1_000
const MESSAGE_ID = /^[0-9a-f]{64}$/

export async function send(context: Context, room: string, text: string | undefined): Promise<void> {
  canonicalRoomName(room)
  const { io, settings } = context
  if (text === undefined && io.stdin.isTTY === true) throw new UsageError('send needs a text, or - to read lines from stdin')
  if (text === '') throw new UsageError('the text is empty')
  await withPeer(context, async (client) => {
    if (text === undefined || text === '-') return await sendLines(context, client, room)
    const sent = await client.send({ room, text })
    if (settings.json === true) io.json(sent)
  })
}

/** A message per line, never a command. Errors: the first one, once what came before it has been answered. */
async function sendLines({ io, settings }: Context, client: Client, room: string): Promise<void> {
  const open = new Set<Promise<void>>()
  let failed: { number: number; error: unknown } | undefined
  let number = 0
  for await (const line of io.lines()) {
    number += 1
    const at = number
    if ('problem' in line) {
      failed ??= { number: at, error: new Error(line.problem === 'TOO_LARGE' ? 'too long' : 'not UTF-8') }
      break
    }
    const text = line.text.replace(/\r$/, '')
    if (text.trim() === '') continue
    const work = client.send({ room, text }).then(
      (sent) => {
        if (settings.json === true) io.json(sent)
      },
      (error: unknown) => {
        failed ??= { number: at, error }
      },
    )
    open.add(work)
    void work.then(() => open.delete(work))
    if (open.size >= MAX_OPEN) await Promise.race(open)
    if (failed !== undefined) break
  }
  await Promise.all(open)
  if (failed === undefined) return
  if (!(failed.error instanceof Error) || failed.error.constructor !== Error) throw failed.error
  throw new ExitError(EXIT.FAILURE, `line ${failed.number}: ${explain(failed.error)}`)
}

export interface HistoryFlags {
  limit?: string
  before?: string
  after?: string
}

export async function history(context: Context, room: string, flags: HistoryFlags): Promise<void> {
  canonicalRoomName(room)
  const limit = flags.limit === undefined ? undefined : parseCount(flags.limit, '--limit', MAX_HISTORY)
  for (const [name, id] of Object.entries({ before: flags.before, after: flags.after })) {
    if (id !== undefined && !MESSAGE_ID.test(id)) throw new UsageError(`--${name} must be a message id: 64 lower-case hex digits`)
  }
  const { io, settings } = context
  await withStore(context, async (client) => {
    const page = await client.history({ room, limit, before: flags.before, after: flags.after })
    if (settings.json === true) return io.json(page)
    const printer = await linePrinter(client, room, { delivery: true })
    for (const message of page.messages) io.data(printer(message))
  })
}

export interface SearchFlags {
  room?: string
  limit?: string
}

export async function search(context: Context, words: string[], flags: SearchFlags): Promise<void> {
  if (flags.room !== undefined) canonicalRoomName(flags.room)
  const limit = flags.limit === undefined ? undefined : parseCount(flags.limit, '--limit', MAX_HISTORY)
  const query = words.join(' ')
  if (query.trim() === '') throw new UsageError('search needs a word to look for')
  const { io, settings } = context
  await withStore(context, async (client) => {
    const found = await client.search({ query, room: flags.room, limit })
    if (settings.json === true) return io.json(found)
    const printers = new Map<string, (message: Message) => string>()
    const rooms = new Map((await client.rooms()).map((room) => [room.id, room.name]))
    for (const id of new Set(found.messages.map(({ room }) => room)))
      printers.set(id, await linePrinter(client, id, { delivery: true, room: rooms.get(id) ?? id }))
    for (const message of found.messages) io.data(printers.get(message.room)?.(message) ?? '')
  })
}

/** One line of plain text a message, and the lines of a longer text below it. */
async function linePrinter(
  client: Client,
  room: string,
  look: Pick<MessageLook, 'delivery' | 'room'> = {},
): Promise<(message: Message) => string> {
  const names = new NameBook()
  for (const member of await client.members({ room })) names.add(member)
  return (message) => formatMessage(message, { name: names.show(message.author), time: message.sentAt, ...look })
}

export async function tail(context: Context, room: string, flags: { limit?: string }): Promise<void> {
  canonicalRoomName(room)
  const limit = flags.limit === undefined ? 10 : parseCount(flags.limit, '--limit', MAX_HISTORY)
  const { io, settings } = context
  await withPeer(context, async (client) => {
    const { id } = await roomNamed(client, room)
    const early: Message[] = []
    let print = (message: Message): unknown => early.push(message)
    client.on('message', (message) => {
      if (message.room === id) print(message)
    })
    const format = settings.json === true ? JSON.stringify : await linePrinter(client, room)
    const { messages } = await client.history({ room, limit })
    const known = new Set(messages.map((message) => message.id))
    print = (message) => {
      io.data(format(message))
      if (io.stdout.writableLength > MAX_UNREAD) context.exit(new ExitError(EXIT.IO, 'nobody reads stdout'))
    }
    for (const message of [...messages, ...early.filter((message) => !known.has(message.id))]) print(message)
    const reason = await client.closed
    if (reason === undefined) throw new ClosedError('the peer is gone')
    io.say(`the peer has stopped (${reason})`)
  })
}

async function roomNamed(client: Client, room: string): Promise<Room> {
  const wanted = room.normalize('NFKC').trim().replace(/^#/, '').toLowerCase()
  const found = (await client.rooms()).find(({ id, name }) => name === wanted || id === wanted)
  if (found === undefined) throw new UnknownRoomError(`not in a room called ${wanted}: p2pnode join ${wanted}`)
  return found
}

export async function digest(context: Context, room: string): Promise<void> {
  canonicalRoomName(room)
  const { io, settings } = context
  const result = await withStore(context, (client) => client.digest({ room }))
  if (settings.json === true) io.json(result)
  else io.data(`${result.digest} ${result.count}`)
}
