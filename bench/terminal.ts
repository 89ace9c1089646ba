/** `p2pnode start` in a pseudo-terminal, typed on and timed by keyboard.py, which stands where the person does. */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Status } from '../src/client/client.ts'
import { kill, spawnChild } from './children.ts'
import { p2pnode, ROOM, rssOf } from './command.ts'
import type { Arena } from './room.ts'

const COLUMNS = 120
const ROWS = 40
/** Of /proc, a second. */
const TICKS = 100

/** Milliseconds. */
export interface Typing {
  keys: number
  /** The typed line is cleared after so many. */
  clear: number
  /** Between two keys. */
  least: number
  most: number
}

export interface TerminalInit {
  arena: Arena
  dataDir: string
  /** What chooses the face. */
  flags: readonly string[]
}

export class TerminalPeer {
  readonly #init: TerminalInit
  readonly #process: ChildProcess
  readonly #answers: AsyncIterator<string>
  #pid = 0

  constructor(init: TerminalInit) {
    const { arena, dataDir, flags } = init
    this.#init = init
    const network = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
    const face = p2pnode('start', ROOM, ...flags, ...network, '--data-dir', dataDir)
    const command = ['python3', join(import.meta.dirname, 'keyboard.py'), `${COLUMNS}`, `${ROWS}`, ...face]
    const { CI: _, NO_COLOR: __, ...env } = process.env
    this.#process = spawnChild(arena.inside(command), {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...env, TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    })
    if (this.#process.stdout === null) throw new Error('a child without pipes')
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  async #ask<T>(request: object): Promise<T> {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error('the terminal has ended')
    return JSON.parse(value) as T
  }

  /** Milliseconds from its start to the first character on the screen, and to the echo of the first key. */
  async ready(): Promise<{ first: number; usable: number }> {
    const { pid, first, usable } = await this.#ask<{ pid: number; first: number; usable: number }>({ op: 'ready' })
    this.#pid = pid
    return { first, usable }
  }

  /** Milliseconds from each key to its echo; NaN where none came. */
  async type(typing: Typing, seed: number): Promise<number[]> {
    const { echoes } = await this.#ask<{ echoes: (number | null)[] }>({ op: 'type', seed, ...typing })
    return echoes.map((echo) => echo ?? Number.NaN)
  }

  /** Resolves when the program has written it. */
  async see(text: string): Promise<void> {
    await this.#ask({ op: 'see', text })
  }

  #command<T>(...words: string[]): T {
    const [program = '', ...rest] = this.#init.arena.inside(p2pnode(...words, '--json', '--data-dir', this.#init.dataDir))
    return JSON.parse(execFileSync(program, rest, { encoding: 'utf8' })) as T
  }

  address(): string {
    return this.#command<Status>('status').addresses[0] ?? ''
  }

  digest(): { count: number; digest: string } {
    return this.#command('digest', ROOM)
  }

  /** Bytes. */
  rss(): number {
    return rssOf(this.#pid)
  }

  /** Seconds of user and system time so far. */
  cpu(): number {
    const fields = readFileSync(`/proc/${this.#pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS
  }

  /** Kills it. */
  async end(): Promise<void> {
    const answersEnd = this.#answers.return?.()
    this.#process.stdin?.end()
    await Promise.all([answersEnd, new Promise((resolve) => this.#process.once('exit', resolve))])
    await kill(this.#process)
  }
}
