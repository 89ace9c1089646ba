import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '../simulation/random.ts'
import type { ChaosNet, LinkQuality } from './chaos-net.ts'
import { CliPeer } from './cli-peer.ts'
import type { Namespace } from './namespaces.ts'

const second = 1000
const hour = 3600
const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1'

const ROUGH: LinkQuality = { loss: 0.05, delay: 20, jitter: 50, duplicate: 0.05, reorder: 0.25 }
const STORM: LinkQuality = { ...ROUGH, loss: 0.2 }
const CLEAN: LinkQuality = { loss: 0, delay: 0, jitter: 0, duplicate: 0, reorder: 0 }
const STORM_LENGTH = 20 * second
/** The last partition, which holds until the heal. */
const LAST_PARTITION = 10 * second
/** Machines whose process is down or stopped at once. */
const MAX_DOWN = 2

/** Why no clock can be set for one process here; undefined if it can. */
export function whyNoFaketime(): string | undefined {
  return existsSync(FAKETIME) ? undefined : 'faketime is not installed'
}

/** The environment of a process whose clock is wrong by so many seconds. */
export const clockOf = (offset: number): Record<string, string> =>
  offset === 0 ? {} : { LD_PRELOAD: FAKETIME, FAKETIME: `${offset > 0 ? '+' : ''}${offset}`, FAKETIME_DONT_FAKE_MONOTONIC: '1' }

/** A device: a data directory, and the processes that run on it one after the other. */
export class Machine {
  /** All that ever ran here, the last one last. */
  readonly lives: CliPeer[] = []
  readonly #space: Namespace
  readonly #room: string
  #running: Promise<CliPeer>
  busy = false

  constructor(space: Namespace, room: string, clock: number) {
    this.#space = space
    this.#room = room
    this.#running = this.#start(clock)
  }

  async #start(clock: number): Promise<CliPeer> {
    const dataDir = join(this.#space.home, 'data')
    const peer = await CliPeer.start({ space: this.#space, dataDir, args: [this.#room], env: clockOf(clock) })
    this.lives.push(peer)
    return peer
  }

  running(): Promise<CliPeer> {
    return this.#running
  }

  /** kill -9, and a new process with its clock set to another time. */
  async restart(down: number, clock: number): Promise<void> {
    const killed = await this.#running
    this.#running = (async () => {
      await killed.kill()
      await delay(down)
      return this.#start(clock)
    })()
    await this.#running
  }

  async freeze(duration: number): Promise<void> {
    const { pid } = await this.#running
    process.kill(pid, 'SIGSTOP')
    await delay(duration)
    process.kill(pid, 'SIGCONT')
  }

  /** Sends until it is acknowledged: by the next process if this one is killed first, under the same key. */
  async send(text: string, cid: string): Promise<string> {
    for (;;) {
      const running = this.#running
      try {
        return (await (await running).send(this.#room, text, cid)).id
      } catch (error) {
        if (this.#running === running) throw error // nobody killed it
      }
    }
  }
}

/** Does the worst to machines and the net between them, by a seeded schedule, until its time is over; then all is well again. */
export class Nemesis {
  /** What was done, and how often. */
  readonly done: Record<string, number> = {}
  readonly #net: ChaosNet
  readonly #machines: Machine[]
  readonly #seed: number
  #end = 0

  constructor(net: ChaosNet, machines: Machine[], seed: number) {
    this.#net = net
    this.#machines = machines
    this.#seed = seed
  }

  /** Wrong by an hour either way, or right. */
  static clock(random: Random): number {
    return random.pick([-hour, 0, hour])
  }

  async rage(duration: number): Promise<void> {
    this.#end = performance.now() + duration
    await Promise.all([this.#cutLinks(new Random(this.#seed, 1)), this.#stopProcesses(new Random(this.#seed, 2)), this.#storm()])
    await this.#net.heal()
    await this.#net.link(CLEAN)
    await Promise.all(this.#machines.map((machine) => machine.running()))
  }

  get #left(): number {
    return this.#end - performance.now()
  }

  #note(what: string): void {
    this.done[what] = (this.done[what] ?? 0) + 1
  }

  /** One stretch in the middle loses a fifth of all frames. */
  async #storm(): Promise<void> {
    await this.#net.link(ROUGH)
    await delay((this.#left - STORM_LENGTH) / 2)
    await this.#net.link(STORM)
    await delay(Math.min(STORM_LENGTH, this.#left))
    await this.#net.link(ROUGH)
    await delay(this.#left)
  }

  async #cutLinks(random: Random): Promise<void> {
    while (this.#left > LAST_PARTITION) {
      const ports = random.shuffled(this.#machines.map((_, port) => port))
      const what = random.pick(['partition', 'bridge', 'isolation', 'one-way cut'] as const)
      this.#note(what)
      await this.#cut(what, ports, random)
      const [shortest, longest] = random.pick([
        [0.3, 3],
        [3, 8],
        [8, 20],
      ] as const)
      await delay(Math.min(this.#left - LAST_PARTITION, random.between(shortest, longest) * second))
      await this.#net.heal()
      await delay(Math.min(this.#left, random.between(1, 4) * second))
    }
    this.#note('partition')
    await this.#cut('partition', [...this.#machines.keys()], random)
    await delay(this.#left)
  }

  async #cut(what: string, ports: number[], random: Random): Promise<void> {
    const [first = 0, ...others] = ports
    const pairs = (from: number[], to: number[]): [number, number][] =>
      from.flatMap((a) => to.map((b): [number, number] => [a, b]))
    if (what === 'isolation') return void (await this.#net.partition([first], others))
    if (what === 'one-way cut') return void (await this.#net.cut(...pairs(ports.slice(0, 1 + random.below(2)), ports.slice(2))))
    if (what === 'bridge') {
      const [left, right] = [others.slice(0, 2), others.slice(2)]
      return void (await this.#net.cut(...pairs(left, right), ...pairs(right, left)))
    }
    const groups: number[][] = Array.from({ length: 2 + random.below(2) }, () => [])
    for (const [index, port] of ports.entries()) groups[index % groups.length]?.push(port)
    await this.#net.partition(...groups)
  }

  async #stopProcesses(random: Random): Promise<void> {
    const under: Promise<void>[] = []
    while (this.#left > 0) {
      const idle = this.#machines.filter(({ busy }) => !busy)
      if (this.#machines.length - idle.length < MAX_DOWN) under.push(this.#stop(random.pick(idle), random))
      await delay(Math.min(this.#left, random.between(3, 6) * second))
    }
    await Promise.all(under)
  }

  async #stop(machine: Machine, random: Random): Promise<void> {
    machine.busy = true
    const clock = Nemesis.clock(random)
    const length = Math.min(this.#left, random.between(2, 15) * second)
    if (random.chance(0.65)) {
      this.#note('kill')
      if (clock !== 0) this.#note('clock off by an hour')
      await machine.restart(length / 5, clock)
    } else {
      this.#note('freeze')
      await machine.freeze(length)
    }
    machine.busy = false
  }
}
