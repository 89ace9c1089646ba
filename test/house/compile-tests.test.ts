import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compileTests } from '../../scripts/compile-tests.ts'
import { runTestFile } from '../../scripts/test-file.ts'

const test = suite('house/compile-tests')
const root = join(import.meta.dirname, '../..')
const fixture = (name: string): string => `test/house/fixtures/${name}.ts`

test('a compiled file passes, fails and names lines as its source does', async () => {
  const names = ['passes', 'fails', 'place']
  const compiled = await compileTests(root, names.map(fixture))
  const files = names.map((name) => compiled.argumentsFor(fixture(name)).at(-1) ?? '')
  assert.ok(files.every((file) => existsSync(file)))
  const run = (name: string) =>
    runTestFile(join(root, fixture(name)), { cwd: root, limit: 60_000, program: compiled.argumentsFor(fixture(name)) })
  try {
    const [passes, fails, place] = [await run('passes'), await run('fails'), await run('place')]
    assert.equal([passes.passed, passes.failed, passes.skipped, passes.problem], [1, 0, 1, undefined])
    assert.equal([fails.passed, fails.failed, fails.problem], [1, 1, '1 failed'])
    assert.match(fails.output, 'test/house/fixtures/fails.ts:6:')
    assert.is(place.problem, undefined, place.output)
  } finally {
    await compiled.dispose()
  }
  assert.not(files.some((file) => existsSync(file)))
})

test('a source that cannot be compiled is named', async () => {
  try {
    await compileTests(root, ['test/house/fixtures/absent.ts'])
    assert.unreachable('there is no such file')
  } catch (error) {
    assert.match(String(error), 'test/house/fixtures/absent.ts')
  }
})

test.run()
