import { setTimeout as delay } from 'node:timers/promises'

/**
 * Calls `work` once every `interval` ms until `duration` ms are over, one call after the other: load, not synchronization.
 * A call that takes longer than the interval delays the next, none is left out.
 */
export async function every(interval: number, duration: number, work: (turn: number) => Promise<void>): Promise<void> {
  const start = performance.now()
  for (let turn = 0; performance.now() - start < duration; turn++) {
    await work(turn)
    const rest = start + (turn + 1) * interval - performance.now()
    if (rest > 0) await delay(rest)
  }
}
