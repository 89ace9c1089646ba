/** The memory of the larger of two peers: at rest, and after a flood. */
import type { ContestantName } from '../children.ts'
import { ROOM, withPair } from '../command.ts'
import { compose } from '../peers/message.ts'
import { type Arena, inArena, sleep, usageOf } from '../room.ts'
import { type Metrics, noLoss, type Workload } from '../workload.ts'

const MB = 1e6
const MESSAGES = 20_000
const WINDOW = 64
/** Milliseconds. */
const IDLE = 10_000
const REST = 2_000
const PATIENCE = 60_000

const idle = { metric: 'idle', unit: 'MB', against: 'raw', compare: 'difference', must: 25, aim: 0 } as const
const after = { metric: 'after', unit: 'MB', against: 'raw', compare: 'ratio', must: 1, aim: 0.6 } as const

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

/** The same with `p2pnode start --json`, over its pipes. */
function memoryOfCommand(arena: Arena): Promise<Metrics> {
  return withPair(arena, async (first, second) => {
    const rss = (): number => Math.max(first.rss(), second.rss()) / MB
    const [sender, receiver] = [first.client, second.client]
    const heard = new Set<string>()
    const { promise: complete, resolve } = Promise.withResolvers<void>()
    let doubled = 0
    receiver.on('message', ({ id }) => {
      if (heard.has(id)) doubled++
      heard.add(id)
      if (heard.size === MESSAGES) resolve()
    })
    const [{ addresses }] = await Promise.all([sender.ready, receiver.ready])
    await receiver.connect({ address: addresses[0] ?? '' })
    await sleep(IDLE)
    const idle = rss()
    let seq = 0
    const lane = async (): Promise<void> => {
      while (seq < MESSAGES) await sender.send({ room: ROOM, text: compose('load', 0, seq++) })
    }
    await Promise.all(Array.from({ length: WINDOW }, lane))
    await Promise.race([complete, sleep(PATIENCE)])
    await sleep(REST)
    return { idle, after: rss(), lost: MESSAGES - heard.size + doubled }
  })
}

export const memoryOfTwo: Workload = {
  name: 'memory',
  contestants: {
    p2pnode: () => inArena(memoryOfCommand),
    raw: () => inArena((arena) => memory(arena, 'raw')),
    library: () => inArena((arena) => memory(arena, 'p2pnode')),
  },
  lines: [
    { title: '`start --json`: RSS idle', ...idle },
    { title: '`start --json`: RSS after 20,000 messages', ...after },
    { title: 'library: RSS idle', ...idle, of: 'library' },
    { title: 'library: RSS after 20,000 messages', ...after, of: 'library' },
    noLoss('raw'),
  ],
}
