import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ChaosNet } from '../support/chaos-net.ts'
import { type Namespace, whyNoNamespaces } from '../support/namespaces.ts'
import { canRun } from '../support/requirements.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('system/chaos-net')
const test = canRun(whyNoNamespaces()) ? suiteOf : suiteOf.skip

const PORT = 4747

/** Runs a script inside and answers what it prints until it ends. */
async function run(space: Namespace, script: string): Promise<string> {
  const [file = '', ...rest] = space.inside([process.execPath, '-e', script])
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await once(child, 'close')
  return output.trim()
}

/** A UDP echo that says when it listens; ends with the network. */
async function echo(space: Namespace): Promise<void> {
  const script = `const s = require('dgram').createSocket('udp4')
    s.on('message', (m, from) => s.send(m, from.port, from.address))
    s.bind(${PORT}, () => console.log('listening'))`
  const [file = '', ...rest] = space.inside([process.execPath, '-e', script])
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.unref()
  child.stdout.destroy()
}

/** Sends datagrams to an echo, paced, and prints how many came back and how many of those twice. */
const probe = (address: string, count: number): string => `const s = require('dgram').createSocket('udp4')
  const back = new Map(); let sent = 0
  s.on('message', (m) => back.set(String(m), 1 + (back.get(String(m)) ?? 0)))
  const finish = () => { console.log(back.size, [...back.values()].filter((n) => n > 1).length); s.close() }
  const next = () => { if (sent === ${count}) return setTimeout(finish, 500); s.send(String(sent++), ${PORT}, '${address}'); setTimeout(next, 1) }
  next()`

async function returned(net: ChaosNet, count: number): Promise<[back: number, twice: number]> {
  const [first, second] = net.spaces
  if (first === undefined || second === undefined) throw new Error('two machines are needed')
  return (await run(first, probe(second.address, count))).split(' ').map(Number) as [number, number]
}

async function withNet(work: (net: ChaosNet) => Promise<void>): Promise<void> {
  const net = await ChaosNet.create(2)
  try {
    if (net.spaces[1] !== undefined) await echo(net.spaces[1])
    // the two know each other's hardware address before any frame may get lost
    await waitFor(async () => (await returned(net, 1))[0] === 1, 'the first frame passing')
    await work(net)
  } finally {
    await net.destroy()
  }
}

test('passes every frame of a clean link', () =>
  withNet(async (net) => {
    assert.equal(await returned(net, 200), [200, 0])
  }))

test('loses about as many frames as it is told to', () =>
  withNet(async (net) => {
    await net.link({ loss: 0.2 })
    const [back] = await returned(net, 1000)
    assert.ok(back > 540 && back < 740, `${back} of 1000 came back, 640 expected`)
  }))

test('delays and doubles frames', () =>
  withNet(async (net) => {
    await net.link({ delay: 20, jitter: 5, duplicate: 0.5 })
    const [back, twice] = await returned(net, 200)
    assert.is(back, 200)
    assert.ok(twice > 50, `${twice} came twice`)
  }))

test('cuts one way and both, and heals', () =>
  withNet(async (net) => {
    await net.cut([1, 0])
    assert.equal(await returned(net, 20), [0, 0])
    assert.ok((await net.stats()).cut > 0)
    await net.partition([0], [1])
    assert.equal(await returned(net, 20), [0, 0])
    await net.heal()
    // the neighbour entries of the time of the cut have to run out first
    await waitFor(async () => (await returned(net, 20))[0] === 20, 'all frames passing again')
  }))

test('refuses what it does not know', () =>
  withNet(async (net) => {
    const answer = await net.link({ los: 0.2 } as object).catch((error: Error) => error.message)
    assert.match(String(answer), 'unknown fields')
  }))

suiteOf.run()
