import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { simulate } from './simulate.ts'

const test = suite('simulation')

const SEEDS = 200
const REAL_SEEDS = 4
/** Where the seeds with the real cryptography begin, so that they are others. */
const REAL_FROM = 100_000

Error.stackTraceLimit = 0

/** Answers how many members left all they wrote to a keeper. */
async function check(from: number, count: number, real: boolean): Promise<number> {
  const failures: string[] = []
  let acknowledged = 0
  let departed = 0
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await simulate(seed, { real })
    acknowledged += outcome.acknowledged
    departed += outcome.departed
    if (outcome.violations.length > 0)
      failures.push(`npm run simulate -- --seeds 1 --from ${seed}${real ? ' --real' : ''} --trace\n  ${outcome.violations[0]}`)
  }
  assert.equal(failures, [])
  assert.ok(acknowledged > 10 * count, 'messages are sent')
  return departed
}

test(`${SEEDS} seeds lose, double, reorder and leak nothing, though some go for good`, async () => {
  assert.ok((await check(1, SEEDS, false)) >= 5, 'members leave what they wrote to a keeper')
})

test(`${REAL_SEEDS} seeds with the real cryptography do not either`, async () => {
  await check(REAL_FROM, REAL_SEEDS, true)
})

test('the same seed is the same run, another one is not', async () => {
  const lines: string[][] = [[], [], []]
  const hashes: string[] = []
  for (const [i, seed] of [7, 7, 8].entries()) {
    const { hash } = await simulate(seed, { onTrace: (line) => lines[i]?.push(line) })
    hashes.push(hash)
  }
  assert.ok((lines[0]?.length ?? 0) > 200)
  assert.equal(lines[0], lines[1])
  assert.is(hashes[0], hashes[1])
  assert.is.not(hashes[0], hashes[2])
})

test('a run asks neither the real clock nor real chance', async () => {
  const expected = (await simulate(9)).hash
  const real = { now: Date.now, random: Math.random, setTimeout: globalThis.setTimeout }
  const refuse = (): never => {
    throw new Error('the run looked outside')
  }
  Date.now = refuse
  Math.random = refuse
  globalThis.setTimeout = refuse as unknown as typeof setTimeout
  try {
    const outcome = await simulate(9)
    assert.equal(outcome.violations, [])
    assert.is(outcome.hash, expected)
  } finally {
    Date.now = real.now
    Math.random = real.random
    globalThis.setTimeout = real.setTimeout
  }
})

test.run()
