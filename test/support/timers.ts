/** Timers that run out when a test says so. */
import type { After } from '../../src/view/timers.ts'

export interface Timers {
  after: After
  /** Runs what is due within so many milliseconds, in order, with what it sets off in turn. */
  elapse(milliseconds: number): void
  /** How many wait. */
  pending(): number
}

export function timers(): Timers {
  let now = 0
  let waiting: { at: number; action: () => void }[] = []
  const due = (until: number): { at: number; action: () => void } | undefined =>
    waiting.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
  return {
    after(milliseconds, action) {
      const timer = { at: now + milliseconds, action }
      waiting.push(timer)
      return () => {
        waiting = waiting.filter((each) => each !== timer)
      }
    },
    elapse(milliseconds) {
      const end = now + milliseconds
      for (let next = due(end); next !== undefined; next = due(end)) {
        const timer = next
        waiting = waiting.filter((each) => each !== timer)
        now = timer.at
        timer.action()
      }
      now = end
    },
    pending: () => waiting.length,
  }
}
