import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runTestFile } from '../../scripts/test-file.ts'

const test = suite('house/test-file')
const cwd = join(import.meta.dirname, '../..')

const run = (name: string, limit = 60_000, grace = 10_000) =>
  runTestFile(join(import.meta.dirname, 'fixtures', `${name}.ts`), { cwd, limit, grace })

test('counts what passed and what was skipped', async () => {
  const { passed, failed, skipped, problem } = await run('passes')
  assert.equal([passed, failed, skipped, problem], [1, 0, 1, undefined])
})

test('counts a failed test and keeps its output', async () => {
  const { passed, failed, problem, output } = await run('fails')
  assert.equal([passed, failed, problem], [1, 1, '1 failed'])
  assert.match(output, 'subtracts')
})

test('fails a file that forgets to run its suite', async () => {
  const { failed, problem } = await run('forgets-run')
  assert.equal([failed, problem], [1, 'forgets test.run()'])
})

test('fails a file without a test', async () => {
  const { failed, problem } = await run('imports-nothing')
  assert.is(failed, 1)
  assert.match(problem ?? '', 'is .run() missing?')
})

test('fails a file whose set-up throws, which uvu passes', async () => {
  const { passed, failed } = await run('hook-throws')
  assert.equal([passed, failed], [0, 1])
})

test('fails a file that dies of an uncaught error', async () => {
  const { failed, output } = await run('crashes')
  assert.is(failed, 1)
  assert.match(output, 'uncaught')
})

test('ends a file that hangs', async () => {
  const { failed, problem } = await run('hangs', 1_000)
  assert.equal([failed, problem], [1, 'not over after 1 s'])
})

test('fails a file that leaves a timer running after its tests passed', async () => {
  const { passed, failed, problem } = await run('leaks', 60_000, 500)
  assert.equal([passed, failed], [1, 1])
  assert.match(problem ?? '', 'something is left running')
})

test('tells when the tests are over, before the file ends', async () => {
  const told: string[] = []
  const options = { cwd, limit: 60_000, grace: 500, onTested: () => void told.push('tested') }
  await runTestFile(join(import.meta.dirname, 'fixtures/leaks.ts'), options).then(() => told.push('ended'))
  assert.equal(told, ['tested', 'ended'])
})

test('fails a file that singles a test out', async () => {
  const { failed, problem } = await run('singles-out')
  assert.equal([failed, problem], [1, 'singles tests out with test.only'])
})

test('finds one suite that is never run among others', async () => {
  assert.is((await run('forgets-one')).problem, 'forgets second.run()')
})

test.run()
