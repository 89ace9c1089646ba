/** Somebody comes late and takes the whole history from the one member that has it. */
import type { ContestantName } from '../children.ts'
import { MESSAGE_LENGTH } from '../peers/message.ts'
import { type Arena, inArena, sleep } from '../room.ts'
import { type Metrics, noLoss, type Workload } from '../workload.ts'

const MB = 1e6
/** Milliseconds, after both have started. */
const REST = 2_000

interface History {
  count: number
  /** Sends that waited for their answer when it was written. */
  window: number
}

/** The member wrote it alone and was started anew since. Time counts from the dial until all is checked and stored. */
async function late(arena: Arena, name: ContestantName, { count, window }: History): Promise<Metrics> {
  const author = await arena.start(name, { me: 0 })
  await author.call('flood', { count, window })
  await author.stop()
  const member = await arena.start(name, { me: 0 })
  const joiner = await arena.start(name, { me: 1 })
  await sleep(REST)
  const before = await joiner.call('usage')
  const start = await joiner.call('connect', { address: member.addresses[0] ?? '' })
  const stored = await joiner.call('stored', { count })
  const [after, theirs] = await Promise.all([joiner.call('usage'), member.call('usage')])
  return {
    seconds: (stored.at - start) / 1e3,
    lost: count - stored.count,
    wire: (after.wire - before.wire) / (count * MESSAGE_LENGTH),
    joiner: after.rss / MB,
    member: theirs.rss / MB,
  }
}

const contestants = (history: History): Workload['contestants'] => ({
  p2pnode: () => inArena((arena) => late(arena, 'p2pnode', history)),
  hypercore: () => inArena((arena) => late(arena, 'hypercore', history)),
})

const against = 'hypercore'
const lines: Workload['lines'] = [
  { title: 'time', metric: 'seconds', unit: 's', digits: 2, against, compare: 'ratio', must: 0.7, aim: 0.35 },
  { title: 'bytes on the wire a byte of text', metric: 'wire', unit: '', digits: 2, against, must: 1.8, aim: 1.5 },
  { title: 'RSS of who comes', metric: 'joiner', unit: 'MB', against, compare: 'ratio' },
  { title: 'RSS of who has it', metric: 'member', unit: 'MB', against, compare: 'ratio' },
  noLoss(against),
]

export const late10k: Workload = { name: 'late-10k', contestants: contestants({ count: 10_000, window: 64 }), lines }

export const late100k: Workload = { name: 'late-100k', contestants: contestants({ count: 100_000, window: 64 }), lines }

/** As a room of people is written: each message signed alone. */
export const late10kOneByOne: Workload = {
  name: 'late-10k-one-by-one',
  contestants: contestants({ count: 10_000, window: 1 }),
  lines: lines.map(({ must: _must, aim: _aim, ...line }) => (line.metric === 'lost' ? noLoss(against) : line)),
}
