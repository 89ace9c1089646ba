import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Message } from '../../client/client.ts'
import { type Ready, RpcClient } from '../../client/rpc-client.ts'
import { oneLine } from '../../view/sanitize.ts'
import { EXIT, ExitError } from '../exit.ts'
import { streamConnection } from '../stream-connection.ts'

/** The one room of the demonstration. */
export const ROOM = 'demo'

/** Kept of what a peer complains about, in characters. */
const MAX_COMPLAINT = 4_096

export interface DemoPeerInit {
  name: string
  /** Holds the peer's data directory. */
  dir: string
  /** Where it listens. */
  port: number
  /** The multiaddr it tells others. */
  announce: string
  connect: string[]
}

/** This very program, run once more as `start --json`: spoken to over its stdin and stdout, as any program would. */
export class DemoPeer {
  readonly name: string
  readonly client: RpcClient
  /** Messages it told of, as they came. */
  readonly told: Message[] = []
  readonly #child: ChildProcess
  readonly #gone: Promise<unknown>
  #complaint = ''

  constructor({ name, dir, port, announce, connect }: DemoPeerInit) {
    this.name = name
    const [, program = ''] = process.argv
    const addresses = [
      '--listen',
      `/ip4/127.0.0.1/tcp/${port}`,
      '--announce',
      announce,
      ...connect.flatMap((at) => ['--connect', at]),
    ]
    const words = ['start', ROOM, '--json', '--name', name, '--data-dir', join(dir, name), '--no-mdns', ...addresses]
    const child = spawn(process.execPath, [...process.execArgv, program, ...words], { env: ownEnvironment(), stdio: 'pipe' })
    this.#child = child
    this.#gone = once(child, 'close')
    // A process that could not be made ends its streams: that is how it shows.
    this.#gone.catch(() => undefined)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-MAX_COMPLAINT)
    })
    this.client = new RpcClient(streamConnection(child.stdout, child.stdin))
    this.client.on('message', (message) => this.told.push(message))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves when it is on the network. Errors: `ExitError` with what it complained of. */
  async ready(): Promise<Ready> {
    try {
      return await this.client.ready
    } catch {
      await this.#gone
      const why = oneLine(this.#complaint.replace(/^p2pnode: /, ''), 300)
      throw new ExitError(EXIT.FAILURE, `${this.name} did not start${why === '' ? '' : `: ${why}`}`)
    }
  }

  /** Ends at once: what it wrote is thrown away anyway. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#gone.catch(() => undefined)
  }
}

/** Settings are for the person's own peer. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('P2PNODE_')))
}
