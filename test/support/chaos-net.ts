import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { configureLink, type Namespace, Namespaces } from './namespaces.ts'

/** What a link does to frames. Probabilities are 0 to 1, times milliseconds. */
export interface LinkQuality {
  loss?: number
  delay?: number
  jitter?: number
  duplicate?: number
  reorder?: number
}

/** Frames. */
export interface ChaosStats {
  received: number
  sent: number
  lost: number
  cut: number
  full: number
}

type Answer = { ok: true; stats: ChaosStats } | { ok: false; error: string }

/**
 * Machines on one switch that loses, delays, doubles and reorders frames and that can be partitioned, all changed while it
 * runs. Ports are indexes into `spaces`. What chaos-net.py says about each operation holds.
 */
export class ChaosNet {
  readonly #namespaces: Namespaces
  readonly #switch: ChildProcess
  readonly #control: Socket
  readonly #answers: AsyncIterator<string>
  readonly #dir: string

  private constructor(namespaces: Namespaces, child: ChildProcess, control: Socket, dir: string) {
    this.#namespaces = namespaces
    this.#switch = child
    this.#control = control
    this.#answers = createInterface({ input: control })[Symbol.asyncIterator]()
    this.#dir = dir
  }

  static async create(count: number, seed = 1): Promise<ChaosNet> {
    const namespaces = new Namespaces()
    const dir = mkdtempSync(join(tmpdir(), 'p2pnode-chaos-'))
    const path = join(dir, 'control')
    const spaces = Array.from({ length: count }, (_, index) => namespaces.add(`10.77.0.${index + 1}`))
    const script = join(import.meta.dirname, 'chaos-net.py')
    const child = spawn('python3', [script, path, String(seed), ...spaces.map(({ name }) => name)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`chaos-net.py ended with code ${code}`)
    })
    await Promise.race([once(child.stdout, 'data'), ended])
    ended.catch(() => undefined)
    for (const { name, address } of spaces) configureLink(name, address)
    const control = createConnection(path)
    await once(control, 'connect')
    return new ChaosNet(namespaces, child, control, dir)
  }

  get spaces(): readonly Namespace[] {
    return this.#namespaces.spaces
  }

  /** `from` and `to` default to every port. */
  link(quality: LinkQuality & { from?: number[]; to?: number[] }): Promise<ChaosStats> {
    return this.#ask({ op: 'link', ...quality })
  }

  /** Frames pass within a group only. */
  partition(...groups: number[][]): Promise<ChaosStats> {
    return this.#ask({ op: 'partition', groups })
  }

  /** One way. */
  cut(...pairs: [from: number, to: number][]): Promise<ChaosStats> {
    return this.#ask({ op: 'cut', pairs })
  }

  heal(): Promise<ChaosStats> {
    return this.#ask({ op: 'heal' })
  }

  stats(): Promise<ChaosStats> {
    return this.#ask({ op: 'stats' })
  }

  async destroy(): Promise<void> {
    this.#control.destroy()
    if (this.#switch.exitCode === null) {
      const ended = once(this.#switch, 'exit')
      this.#switch.stdin?.end()
      await ended
    }
    this.#namespaces.destroy()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  async #ask(request: object): Promise<ChaosStats> {
    this.#control.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await this.#answers.next()
    if (done === true) throw new Error('chaos-net.py hung up')
    const answer = JSON.parse(value) as Answer
    if (!answer.ok) throw new Error(`chaos-net.py: ${answer.error}`)
    return answer.stats
  }
}
