/** join, leave, rooms, members. */
import { canonicalRoomName } from '../../room-name.ts'
import { UsageError } from '../../view/explain.ts'
import { formatMembers, formatRooms } from '../../view/format.ts'
import { NameBook } from '../../view/names.ts'
import { cleanName } from '../../view/sanitize.ts'
import { type Context, withPeer, withStore } from '../context.ts'
import { askSecret, secretFrom } from '../secret.ts'

export async function join(context: Context, room: string): Promise<void> {
  canonicalRoomName(room)
  const passphrase = await roomPassphrase(context, room)
  const { io, settings } = context
  await withPeer(context, async (client) => {
    const joined = await client.join({ room, ...(passphrase === undefined ? {} : { passphrase }) })
    if (settings.json === true) return io.json(joined)
    io.say(`joined ${cleanName(joined.name)}${joined.kind === 'locked' ? `; check word to compare: ${joined.check}` : ''}`)
  })
}

async function roomPassphrase({ io, settings }: Context, room: string): Promise<string | undefined> {
  const file = settings['room-passphrase-file']
  if (file !== undefined) return await secretFrom(file, 'room-passphrase-file', io)
  if (settings.locked !== true) return undefined
  if (!io.canAsk) throw new UsageError('--locked: nobody can be asked here, give --room-passphrase-file <file>')
  return await askSecret(io, `Passphrase of the room ${cleanName(room)}: `)
}

export async function leave(context: Context, room: string): Promise<void> {
  canonicalRoomName(room)
  await withPeer(context, (client) => client.leave({ room }))
  if (context.settings.json === true) context.io.json(null)
}

export async function rooms(context: Context): Promise<void> {
  const { io, settings } = context
  const found = await withStore(context, (client) => client.rooms())
  if (settings.json === true) return io.json(found)
  for (const line of formatRooms(found)) io.data(line)
}

export async function members(context: Context, room: string): Promise<void> {
  canonicalRoomName(room)
  const { io, settings } = context
  const found = await withStore(context, (client) => client.members({ room }))
  if (settings.json === true) return io.json(found)
  const names = new NameBook()
  for (const member of found) names.add(member)
  for (const line of formatMembers(found, (member) => names.show(member))) io.data(line)
}
