/** From nothing to the first message, and how long a command takes. */
import { join } from 'node:path'
import type { RpcClient } from '../../src/client/rpc-client.ts'
import type { ContestantName } from '../children.ts'
import { p2pnode, ROOM, startPeer, timed, withPair } from '../command.ts'
import { now } from '../peers/message.ts'
import { type Arena, inArena } from '../room.ts'
import type { Metrics, Workload } from '../workload.ts'

/** Both call so often until one is heard. Milliseconds. */
const CALL_INTERVAL = 20
/** One start is over soon, and no two take the same time. */
const ROUNDS = 7

/** Both start at once; as soon as they have, the second is told where the first is. */
async function coldLibrary(arena: Arena, name: ContestantName): Promise<Metrics> {
  const start = now()
  const pair = [0, 1].map((me) => arena.start(name, { me }))
  const heard = Promise.race(pair.map(async (started) => (await started).call('warmUp', { others: 1, interval: CALL_INTERVAL })))
  const [first, second] = await Promise.all(pair)
  await second?.call('connect', { address: first?.addresses[0] ?? '' })
  return { seconds: ((await heard) - start) / 1e3 }
}

/** The same with `p2pnode start --json`. */
async function coldCommand(arena: Arena): Promise<Metrics> {
  const start = now()
  const timers: NodeJS.Timeout[] = []
  try {
    return await withPair(arena, async (...pair) => {
      const { promise: heard, resolve } = Promise.withResolvers<number>()
      let calls = 0
      const call = (peer: RpcClient): void => {
        // It may be killed before it answers.
        peer.send({ room: ROOM, text: `call ${calls++}` }).catch(() => undefined)
      }
      const ready = pair.map(async ({ client: peer }) => {
        peer.on('message', ({ via }) => {
          if (via !== 'self') resolve(now())
        })
        const { addresses } = await peer.ready
        call(peer)
        timers.push(setInterval(() => call(peer), CALL_INTERVAL))
        return addresses
      })
      const [addresses] = await Promise.all(ready)
      await pair[1].client.connect({ address: addresses?.[0] ?? '' })
      return { seconds: ((await heard) - start) / 1e3 }
    })
  } finally {
    for (const timer of timers) clearInterval(timer)
  }
}

const coldLine = { metric: 'seconds', unit: 's', digits: 2, against: 'raw', compare: 'ratio', must: 1.4, aim: 1.1 } as const

export const cold: Workload = {
  name: 'cold',
  rounds: ROUNDS,
  contestants: {
    p2pnode: () => inArena(coldCommand),
    raw: () => inArena((arena) => coldLibrary(arena, 'raw')),
    library: () => inArena((arena) => coldLibrary(arena, 'p2pnode')),
  },
  lines: [
    { title: '`start --json` to the first message', ...coldLine },
    { title: 'library to the first message', ...coldLine, of: 'library' },
  ],
}

async function commands(arena: Arena): Promise<Metrics> {
  const dataDir = join(arena.dir, '0')
  const peer = startPeer(dataDir, arena.inside)
  try {
    await peer.client.ready
    return {
      help: await timed(arena.inside(p2pnode('--help'))),
      send: await timed(arena.inside(p2pnode('send', ROOM, 'hello', '--data-dir', dataDir))),
    }
  } finally {
    await peer.end()
  }
}

export const startup: Workload = {
  name: 'startup',
  rounds: ROUNDS,
  contestants: {
    p2pnode: () => inArena(commands),
    node: () =>
      inArena(async (arena) => {
        const milliseconds = await timed(arena.inside([process.execPath, '-e', '']))
        return { help: milliseconds, send: milliseconds }
      }),
  },
  lines: [
    { title: '`p2pnode --help`', metric: 'help', unit: 'ms', against: 'node', compare: 'difference' },
    { title: '`p2pnode send` to a running peer', metric: 'send', unit: 'ms', against: 'node', compare: 'difference' },
  ],
}
