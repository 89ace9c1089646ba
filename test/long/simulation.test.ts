import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('simulation, at length')

function simulate(...args: string[]): void {
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'test/simulation/run.ts', '--workers', '2', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  assert.is(status, 0)
}

test('10,000 seeds break no promise', () => simulate('--seeds', '10000'))

test('200 seeds with the real cryptography break none either', () => simulate('--seeds', '200', '--from', '200000', '--real'))

test.run()
