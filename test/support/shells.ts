/** Shells as people use them: at a terminal, which tmux is, with keys pressed and what is on the screen read. */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { waitFor } from './wait-for.ts'

const run = promisify(execFile)

/** For a loaded machine: it tells a hang from slowness. Milliseconds. */
const DEADLINE = 30_000
const PROMPT = 'ready>'

/** What of these programs is not installed here; undefined if all are. */
export function whyNoPrograms(...programs: string[]): string | undefined {
  const missing = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`
}

export interface TerminalInit {
  /** The program and its arguments. It prompts with `ready>`. */
  program: readonly string[]
  cwd: string
  /** All of its environment. */
  env: Record<string, string>
}

export class ShellTerminal {
  static #count = 0
  readonly #server: string

  private constructor(server: string) {
    this.#server = server
  }

  static async open({ program, cwd, env }: TerminalInit): Promise<ShellTerminal> {
    ShellTerminal.#count += 1
    const terminal = new ShellTerminal(`p2pnode-test-${process.pid}-${ShellTerminal.#count}`)
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    const command = ['env', '-i', ...variables, ...program]
    await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '200', '-y', '50', '-c', cwd, ...command)
    await terminal.untilReady()
    return terminal
  }

  /** Presses keys, by tmux's names for them. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys)
  }

  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', '--', text)
  }

  /** The lines on the screen. */
  async screen(): Promise<string[]> {
    return (await this.#tmux('capture-pane', '-p')).trimEnd().split('\n')
  }

  /** Resolves when it prompts again, and nothing is typed yet. */
  async untilReady(): Promise<void> {
    await waitFor(async () => (await this.screen()).at(-1)?.trimEnd() === PROMPT, `a prompt of ${this.#server}`, DEADLINE)
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server').catch(() => undefined)
  }

  async #tmux(...args: string[]): Promise<string> {
    const { stdout } = await run('tmux', ['-u', '-L', this.#server, ...args])
    return stdout
  }
}
