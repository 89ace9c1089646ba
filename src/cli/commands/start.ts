/** `p2pnode start`: this device's peer, and the chat over it. */
import { canonicalRoomName } from '../../room-name.ts'
import { UsageError } from '../../view/explain.ts'
import { cleanName } from '../../view/sanitize.ts'
import { checkAddresses } from '../addresses.ts'
import type { Context } from '../context.ts'
import { makeDataDir } from '../data-dir.ts'
import { askSecret, secretFrom } from '../secret.ts'
import { keepHeapSmall } from '../small-heap.ts'
import type { Terminal } from '../terminal/terminal.ts'

export async function start(context: Context, rooms: string[]): Promise<void> {
  keepHeapSmall()
  const { settings, dataDir } = context
  for (const room of rooms) canonicalRoomName(room)
  await checkAddresses(settings, ['listen', 'announce', 'connect', 'relay'])
  const roomPassphrase = await lockedBy(context, rooms)
  makeDataDir(dataDir)
  // Drawn before anything heavy is loaded, so that there is something to see and to type into.
  const terminal = await openTerminal(context)
  try {
    const { live } = await import('../life.ts')
    await live(context, { rooms, roomPassphrase, terminal })
  } finally {
    terminal?.end()
  }
}

/** A terminal can do more than lines, unless lines are wanted. */
async function openTerminal({ io, settings, exit }: Context): Promise<Terminal | undefined> {
  const { json, headless, plain } = settings
  if (!io.isTerminal || json === true || headless === true || plain === true) return undefined
  const { Terminal } = await import('../terminal/terminal.ts')
  return new Terminal({ io, exit })
}

/** The passphrase of the locked room that was named, if one was. */
async function lockedBy({ io, settings }: Context, rooms: string[]): Promise<string | undefined> {
  const file = settings['room-passphrase-file']
  if (settings.locked !== true && file === undefined) return undefined
  if (rooms.length !== 1) throw new UsageError('--locked needs exactly one room: start <room> --locked')
  if (file === '-' && (settings.json === true || settings.headless === true)) {
    throw new UsageError('--room-passphrase-file - reads stdin, which --json and --headless do not leave to it')
  }
  if (file !== undefined) return await secretFrom(file, 'room-passphrase-file', io)
  if (settings.json === true || settings.headless === true || !io.canAsk) {
    throw new UsageError('--locked: nobody can be asked here, give --room-passphrase-file <file>')
  }
  return await askSecret(io, `Passphrase of the room ${cleanName(rooms[0] ?? '')}: `)
}
