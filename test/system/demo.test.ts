import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runCli } from '../support/run-cli.ts'

const test = suite('system/demo')

let dir = ''

test.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'p2pnode-demo-test-'))
})

test.after.each(() => rmSync(dir, { recursive: true, force: true }))

test('three peers are shown in plain lines off a terminal', async () => {
  const { code, stdout, stderr } = await runCli(['demo', '--fast', '--peers', '3'], { env: { TMPDIR: dir } })
  assert.equal([code, stderr], [0, ''])
  assert.not.match(stdout, '\u001b')
  for (const name of ['alice', 'bob  ', 'carol']) assert.match(stdout, `  ${name} | + `)
  const last = stdout.split('\n').filter((line) => line.includes('9 held'))
  assert.is(new Set(last.map((line) => line.split('|')[1])).size, 1)
  assert.is(last.length, 3)
  assert.match(stdout, /\nEqual: .* 9 written, 0 lost, 0 twice\.\n$/)
  assert.equal(readdirSync(dir), [])
})

test.run()
