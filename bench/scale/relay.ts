/** A relay as a process of its own, and what it uses. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import '../../src/shims.node.ts'
import { tcp } from '@libp2p/tcp'
import { randomBytes } from '@noble/hashes/utils.js'
import type { RelayStatus } from '../../bootstrap/status.ts'
import { streamConnection } from '../../src/cli/stream-connection.ts'
import { RpcClient } from '../../src/client/rpc-client.ts'
import { createPeer, type Peer } from '../../src/node/index.ts'
import { p2pnode, rssOf } from '../command.ts'
import { sleep } from '../room.ts'

export const MB = 1e6
/** USER_HZ of Linux. */
const TICKS = 100
/** Milliseconds. */
const PATIENCE = 300_000

export interface Usage {
  /** Seconds since its start. */
  cpu: number
  /** Bytes. */
  rss: number
}

export class MeasuredRelay {
  readonly #child: ChildProcess
  readonly #client: RpcClient
  /** Of loopback. */
  address = ''

  private constructor(child: ChildProcess, client: RpcClient) {
    this.#child = child
    this.#client = client
  }

  static async start(dataDir: string, flags: string[] = []): Promise<MeasuredRelay> {
    const listen = ['--listen', '/ip4/127.0.0.1/tcp/0']
    const [program = '', ...words] = p2pnode('relay', '--json', ...listen, '--data-dir', dataDir, ...flags)
    const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] })
    const relay = new MeasuredRelay(child, new RpcClient(streamConnection(child.stdout, child.stdin)))
    const { addresses } = await relay.#client.ready
    relay.address = addresses[0] ?? ''
    return relay
  }

  async status(): Promise<RelayStatus> {
    return (await this.#client.status()) as unknown as RelayStatus
  }

  usage(): Usage {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number)
    return { cpu: ((user ?? 0) + (system ?? 0)) / TICKS, rss: rssOf(this.#child.pid) }
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#client.closed
  }
}

/** Somewhere to keep files while `work` runs. */
export async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'p2pnode-scale-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A peer on a machine of its own, as far as a relay sees: whoever shares a /24 shares a quota. Reached through the relay only. */
export async function guest(index: number, relay: string, dht = false): Promise<Peer> {
  const localAddress = `127.${1 + (index >> 14)}.${(index >> 6) & 255}.${1 + (index & 63)}`
  return await createPeer({
    seed: randomBytes(32),
    listen: [],
    mdns: false,
    relays: [relay],
    dht,
    transports: [tcp({ dialOpts: { localAddress } as object })],
  })
}

export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await sleep(50)
  }
}
