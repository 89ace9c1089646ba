import { createSocket, type Socket } from 'node:dgram'
import { type Clock, systemClock } from '../clock.ts'
import { LIFETIME, PMP_FIRST_WAIT, PMP_REQUESTS } from './constants.ts'
import { checkExternal } from './external.ts'
import type { Grant, Wish } from './index.ts'

/** RFC 6886 sections 3.2 and 3.3. */
const EXTERNAL_ADDRESS = 0
const MAP_TCP = 2
const ANSWER = 128
const PORT = 5351
const SILENT = 'the router does not answer NAT-PMP'

/** Section 3.5. */
const REFUSALS: Record<number, string> = {
  1: 'the router speaks another version of NAT-PMP',
  2: 'port mapping is switched off in the router',
  3: 'the router has no address outside',
  4: 'the router has no ports left',
}

export interface NatPmpInit {
  /** Of the router. @default 5351 */
  port?: number
  clock?: Clock
}

/** Sends a request, and returns the answer to it. @throws Error when there is none, or a refusal */
type Ask = (request: Uint8Array) => Promise<DataView>

/** Asks a router by NAT-PMP: RFC 6886. */
export class NatPmp {
  readonly #port: number
  readonly #clock: Clock

  constructor({ port = PORT, clock = systemClock }: NatPmpInit = {}) {
    this.#port = port
    this.#clock = clock
  }

  /** @throws Error why nothing was given */
  async map(wish: Wish, signal: AbortSignal): Promise<Grant> {
    const { gateway, internal, wanted } = wish
    return await this.#with(gateway, signal, async (ask) => {
      const address = readAddress(await ask(Uint8Array.of(0, EXTERNAL_ADDRESS)))
      // Before anything is opened: a port of a private address leads nowhere.
      checkExternal(address, wanted)
      const { port, lifetime } = readMapping(await ask(mapRequest(internal.port, wanted, LIFETIME)), internal.port)
      return {
        by: 'NAT-PMP',
        internal,
        external: checkExternal(address, port),
        lifetime,
        renew: (signal) => this.map({ ...wish, wanted: port }, signal),
        release: (signal) =>
          this.#with(gateway, signal, async (ask) => {
            await ask(mapRequest(internal.port, 0, 0))
          }),
      }
    })
  }

  async #with<T>(gateway: string, signal: AbortSignal, work: (ask: Ask) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const socket = createSocket('udp4')
    try {
      // The system passes on only what comes from there.
      await connected(socket, this.#port, gateway)
      return await work((request) => exchange(socket, request, this.#clock, signal))
    } finally {
      socket.close()
    }
  }
}

/** The 12 bytes of section 3.3; a lifetime of 0 seconds takes the mapping away (3.4). */
function mapRequest(internal: number, external: number, lifetime: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12))
  view.setUint8(1, MAP_TCP)
  view.setUint16(4, internal)
  view.setUint16(6, external)
  view.setUint32(8, lifetime)
  return new Uint8Array(view.buffer)
}

/**
 * An answer to `op`, if it is one.
 *
 * @throws Error saying what the router refuses
 */
export function readAnswer(bytes: Uint8Array, op: number): DataView | undefined {
  if (bytes.length < 8 || bytes[1] !== ANSWER + op) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const result = view.getUint8(0) === 0 ? view.getUint16(2) : 1
  if (result !== 0) throw new Error(REFUSALS[result] ?? `the router refuses (${result})`)
  return view
}

/** @throws Error when it is none */
export function readAddress(answer: DataView): string {
  if (answer.byteLength < 12) throw new Error('the router answers with too little')
  return [8, 9, 10, 11].map((at) => answer.getUint8(at)).join('.')
}

/** `lifetime` is in seconds. @throws Error when it is none of `internal` */
export function readMapping(answer: DataView, internal: number): { port: number; lifetime: number } {
  if (answer.byteLength < 16) throw new Error('the router answers with too little')
  const [port, lifetime] = [answer.getUint16(10), answer.getUint32(12)]
  if (answer.getUint16(8) !== internal || lifetime === 0) throw new Error('the router gives something else')
  return { port, lifetime }
}

function connected(socket: Socket, port: number, gateway: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.connect(port, gateway, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}

function exchange(socket: Socket, request: Uint8Array, clock: Clock, signal: AbortSignal): Promise<DataView> {
  const { promise, resolve, reject } = Promise.withResolvers<DataView>()
  let sent = 0
  let cancel = (): void => undefined
  const send = (): void => {
    if (sent === PMP_REQUESTS) return reject(new Error(SILENT))
    socket.send(request)
    cancel = clock.setTimeout(send, PMP_FIRST_WAIT * 2 ** sent++)
  }
  const onMessage = (bytes: Uint8Array): void => {
    try {
      const answer = readAnswer(bytes, request[1] ?? 0)
      if (answer !== undefined) resolve(answer)
    } catch (error) {
      reject(error)
    }
  }
  const onAbort = (): void => reject(signal.reason)
  const onError = (cause: Error): void => reject(new Error(SILENT, { cause }))
  socket.on('message', onMessage)
  socket.on('error', onError)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  else send()
  return promise.finally(() => {
    cancel()
    signal.removeEventListener('abort', onAbort)
    socket.off('message', onMessage)
    // It stays: an error that comes late must not end the process.
    socket.on('error', () => undefined)
    socket.off('error', onError)
  })
}
