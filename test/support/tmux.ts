/** A person's terminal: a tmux server of its own, with one pane in which a shell runs what a test starts. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Namespace } from './namespaces.ts'
import { type PrivateModes, privateModes } from './terminal-output.ts'
import { waitFor } from './wait-for.ts'

const second = 1000
/** Until something is on the screen: it tells a hang from slowness. */
const SEE_DEADLINE = 60 * second
const PREFIX = 'p2pnode-tmux-'
/** Lines that go off the screen and stay readable. */
const HISTORY_LINES = 50_000
/** What the shell shows when it waits. */
const PROMPT = 'shell$ '
const PROMPTS = /^(?:shell\$ ?)+$/

/** Why there are no terminals here; undefined if there are. */
export function whyNoTmux(): string | undefined {
  return spawnSync('tmux', ['-V']).status === 0 ? undefined : 'tmux is not installed'
}

export interface Size {
  columns: number
  rows: number
}

export interface TerminalInit extends Partial<Size> {
  /** TERM of what runs in it. @default 'xterm-256color' */
  term?: string
  /** Added to an environment that has PATH, HOME, TERM and a UTF-8 locale, and nothing else. */
  env?: Record<string, string>
  /** Where it runs; on this machine itself if not given. */
  space?: Namespace
}

/** What a program can leave behind. */
export interface Modes extends PrivateModes {
  cursor: boolean
  alternate: boolean
  mouse: boolean
  applicationKeys: boolean
  insert: boolean
  wrap: boolean
  /** Only a part of the screen scrolls. */
  region: boolean
  title: string
  /** What programs have put into the clipboard. */
  clipboard: string
}

/** Everything of it is gone after `kill`, at the process's exit at the latest; what a killed process left behind is removed by the next. */
export class Terminal {
  readonly home: string
  readonly #dir = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  readonly #env: Record<string, string>
  readonly #around: (command: readonly string[]) => string[]
  readonly #atExit = (): void => this.kill()
  #runs = 0

  private constructor({ env = {}, space, term = 'xterm-256color' }: TerminalInit) {
    this.home = this.#dir
    this.#around = (command) => space?.inside(command) ?? [...command]
    this.#env = { PATH: process.env.PATH ?? '', HOME: this.home, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TERM: term, ...env }
    process.once('exit', this.#atExit)
  }

  /** Resolves when the shell waits for a command. Every byte written since is in `raw()`. */
  static async open(init: TerminalInit = {}): Promise<Terminal> {
    const { columns = 80, rows = 24, term = 'xterm-256color' } = init
    removeLeftovers()
    const terminal = new Terminal(init)
    try {
      await terminal.#begin({ columns, rows }, term)
    } catch (error) {
      terminal.kill()
      throw error
    }
    return terminal
  }

  async #begin({ columns, rows }: Size, term: string): Promise<void> {
    this.#configure(term)
    this.#tmux('new-session', '-d', '-s', 'main', '-x', `${columns}`, '-y', `${rows}`, '-c', this.home, ...this.#shell())
    this.#tmux('pipe-pane', '-t', 'main', `exec cat > '${this.#file('raw')}'`)
    // What it showed before the recording began is shown again.
    this.press('Enter')
    await this.#shellWaits()
  }

  #file(name: string): string {
    return join(this.#dir, name)
  }

  #configure(term: string): void {
    const options = [
      `set -g history-limit ${HISTORY_LINES}`,
      `set -g default-terminal ${term}`,
      'set -g status off',
      'set -g focus-events on',
      'set -g allow-rename on',
      'set -g allow-passthrough on',
      'set -g remain-on-exit on',
      'set -s escape-time 0',
      // There is nobody's clipboard to be changed: what a program sends there becomes a buffer that `modes` tells of.
      'set -s set-clipboard on',
    ]
    writeFileSync(this.#file('tmux.conf'), `${options.join('\n')}\n`)
  }

  /**
   * With job control, as people have it: it gives a terminal back its line after a job that was killed. Without line editing,
   * so that every escape sequence is the program's.
   */
  #shell(): string[] {
    writeFileSync(this.#file('shellrc'), `PS1='${PROMPT}' PS2='' PROMPT_COMMAND='' HISTFILE=''\n`)
    return ['bash', '--noprofile', '--rcfile', this.#file('shellrc'), '--noediting', '-i']
  }

  #tmux(...words: string[]): string {
    const [program = '', ...rest] = this.#around([
      'tmux',
      '-u',
      '-S',
      this.#file('socket'),
      '-f',
      this.#file('tmux.conf'),
      ...words,
    ])
    return execFileSync(program, rest, { encoding: 'utf8', env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  #ask(format: string): string {
    return this.#tmux('display-message', '-p', '-t', 'main', format).replace(/\n$/, '')
  }

  async #shellWaits(): Promise<void> {
    // An Enter that was there before the shell makes it ask twice in one line.
    await waitFor(() => PROMPTS.test(this.screen().at(-1) ?? ''), 'the shell to wait', SEE_DEADLINE).catch((error: Error) =>
      this.#failWith(error),
    )
  }

  #failWith(error: Error): never {
    throw new Error(`${error.message}; on the screen:\n${this.screen().join('\n')}`)
  }

  /** Resolves when the program runs. The line's settings just before and after it are in `lines`. */
  async run(command: readonly string[]): Promise<void> {
    this.#runs += 1
    const script = [
      'trap : INT',
      `stty -a > ${this.#kept('before')}`,
      `sh -c 'echo $$ > "$0"; exec "$@"' ${[this.#kept('pid'), ...command].map(quoted).join(' ')}`,
      'code=$?',
      `stty -a > ${this.#kept('after')}`,
      `echo $code > ${this.#kept('code')}`,
      // So that the shell sees what became of it.
      '[ $code = 137 ] && kill -KILL $$',
      'exit $code',
    ]
    writeFileSync(this.#file(`run.${this.#runs}`), `${script.join('\n')}\n`)
    this.type(`sh run.${this.#runs}`)
    this.press('Enter')
    await waitFor(() => this.#read('pid') !== '', `${command.join(' ')} to begin`, SEE_DEADLINE)
  }

  /** The program's process. */
  get pid(): number {
    return Number(this.#read('pid'))
  }

  /** As the shell has it, 128 + n after signal n; undefined while it runs. */
  get exitCode(): number | undefined {
    const code = this.#read('code')
    return code === '' ? undefined : Number(code)
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name)
  }

  /** Resolves with the exit code when the shell waits again. */
  async ended(): Promise<number> {
    const code = await waitFor(() => this.#read('code'), 'the program to end', SEE_DEADLINE).catch((error: Error) =>
      this.#failWith(error),
    )
    await this.#shellWaits()
    return Number(code)
  }

  /** Keys, as text. */
  type(text: string): void {
    if (text !== '') this.#tmux('send-keys', '-t', 'main', '-l', '--', whole(text))
  }

  /** Keys by name: `Enter`, `C-c`, `M-1`, `PageUp`, `BSpace` (tmux(1), KEY BINDINGS). */
  press(...keys: string[]): void {
    this.#tmux('send-keys', '-t', 'main', '--', ...keys)
  }

  /** As a terminal pastes: between brackets where the program has asked for them. */
  paste(text: string): void {
    this.#tmux('set-buffer', '-b', 'pasted', '--', whole(text))
    this.#tmux('paste-buffer', '-p', '-d', '-b', 'pasted', '-t', 'main')
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-t', 'main', '-x', `${columns}`, '-y', `${rows}`)
  }

  /** What a person sees now, without spaces at the ends and empty lines at the end. */
  screen(): string[] {
    return linesOf(this.#tmux('capture-pane', '-p', '-t', 'main'))
  }

  /** The same with colours and the like as SGR sequences. */
  styled(): string[] {
    return linesOf(this.#tmux('capture-pane', '-e', '-p', '-t', 'main'))
  }

  /** The screen and what has gone off it. `joined`: what the terminal has wrapped is one line. */
  scrollback({ joined = false }: { joined?: boolean } = {}): string[] {
    return linesOf(this.#tmux('capture-pane', '-p', ...(joined ? ['-J'] : []), '-S', '-', '-t', 'main'))
  }

  cursor(): { column: number; row: number } {
    const [column = 0, row = 0] = this.#ask('#{cursor_x} #{cursor_y}').split(' ').map(Number)
    return { column, row }
  }

  get alternate(): boolean {
    return this.#ask('#{alternate_on}') === '1'
  }

  size(): Size {
    const [columns = 0, rows = 0] = this.#ask('#{pane_width} #{pane_height}').split(' ').map(Number)
    return { columns, rows }
  }

  /** Resolves when it is on the screen. @throws with the whole screen after the deadline */
  async see(text: string | RegExp, deadline: number = SEE_DEADLINE): Promise<void> {
    await waitFor(() => isIn(this.screen(), text), `${text}`, deadline).catch((error: Error) => this.#failWith(error))
  }

  /** Resolves when it is on the screen no more. @throws with the whole screen after the deadline */
  async lose(text: string | RegExp, deadline: number = SEE_DEADLINE): Promise<void> {
    await waitFor(() => !isIn(this.screen(), text), `${text} to go`, deadline).catch((error: Error) => this.#failWith(error))
  }

  /** Every byte that was written so far, which may be short of the last few. */
  raw(): Buffer {
    return existsSync(this.#file('raw')) ? readFileSync(this.#file('raw')) : Buffer.alloc(0)
  }

  /** Every byte written until the shell was used to mark this moment. Only while it waits. */
  async rawToNow(): Promise<Buffer> {
    const mark = `mark ${process.hrtime.bigint()}`
    this.type(`echo '${mark}'`)
    this.press('Enter')
    await waitFor(() => this.raw().includes(`\n${mark}`), 'the recording', SEE_DEADLINE)
    return this.raw()
  }

  modes(): Modes {
    const flags = [
      'cursor_flag',
      'alternate_on',
      'mouse_any_flag',
      'keypad_cursor_flag',
      'keypad_flag',
      'insert_flag',
      'origin_flag',
    ]
    const asked = [...flags, 'wrap_flag', 'scroll_region_upper', 'pane_title'].map((name) => `#{${name}}`).join(' ')
    const [cursor, alternate, mouse, cursorKeys, keypad, insert, origin, wrap, top, ...title] = this.#ask(asked).split(' ')
    return {
      cursor: cursor === '1',
      alternate: alternate === '1',
      mouse: mouse === '1',
      applicationKeys: cursorKeys === '1' || keypad === '1',
      insert: insert === '1',
      wrap: wrap === '1',
      region: origin === '1' || top !== '0',
      title: title.join(' '),
      clipboard: this.#tmux('list-buffers', '-F', '#{buffer_sample}'),
      ...privateModes(this.raw()),
    }
  }

  /** What `stty -a` said of the line just before the program began and just after it ended, without the size. */
  lines(): { before: string; after: string } {
    const line = (name: string): string => this.#read(name).replace(/^.*columns \d+;\s*/, '')
    return { before: line('before'), after: line('after') }
  }

  /** Idempotent. */
  kill(): void {
    process.off('exit', this.#atExit)
    if (!existsSync(this.home)) return
    const program = this.pid
    const [tmux = '', ...words] = this.#around(['tmux', '-S', this.#file('socket'), 'kill-server'])
    spawnSync(tmux, words, { env: this.#env })
    if (program > 0 && this.exitCode === undefined) spawnSync('kill', ['-9', `${program}`])
    rmSync(this.home, { recursive: true, force: true, maxRetries: 3 })
  }

  #kept(name: string): string {
    return this.#file(`${name}.${this.#runs}`)
  }

  #read(name: string): string {
    return existsSync(this.#kept(name)) ? readFileSync(this.#kept(name), 'utf8').trim() : ''
  }
}

/** What test processes that are no more have left. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(PREFIX) ? /^(\d+)-/.exec(name.slice(PREFIX.length))?.[1] : undefined
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue
    const left = join(tmpdir(), name)
    spawnSync('tmux', ['-S', join(left, 'socket'), 'kill-server'])
    rmSync(left, { recursive: true, force: true })
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** tmux takes a `;` at the end of a word for the end of a command. */
const whole = (text: string): string => text.replace(/;$/, '\\;')

function linesOf(captured: string): string[] {
  const lines = captured.split('\n').map((line) => line.trimEnd())
  while (lines.at(-1) === '') lines.pop()
  return lines
}

function isIn(lines: readonly string[], text: string | RegExp): boolean {
  const shown = lines.join('\n')
  return typeof text === 'string' ? shown.includes(text) : text.test(shown)
}
