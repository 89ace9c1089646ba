/** Serves a `Client` as JSON-RPC 2.0 over any carrier of lines. */
import { TooLargeError } from '../errors.ts'
import type { Client, ClientEvents, Status } from './client.ts'
import { isLonger, type Line, type LineConnection, MAX_LINE, MAX_UNREAD } from './lines.ts'
import { RPC, type RpcError, toRpcError } from './rpc-errors.ts'
import { checkParams, methods } from './rpc-methods.ts'
import { Turns, within } from './turns.ts'

/** Requests of one connection that may be open at once; beyond it, no more is read until one of them ends. */
const MAX_OPEN = 1_024
/** Bytes that the other side has not read at which it gets time to, and how much, in milliseconds. */
const MUCH_UNREAD = MAX_UNREAD / 8
const READ_PATIENCE = 10_000
/** Requests in a batch. */
const MAX_BATCH = 1_000
/** Characters of a request's id. */
const MAX_ID = 1_024
/** How long the end of a connection waits for answers that are still open, in milliseconds. */
const CLOSE_PATIENCE = 1_000

/** What goes out as it comes; `ready` and `closing` have their own places in a connection's life. */
const forwarded = [
  'message',
  'delivery',
  'member',
  'peer',
  'sync',
  'typing',
  'reject',
  'warning',
] as const satisfies (keyof ClientEvents)[]

/** A client, or as much of one as there is: methods that it has not are unknown to whoever asks. */
export type Served = Partial<Omit<Client, 'status'>> &
  Pick<Client, 'on' | 'off'> & {
    status(): Promise<Partial<Status> & Pick<Status, 'peerId' | 'addresses'>>
    hold?(): () => void
  }

export interface RpcServerInit {
  connection: LineConnection
  /** What is served. It is not stopped when the connection ends. */
  client: Served
  /** Process id, told in `ready`. */
  pid: number
  /** Hears of defects: what a method threw that is no error for a caller. */
  onDefect?: (error: unknown) => void
}

/** One connection that is being served. */
export interface RpcServer {
  /** Resolves when the other side has ended, or is gone, and whatever it asked has been answered. Never rejects. */
  readonly ended: Promise<void>
  /** The other side was cut off, because it did not read what it was told. */
  readonly cut: boolean
  /** Answers what is open, says `closing` with the reason as the last line, and ends the connection. Idempotent. */
  close(reason: string): Promise<void>
}

type Id = string | number | null
type Answer = { jsonrpc: '2.0'; id: Id } & ({ result: unknown } | { error: RpcError })

/**
 * Serves a client over a connection. The first line is `ready`; whatever the other side sent before is waiting in the carrier.
 * Every request that is read gets its answer, whatever it holds, and the connection stays usable.
 */
export function serveRpc(init: RpcServerInit): RpcServer {
  return new Server(init)
}

class Server implements RpcServer {
  readonly ended: Promise<void>
  cut = false
  readonly #init: RpcServerInit
  readonly #turns = new Turns()
  readonly #listeners = new Map<(typeof forwarded)[number], (detail: unknown) => void>()
  /** Events that came before `ready` could be written. */
  #early: string[] | undefined = []
  #lastSend: Promise<void> = Promise.resolve()
  #answering = new Set<Promise<void>>()
  #closed: Promise<void> | undefined
  #behind = false

  constructor(init: RpcServerInit) {
    this.#init = init
    for (const type of forwarded) {
      const listener = (detail: unknown): void => this.#notify(type, detail)
      this.#listeners.set(type, listener)
      init.client.on(type, listener)
    }
    this.ended = this.#serve()
  }

  close(reason: string): Promise<void> {
    this.#closed ??= this.#close(reason)
    return this.#closed
  }

  async #close(reason: string): Promise<void> {
    await within(CLOSE_PATIENCE, this.#answered())
    this.#silence()
    this.#write(JSON.stringify({ jsonrpc: '2.0', method: 'closing', params: { reason } }))
    await this.#init.connection.end()
    this.#init.connection.abort()
  }

  async #serve(): Promise<void> {
    try {
      await this.#ready()
      for await (const line of this.#init.connection.lines) {
        this.#take(line)
        if (this.#turns.open >= MAX_OPEN) await this.#turns.next()
      }
    } catch (error) {
      this.#init.onDefect?.(error)
      this.#init.connection.abort()
    }
    await this.#answered()
  }

  async #ready(): Promise<void> {
    const { peerId, account, addresses, rooms } = await this.#init.client.status()
    const params = { peerId, account, addresses, rooms, pid: this.#init.pid } satisfies Partial<ClientEvents['ready']>
    this.#write(JSON.stringify({ jsonrpc: '2.0', method: 'ready', params }))
    const early = this.#early ?? []
    this.#early = undefined
    for (const line of early) this.#write(line)
  }

  #silence(): void {
    for (const [type, listener] of this.#listeners) this.#init.client.off(type, listener)
    this.#listeners.clear()
  }

  #notify(method: string, params: unknown): void {
    const line = JSON.stringify({ jsonrpc: '2.0', method, params })
    if (this.#early !== undefined) this.#early.push(line)
    else if (!isLonger(line, MAX_LINE)) this.#write(line)
    else this.#notify('warning', { code: 'TOO_LARGE', message: `a ${method} event was over ${MAX_LINE} bytes` })
  }

  #write(line: string): void {
    const unread = this.#init.connection.write(line)
    if (unread > MUCH_UNREAD && !this.#behind) void this.#hold()
    if (unread <= MAX_UNREAD) return
    this.cut = true
    this.#init.onDefect?.(new Error('the other side does not read'))
    this.#silence()
    this.#init.connection.abort()
  }

  /** No more history is fetched until the other side has read what there is. One that does not read gets time once, and is cut. */
  async #hold(): Promise<void> {
    this.#behind = true
    const letGo = this.#init.client.hold?.()
    const drained = this.#init.connection.drained()
    await within(READ_PATIENCE, drained)
    letGo?.()
    await drained
    this.#behind = false
  }

  async #answered(): Promise<void> {
    while (this.#answering.size > 0) await Promise.all(this.#answering)
  }

  /** Starts what a line asks for. Its answer is written when it is there; lines with a `send` are answered in their order. */
  #take(line: Line): void {
    if ('text' in line && line.text.trim() === '') return
    const parsed = parseLine(line)
    const sends = hasSend(parsed)
    const before = sends ? this.#lastSend : undefined
    const answered = this.#answer(parsed, before)
    if (sends) this.#lastSend = answered
    this.#answering.add(answered)
    void answered.then(() => this.#answering.delete(answered))
  }

  async #answer(parsed: Parsed, before: Promise<void> | undefined): Promise<void> {
    const line = await this.#reply(parsed)
    await before
    if (line !== undefined) this.#write(line)
  }

  async #reply(parsed: Parsed): Promise<string | undefined> {
    if ('error' in parsed) return encode(refusal(null, parsed.error))
    if (!Array.isArray(parsed.value)) {
      const answer = await this.#request(parsed.value)
      return answer === undefined ? undefined : encode(answer)
    }
    const { length } = parsed.value
    if (length === 0 || length > MAX_BATCH) {
      return encode(refusal(null, { code: RPC.INVALID_REQUEST, message: `a batch holds 1 to ${MAX_BATCH} requests` }))
    }
    const answers = await Promise.all(parsed.value.map((request: unknown) => this.#request(request)))
    return encodeBatch(answers.filter((answer) => answer !== undefined))
  }

  async #request(request: unknown): Promise<Answer | undefined> {
    if (!isRequest(request)) return refusal(idOf(request), { code: RPC.INVALID_REQUEST, message: 'not a JSON-RPC 2.0 request' })
    const answer = await this.#call(request.method, request.params).then(
      (result): Answer => ({ jsonrpc: '2.0', id: request.id ?? null, result: result ?? null }),
      (error: unknown) => refusal(request.id ?? null, this.#refuse(error)),
    )
    return request.id === undefined ? undefined : answer
  }

  async #call(name: string, given: unknown): Promise<unknown> {
    const method = methods.get(name)
    if (method === undefined || !(name in this.#init.client)) throw new UnknownMethod(`no method ${name.slice(0, 64)}`)
    const params = checkParams(name, method, given)
    return await this.#turns.run(method.order, () => method.call(this.#init.client as Client, params))
  }

  #refuse(error: unknown): RpcError {
    if (error instanceof UnknownMethod) return { code: RPC.METHOD_NOT_FOUND, message: error.message }
    const answer = toRpcError(error)
    if (answer.code === RPC.INTERNAL_ERROR) this.#init.onDefect?.(error)
    return answer
  }
}

/** Never leaves this file: it becomes -32601. */
class UnknownMethod extends Error {
  override name = 'UnknownMethod'
}

type Parsed = { value: unknown } | { error: RpcError }

function parseLine(line: Line): Parsed {
  if ('problem' in line) {
    if (line.problem === 'TOO_LARGE') return { error: toRpcError(new TooLargeError(`a line has at most ${MAX_LINE} bytes`)) }
    return { error: { code: RPC.PARSE_ERROR, message: 'not valid UTF-8' } }
  }
  try {
    return { value: JSON.parse(line.text) }
  } catch (error) {
    if (error instanceof SyntaxError) return { error: { code: RPC.PARSE_ERROR, message: 'not valid JSON' } }
    throw error
  }
}

function hasSend(parsed: Parsed): boolean {
  if ('error' in parsed) return false
  const requests: unknown[] = Array.isArray(parsed.value) ? parsed.value : [parsed.value]
  return requests.some((request) => isRequest(request) && request.method === 'send')
}

interface Request {
  method: string
  params?: unknown
  id?: Id
}

function isRequest(value: unknown): value is Request {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { jsonrpc, method, id } = value as Record<string, unknown>
  return jsonrpc === '2.0' && typeof method === 'string' && (id === undefined || isId(id))
}

function isId(id: unknown): id is Id {
  if (typeof id === 'string') return id.length <= MAX_ID && id.isWellFormed()
  return id === null || typeof id === 'number'
}

/** The id of what is no request, if it can be told. */
function idOf(value: unknown): Id {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null
  return isId(id) ? id : null
}

function refusal(id: Id, error: RpcError): Answer {
  return { jsonrpc: '2.0', id, error }
}

function encode(answer: Answer): string {
  const line = JSON.stringify(answer)
  return isLonger(line, MAX_LINE) ? JSON.stringify(tooLarge(answer.id)) : line
}

/** The answers to a batch as one line; those that do not fit any more say so. */
function encodeBatch(answers: Answer[]): string | undefined {
  if (answers.length === 0) return undefined
  const reserve = answers.reduce((sum, { id }) => sum + JSON.stringify(tooLarge(id)).length * 3 + 1, 2)
  let left = MAX_LINE - reserve
  const parts = answers.map((answer) => {
    const text = JSON.stringify(answer)
    if (isLonger(text, Math.max(left, 0))) return JSON.stringify(tooLarge(answer.id))
    left -= new TextEncoder().encode(text).length
    return text
  })
  const line = `[${parts.join(',')}]`
  return isLonger(line, MAX_LINE) ? JSON.stringify(tooLarge(null)) : line
}

function tooLarge(id: Id): Answer {
  return refusal(id, toRpcError(new TooLargeError(`an answer has at most ${MAX_LINE} bytes`)))
}
