import type { Logger, PeerId, PeerInfo } from '@libp2p/interface'
import type { Clock } from '../clock.ts'
import type { RendezvousClient } from './client.ts'
import {
  FIRST_LOOKS,
  FIRST_RETRY,
  LAST_RETRY,
  LOOK_GAP,
  LOOK_INTERVAL,
  LOOK_LIMIT,
  MAX_IN_FLIGHT,
  MAX_NAMESPACES_PER_PEER,
  MAX_TTL,
  MIN_RENEWAL,
} from './constants.ts'

export interface PointContext {
  client: Pick<RendezvousClient, 'register' | 'unregister' | 'discover'>
  clock: Clock
  /** 0 to 1. */
  random(): number
  log: Logger
  /** Milliseconds; the point's default if undefined. */
  ttl: number | undefined
  onPeer(peer: PeerInfo): void
}

/** Something to be done now and then. */
interface Task {
  /** Does it, and says in how many milliseconds again. */
  run(): Promise<number>
  due: number
  /** In a row. */
  failures: number
  running: boolean
  /** It became due while it was running. */
  again: boolean
}

interface Presence {
  register: Task
  look: Task
  looks: number
  /** Whether a registration was ever asked for: it may be there, whatever was answered. */
  asked: boolean
  /** Whether it was granted, the last time. */
  registered: boolean
}

/** What is done at one rendezvous point: this peer is kept registered, and others are looked for. */
export class Point {
  readonly #peer: PeerId
  readonly #context: PointContext
  readonly #namespaces = new Map<string, Presence>()
  readonly #closing = new AbortController()
  #running = 0
  #cancel: (() => void) | undefined

  constructor(peer: PeerId, context: PointContext) {
    this.#peer = peer
    this.#context = context
  }

  /** Namespaces that this peer is registered in. */
  get registered(): number {
    return [...this.#namespaces.values()].filter(({ registered }) => registered).length
  }

  join(namespace: string): void {
    if (this.#namespaces.has(namespace)) return
    const presence: Presence = {
      register: this.#task(() => this.#register(namespace, presence)),
      look: this.#task(() => this.#look(namespace, presence)),
      looks: 0,
      asked: false,
      registered: false,
    }
    this.#namespaces.set(namespace, presence)
    this.#next()
  }

  leave(namespace: string): void {
    const presence = this.#namespaces.get(namespace)
    if (presence === undefined) return
    this.#namespaces.delete(namespace)
    // One that is under way is taken back when it is there.
    if (presence.asked && !presence.register.running) this.#unregister(namespace, this.#closing.signal)
    this.#next()
  }

  /** This peer's addresses are others now. */
  announce(): void {
    for (const { register } of this.#namespaces.values()) {
      register.failures = 0
      register.due = this.#context.clock.monotonic()
      register.again = register.running
    }
    this.#next()
  }

  /** Does nothing more; what is registered there stays until its time is over. */
  close(): void {
    this.#closing.abort(new Error('the rendezvous point is given up'))
    this.#cancel?.()
    this.#cancel = undefined
    this.#namespaces.clear()
  }

  /** Closes, and takes back what is registered, until `signal` is aborted. Never throws. */
  async goodbye(signal: AbortSignal): Promise<void> {
    const asked = [...this.#namespaces].filter(([, presence]) => presence.asked).map(([namespace]) => namespace)
    this.close()
    const work = async (): Promise<void> => {
      for (let next = asked.shift(); next !== undefined && !signal.aborted; next = asked.shift())
        await this.#unregister(next, signal)
    }
    await Promise.all(Array.from({ length: MAX_IN_FLIGHT }, work))
  }

  #task(run: () => Promise<number>): Task {
    return { run, due: this.#context.clock.monotonic(), failures: 0, running: false, again: false }
  }

  /** Starts what is due, up to as many requests as may be under way, and waits for what is due next. */
  #next(): void {
    this.#cancel?.()
    this.#cancel = undefined
    while (!this.#closing.signal.aborted && this.#running < MAX_IN_FLIGHT) {
      const task = this.#earliest()
      if (task === undefined) return
      const wait = task.due - this.#context.clock.monotonic()
      if (wait > 0) {
        this.#cancel = this.#context.clock.setTimeout(() => this.#next(), wait)
        return
      }
      this.#run(task)
    }
  }

  #earliest(): Task | undefined {
    let earliest: Task | undefined
    for (const { register, look } of this.#namespaces.values()) {
      for (const task of [register, look])
        if (!task.running && task.due < (earliest?.due ?? Number.POSITIVE_INFINITY)) earliest = task
    }
    return earliest
  }

  async #run(task: Task): Promise<void> {
    task.running = true
    this.#running++
    let pause: number
    try {
      pause = await task.run()
      task.failures = 0
    } catch (error) {
      pause = this.#spread(Math.min(LAST_RETRY, FIRST_RETRY * 2 ** Math.min(task.failures, 16)))
      task.failures++
      this.#context.log('%p did not do what it was asked - %e', this.#peer, error)
    }
    task.due = this.#context.clock.monotonic() + (task.again ? 0 : pause)
    task.again = false
    task.running = false
    this.#running--
    this.#next()
  }

  /** Half way through the time that was granted. */
  async #register(namespace: string, presence: Presence): Promise<number> {
    if (!presence.asked && this.#places() >= MAX_NAMESPACES_PER_PEER) return this.#spread(LOOK_INTERVAL)
    presence.asked = true
    const { client, ttl } = this.#context
    try {
      const granted = await client.register(this.#peer, namespace, { ttl, signal: this.#closing.signal })
      presence.registered = true
      return this.#spread(Math.min(Math.max(granted / 2, MIN_RENEWAL), MAX_TTL / 2))
    } catch (error) {
      presence.registered = false
      throw error
    } finally {
      if (!this.#namespaces.has(namespace) && !this.#closing.signal.aborted) this.#unregister(namespace, this.#closing.signal)
    }
  }

  #places(): number {
    return [...this.#namespaces.values()].filter(({ asked }) => asked).length
  }

  async #look(namespace: string, presence: Presence): Promise<number> {
    const { client, clock, onPeer } = this.#context
    const started = clock.monotonic()
    const options = { limit: LOOK_LIMIT, signal: this.#closing.signal }
    const { registrations } = await client.discover(this.#peer, namespace, options)
    if (this.#namespaces.get(namespace) === presence) {
      for (const { peerId, multiaddrs } of registrations) onPeer({ id: peerId, multiaddrs })
    }
    presence.looks++
    const [last, next] = [FIRST_LOOKS[presence.looks - 1], FIRST_LOOKS[presence.looks]]
    if (last === undefined || next === undefined) return this.#spread(Math.max(LOOK_INTERVAL, LOOK_GAP * this.#namespaces.size))
    return Math.max(0, started + next - last - clock.monotonic())
  }

  /** Plus or minus a quarter: many peers must not come at once. */
  #spread(milliseconds: number): number {
    return milliseconds * (0.75 + this.#context.random() / 2)
  }

  async #unregister(namespace: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#context.client.unregister(this.#peer, namespace, { signal })
    } catch (error) {
      this.#context.log('could not take a registration at %p back - %e', this.#peer, error)
    }
  }
}
