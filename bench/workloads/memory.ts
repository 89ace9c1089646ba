/** The memory of the larger of two peers: at rest, and after a flood. */
import type { ContestantName } from '../children.ts'
import { type Arena, inArena, sleep, usageOf } from '../room.ts'
import { type Metrics, noLoss, type Workload } from '../workload.ts'

const MB = 1e6
const MESSAGES = 20_000
const WINDOW = 64
/** Milliseconds. */
const IDLE = 10_000
const REST = 2_000

async function memory(arena: Arena, name: ContestantName): Promise<Metrics> {
  const room = await arena.room(name, 2)
  await sleep(IDLE)
  const idle = await usageOf(room)
  const [sender, receiver] = room
  await receiver?.call('expect', { total: MESSAGES, perSender: MESSAGES })
  const arrival = receiver?.call('delivered')
  await sender?.call('flood', { count: MESSAGES, window: WINDOW })
  const delivered = await arrival
  await sleep(REST)
  const after = await usageOf(room)
  return { idle: idle.rss / MB, after: after.rss / MB, lost: MESSAGES - (delivered?.unique ?? 0) + (delivered?.doubled ?? 0) }
}

export const memoryOfTwo: Workload = {
  name: 'memory',
  contestants: {
    p2pnode: () => inArena((arena) => memory(arena, 'p2pnode')),
    raw: () => inArena((arena) => memory(arena, 'raw')),
  },
  lines: [
    { title: 'RSS idle', metric: 'idle', unit: 'MB', against: 'raw', compare: 'difference', must: 25, aim: 0 },
    { title: 'RSS after 20,000 messages', metric: 'after', unit: 'MB', against: 'raw', compare: 'ratio', must: 1, aim: 0.6 },
    noLoss('raw'),
  ],
}
