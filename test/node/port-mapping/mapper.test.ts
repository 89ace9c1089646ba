import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Grant, PortMapperInit, Way } from '../../../src/node/port-mapping/index.ts'
import { portMapper } from '../../../src/node/port-mapping/index.ts'
import { settled, VirtualClock } from '../../support/virtual-clock.ts'
import { silent } from '../dht/support.ts'
import { PUBLIC } from './fake-router.ts'

const test = suite('node/port-mapping/mapper')

const minute = 60_000
const LOCAL = '192.168.1.10'

/** A router that gives what it is told to, and a mapper that asks it. */
class Scene {
  readonly clock = new VirtualClock()
  /** What was announced and withdrawn, and asked of the router, in order. */
  readonly told: string[] = []
  external = { address: PUBLIC, port: 40_001 }
  lifetime = 7_200
  problem: Error | undefined
  local = LOCAL
  readonly mapper: ReturnType<typeof portMapper>

  constructor(init: Partial<PortMapperInit> = {}) {
    this.mapper = portMapper({
      routes: async () => [{ gateway: '192.168.1.1', local: this.local }],
      ways: [this.way],
      portAt: (address) => (address === this.local ? 4001 : undefined),
      announce: ({ external }) => this.told.push(`+${external.port}`),
      withdraw: ({ external }) => this.told.push(`-${external.port}`),
      clock: this.clock,
      log: silent,
      ...init,
    })
  }

  readonly way: Way = async ({ internal, wanted }) => {
    this.told.push(`find ${wanted}`)
    if (this.problem !== undefined) throw this.problem
    const grant: Grant = {
      by: 'NAT-PMP',
      internal,
      external: { ...this.external },
      lifetime: this.lifetime,
      renew: async () => {
        this.told.push('renew')
        if (this.problem !== undefined) throw this.problem
        return { ...grant, external: { ...this.external } }
      },
      release: async () => {
        this.told.push('release')
        if (this.problem !== undefined) throw this.problem
      },
    }
    return grant
  }

  /** What was told since the last call. */
  news(): string[] {
    return this.told.splice(0)
  }
}

test('announces what it is given, keeps it, and gives it back', async () => {
  const scene = new Scene()
  await scene.mapper.start()
  assert.equal(scene.news(), ['find 4001', '+40001'])
  assert.equal(scene.mapper.view(), { external: `${PUBLIC}:40001`, by: 'NAT-PMP' })
  await scene.clock.pass(15 * minute - 1)
  assert.equal(scene.news(), [])
  await scene.clock.pass(1)
  assert.equal(scene.news(), ['renew'])
  await scene.mapper.stop()
  await scene.mapper.stop()
  assert.equal(scene.news(), ['-40001', 'release'])
  assert.is(scene.clock.pending, 0)
})

test('asks again when half of what was given is over, and never more than once a minute', async () => {
  for (const [lifetime, pause] of [
    [600, 5 * minute],
    [1, minute],
    [0, 15 * minute],
    [0xffff_ffff, 15 * minute],
  ] as const) {
    const scene = new Scene()
    scene.lifetime = lifetime
    await scene.mapper.start()
    await scene.clock.pass(pause - 1)
    assert.not.ok(scene.told.includes('renew'), String(lifetime))
    await scene.clock.pass(1)
    assert.ok(scene.told.includes('renew'), String(lifetime))
    await scene.mapper.stop()
  }
})

test('another address outside is announced in place of the first', async () => {
  const scene = new Scene()
  await scene.mapper.start()
  scene.external.port = 40_002
  await scene.clock.pass(15 * minute)
  assert.equal(scene.news(), ['find 4001', '+40001', 'renew', '-40001', '+40002'])
  await scene.mapper.stop()
})

test('what a router that is gone has given is withdrawn, and asked for again, later each time', async () => {
  const scene = new Scene()
  await scene.mapper.start()
  scene.problem = new Error('gone')
  await scene.clock.pass(15 * minute)
  assert.equal(scene.news(), ['find 4001', '+40001', 'renew', 'find 40001', '-40001'])
  assert.equal(scene.mapper.view(), { problem: 'gone' })
  for (const pause of [1, 2, 4, 8, 16, 30, 30]) {
    await scene.clock.pass(pause * minute - 1)
    assert.equal(scene.news(), [])
    await scene.clock.pass(1)
    assert.equal(scene.news(), ['find 4001'])
  }
  scene.problem = undefined
  await scene.clock.pass(30 * minute)
  assert.equal(scene.news(), ['find 4001', '+40001'])
  await scene.mapper.stop()
})

test('a router that forgot and gives it again is asked in full, and nobody is told', async () => {
  const scene = new Scene({ ways: [(wish, signal) => scene.way(wish, signal).then((grant) => ({ ...grant, renew: forgot }))] })
  const forgot = async (): Promise<never> => {
    throw new Error('forgotten')
  }
  await scene.mapper.start()
  await scene.clock.pass(15 * minute)
  assert.equal(scene.news(), ['find 4001', '+40001', 'find 40001'])
  await scene.mapper.stop()
})

test('the second way is tried when the first gives nothing; both reasons are told when neither does', async () => {
  const refuse: Way = async () => {
    throw new Error('no NAT-PMP')
  }
  const scene: Scene = new Scene({ ways: [refuse, (wish, signal) => scene.way(wish, signal)] })
  scene.problem = new Error('no UPnP')
  await scene.mapper.start()
  assert.equal(scene.mapper.view(), { problem: 'no NAT-PMP; no UPnP' })
  scene.problem = undefined
  scene.news()
  await scene.clock.pass(minute)
  assert.equal(scene.news(), ['find 4001', '+40001'])
  await scene.mapper.stop()
})

test('nobody is asked by a machine with a public address, without a router, or that listens to itself alone', async () => {
  for (const [init, problem] of [
    [{ routes: async () => [{ gateway: '5.5.0.1', local: '5.5.0.2' }] }, 'this machine has a public address itself'],
    [{ routes: async () => [] }, 'no router is known on this network'],
    [{ portAt: () => undefined }, 'no router is known on this network'],
    [{ routes: () => Promise.reject(new Error('no table')) }, 'no table'],
  ] as [Partial<PortMapperInit>, string][]) {
    const scene = new Scene(init)
    await scene.mapper.start()
    assert.equal(scene.news(), [])
    assert.equal(scene.mapper.view(), { problem })
    await scene.mapper.stop()
  }
})

test('on another network it is asked at once, under the address there', async () => {
  const scene = new Scene()
  await scene.mapper.start()
  scene.news()
  scene.local = '10.0.0.7'
  scene.external = { address: '5.5.0.12', port: 40_009 }
  scene.mapper.moved()
  await settled()
  assert.equal(scene.news(), ['find 40001', '-40001', '+40009'])
  assert.is(scene.clock.pending, 1)
  scene.problem = new Error('no router here')
  scene.mapper.moved()
  await settled()
  assert.equal(scene.news(), ['find 40009', '-40009'])
  await scene.mapper.stop()
  scene.mapper.moved()
  await settled()
  assert.equal(scene.news(), [])
})

test('an attempt that hangs is ended, by its deadline, by a move and by a stop', async () => {
  let asked = 0
  const hang: Way = (_wish, signal) =>
    new Promise((_resolve, reject) => {
      asked++
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const scene = new Scene({ ways: [hang] })
  const first = scene.mapper.start()
  await scene.clock.pass(15_000)
  await first
  assert.equal(scene.mapper.view(), { problem: 'nothing within 15000 ms' })
  scene.mapper.moved()
  await settled()
  scene.mapper.moved()
  await settled()
  assert.is(asked, 3)
  await scene.mapper.stop()
  assert.is(scene.clock.pending, 0)
})

test('who throws when told keeps no attempt from coming, and no stop', async () => {
  const fail = (): void => {
    throw new Error('told')
  }
  const scene = new Scene({ announce: fail, withdraw: fail })
  await scene.mapper.start()
  scene.mapper.moved()
  await settled()
  assert.equal(scene.news(), ['find 4001', 'find 40001'])
  await scene.mapper.stop()
  assert.equal(scene.news(), ['release'])
})

test('a router that takes nothing back, or says nothing, holds up no stop', async () => {
  const scene = new Scene()
  await scene.mapper.start()
  scene.problem = new Error('no')
  await scene.mapper.stop()
  assert.equal(scene.news().slice(-2), ['-40001', 'release'])
  const mute: Scene = new Scene({
    ways: [async (wish, signal) => ({ ...(await mute.way(wish, signal)), release: mutely })],
  })
  const mutely = (signal: AbortSignal): Promise<void> =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  await mute.mapper.start()
  const stopped = mute.mapper.stop()
  await mute.clock.pass(2_000)
  await stopped
})

test.run()
