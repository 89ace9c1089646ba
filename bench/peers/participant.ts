/**
 * One process of a workload: a contestant, and what every contestant is made to do. The runner speaks to it over Node's channel
 * between parent and child: `{ id, method, params }`, answered by `{ id, result }` or `{ id, error }`. Its first message says
 * where it can be reached. When the runner is gone, so is this process.
 */
import { readFileSync } from 'node:fs'
import { type Delivered, Deliveries } from './deliveries.ts'
import { compose, now, parse } from './message.ts'

export interface ParticipantInit {
  /** The number of this process, from 0. */
  me: number
  dataDir: string
  /** Addresses of those who are there already. */
  connect: string[]
}

/** What is compared. */
export interface Contestant {
  addresses: string[]
  connect(address: string): Promise<unknown>
  /** Resolves as soon as the contestant takes responsibility for the text, whatever that means to it. */
  send(text: string): Promise<unknown>
  /** Messages that are checked and stored here. */
  count?(): number
  stop(): Promise<unknown>
}

export type Start = (init: ParticipantInit, onText: (text: string) => void) => Promise<Contestant>

/** Of this process, and of the network that it shares with the others. */
export interface Usage {
  /** Seconds, in user and in system mode. */
  cpu: number
  /** Bytes. */
  rss: number
  /** Bytes sent over the loopback interface. */
  wire: number
}

const WARM_UP_INTERVAL = 250
/** How often a contestant is asked what it holds. */
const LOOK_INTERVAL = 5
/** A history that does not grow for so long is not expected to: pauses between two conversations are shorter. */
const STANDSTILL = 60_000
/** Sends after which the event loop gets a turn: a sender that never waits would not read what comes. */
const SENDS_PER_TURN = 64

/** What the runner can ask for. */
export class Participant {
  readonly #me: number
  #contestant!: Contestant
  readonly #heard = new Set<number>()
  #hearing: (() => void) | undefined
  #calling: NodeJS.Timeout | undefined
  #deliveries = new Deliveries(0, 0)
  #onPong: (() => void) | undefined
  readonly #sends: Promise<unknown>[] = []

  private constructor({ me }: ParticipantInit) {
    this.#me = me
  }

  static async start(start: Start, init: ParticipantInit): Promise<Participant> {
    const participant = new Participant(init)
    participant.#contestant = await start(init, (text) => participant.#take(text))
    return participant
  }

  get addresses(): string[] {
    return this.#contestant.addresses
  }

  #take(text: string): void {
    const message = parse(text)
    if (message === undefined) return
    const { kind, sender, seq } = message
    if (kind === 'warm') {
      this.#heard.add(sender)
      this.#hearing?.()
      return
    }
    this.#deliveries.add(message)
    if (kind === 'ping') this.#say('pong', seq)
    if (kind === 'pong') this.#onPong?.()
  }

  #say(kind: 'warm' | 'load' | 'ping' | 'pong', seq: number): Promise<unknown> {
    return this.#contestant.send(compose(kind, this.#me, seq))
  }

  /** Calls until it is told to stop. Resolves with the time when `others` were heard. */
  async warmUp({ others, interval = WARM_UP_INTERVAL }: { others: number; interval?: number }): Promise<number> {
    let seq = 0
    const call = (): void => {
      this.#say('warm', seq++).catch(() => undefined) // of those who are not ready yet
    }
    call()
    this.#calling = setInterval(call, interval)
    while (this.#heard.size < others)
      await new Promise<void>((resolve) => {
        this.#hearing = resolve
      })
    return now()
  }

  async endWarmUp(): Promise<void> {
    clearInterval(this.#calling)
  }

  /** Expect so many messages from now on. */
  async expect({ total, perSender }: { total: number; perSender: number }): Promise<void> {
    this.#deliveries = new Deliveries(total, perSender)
  }

  delivered(): Promise<Delivered> {
    return this.#deliveries.wait()
  }

  /** Resolves when so many messages are stored here, or no more come: how many, and since when. */
  async stored({ count }: { count: number }): Promise<{ count: number; at: number }> {
    let [known, at] = [0, now()]
    while (known < count && now() - at < STANDSTILL) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL))
      const current = this.#contestant.count?.() ?? 0
      if (current > known) [known, at] = [current, now()]
    }
    return { count: known, at }
  }

  async latencies(): Promise<number[]> {
    return this.#deliveries.latencies
  }

  /** Sends as fast as accepted, with `window` sends that wait for their answer. Resolves with the time of the first. */
  async flood({ count, window }: { count: number; window: number }): Promise<number> {
    const start = now()
    let next = 0
    let turn: Promise<void> | undefined
    const lane = async (): Promise<void> => {
      while (next < count) {
        const seq = next++
        if (next % SENDS_PER_TURN === 0) turn = new Promise((resolve) => setImmediate(resolve))
        await this.#say('load', seq)
        await turn
      }
    }
    await Promise.all(Array.from({ length: window }, lane))
    return start
  }

  /** Asks, waits for the answer, asks again. */
  async pingPong({ rounds }: { rounds: number }): Promise<void> {
    for (let seq = 0; seq < rounds; seq++) {
      const answered = new Promise<void>((resolve) => {
        this.#onPong = resolve
      })
      await this.#say('ping', seq)
      await answered
    }
  }

  /** Sends at fixed times, whatever became of the messages before. */
  async pace({ count, interval, first }: { count: number; interval: number; first: number }): Promise<void> {
    const start = now() + first
    for (let seq = 0; seq < count; seq++) {
      await new Promise((resolve) => setTimeout(resolve, start + seq * interval - now()))
      this.#sends.push(this.#say('load', seq))
    }
    await Promise.all(this.#sends.splice(0))
  }

  /** Resolves with the time when it began to dial. */
  async connect({ address }: { address: string }): Promise<number> {
    const start = now()
    await this.#contestant.connect(address)
    return start
  }

  async usage(): Promise<Usage> {
    const { user, system } = process.cpuUsage()
    return { cpu: (user + system) / 1e6, rss: process.memoryUsage.rss(), wire: sentOverLoopback() }
  }

  async stop(): Promise<void> {
    await this.#contestant.stop()
  }
}

function sentOverLoopback(): number {
  const line = readFileSync('/proc/net/dev', 'utf8').match(/^\s*lo:(.*)$/m)?.[1] ?? ''
  return Number(line.trim().split(/\s+/)[8])
}

export type Method = Exclude<keyof Participant, 'addresses'>

interface Request {
  id: number
  method: Method
  params: never
}

/** Takes part as `start`'s contestant until the runner ends it. */
export async function takePart(start: Start): Promise<void> {
  const tell = (message: object): void => {
    process.send?.(message)
  }
  process.once('disconnect', () => process.exit(1))
  const participant = await Participant.start(start, JSON.parse(process.argv[2] ?? '') as ParticipantInit)
  process.on('message', ({ id, method, params }: Request) => {
    participant[method](params).then(
      (result) => tell({ id, result }),
      (error: unknown) => tell({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
  })
  tell({ id: 0, result: participant.addresses })
}
