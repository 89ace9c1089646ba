/** A simulation that finds nothing proves something only if it finds what is there. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PLANTS, plant } from '../simulation/plants.ts'

const test = suite('system/planted')

/** By then each has long been found. */
const SEEDS = 300
/** Seeds in which nothing is found where nothing was planted: more than most plants need. */
const CLEAN_SEEDS = 40
/** Virtual milliseconds until everybody must agree: longer than any sound seed takes, and the price of each that does not. */
const PATIENCE = 150_000

Error.stackTraceLimit = 0

test('finds nothing where nothing is planted', async () => {
  const { simulate, dispose } = await plant(undefined)
  try {
    for (let seed = 1; seed <= CLEAN_SEEDS; seed++)
      assert.equal((await simulate(seed, { patience: PATIENCE })).violations, [], `seed ${seed}`)
  } finally {
    await dispose()
  }
})

for (const name of Object.keys(PLANTS)) {
  test(`finds a peer that ${name}`, async () => {
    const { simulate, dispose } = await plant(name)
    try {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const [found] = (await simulate(seed, { patience: PATIENCE })).violations
        if (found === undefined) continue
        assert.not.match(found, /does not start|ReferenceError|SyntaxError/) // a plant that does not grow
        return
      }
      assert.unreachable(`${SEEDS} seeds and nothing found`)
    } finally {
      await dispose()
    }
  })
}

test.run()
