/** What runs until it is told to end, with its carriers: the socket, and in JSON mode stdin and stdout. */
import { type RpcServer, type Served, serveRpc } from '../client/rpc-server.ts'
import { within } from '../client/turns.ts'
import { explain } from '../view/explain.ts'
import type { Context } from './context.ts'
import { EXIT, ExitError } from './exit.ts'
import type { createLog } from './log.ts'
import { type SocketServer, serveSocket } from './socket.ts'
import { streamConnection } from './stream-connection.ts'

/** How long a clean stop may take before the program ends anyway, in milliseconds. */
const STOP_PATIENCE = 4_000

export interface ServiceInit {
  context: Context
  /** Where the socket is. */
  dataDir: string
  client: Served & { stop(): Promise<void> }
  /** Resolves when somebody has asked it to stop. */
  stopping: Promise<void>
  log: ReturnType<typeof createLog>
  /** What it is called in complaints. */
  name: string
}

export class Service {
  /** Resolves with the reason when it is being stopped, by a request or from outside. */
  readonly closing: Promise<string>
  readonly #init: ServiceInit
  #socket: SocketServer | undefined
  #stdio: RpcServer | undefined

  constructor(init: ServiceInit) {
    this.#init = init
    const { signal } = init.context
    this.closing = new Promise((resolve) => {
      void init.stopping.then(() => resolve('stop'))
      signal.addEventListener('abort', () => resolve('signal'), { once: true })
      if (signal.aborted) resolve('signal')
    })
  }

  /** A peer without a socket is still a peer: only the other commands cannot reach it. */
  async serve(): Promise<void> {
    const { context, dataDir, client, name } = this.#init
    try {
      this.#socket = await serveSocket({ dataDir, client, onDefect: this.#onDefect })
    } catch (error) {
      context.io.complain(`other commands cannot reach this ${name}: ${explain(error)}`)
    }
  }

  /** Speaks JSON-RPC on stdin and stdout; resolves at the end of stdin, once everything read was answered. */
  async serveStdio(): Promise<string> {
    const { io } = this.#init.context
    const connection = streamConnection(io.stdin, io.stdout)
    this.#stdio = serveRpc({ connection, client: this.#init.client, pid: process.pid, onDefect: this.#onDefect })
    await this.#stdio.ended
    return 'end of input'
  }

  /** Stops it, and says `closing` on every carrier. */
  async stop(reason: string): Promise<void> {
    const { context, client, name } = this.#init
    let stopped = false
    const stop = client.stop().then(
      () => {
        stopped = true
      },
      (error: unknown) => {
        stopped = true
        this.#onDefect(error)
        context.io.complain(`the ${name} did not stop cleanly: ${explain(error)}`)
      },
    )
    await within(STOP_PATIENCE, stop)
    if (!stopped) context.io.complain(`the ${name} takes too long to stop: leaving it`)
    await Promise.all([this.#stdio?.close(reason), this.#socket?.close(reason)])
    if (context.signal.aborted) throw context.signal.reason
    if (this.#stdio?.cut === true) {
      throw new ExitError(
        EXIT.FAILURE,
        'stopped, because what it writes to stdout was not read: read every line, or use the socket',
      )
    }
  }

  readonly #onDefect = (error: unknown): void => {
    this.#init.log.error({ err: error }, 'a defect')
  }
}
