import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Peers } from '../support/peers.ts'
import { type CliResult, endOf, spawnCli } from '../support/run-cli.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('system/relay-process')

/** For a loaded machine: it tells a hang from slowness. Milliseconds. */
const DEADLINE = 60_000

let dir = ''
let running: Relay[] = []
const peers = new Peers()

class Relay {
  readonly child: Awaited<ReturnType<typeof spawnCli>>
  readonly ended: Promise<CliResult>
  #out = ''

  private constructor(child: Awaited<ReturnType<typeof spawnCli>>) {
    this.child = child
    child.stdout.on('data', (bytes) => {
      this.#out += String(bytes)
    })
    this.ended = endOf(child)
  }

  /** One that has said `ready`. */
  static async start(...args: string[]): Promise<Relay> {
    const line = ['relay', '--json', '--data-dir', dir, '--listen', '/ip4/127.0.0.1/tcp/0', ...args]
    const relay = new Relay(await spawnCli(line))
    running.push(relay)
    await waitFor(() => relay.#out.includes('\n'), 'ready', DEADLINE)
    return relay
  }

  get ready(): { peerId: string; addresses: [string] } {
    return JSON.parse(this.#out.split('\n')[0] ?? '').params
  }

  get last(): unknown {
    return JSON.parse(this.#out.trim().split('\n').at(-1) ?? '')
  }
}

test.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'p2pnode-relay-process-'))
})
test.after.each(async () => {
  await peers.close()
  for (const { child, ended } of running) {
    child.kill('SIGKILL')
    await ended
  }
  running = []
  rmSync(dir, { recursive: true, force: true })
})

/** A peer that can be reached through the relay. */
async function guest({ ready }: Relay): Promise<Awaited<ReturnType<Peers['start']>>> {
  const peer = await peers.start({ listen: [], relays: [ready.addresses[0]] })
  await waitFor(() => peer.relays()[0]?.reserved, 'a reservation', DEADLINE)
  return peer
}

test('SIGTERM is a clean stop with 0 and SIGINT one with 130, while people are connected through it', async () => {
  for (const [name, code] of [
    ['SIGTERM', 0],
    ['SIGINT', 130],
  ] as const) {
    const relay = await Relay.start()
    const [a, b] = [await guest(relay), await guest(relay)]
    assert.is((await a.connect(b.addresses()[0] ?? '')).via, 'relay')
    relay.child.kill(name)
    const result = await relay.ended
    assert.equal([result.code, result.stderr], [code, ''])
    assert.equal(relay.last, { jsonrpc: '2.0', method: 'closing', params: { reason: 'signal' } })
    assert.not(existsSync(join(dir, 'relay', 'p2pnode.sock')))
    await peers.close()
  }
})

test('a closed stdout is a clean stop with 0', async () => {
  const relay = await Relay.start()
  relay.child.stdout.destroy()
  relay.child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"status"}\n')
  const { code, stderr } = await relay.ended
  assert.equal([code, stderr], [0, ''])
})

test('killed and started again, it is the same relay for those who know it', async () => {
  const first = await Relay.start()
  const port = /\/tcp\/(\d+)\//.exec(first.ready.addresses[0])?.[1]
  const peer = await guest(first)
  first.child.kill('SIGKILL')
  await first.ended
  await waitFor(() => peer.relays()[0]?.reserved === false, 'the loss to be noticed', DEADLINE)
  const second = await Relay.start('--listen', `/ip4/127.0.0.1/tcp/${port}`)
  assert.is(second.ready.peerId, first.ready.peerId)
  await waitFor(() => peer.relays()[0]?.reserved, 'the reservation', DEADLINE)
})

test.run()
