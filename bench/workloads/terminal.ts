/** The chat in a terminal: how soon it is there, how soon it echoes a key while others talk, what it takes at rest. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { ROOM, startPeer } from '../command.ts'
import { compose } from '../peers/message.ts'
import { Arena, inArena, sleep } from '../room.ts'
import { TerminalPeer, type Typing } from '../terminal.ts'
import { type Line, type Metrics, median, noLoss, quantile, type Workload } from '../workload.ts'

const MB = 1e6
const SHORT = 1_000
const LONG = 100_000
/** Sends at a time while the history is written. */
const WINDOW = 64
/** Messages a second while somebody types. */
const RATE = 100
/** Milliseconds. */
const TICK = 10
const SETTLE = 5_000
const REST = 20_000
const LOOK = 200
const TYPING: Typing = { keys: 200, clear: 40, least: 50, most: 250 }

/** Data directories with so many messages, written once: each round takes a copy. */
const histories = new Map<number, Promise<string>>()

async function write(count: number): Promise<string> {
  // Goes with the process.
  const arena = new Arena()
  const dataDir = join(arena.dir, 'history')
  const peer = startPeer(dataDir, arena.inside)
  let seq = 0
  const lane = async (): Promise<void> => {
    while (seq < count) await peer.client.send({ room: ROOM, text: compose('load', 0, seq++) })
  }
  await peer.client.ready
  await Promise.all(Array.from({ length: WINDOW }, lane))
  await peer.client.stop()
  await peer.end()
  return dataDir
}

async function copyOfHistory(count: number, dataDir: string): Promise<void> {
  const written = histories.get(count) ?? write(count)
  histories.set(count, written)
  cpSync(await written, dataDir, { recursive: true })
}

/** What another peer says, so often, until `end`, which answers how much it was. */
function talk(send: (text: string) => Promise<unknown>): { end(): Promise<number> } {
  const start = performance.now()
  const sends: Promise<unknown>[] = []
  const timer = setInterval(() => {
    while (sends.length < ((performance.now() - start) / 1e3) * RATE) sends.push(send(compose('load', 1, sends.length)))
  }, TICK)
  return {
    async end() {
      clearInterval(timer)
      await Promise.all(sends)
      return sends.length
    },
  }
}

/** Milliseconds, and messages that did not come through. */
interface Echoes {
  p50: number
  p99: number
  lost: number
}

/** Another comes, gets the whole history and talks, while one types. */
async function typing(arena: Arena, face: TerminalPeer, name: string): Promise<Echoes> {
  const other = startPeer(join(arena.dir, name), arena.inside)
  try {
    await other.client.ready
    await other.client.connect({ address: face.address() })
    const history = face.digest()
    while ((await other.client.digest({ room: ROOM })).count < history.count) await sleep(LOOK)
    await sleep(SETTLE)
    const talking = talk((text) => other.client.send({ room: ROOM, text }))
    const echoes = await face.type(TYPING, 1)
    const count = await talking.end()
    await other.client.send({ room: ROOM, text: 'that was all' })
    await face.see('that was all')
    const [ours, theirs] = [face.digest(), await other.client.digest({ room: ROOM })]
    const lost = theirs.count - ours.count + (theirs.count - history.count - count - 1) + Number(ours.digest !== theirs.digest)
    return { p50: median(echoes), p99: quantile(echoes, 0.99), lost }
  } finally {
    await other.end()
  }
}

async function withFace<T>(
  arena: Arena,
  count: number,
  flags: readonly string[],
  work: (face: TerminalPeer) => Promise<T>,
): Promise<T> {
  const dataDir = join(arena.dir, String(count))
  await copyOfHistory(count, dataDir)
  const face = new TerminalPeer({ arena, dataDir, flags })
  try {
    return await work(face)
  } finally {
    await face.end()
  }
}

async function measure(arena: Arena, flags: readonly string[]): Promise<Metrics> {
  const short = await withFace(arena, SHORT, flags, async (face) => {
    const start = await face.ready()
    return { ...start, ...(await typing(arena, face, 'other')) }
  })
  const long = await withFace(arena, LONG, flags, async (face) => {
    const { first, usable } = await face.ready()
    await sleep(SETTLE)
    const before = face.cpu()
    await sleep(REST)
    const rest = { rss: face.rss() / MB, cpu: ((face.cpu() - before) * 60_000) / REST }
    const { p50, p99, lost } = await typing(arena, face, 'another')
    return { ...rest, longFirst: first, longUsable: usable, longP50: p50, longP99: p99, longLost: lost }
  })
  return { ...short, ...long, lost: short.lost + long.longLost }
}

const FIRST_PAINT = { must: 300, aim: 150 }
const ECHO = { must: 50, aim: 16 }

const lines: Line[] = [
  { title: 'first character, 1,000 messages of history', metric: 'first', unit: 'ms', ...FIRST_PAINT },
  { title: 'first key echoed, 1,000 messages', metric: 'usable', unit: 'ms' },
  { title: 'first character, 100,000 messages', metric: 'longFirst', unit: 'ms' },
  { title: 'first key echoed, 100,000 messages', metric: 'longUsable', unit: 'ms' },
  { title: 'key to echo, p50', metric: 'p50', unit: 'ms', digits: 1, ...ECHO },
  { title: 'key to echo, p99', metric: 'p99', unit: 'ms', digits: 1 },
  { title: 'key to echo, p50, 100,000 messages', metric: 'longP50', unit: 'ms', digits: 1, ...ECHO },
  { title: 'key to echo, p99, 100,000 messages', metric: 'longP99', unit: 'ms', digits: 1 },
  { title: 'RSS at rest, 100,000 messages', metric: 'rss', unit: 'MB' },
  { title: 'CPU at rest, 100,000 messages', metric: 'cpu', unit: 's/min', digits: 2 },
  noLoss(),
]

export const terminal: Workload = {
  name: 'terminal',
  contestants: { p2pnode: () => inArena((arena) => measure(arena, [])) },
  lines,
}
