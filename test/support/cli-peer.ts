import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ClientEvents, Message, Peer } from '../../src/client/client.ts'
import type { Namespace } from './namespaces.ts'
import { waitFor } from './wait-for.ts'

const second = 1000
/** Deadlines for a loaded machine: they tell a hang from slowness, nothing more. */
const START_DEADLINE = 60 * second
const ANSWER_DEADLINE = 60 * second
const STOP_DEADLINE = 30 * second
/** Kept of stderr, for the message of a failure. Characters. */
const STDERR_KEPT = 4096

export const BUILT = join(import.meta.dirname, '../../dist/cli/p2pnode.js')

/** Why the built p2pnode cannot be started here; undefined if it can. */
export function whyNoCommand(): string | undefined {
  return existsSync(BUILT) ? undefined : 'dist/cli is not built: npm run build'
}

/** An error that the peer answered. */
export class RpcFailure extends Error {
  override name = 'RpcFailure'
  readonly code: number
  readonly data: { code?: string; field?: string } | undefined
  constructor(method: string, error: { code: number; message: string; data?: { code?: string; field?: string } }) {
    super(`${method}: ${error.message} (${error.data?.code ?? error.code})`)
    this.code = error.code
    this.data = error.data
  }
}

export interface CliPeerInit {
  dataDir: string
  /** @default 'start' */
  command?: 'start' | 'relay'
  /** What follows the command: rooms and flags. */
  args?: string[]
  /** Where it runs; on this machine itself if not given. */
  space?: Namespace
  env?: Record<string, string>
  /** A program, and its options, that runs it. */
  under?: string[]
  /** The command's file. @default the built one */
  file?: string
  /** Hears every message the moment it is told. */
  onMessage?(message: Message): void
  /** Hears everything that it writes, to stdout and to stderr. */
  onOutput?(text: string): void
}

interface Waiting {
  method: string
  resolve(result: unknown): void
  reject(error: Error): void
}

type Line =
  | { id: number; result: unknown }
  | { id: number | null; error: { code: number; message: string; data?: { code?: string } } }
  | { method: keyof ClientEvents; params: unknown }

/** A `p2pnode start --json` process, spoken to over stdin and stdout as any program would. */
export class CliPeer {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #events: { type: keyof ClientEvents; detail: unknown }[] = []
  readonly #exited: Promise<number | null>
  readonly #onMessage: CliPeerInit['onMessage']
  #nextId = 1
  #stderr = ''
  /** Lines on stdout that are no JSON-RPC: there must be none. */
  readonly strayLines: string[] = []

  private constructor(init: CliPeerInit) {
    const { dataDir, command = 'start', args = [], space, env = {}, file = BUILT, under = [], onMessage, onOutput } = init
    this.#onMessage = onMessage
    const line = [...under, process.execPath, file, command, ...args, '--json', '--data-dir', dataDir]
    const [program = '', ...rest] = space?.inside(line) ?? line
    const home = space === undefined ? {} : { HOME: space.home, XDG_RUNTIME_DIR: '', XDG_DATA_HOME: '' }
    this.#child = spawn(program, rest, { env: { ...process.env, ...home, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#exited = new Promise((resolve, reject) => this.#child.once('exit', resolve).once('error', reject))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT)
      onOutput?.(text)
    })
    // a killed peer does not read any more; its requests are rejected at its end
    this.#child.stdin?.on('error', () => undefined)
    if (this.#child.stdout !== null) createInterface({ input: this.#child.stdout }).on('line', (text) => this.#take(text))
    if (onOutput !== undefined) this.#child.stdout?.on('data', (bytes: Buffer) => onOutput(bytes.toString()))
    this.#child.once('exit', (code, signal) => {
      const error = new Error(`p2pnode ended (${signal ?? code}) before it answered: ${this.#stderr}`)
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    })
  }

  /** Resolves when the peer has said `ready`. */
  static async start(init: CliPeerInit): Promise<CliPeer> {
    const peer = new CliPeer(init)
    await peer.waitFor('ready', () => true, START_DEADLINE)
    return peer
  }

  get ready(): ClientEvents['ready'] {
    return this.events('ready')[0] as ClientEvents['ready']
  }

  /** The process that signals go to: p2pnode itself, for `ip netns exec` becomes what it runs. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** All events of a type so far, oldest first. */
  events<K extends keyof ClientEvents>(type: K): ClientEvents[K][] {
    return this.#events.filter((event) => event.type === type).map(({ detail }) => detail as ClientEvents[K])
  }

  /** Resolves with the first event, past or future, that `matches`. */
  waitFor<K extends keyof ClientEvents>(
    type: K,
    matches: (detail: ClientEvents[K]) => boolean,
    deadline = ANSWER_DEADLINE,
  ): Promise<ClientEvents[K]> {
    const ask = (): ClientEvents[K] | undefined => {
      if (this.#child.exitCode !== null) throw new Error(`p2pnode ended with code ${this.#child.exitCode}: ${this.#stderr}`)
      return this.events(type).find(matches)
    }
    return waitFor(ask, `${type} event; stderr: ${this.#stderr}`, deadline) as Promise<ClientEvents[K]>
  }

  /** @throws RpcFailure what the peer answered; Error if it ended or did not answer */
  async request<T = unknown>(method: string, params: object = {}): Promise<T> {
    const id = this.#nextId++
    let timer: NodeJS.Timeout | undefined
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { method, resolve, reject })
      timer = setTimeout(() => reject(new Error(`no answer to ${method}: ${this.#stderr}`)), ANSWER_DEADLINE)
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) reject(new Error(`p2pnode is gone: ${this.#stderr}`))
    })
    this.#child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    try {
      return (await answer) as T
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** Resolves once it has a connection to the other: one made before it was ready is told by no event. */
  async untilConnected(other: CliPeer, deadline = ANSWER_DEADLINE): Promise<void> {
    const { peerId } = other.ready
    const connected = async (): Promise<boolean> => (await this.request<Peer[]>('peers')).some((peer) => peer.peerId === peerId)
    await waitFor(connected, `a connection to ${peerId}`, deadline)
  }

  send(room: string, text: string, cid?: string): Promise<{ id: string; seq: number }> {
    return this.request('send', { room, text, ...(cid === undefined ? {} : { cid }) })
  }

  digest(room: string): Promise<{ count: number; digest: string }> {
    return this.request('digest', { room })
  }

  /** The whole room, oldest first. */
  async history(room: string): Promise<Message[]> {
    let messages: Message[] = []
    for (;;) {
      const before = messages[0]?.id
      const params = { room, limit: 1000, ...(before === undefined ? {} : { before }) }
      const page = await this.request<{ messages: Message[]; more: boolean }>('history', params)
      messages = [...page.messages, ...messages]
      if (!page.more || page.messages.length === 0) return messages
    }
  }

  /** A clean stop. Resolves with the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#exited
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE)
    const answered = this.request('stop').catch((error: Error) => {
      // it may end before its answer is read; its exit code is what counts
      if (error instanceof RpcFailure) throw error
    })
    const code = await this.#exited
    clearTimeout(timer)
    await answered
    return code
  }

  /** kill -9, or another signal. Resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill(signal)
    await gone
  }

  #take(text: string): void {
    let line: Line
    try {
      line = JSON.parse(text) as Line
    } catch {
      this.strayLines.push(text)
      return
    }
    if ('method' in line) {
      this.#events.push({ type: line.method, detail: line.params })
      if (line.method === 'message') this.#onMessage?.(line.params as Message)
      return
    }
    const waiting = line.id === null ? undefined : this.#waiting.get(line.id)
    if (waiting === undefined) this.strayLines.push(text)
    else if ('error' in line) waiting.reject(new RpcFailure(waiting.method, line.error))
    else waiting.resolve(line.result)
  }
}
