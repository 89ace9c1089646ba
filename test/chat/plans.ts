/** Random histories of one author, with forks. */
import fc from 'fast-check'
import { encodeRun, type Run } from '../../src/chat/event.ts'
import type { Log } from '../../src/chat/log.ts'
import { type Member, Scribe } from './support.ts'

export async function take(log: Log, ...runs: Run[]): Promise<void> {
  for (const run of runs) await log.ingest(encodeRun(run), 'sync').durable
}

/** An author's history: runs of these lengths, some of which begin a second branch from an earlier run. */
export interface Plan {
  lengths: number[]
  /** Behind which run a branch begins, and its runs. */
  forks: { at: number; lengths: number[] }[]
}
const lengths = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 })
export const plan: fc.Arbitrary<Plan> = fc.record({
  lengths,
  forks: fc.array(
    fc.record({ at: fc.nat(11), lengths: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 6 }) }),
    { maxLength: 2 },
  ),
})

/** The runs of such a history, in the order in which they were written. */
export function written({ lengths: own, forks }: Plan, seed: number, { keys, crypto }: Member): Run[] {
  const scribe = new Scribe(seed, keys, crypto)
  const states: Scribe[] = []
  const runs = own.map((length) => {
    states.push(scribe.fork())
    return scribe.run(...Array.from({ length }, () => ({})))
  })
  forks.forEach(({ at, lengths: branch }, b) => {
    const twin = states[Math.min(at, states.length - 1)]?.fork()
    for (const length of branch)
      if (twin !== undefined) runs.push(twin.run(...Array.from({ length }, () => ({ text: `branch ${b}` }))))
  })
  return runs
}
