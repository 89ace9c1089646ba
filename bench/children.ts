/** Processes that take part, spoken to as peers/participant.ts says. None outlives the runner, however it ends. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Method, Participant, ParticipantInit } from './peers/participant.ts'

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

/** `spawn`, and killed with the runner. */
export function spawnChild(command: readonly string[], options: SpawnOptions): ChildProcess {
  const [program = '', ...rest] = command
  const child = spawn(program, rest, options)
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** Resolves when the process is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

export const COMPILED = join(import.meta.dirname, '.compiled')
/** Node 20 lacks what libp2p needs; p2pnode brings it along, the reference gets it from here. */
const SHIMS = ['--import', join(COMPILED, 'shims.js')]
/** No answer takes longer: the slowest is a long history that comes slowly. Milliseconds. */
const ANSWER_DEADLINE = 900_000

export type ContestantName = 'p2pnode' | 'raw' | 'hypercore'

interface Waiting {
  resolve(result: never): void
  reject(error: Error): void
}

interface Answer {
  id: number
  result?: unknown
  error?: string
}

/** One process of a contestant, from outside. */
export class Child {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #failure: Error | undefined
  #addresses: string[] = []

  /** `around`: turns the command into another that runs it somewhere. */
  private constructor(name: ContestantName, init: ParticipantInit, around: (command: string[]) => string[]) {
    const shims = name === 'raw' ? SHIMS : []
    const command = [process.execPath, ...shims, join(COMPILED, `${name}.js`), JSON.stringify(init)]
    this.#process = spawnChild(around(command), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#process.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result as never)
      else waiting?.reject(new Error(`${name}: ${error}`))
    })
    this.#process.once('error', (error) => this.#fail(error))
    this.#process.once('exit', (code, signal) => this.#fail(new Error(`a ${name} process ended (${signal ?? code})`)))
  }

  /** Resolves when the contestant has started. */
  static async start(
    name: ContestantName,
    init: ParticipantInit,
    around: (command: string[]) => string[] = (command) => command,
  ): Promise<Child> {
    const child = new Child(name, init, around)
    child.#addresses = await child.#answer<string[]>(0)
    return child
  }

  get addresses(): string[] {
    return this.#addresses
  }

  #fail(error: Error): void {
    this.#failure = error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }

  #answer<T>(id: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      const timer = setTimeout(() => reject(new Error(`no answer in ${ANSWER_DEADLINE / 1000} s`)), ANSWER_DEADLINE)
      const settle =
        <A extends unknown[]>(then: (...args: A) => void) =>
        (...args: A): void => {
          clearTimeout(timer)
          then(...args)
        }
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) })
    })
  }

  call<M extends Method>(method: M, ...[params]: Parameters<Participant[M]>): ReturnType<Participant[M]> {
    const id = ++this.#lastId
    const answer = this.#answer(id)
    if (this.#process.connected) this.#process.send({ id, method, params })
    return answer as ReturnType<Participant[M]>
  }

  /** A clean end, which writes everything to the disk. */
  async stop(): Promise<void> {
    await this.call('stop')
    await this.kill()
  }

  async kill(): Promise<void> {
    await kill(this.#process)
  }
}
