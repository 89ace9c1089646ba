import type { Logger, PeerInfo } from '@libp2p/interface'
import { type Clock, within } from '../clock.ts'
import {
  ANNOUNCE_DELAY,
  FIND_TIMEOUT,
  FIRST_LOOKS,
  FIRST_PROVIDE_PAUSE,
  FIRST_PROVIDES,
  LAST_LOOK_PAUSE,
  LAST_PROVIDE_INTERVAL,
  LAST_PROVIDE_PAUSE,
  LOOK_PAUSE,
  MAX_FOUND,
  MAX_NAMESPACES,
  MAX_REPORTED,
  MAX_TASKS,
  NAMESPACE_GAP,
  PROVIDE_INTERVAL,
  PROVIDE_TIMEOUT,
  REPORT_AGAIN,
} from './constants.ts'

/** What the DHT can do. */
export interface RouteActions {
  /** Whether there is somebody to ask. */
  isReady(): boolean
  /** Puts a record where it belongs. Answers how many servers took it. */
  provide(namespace: string, signal: AbortSignal): Promise<number>
  /** Tells of those who have a record there, until there are no more or `found` answers that it wants none. */
  find(namespace: string, found: (peer: PeerInfo) => boolean, signal: AbortSignal): Promise<void>
  /** Who asks this peer itself is to find it there. */
  offer(namespace: string): void
  /** Not any more, and the record is not to be renewed. */
  withdraw(namespace: string): void
}

export interface RouteInit {
  /**
   * Told of peers in a joined namespace when they are new, and from time to time; of one that it does not want now (false), at
   * the next look. Must not throw.
   */
  discovered(peer: PeerInfo): boolean
  clock: Clock
  /** From 0 to 1. */
  random(): number
  log: Logger
}

/** Something that is done again and again. */
interface Task {
  /** By the clock. */
  due: number
  running: boolean
  /** Times it was done, and failures in a row. */
  times: number
  failures: number
  run(): Promise<void>
}

interface Joined {
  tasks: Task[]
  leaving: AbortController
  /** When each provider was last reported, the longest ago first. */
  reported: Map<string, number>
}

/**
 * Keeps a record of this peer under each of its namespaces in the DHT, and looks for those of others: at once, a few times in the
 * first seconds, and then with pauses that double while nobody new is found.
 */
export class DhtRoute {
  readonly #actions: RouteActions
  readonly #init: RouteInit
  readonly #namespaces = new Map<string, Joined>()
  #running = 0
  #started = false
  #cancel: (() => void) | undefined

  constructor(actions: RouteActions, init: RouteInit) {
    this.#actions = actions
    this.#init = init
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.wake()
  }

  stop(): void {
    this.#started = false
    this.#cancel?.()
    this.#cancel = undefined
    for (const namespace of [...this.#namespaces.keys()]) {
      this.leave(namespace)
      this.join(namespace)
    }
  }

  get namespaces(): string[] {
    return [...this.#namespaces.keys()]
  }

  /** @throws RangeError when there are too many */
  join(namespace: string): void {
    if (this.#namespaces.has(namespace)) return
    if (this.#namespaces.size >= MAX_NAMESPACES) throw new RangeError(`at most ${MAX_NAMESPACES} namespaces`)
    const joined: Joined = { tasks: [], leaving: new AbortController(), reported: new Map() }
    joined.tasks.push(
      this.#task(async () => await this.#look(namespace, joined)),
      this.#task(async () => await this.#provide(namespace, joined)),
    )
    this.#namespaces.set(namespace, joined)
    this.#actions.offer(namespace)
    this.#next()
  }

  /** What servers keep of it stays until its time is over. */
  leave(namespace: string): void {
    const joined = this.#namespaces.get(namespace)
    if (joined === undefined) return
    this.#namespaces.delete(namespace)
    joined.leaving.abort(new Error('the namespace was left'))
    this.#actions.withdraw(namespace)
    this.#next()
  }

  /** There is somebody to ask now: everything from the beginning. */
  wake(): void {
    for (const { tasks } of this.#namespaces.values())
      for (const task of tasks) {
        task.times = 0
        task.failures = 0
        task.due = this.#init.clock.monotonic()
      }
    this.#next()
  }

  /** This peer's addresses are others now: its records say the old ones. */
  announce(): void {
    const soon = this.#init.clock.monotonic() + ANNOUNCE_DELAY
    for (const { tasks } of this.#namespaces.values()) {
      const [, provide] = tasks
      if (provide !== undefined) provide.due = Math.min(provide.due, soon)
    }
    this.#next()
  }

  #task(run: () => Promise<void>): Task {
    return { run, due: this.#init.clock.monotonic(), running: false, times: 0, failures: 0 }
  }

  /** Does what is due, and comes back when something else is. */
  #next(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (!this.#started || !this.#actions.isReady()) return
    const now = this.#init.clock.monotonic()
    const due: Task[] = []
    let next = Number.POSITIVE_INFINITY
    for (const { tasks } of this.#namespaces.values())
      for (const task of tasks) {
        if (task.running) continue
        if (task.due <= now) due.push(task)
        else next = Math.min(next, task.due)
      }
    due.sort((a, b) => a.due - b.due)
    for (const task of due) {
      if (this.#running >= MAX_TASKS) return
      void this.#do(task)
    }
    if (next < Number.POSITIVE_INFINITY) this.#cancel = this.#init.clock.setTimeout(() => this.#next(), next - now)
  }

  async #do(task: Task): Promise<void> {
    task.running = true
    this.#running++
    try {
      await task.run()
    } finally {
      task.running = false
      this.#running--
      this.#next()
    }
  }

  async #provide(namespace: string, { tasks: [, task], leaving }: Joined): Promise<void> {
    if (task === undefined) return
    const { clock } = this.#init
    task.due = Number.POSITIVE_INFINITY
    let told = 0
    try {
      told = await within(clock, PROVIDE_TIMEOUT, (signal) => this.#actions.provide(namespace, signal), leaving.signal)
    } catch (error) {
      this.#init.log('could not provide a namespace - %e', error)
    }
    task.failures = told > 0 ? 0 : task.failures + 1
    const first = FIRST_PROVIDES[++task.times] ?? 0
    const pause = Math.min(LAST_PROVIDE_PAUSE, FIRST_PROVIDE_PAUSE * 2 ** Math.min(task.failures - 1, 16))
    const crowded = Math.min(LAST_PROVIDE_INTERVAL, this.#namespaces.size * NAMESPACE_GAP)
    const interval = first > 0 ? first : Math.max(PROVIDE_INTERVAL, crowded)
    // Meanwhile it may be due again for another reason.
    task.due = Math.min(task.due, clock.monotonic() + (told > 0 ? interval : pause) * (0.75 + this.#init.random() / 4))
  }

  async #look(namespace: string, joined: Joined): Promise<void> {
    const [task] = joined.tasks
    if (task === undefined) return
    const { clock, log, random } = this.#init
    const began = clock.monotonic()
    let left = MAX_FOUND
    let news = 0
    const found = (peer: PeerInfo): boolean => {
      if (joined.leaving.signal.aborted || left === 0) return false
      if (this.#report(joined, peer)) news++
      return --left > 0
    }
    try {
      await within(clock, FIND_TIMEOUT, (signal) => this.#actions.find(namespace, found, signal), joined.leaving.signal)
    } catch (error) {
      log('could not look for a namespace - %e', error)
    }
    task.times++
    const first = FIRST_LOOKS[task.times]
    if (first !== undefined) {
      task.due = began + first - (FIRST_LOOKS[task.times - 1] ?? 0)
      return
    }
    task.failures = news > 0 ? 0 : task.failures + 1
    const pause = Math.min(LAST_LOOK_PAUSE, LOOK_PAUSE * 2 ** Math.max(0, Math.min(task.failures - 1, 16)))
    task.due = clock.monotonic() + Math.max(pause, this.#namespaces.size * NAMESPACE_GAP) * (0.75 + random() / 2)
  }

  /** Whether this peer was never heard of. */
  #report({ reported }: Joined, peer: PeerInfo): boolean {
    const now = this.#init.clock.monotonic()
    const id = peer.id.toString()
    const last = reported.get(id)
    if (last !== undefined && now - last < REPORT_AGAIN) return false
    if (!this.#init.discovered(peer)) return false
    reported.delete(id)
    reported.set(id, now)
    if (reported.size > MAX_REPORTED) {
      const [oldest] = reported.keys()
      if (oldest !== undefined) reported.delete(oldest)
    }
    return last === undefined
  }
}
