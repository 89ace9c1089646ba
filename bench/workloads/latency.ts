/** How long a message takes from `send` to the other's handler. */
import type { Child, ContestantName } from '../children.ts'
import { type Arena, inArena } from '../room.ts'
import { type Metrics, noLoss, quantile, type Workload } from '../workload.ts'

const UNRECORDED = 100
const RECORDED = 1_000

const PEERS = 8
/** 20 messages a second in the room, for 16 seconds. Milliseconds. */
const INTERVAL = 400
const EACH = 40

async function metricsOf(room: readonly Child[], expected: number): Promise<Metrics> {
  const delivered = await Promise.all(room.map((child) => child.call('delivered')))
  const taken = (await Promise.all(room.map((child) => child.call('latencies')))).flat()
  const doubled = delivered.reduce((sum, { doubled }) => sum + doubled, 0)
  return { p50: quantile(taken, 0.5), p99: quantile(taken, 0.99), lost: expected - taken.length + doubled }
}

/** One asks and the other answers from its handler: both ways count. */
async function questions(arena: Arena, name: ContestantName): Promise<Metrics> {
  const room = await arena.room(name, 2)
  for (const rounds of [UNRECORDED, RECORDED]) {
    await Promise.all(room.map((child) => child.call('expect', { total: rounds, perSender: rounds })))
    await room[0]?.call('pingPong', { rounds })
  }
  return metricsOf(room, 2 * RECORDED)
}

/** All speak in turn. */
async function conversation(arena: Arena, name: ContestantName): Promise<Metrics> {
  const room = await arena.room(name, PEERS)
  await Promise.all(room.map((child) => child.call('expect', { total: (PEERS - 1) * EACH, perSender: EACH })))
  await Promise.all(
    room.map((child, i) => child.call('pace', { count: EACH, interval: INTERVAL, first: (i * INTERVAL) / PEERS })),
  )
  return metricsOf(room, PEERS * (PEERS - 1) * EACH)
}

const line = { unit: 'ms', digits: 2, against: 'raw', compare: 'difference' } as const

export const latencyTwo: Workload = {
  name: 'latency-two',
  contestants: {
    p2pnode: () => inArena((arena) => questions(arena, 'p2pnode')),
    raw: () => inArena((arena) => questions(arena, 'raw')),
  },
  lines: [
    { title: 'p50', metric: 'p50', ...line, must: 1, aim: 0 },
    { title: 'p99', metric: 'p99', ...line, must: 5, aim: 2 },
    noLoss('raw'),
  ],
}

export const latencyEight: Workload = {
  name: 'latency-eight',
  contestants: {
    p2pnode: () => inArena((arena) => conversation(arena, 'p2pnode')),
    raw: () => inArena((arena) => conversation(arena, 'raw')),
  },
  lines: [
    { title: 'p50 at 20 messages/s', metric: 'p50', ...line, must: 2, aim: 0 },
    { title: 'p99 at 20 messages/s', metric: 'p99', ...line, must: 10, aim: 0 },
    noLoss('raw'),
  ],
}
