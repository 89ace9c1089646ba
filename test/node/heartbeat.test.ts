import type { Connection } from '@libp2p/interface'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PING_TIMEOUT } from '../../src/node/constants.ts'
import { Heartbeat } from '../../src/node/heartbeat.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const test = suite('node/heartbeat')

const second = 1000

class FakeConnection {
  status = 'open'
  /** Whether it answers, or what it answers with. */
  answer: boolean | Error = true
  asked: number[] = []
  remoteAddr = 'somewhere'
  readonly interval: number

  constructor(interval: number) {
    this.interval = interval
  }

  abort(): void {
    this.status = 'aborted'
  }
}

function setup(...intervals: number[]) {
  const clock = new VirtualClock()
  const connections = intervals.map((interval) => new FakeConnection(interval))
  const heartbeat = new Heartbeat({
    connections: () => connections.filter(({ status }) => status === 'open') as unknown as Connection[],
    intervalOf: (connection) => (connection as unknown as FakeConnection).interval,
    clock,
    log: Object.assign(() => undefined, { error: () => undefined }) as never,
    ask: (connection, signal) => {
      const fake = connection as unknown as FakeConnection
      fake.asked.push(clock.monotonic())
      if (fake.answer instanceof Error) return Promise.reject(fake.answer)
      if (fake.answer) return Promise.resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    },
  })
  heartbeat.start()
  const pass = (milliseconds: number): Promise<void> => clock.pass(milliseconds)
  return { clock, heartbeat, connections, pass }
}

test('asks each connection as often as it is said, and the first time not later', async () => {
  const { heartbeat, connections, pass } = setup(4 * second, 60 * second)
  await pass(10 * 60 * second)
  heartbeat.stop()
  for (const [i, [least, most]] of (
    [
      [140, 150],
      [9, 10],
    ] as const
  ).entries()) {
    const asked = connections[i]?.asked ?? []
    assert.ok(asked.length >= least && asked.length <= most, `${asked.length}`)
    const pauses = asked.slice(1).map((at, j) => at - (asked[j] ?? 0))
    assert.ok(
      pauses.every((pause) => Math.abs(pause - (connections[i]?.interval ?? 0)) <= second),
      `${pauses}`,
    )
  }
})

test('cuts a connection that does not answer in time, and no other', async () => {
  const { connections, pass, heartbeat } = setup(4 * second, 4 * second)
  const [silent, alive] = connections as [FakeConnection, FakeConnection]
  silent.answer = false
  await pass(4 * second + PING_TIMEOUT - 3 * second)
  assert.is(silent.status, 'open')
  await pass(6 * second)
  assert.is(silent.status, 'aborted')
  assert.is(silent.asked.length, 1, 'not asked again while an answer is waited for')
  assert.is(alive.status, 'open')
  heartbeat.stop()
})

test('who answers that it does not know the question is alive', async () => {
  const { connections, pass, heartbeat } = setup(4 * second)
  const [connection] = connections as [FakeConnection]
  connection.answer = Object.assign(new Error('what?'), { name: 'UnsupportedProtocolError' })
  await pass(60 * second)
  assert.is(connection.status, 'open')
  assert.ok(connection.asked.length > 10)
  connection.answer = new Error('reset')
  await pass(6 * second)
  assert.is(connection.status, 'aborted')
  heartbeat.stop()
})

test('connections that were opened together are not asked all at once', async () => {
  const { connections, pass, heartbeat } = setup(...Array.from({ length: 100 }, () => 60 * second))
  await pass(61 * second)
  assert.ok(new Set(connections.map(({ asked: [first] }) => first)).size > 10)
  heartbeat.stop()
})

test('asks nobody after a stop, and leaves no timer', async () => {
  const { connections, pass, heartbeat, clock } = setup(4 * second)
  await pass(2 * second)
  heartbeat.stop()
  assert.is(clock.pending, 0)
  await pass(60 * second)
  assert.equal(connections[0]?.asked, [])
})

test.run()
