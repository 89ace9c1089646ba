/** A `Client` that lives elsewhere: the other end of rpc-server.ts, over any carrier of lines. */
import { ClosedError, P2PNodeError, TooLargeError } from '../errors.ts'
import type {
  Check,
  Client,
  ClientEvents,
  Member,
  Message,
  Peer,
  Profile,
  Room,
  RoomCheck,
  SafetyNumber,
  Status,
} from './client.ts'
import { isLonger, type LineConnection, MAX_LINE } from './lines.ts'
import { fromRpcError, type RpcError } from './rpc-errors.ts'

type Listener = (detail: never) => void

interface Waiting {
  resolve(result: never): void
  reject(error: Error): void
}

/** The params of the other side's first line. */
export type Ready = ClientEvents['ready']

/**
 * Calls the methods of a `Client` at the other end of a connection. Errors are those of errors.ts, made again from
 * `data.code`; `ClosedError` for what was open when the connection ended; `P2PNodeError` for a method that the other side does
 * not know.
 */
export class RpcClient implements Client {
  /** Resolves with the other side's `ready`. Errors: `ClosedError` if it ends before. */
  readonly ready: Promise<Ready>
  /** Resolves when the connection has ended, with the reason if the other side told one. Never rejects. */
  readonly closed: Promise<string | undefined>
  readonly #connection: LineConnection
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners = new Map<string, Set<Listener>>()
  #lastId = 0
  #reason: string | undefined
  #ended = false

  constructor(connection: LineConnection) {
    this.#connection = connection
    const { promise, resolve, reject } = Promise.withResolvers<Ready>()
    this.ready = promise
    // That nobody waits for `ready` is no reason to end the process.
    promise.catch(() => undefined)
    this.on('ready', resolve)
    this.closed = this.#read().finally(() => reject(new ClosedError('the peer closed the connection')))
  }

  /** Ends the connection; the other side lives on. */
  async close(): Promise<void> {
    await this.#connection.end()
    this.#connection.abort()
    await this.closed
  }

  status(): Promise<Status> {
    return this.#call('status')
  }

  join(params: { room: string; passphrase?: string; as?: string }): Promise<Room> {
    return this.#call('join', params)
  }

  leave(params: { room: string }): Promise<void> {
    return this.#callVoid('leave', params)
  }

  rooms(): Promise<Room[]> {
    return this.#call('rooms')
  }

  members(params: { room: string }): Promise<Member[]> {
    return this.#call('members', params)
  }

  send(params: {
    room: string
    text: string
    cid?: string
    replyTo?: string
    action?: boolean
  }): Promise<{ id: string; seq: number }> {
    return this.#call('send', params)
  }

  typing(params: { room: string }): Promise<void> {
    return this.#callVoid('typing', params)
  }

  away(params: { away: boolean }): Promise<void> {
    return this.#callVoid('away', params)
  }

  read(params: { room: string; id: string }): Promise<void> {
    return this.#callVoid('read', params)
  }

  block(params: { who: string }): Promise<void> {
    return this.#callVoid('block', params)
  }

  unblock(params: { who: string }): Promise<void> {
    return this.#callVoid('unblock', params)
  }

  history(params: {
    room: string
    limit?: number
    before?: string
    after?: string
  }): Promise<{ messages: Message[]; more: boolean }> {
    return this.#call('history', params)
  }

  /** Aborted, the other side goes on; nobody waits for it any more. */
  search(
    params: { query: string; room?: string; limit?: number },
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<{ messages: Message[]; more: boolean }> {
    return unlessAborted(this.#call('search', params), signal)
  }

  digest(params: { room: string }): Promise<{ count: number; digest: string }> {
    return this.#call('digest', params)
  }

  peers(): Promise<Peer[]> {
    return this.#call('peers')
  }

  connect(params: { address: string }): Promise<Peer> {
    return this.#call('connect', params)
  }

  disconnect(params: { peerId: string }): Promise<void> {
    return this.#callVoid('disconnect', params)
  }

  profile(params: { who?: string }): Promise<Profile> {
    return this.#call('profile', params)
  }

  setProfile(params: { name?: string; bio?: string }): Promise<Profile> {
    return this.#call('setProfile', params)
  }

  preference(params: { key: string }): Promise<{ value?: string }> {
    return this.#call('preference', params)
  }

  setPreference(params: { key: string; value?: string }): Promise<void> {
    return this.#callVoid('setPreference', params)
  }

  verify(params: { room: string } | { who: string }): Promise<RoomCheck | SafetyNumber> {
    return this.#call('verify', params)
  }

  doctor(): Promise<{ checks: Check[] }> {
    return this.#call('doctor')
  }

  stop(): Promise<void> {
    return this.#callVoid('stop')
  }

  on<K extends keyof ClientEvents>(type: K, listener: (detail: ClientEvents[K]) => void): void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(listener))
  }

  off<K extends keyof ClientEvents>(type: K, listener: (detail: ClientEvents[K]) => void): void {
    this.#listeners.get(type)?.delete(listener)
  }

  async #callVoid(method: string, params?: object): Promise<void> {
    await this.#call(method, params)
  }

  #call<T>(method: string, params?: object): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#ended) return reject(new ClosedError('the connection to the peer has ended'))
      this.#lastId += 1
      const line = JSON.stringify({ jsonrpc: '2.0', id: this.#lastId, method, params })
      if (isLonger(line, MAX_LINE)) return reject(new TooLargeError(`a request has at most ${MAX_LINE} bytes`))
      this.#waiting.set(this.#lastId, { resolve, reject })
      this.#connection.write(line)
    })
  }

  async #read(): Promise<string | undefined> {
    try {
      for await (const line of this.#connection.lines) {
        if ('text' in line && line.text.trim() !== '') this.#take(JSON.parse(line.text))
        else if ('problem' in line) throw new P2PNodeError(`the other side sent a line that is ${line.problem}`)
      }
    } catch (error) {
      // The other end is our own program: what it cannot say properly is the end of the connection, and the callers hear of it.
      this.#reason = error instanceof Error ? error.message : String(error)
    }
    this.#connection.abort()
    this.#ended = true
    for (const { reject } of this.#waiting.values()) {
      reject(new ClosedError(`the peer closed the connection${this.#reason === undefined ? '' : `: ${this.#reason}`}`))
    }
    this.#waiting.clear()
    return this.#reason
  }

  #take(message: RpcMessage): void {
    if (message.method !== undefined) {
      if (message.method === 'closing') this.#reason = (message.params as ClientEvents['closing']).reason
      for (const listener of this.#listeners.get(message.method) ?? []) listener(message.params as never)
      return
    }
    const waiting = this.#waiting.get(message.id ?? 0)
    if (waiting === undefined) return
    this.#waiting.delete(message.id ?? 0)
    if (message.error !== undefined) waiting.reject(fromRpcError(message.error))
    else waiting.resolve(message.result as never)
  }
}

interface RpcMessage {
  method?: string
  params?: unknown
  id?: number
  result?: unknown
  error?: RpcError
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  })
}
