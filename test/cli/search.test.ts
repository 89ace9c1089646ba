import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createP2PNode } from '../../src/index.ts'
import { type CliResult, runCli } from '../support/run-cli.ts'

const test = suite('cli/search')

const base = mkdtempSync(join(tmpdir(), 'p2pnode-search-'))
const dataDir = join(base, 'alice')

test.before(async () => {
  const node = await createP2PNode({ dataDir, name: 'Alice', mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'] })
  const [dev, harbour] = [await node.join('dev'), await node.join('harbour')]
  await dev.send('the build is green')
  await harbour.send('Ein grüner Leuchtturm\nund green water')
  await dev.send('nothing to see')
  await harbour.send('waves at the greenhouse', { action: true })
  await node.stop()
})

test.after(() => rmSync(base, { recursive: true, force: true }))

const search = (...args: string[]): Promise<CliResult> => runCli(['search', ...args, '--data-dir', dataDir])

test('without a peer the store itself is searched: a line a message, with its room, the oldest first', async () => {
  const { code, stdout, stderr } = await search('GREEN')
  assert.equal([code, stderr], [0, ''])
  const lines = stdout.replaceAll(/^\S+Z /gm, '').split('\n')
  assert.equal(
    lines.map((line) => line.trimStart()),
    [
      '[dev] Alice: the build is green',
      '[harbour] Alice: Ein grüner Leuchtturm',
      'und green water',
      '[harbour] * Alice waves at the greenhouse',
      '',
    ],
  )
})

test('words come as arguments of their own or as one, in one room if that is asked for, and as JSON', async () => {
  const found = async (...args: string[]): Promise<[string[], boolean]> => {
    const { code, stdout, stderr } = await search(...args, '--json')
    assert.equal([code, stderr], [0, ''])
    const { messages, more } = JSON.parse(stdout) as { messages: { text: string }[]; more: boolean }
    return [messages.map(({ text }) => text.slice(0, 9)), more]
  }
  assert.equal(await found('water', 'gruner'), [['Ein grüne'], false])
  assert.equal(await found('green build'), [['the build'], false])
  assert.equal(await found('"green build"'), [[], false])
  assert.equal(await found('green', '--room', 'harbour'), [['Ein grüne', 'waves at '], false])
  assert.equal(await found('from:ali green', '--limit', '1'), [['waves at '], true])
  assert.equal(await found('from:bob'), [[], false])
})

test('an unknown room, and a query that asks for nothing, are errors', async () => {
  const unknown = await search('green', '--room', 'nowhere')
  assert.equal([unknown.code, unknown.stdout], [1, ''])
  assert.match(unknown.stderr, /^p2pnode: [^\n]*nowhere[^\n]*\n$/)
  const empty = await search('""')
  assert.equal([empty.code, empty.stdout], [2, ''])
})

test.run()
