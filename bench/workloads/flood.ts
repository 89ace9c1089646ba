/** As fast as accepted: how many messages a second arrive, and what each costs. */
import { type ContestantName, kill, spawnChild } from '../children.ts'
import { type Arena, inArena, usageOf } from '../room.ts'
import { type Metrics, noLoss, type Workload } from '../workload.ts'

/** Sends that wait for their answer: a send of p2pnode waits for the disk. */
const WINDOW = 64

interface Flood {
  size: number
  senders: number
  each: number
  window: number
}

/** What arrives at everybody but its sender. */
async function flood(
  arena: Arena,
  name: ContestantName,
  { size, senders, each, window }: Flood,
  around = arena.inside,
): Promise<Metrics> {
  const room = await arena.room(name, size, around)
  const totals = room.map((_, i) => (i < senders ? senders - 1 : senders) * each)
  await Promise.all(room.map((child, i) => child.call('expect', { total: totals[i] ?? 0, perSender: each })))
  const before = await usageOf(room)
  const arrivals = Promise.all(room.map((child) => child.call('delivered')))
  const starts = await Promise.all(room.slice(0, senders).map((child) => child.call('flood', { count: each, window })))
  const delivered = (await arrivals).filter((_, i) => totals[i] !== 0)
  const after = await usageOf(room)
  const unique = delivered.reduce((sum, { unique }) => sum + unique, 0)
  const doubled = delivered.reduce((sum, { doubled }) => sum + doubled, 0)
  const seconds = (Math.max(...delivered.map(({ last }) => last)) - Math.min(...starts)) / 1e3
  return {
    rate: unique / seconds,
    lost: totals.reduce((sum, total) => sum + total, 0) - unique + doubled,
    cpu: ((after.cpu - before.cpu) / unique) * 1e6,
    wire: (after.wire - before.wire) / unique,
  }
}

const each = (what: Flood) => ({
  p2pnode: () => inArena((arena) => flood(arena, 'p2pnode', what)),
  raw: () => inArena((arena) => flood(arena, 'raw', what)),
})

const rate = { metric: 'rate', unit: '/s', against: 'raw', compare: 'ratio', more: true } as const
const cpu = { title: 'CPU a delivery', metric: 'cpu', unit: 'µs', against: 'raw', compare: 'ratio' } as const
const wire = { title: 'bytes on the wire a delivery', metric: 'wire', unit: 'B', against: 'raw', compare: 'ratio' } as const

export const two: Workload = {
  name: 'two',
  contestants: each({ size: 2, senders: 1, each: 20_000, window: WINDOW }),
  lines: [{ title: 'deliveries', ...rate, must: 2, aim: 4 }, cpu, wire, noLoss('raw')],
}

export const twoOneByOne: Workload = {
  name: 'two-one-by-one',
  contestants: each({ size: 2, senders: 1, each: 3_000, window: 1 }),
  lines: [{ title: 'deliveries, one send at a time', ...rate }, noLoss('raw')],
}

export const eightOne: Workload = {
  name: 'eight-one',
  contestants: each({ size: 8, senders: 1, each: 5_000, window: WINDOW }),
  lines: [
    { title: 'deliveries', ...rate, must: 1.5, aim: 3 },
    { ...cpu, must: 0.7, aim: 0.35 },
    { ...wire, must: 0.8, aim: 0.4 },
    noLoss('raw'),
  ],
}

export const eightAll: Workload = {
  name: 'eight-all',
  contestants: each({ size: 8, senders: 8, each: 500, window: WINDOW }),
  lines: eightOne.lines,
}

const SPINNERS = 4
/** Ends with whoever started it. */
const SPIN = 'const parent = process.ppid; while (process.ppid === parent);'

/** All on one core, beside busy loops. */
async function starve(arena: Arena, name: ContestantName): Promise<Metrics> {
  const onOneCore = (command: string[]): string[] => ['taskset', '-c', '0', ...command]
  const spinners = Array.from({ length: SPINNERS }, () =>
    spawnChild(onOneCore([process.execPath, '-e', SPIN]), { stdio: 'ignore' }),
  )
  try {
    const around = (command: string[]): string[] => arena.inside(onOneCore(command))
    return await flood(arena, name, { size: 2, senders: 1, each: 20_000, window: WINDOW }, around)
  } finally {
    await Promise.all(spinners.map(kill))
  }
}

export const starved: Workload = {
  name: 'starved',
  contestants: {
    p2pnode: () => inArena((arena) => starve(arena, 'p2pnode')),
    raw: () => inArena((arena) => starve(arena, 'raw')),
  },
  lines: [{ title: 'deliveries', metric: 'rate', unit: '/s', against: 'raw', more: true }, noLoss('raw')],
}
