import { monitorEventLoopDelay } from 'node:perf_hooks'
import { LOOP_RESOLUTION, LOOP_WINDOW, SICK_LOOP_DELAY } from './constants.ts'

const NANOSECONDS = 1e9
const RESOLUTION = LOOP_RESOLUTION / 1_000

/** How late this process comes to what is to be done, in seconds: over the last ten, or since the start until they have passed. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION })
  #timer: NodeJS.Timeout | undefined
  #last: { mean: number; max: number } | undefined

  get mean(): number {
    return (this.#last ?? this.#now()).mean
  }

  get max(): number {
    return (this.#last ?? this.#now()).max
  }

  /** One long turn is none of it: only if they all are. */
  get isBehind(): boolean {
    return this.mean > SICK_LOOP_DELAY
  }

  start(): void {
    this.#histogram.enable()
    this.#timer ??= setInterval(() => this.#turn(), LOOP_WINDOW).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#histogram.disable()
  }

  #turn(): void {
    this.#last = this.#now()
    this.#histogram.reset()
  }

  /** What is measured is the time between two looks; with nothing measured yet, the mean is NaN. */
  #now(): { mean: number; max: number } {
    const { mean, max, count } = this.#histogram
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION)
    return count === 0 ? { mean: 0, max: 0 } : { mean: late(mean), max: late(max) }
  }
}
