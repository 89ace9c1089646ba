import type { Clock } from '../../src/chat/seams.ts'

interface Timer {
  at: number
  order: number
  /** Undefined once it ran or was cancelled. */
  action: (() => unknown) | undefined
}

/** What an action answers when it started nothing asynchronous, so that nothing has to drain after it. */
export const QUIET = Symbol('quiet')

/** When runs begin: 1 January 2026, in milliseconds. */
export const EPOCH = Date.UTC(2026, 0, 1)

/** Every microtask that is queued now, and all that those queue, runs before this resolves: nothing here waits for the real world. */
const drained = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** A turn of the event loop, in which Node tells of rejections that nobody heard. */
const turned = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const STEPS_A_TURN = 64

const before = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/** The only time there is in a run: it jumps from one event to the next. Milliseconds since the run began. */
export class VirtualTime {
  #heap: Timer[] = []
  #order = 0
  /** Events that ran. */
  steps = 0
  now = 0

  /** Runs `action` in `delay` milliseconds; answers what cancels it. */
  after(delay: number, action: () => unknown): () => void {
    const timer: Timer = { at: this.now + Math.max(0, delay), order: this.#order++, action }
    this.#push(timer)
    return () => {
      timer.action = undefined
    }
  }

  /** Runs events until `end` or until `done` says so, each to the end of what it set off. */
  async run(end: number, done: () => boolean = () => false): Promise<void> {
    await drained()
    while (!done()) {
      const timer = this.#heap[0]
      if (timer === undefined || timer.at > end) {
        this.now = Math.max(this.now, end)
        break
      }
      this.#pop()
      const { action } = timer
      if (action === undefined) continue
      timer.action = undefined
      this.now = timer.at
      this.steps++
      if (action() !== QUIET) await drained()
      if (this.steps % STEPS_A_TURN === 0) await turned()
    }
    await turned()
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let i = heap.length
    heap.push(timer)
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent] as Timer
      if (before(above, timer)) break
      heap[i] = above
      i = parent
    }
    heap[i] = timer
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && before(right, heap[child] as Timer)) child++
      const below = heap[child] as Timer
      if (before(last, below)) break
      heap[i] = below
      i = child
    }
    heap[i] = last
  }
}

/** The wall clock of one device: off by `skew` milliseconds, which may change while it runs. Its timers die with its process. */
export class DeviceClock implements Clock {
  readonly #time: VirtualTime
  readonly #skew: () => number
  readonly #alive: () => boolean

  constructor(time: VirtualTime, skew: () => number, alive: () => boolean = () => true) {
    this.#time = time
    this.#skew = skew
    this.#alive = alive
  }

  now(): number {
    return EPOCH + Math.floor(this.#time.now + this.#skew())
  }

  monotonic(): number {
    return this.#time.now
  }

  setTimeout(callback: () => void, milliseconds: number): () => void {
    return this.#time.after(milliseconds, () => (this.#alive() ? callback() : QUIET))
  }
}
