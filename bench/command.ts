/** The built command, as people and programs run it. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { streamConnection } from '../src/cli/stream-connection.ts'
import { RpcClient } from '../src/client/rpc-client.ts'
import { kill, spawnChild } from './children.ts'
import { now } from './peers/message.ts'
import type { Arena } from './room.ts'

const COMMAND = join(import.meta.dirname, '../dist/cli/p2pnode.js')

export const ROOM = 'bench'

export const p2pnode = (...words: string[]): string[] => [process.execPath, COMMAND, ...words]

/** Bytes that a process has in memory. Linux. */
export const rssOf = (pid: number | undefined): number =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

export interface CommandPeer {
  client: RpcClient
  /** Bytes. */
  rss(): number
  /** Kills it. */
  end(): Promise<void>
}

/** `p2pnode start --json` on an empty or used data directory, alone until it is told to connect. */
export function startPeer(dataDir: string, inside: (command: string[]) => string[]): CommandPeer {
  const flags = ['--json', '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--data-dir', dataDir]
  const child = spawnChild(inside(p2pnode('start', ROOM, ...flags)), { stdio: ['pipe', 'pipe', 'inherit'] })
  if (child.stdin === null || child.stdout === null) throw new Error('a child without pipes')
  const client = new RpcClient(streamConnection(child.stdout, child.stdin))
  return {
    client,
    rss: () => rssOf(child.pid),
    async end() {
      await kill(child)
      await client.closed
    },
  }
}

/** Two of them, killed when `work` is over. */
export async function withPair<T>(
  { dir, inside }: Arena,
  work: (first: CommandPeer, second: CommandPeer) => Promise<T>,
): Promise<T> {
  const first = startPeer(join(dir, '0'), inside)
  const second = startPeer(join(dir, '1'), inside)
  try {
    return await work(first, second)
  } finally {
    await Promise.all([first.end(), second.end()])
  }
}

/** Milliseconds from the start of a process to its end. @throws if it fails */
export async function timed(command: string[]): Promise<number> {
  const start = now()
  const [code] = (await once(spawnChild(command, { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${command.slice(1).join(' ')} ended with ${code}`)
  return now() - start
}
