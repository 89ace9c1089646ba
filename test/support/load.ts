import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CliPeer } from './cli-peer.ts'

/** Processes on loopback in one room, all connected with each other, whose every delivery is timed. */
export class TimedCrowd {
  readonly peers: CliPeer[] = []
  /** Milliseconds from the request to send to the event at another peer, of each delivery so far. */
  latencies: number[] = []
  readonly #room: string
  readonly #dir = mkdtempSync(join(tmpdir(), 'p2pnode-load-'))
  readonly #sentAt = new Map<string, number>()
  readonly #sends: Promise<string>[] = []
  #turn = 0

  private constructor(room: string) {
    this.#room = room
  }

  /** Runs `work` with peers that are gone afterwards. */
  static async with(count: number, room: string, work: (crowd: TimedCrowd) => Promise<void>): Promise<void> {
    const crowd = new TimedCrowd(room)
    try {
      for (let index = 0; index < count; index++) await crowd.#add()
      await work(crowd)
    } finally {
      await Promise.all(crowd.peers.map((peer) => peer.kill()))
      rmSync(crowd.#dir, { recursive: true, force: true })
    }
  }

  async #add(): Promise<void> {
    const doors = this.peers.flatMap(({ ready }) => ['--connect', ready.addresses[0] as string])
    const peer = await CliPeer.start({
      dataDir: join(this.#dir, String(this.peers.length)),
      args: [this.#room, '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', ...doors],
      onMessage: ({ text, via }) => {
        if (via !== 'self') this.latencies.push(performance.now() - (this.#sentAt.get(text) as number))
      },
    })
    for (const other of this.peers) await peer.untilConnected(other)
    this.peers.push(peer)
  }

  has(peerId: string): boolean {
    return this.peers.some(({ ready }) => ready.peerId === peerId)
  }

  /** Says something of 256 bytes, and does not wait for its acknowledgement. */
  say(peer: CliPeer): void {
    const text = `message ${this.#turn++} `.padEnd(256, 'x')
    this.#sentAt.set(text, performance.now())
    const sent = peer.send(this.#room, text).then(({ id }) => id)
    sent.catch(() => undefined) // `acknowledged` tells
    this.#sends.push(sent)
  }

  /** The ids of all that was said. */
  acknowledged(): Promise<string[]> {
    return Promise.all(this.#sends)
  }
}

/** Of a sorted copy: p = 0.5 is the median. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN
}

/** MiB of memory that a process has now (VmRSS), or had at most (VmHWM). */
export function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}

/** Open file descriptors of a process. */
export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length
