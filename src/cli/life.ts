/** A peer from its start to its end, with the face that it has: a terminal, lines, a pipe, JSON, or none. */
import type { Room, Status } from '../client/client.ts'
import { StoreInUseError } from '../errors.ts'
import { FIRST_ROOM } from '../room-name.ts'
import { cleanName } from '../view/sanitize.ts'
import type { Context } from './context.ts'
import { EXIT, ExitError } from './exit.ts'
import { LineMode } from './line-mode.ts'
import { componentLogger, createLog } from './log.ts'
import { pipeMode } from './pipe-mode.ts'
import { type OwnPeer, startNode, storeOwner } from './runtime.ts'
import { keepToken, storePassphrase } from './secret.ts'
import { Service } from './service.ts'
import type { Terminal } from './terminal/terminal.ts'

type Log = ReturnType<typeof createLog>

export interface LifeInit {
  /** Joined, and the first of them gone to. */
  rooms: string[]
  /** Of the one that is locked. */
  roomPassphrase: string | undefined
  /** Where there is one to be drawn on. */
  terminal: Terminal | undefined
}

/** Resolves at its end. Errors: those of `createP2PNode`; `ExitError` at Ctrl-C, and when another process has the data directory. */
export async function live(context: Context, { rooms, roomPassphrase, terminal }: LifeInit): Promise<void> {
  const { settings } = context
  const log = createLog({
    level: settings['log-level'] ?? 'warn',
    file: settings['log-file'],
    ...(terminal === undefined ? {} : { stream: terminal.log }),
  })
  // Stdin carries JSON, or nobody is there: nothing is asked.
  const mayAsk = settings.json !== true && settings.headless !== true
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
