import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import * as assert from 'uvu/assert'
import { waitFor } from './wait-for.ts'

/** Sends under way at once. */
const OUTSTANDING = 64
/** Milliseconds of processor time from asking for a store to being in its room: a busy machine adds nothing to them. */
const MAX_OPENING = 3000
const SCRIPT = join(import.meta.dirname, 'library-child.js')

/** Why the built library cannot be used here; undefined if it can. */
export function whyNoLibrary(): string | undefined {
  return existsSync(join(import.meta.dirname, '../../dist/index.js')) ? undefined : 'dist is not built: npm run build'
}

/** What a directory held when it was opened. */
interface Holding {
  /** Milliseconds that it took to open, and those in which it had a processor. */
  milliseconds: number
  worked: number
  ids: string[]
  ok: boolean
  forks: number
}

/** A process that opens a directory through the library and sends as fast as it can, until somebody ends it. */
export class LibraryWriter {
  /** Undefined until the directory is open. */
  holding: Holding | undefined
  /** Ids of its own sends whose acknowledgement has been read here. */
  readonly acknowledged: string[] = []
  readonly #child: ChildProcess
  readonly #over: Promise<unknown>
  #stderr = ''

  constructor(dataDir: string, outstanding = OUTSTANDING) {
    this.#child = spawn(process.execPath, [SCRIPT, dataDir, String(outstanding)], { stdio: ['ignore', 'pipe', 'pipe'] })
    const { stdout, stderr } = this.#child
    if (stdout === null || stderr === null) throw new Error('no pipes')
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    const lines = createInterface({ input: stdout })
    lines.on('line', (line) => {
      if (this.holding === undefined) this.holding = JSON.parse(line) as Holding
      else this.acknowledged.push(line)
    })
    this.#over = Promise.all([once(this.#child, 'close'), once(lines, 'close')])
  }

  /** Opens a directory, stops cleanly, and answers what it held. */
  static async look(dataDir: string): Promise<Holding> {
    const reader = new LibraryWriter(dataDir, 0)
    await reader.#over
    assert.is(reader.#child.exitCode, 0, reader.#stderr)
    return reader.holding as Holding
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Resolves when it has come to a stand: from then on it says nothing. @throws if it had ended by itself */
  async pause(): Promise<void> {
    this.#assertRuns()
    this.#child.kill('SIGSTOP')
    const stands = (): boolean => /^State:\s+T/m.test(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'))
    await waitFor(stands, 'the process to stop')
  }

  /** kill -9; resolves when all that it said has been read. @throws if it had ended by itself */
  async kill(): Promise<void> {
    this.#assertRuns()
    this.#child.kill('SIGKILL')
    await this.#over
  }

  #assertRuns(): void {
    assert.not.ok(this.ended, `ended by itself (${this.#child.exitCode}): ${this.#stderr}`)
  }
}

/** It opened with little work, in order, and with every acknowledged message once. */
export function assertHolds({ worked, ids, ok, forks }: Holding, acknowledged: readonly string[]): void {
  const held = new Set(ids)
  assert.equal(
    acknowledged.filter((id) => !held.has(id)),
    [],
    'lost',
  )
  assert.is(ids.length, held.size, 'doubled')
  assert.ok(ok, 'every signature, chain and seal holds')
  assert.is(forks, 0)
  assert.ok(worked < MAX_OPENING, `opened with ${worked} ms of work`)
}
