import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createP2PNode } from '../../src/index.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('system/examples')
const ROOT = join(import.meta.dirname, '../..')

function run(example: string, ...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', join('examples', example), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const running = { child, output: '', ended: once(child, 'exit') }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    running.output += text
  })
  return running
}

for (const name of readdirSync(join(ROOT, 'examples'))) {
  test(`${name} says in its first line how to run it`, () => {
    const [first = ''] = readFileSync(join(ROOT, 'examples', name), 'utf8').split('\n')
    assert.match(first, `node --import tsx examples/${name}`)
  })
}

test('two peers end with the same history', async () => {
  const running = run('two-peers.ts')
  const [code] = await running.ended
  assert.is(code, 0)
  assert.match(running.output, /same history: true/)
})

test('transports can be handed in', async () => {
  const running = run('custom-transports.ts')
  const [code] = await running.ended
  assert.is(code, 0)
  assert.match(running.output, /\/ws\/p2p\//)
  assert.match(running.output, /heard: over WebSockets/)
})

test('the echo bot answers', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'p2pnode-echo-'))
  const bot = run('echo-bot.ts', join(dir, 'bot'))
  const node = await createP2PNode({ dataDir: join(dir, 'us'), name: 'us' })
  try {
    const room = await node.join('echo')
    const answers: string[] = []
    room.addEventListener('message', ({ detail }) => {
      if (detail.author.name === 'echo') answers.push(detail.text)
    })
    await waitFor(
      () => room.members().some((member) => member.name === 'echo' && member.online),
      'the bot, found on the LAN',
      60_000,
    )
    await room.send('hello')
    await waitFor(() => answers.includes('you said: hello'), 'its answer')
  } finally {
    bot.child.kill('SIGINT')
    await node.stop()
  }
  const [code] = await bot.ended
  assert.is(code, 0)
  rmSync(dir, { recursive: true })
})

test.run()
