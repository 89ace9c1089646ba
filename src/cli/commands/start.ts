/** `p2pnode start`: this device's peer, and the chat over it. */
import type { Room, Status } from '../../client/client.ts'
import { StoreInUseError } from '../../errors.ts'
import { UsageError } from '../../view/explain.ts'
import { roomArgument } from '../../view/room-argument.ts'
import { cleanName } from '../../view/sanitize.ts'
import { checkAddresses } from '../addresses.ts'
import type { Context } from '../context.ts'
import { makeDataDir } from '../data-dir.ts'
import { EXIT, ExitError } from '../exit.ts'
import { LineMode } from '../line-mode.ts'
import { componentLogger, createLog } from '../log.ts'
import { pipeMode } from '../pipe-mode.ts'
import { type OwnPeer, startNode, storeOwner } from '../runtime.ts'
import { askSecret, keepToken, secretFrom, storePassphrase } from '../secret.ts'
import { Service } from '../service.ts'
import { keepHeapSmall } from '../small-heap.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** Joined by whoever never was in a room and names none. */
const FIRST_ROOM = 'lobby'

type Log = ReturnType<typeof createLog>

export async function start(context: Context, rooms: string[]): Promise<void> {
  keepHeapSmall()
  const { settings, dataDir } = context
  for (const room of rooms) roomArgument(room)
  await checkAddresses(settings, ['listen', 'announce', 'connect', 'relay'])
  const roomPassphrase = await lockedBy(context, rooms)
  // Stdin carries JSON, or nobody is there: nothing is asked.
  const mayAsk = settings.json !== true && settings.headless !== true
  makeDataDir(dataDir)
  // Drawn before anything heavy is loaded, so that there is something to see and to type into.
  const terminal = await openTerminal(context)
  try {
    await live(context, { rooms, roomPassphrase, mayAsk, terminal })
  } finally {
    terminal?.end()
  }
}

interface Wishes {
  rooms: string[]
  roomPassphrase: string | undefined
  mayAsk: boolean
  terminal: Terminal | undefined
}

/** A terminal can do more than lines, unless lines are wanted. */
async function openTerminal({ io, settings }: Context): Promise<Terminal | undefined> {
  const { json, headless, plain } = settings
  if (!io.isTerminal || json === true || headless === true || plain === true) return undefined
  const { Terminal } = await import('../terminal/terminal.ts')
  return new Terminal({ io })
}

async function live(context: Context, { rooms, roomPassphrase, mayAsk, terminal }: Wishes): Promise<void> {
  const { settings } = context
  const log = createLog({
    level: settings['log-level'] ?? 'warn',
    file: settings['log-file'],
    ...(terminal === undefined ? {} : { stream: terminal.log }),
  })
  const peer = await storePassphrase(context, (passphrase) => openPeer(context, log, passphrase), mayAsk)
  const { client } = peer
  const life = new Life(context, peer, log, terminal)
  try {
    const joined: Room[] = []
    for (const room of rooms.length === 0 && !peer.knowsRooms ? [FIRST_ROOM] : rooms) {
      joined.push(await client.join({ room, passphrase: roomPassphrase }))
    }
    await life.serve()
    if (settings.json !== true) greet(context, await client.status(), joined[0])
    await life.run(joined[0]?.name)
  } finally {
    await life.stop()
  }
}

async function openPeer(context: Context, log: Log, passphrase?: string): Promise<OwnPeer> {
  const { settings, dataDir } = context
  try {
    return await startNode({
      dataDir,
      passphrase,
      name: settings.name,
      listen: settings.listen,
      port: settings.port,
      announce: settings.announce,
      connect: settings.connect,
      relays: settings.relay,
      keep: settings['no-keep'] === true ? false : { token: await keepToken(context) },
      mdns: settings['no-mdns'] !== true,
      ...(settings['no-dht'] === true ? { dht: false } : settings.dht === true ? { dht: true } : {}),
      ...(settings['no-upnp'] === true ? { upnp: false } : settings.upnp === true ? { upnp: true } : {}),
      offline: settings.offline,
      logger: componentLogger(log),
    })
  } catch (error) {
    if (!(error instanceof StoreInUseError)) throw error
    const pid = await storeOwner(dataDir)
    throw new ExitError(
      EXIT.IN_USE,
      `p2pnode is already running here${pid === undefined ? '' : ` (pid ${pid})`}. ` +
        'To be a second person on this machine: p2pnode start --data-dir ./bob. ' +
        'To talk as the running one: p2pnode tail <room>, p2pnode send <room>.',
    )
  }
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

/** What a newcomer needs to know. */
function greet({ io }: Context, { name, addresses, rooms, version }: Status, named: Room | undefined): void {
  const room = named ?? rooms[0]
  const reachable = addresses.find((address) => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address)) ?? addresses[0]
  io.say(`p2pnode ${version}: you are ${cleanName(name)} (/nick <name> changes it)`)
  if (room !== undefined) {
    io.say(`room: ${cleanName(room.name)}${room.kind === 'locked' ? ` (check word to compare: ${room.check})` : ''}`)
    io.say(`others on this network join with: p2pnode start ${cleanName(room.name)}`)
  }
  if (reachable !== undefined) {
    io.say(`listening on ${reachable}`)
    io.say(`from elsewhere: p2pnode start ${room === undefined ? '<room>' : cleanName(room.name)} --connect ${reachable}`)
  }
  if (room === undefined) io.say('you are in no room: /join <room>')
  else if (room.online < 2) io.say('waiting for others on this network…')
}

/** A running peer and its face, from ready to the last line. */
class Life {
  readonly #context: Context
  readonly #client: OwnPeer['client']
  readonly #service: Service
  readonly #terminal: Terminal | undefined
  #lines: LineMode | undefined
  #reason = 'stop'

  constructor(context: Context, { client, stopping }: OwnPeer, log: Log, terminal: Terminal | undefined) {
    this.#context = context
    this.#terminal = terminal
    this.#client = client
    this.#service = new Service({ context, dataDir: context.dataDir, client, stopping, log, name: 'peer' })
  }

  serve(): Promise<void> {
    return this.#service.serve()
  }

  /** Resolves when the peer is to stop. */
  async run(room: string | undefined): Promise<void> {
    this.#reason = await Promise.race([this.#service.closing, this.#face(room)])
  }

  /** Stops the peer, and leaves the terminal as it was. */
  async stop(): Promise<void> {
    this.#lines?.end()
    await this.#terminal?.leave()
    await this.#service.stop(this.#reason)
  }

  async #face(room: string | undefined): Promise<string> {
    const { io, settings, signal } = this.#context
    if (settings.json === true) return await this.#service.serveStdio()
    if (settings.headless === true) return await this.#service.closing
    if (this.#terminal !== undefined) {
      await this.#terminal.start(this.#client, room)
      await this.#terminal.left
      return 'quit'
    }
    if (io.isTerminal) {
      this.#lines = new LineMode({ io, client: this.#client })
      await this.#lines.start(room)
      await this.#lines.left
      return 'quit'
    }
    await pipeMode({ io, client: this.#client, room, signal })
    return 'end of input'
  }
}
