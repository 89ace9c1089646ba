import { createSocket } from 'node:dgram'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Grant } from '../../../src/node/port-mapping/index.ts'
import { NatPmp, readAddress, readAnswer, readMapping } from '../../../src/node/port-mapping/nat-pmp.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { HERE, type PmpAnswer, PmpRouter, PUBLIC } from './fake-router.ts'

const test = suite('node/port-mapping/nat-pmp')

const WISH = { gateway: HERE, internal: { address: HERE, port: 4001 }, wanted: 4001 }
/** RFC 6886: 5.5.0.11, and 40001 for 4001 for an hour. */
const ADDRESS = '0080000000000001' + '0505000b'
const MAPPED = '0082000000000001' + '0fa19c4100000e10'
const honest = (request: string): string[] => [request === '0000' ? ADDRESS : MAPPED]

const routers: PmpRouter[] = []
test.after.each(() => {
  for (const router of routers.splice(0)) router.stop()
})

async function routerThat(answer: PmpAnswer): Promise<PmpRouter> {
  const router = await PmpRouter.start(answer)
  routers.push(router)
  return router
}

const never = new AbortController().signal

async function refusal(work: Promise<Grant>): Promise<string> {
  return await work.then(
    () => 'granted',
    (error: Error) => error.message,
  )
}

test('asks for the address and then for the port, and takes what is given', async () => {
  const router = await routerThat(honest)
  const pmp = new NatPmp({ port: router.port })
  const grant = await pmp.map(WISH, never)
  assert.equal(grant.external, { address: PUBLIC, port: 40_001 })
  assert.is(grant.lifetime, 3_600)
  assert.equal(router.requests, ['0000', '000200000fa10fa100001c20'])
  const again = await grant.renew(never)
  assert.equal(again.external, grant.external)
  assert.is(router.requests.at(-1), '000200000fa19c4100001c20', 'the port that it had')
  await grant.release(never)
  assert.is(router.requests.at(-1), '000200000fa1000000000000')
})

test('asks again, later each time, and gives up', async () => {
  const router = await routerThat(() => [])
  const clock = new VirtualClock()
  const told = refusal(new NatPmp({ port: router.port, clock }).map(WISH, never))
  for (const [sent, pause] of [
    [1, 250],
    [2, 500],
    [3, 1_000],
    [4, 2_000],
  ] as const) {
    await waitFor(() => router.requests.length === sent, 'a request')
    await clock.pass(pause - 1)
    assert.is(router.requests.length, sent)
    await clock.pass(1)
  }
  assert.is(await told, 'the router does not answer NAT-PMP')
  assert.is(clock.pending, 0)
})

test('a request that was lost is made up for', async () => {
  const router = await routerThat((request, times) => (times === 1 ? [] : honest(request)))
  const clock = new VirtualClock()
  const grant = new NatPmp({ port: router.port, clock }).map(WISH, never)
  await waitFor(() => router.requests.length === 1, 'a request')
  await clock.pass(250)
  assert.is((await grant).external.port, 40_001)
})

test('where nobody listens it is known at once', async () => {
  const router = await PmpRouter.start(honest)
  const { port } = router
  router.stop()
  assert.is(await refusal(new NatPmp({ port, clock: new VirtualClock() }).map(WISH, never)), 'the router does not answer NAT-PMP')
})

test('nobody but the router is listened to', async () => {
  const router = await routerThat((request) => (request === '0000' ? [] : honest(request)))
  const grant = new NatPmp({ port: router.port }).map(WISH, never)
  const { port = 0 } = (await waitFor(() => router.from, 'a request')) ?? {}
  const liar = createSocket('udp4')
  await new Promise((resolve) => liar.send(Buffer.from('0080000000000001' + '06060606', 'hex'), port, HERE, resolve))
  router.socket.send(Buffer.from(ADDRESS, 'hex'), port, HERE)
  assert.is((await grant).external.address, PUBLIC)
  liar.close()
})

test('nothing is opened at a router that has no public address', async () => {
  for (const address of ['0a000001', '64400001', 'c0a80101', '00000000', '7f000001', 'e0000001', 'ffffffff', 'a9fe0001']) {
    const router = await routerThat((request) => (request === '0000' ? [`0080000000000001${address}`] : honest(request)))
    assert.match(await refusal(new NatPmp({ port: router.port }).map(WISH, never)), 'no public address itself', address)
    assert.equal(router.requests, ['0000'])
  }
})

test('what is refused, and what is something else, is no mapping', async () => {
  for (const [answer, why] of [
    ['0082000200000001' + '0fa1000000000000', 'switched off'],
    ['0082000400000001' + '0fa1000000000000', 'no ports left'],
    ['0282000000000001' + '0fa19c4100000e10', 'another version'],
    ['0082000000000001' + '0fa29c4100000e10', 'something else'],
    ['0082000000000001' + '0fa19c4100000000', 'something else'],
    ['0082000000000001' + '0fa1000000000e10', 'no port'],
    ['0082000000000001' + '0fa1', 'too little'],
  ] as const) {
    const router = await routerThat((request) => [request === '0000' ? ADDRESS : answer])
    assert.match(await refusal(new NatPmp({ port: router.port }).map(WISH, never)), why)
  }
})

test('what is no answer is waited past, and a stop ends the wait', async () => {
  const stop = new AbortController()
  const clock = new VirtualClock()
  const router = await routerThat(() => [new Uint8Array(0), '00', '0081000000000001', new Uint8Array(1_400).fill(7)])
  const told = refusal(new NatPmp({ port: router.port, clock }).map(WISH, stop.signal))
  await waitFor(() => router.requests.length === 1, 'a request')
  stop.abort(new Error('stopped'))
  assert.is(await told, 'stopped')
  assert.is(clock.pending, 0)
  assert.is(await refusal(new NatPmp({ port: router.port, clock }).map(WISH, stop.signal)), 'stopped')
})

test('whatever bytes come: an answer, no answer, or an error', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 24 }),
    fc
      .tuple(fc.constantFrom(0, 2), fc.uint8Array({ maxLength: 14 }))
      .map(([op, rest]) => Uint8Array.of(0, 128 + op, 0, 0, ...rest)),
  )
  fc.assert(
    fc.property(bytes, fc.constantFrom(0, 2), (given, op) => {
      try {
        const answer = readAnswer(given, op)
        if (answer === undefined) return
        assert.is(answer.getUint8(1), 128 + op)
        if (op === 0) assert.match(readAddress(answer), /^(\d{1,3}\.){3}\d{1,3}$/)
        else assert.ok(readMapping(answer, 4001).lifetime > 0)
      } catch (error) {
        assert.match((error as Error).message, /^the router /)
      }
    }),
  )
})

test.run()
