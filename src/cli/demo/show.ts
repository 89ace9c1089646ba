/** What the demonstration shows: for people in columns where there is room for them, else a line each; for programs as JSON. */
import { stripVTControlCharacters } from 'node:util'
import type { Message } from '../../client/client.ts'
import { count, formatMessage } from '../../view/format.ts'
import { cleanName, oneLine } from '../../view/sanitize.ts'
import type { Io } from '../io.ts'
import { version } from '../version.ts'
import type { Verdict } from './verdict.ts'

export interface ShownPeer {
  name: string
  pid: number
  peerId: string
  address: string
}

/** A message as one peer has it. */
export interface Held {
  peer: string
  message: Message
  /** It was written where this peer could not hear it. */
  missed: boolean
}

export interface Digest {
  peer: string
  count: number
  digest: string
}

export type Step = { step: 'talk' } | { step: 'cut' } | { step: 'heal'; refused: number }

export interface Show {
  begin(names: string[]): void
  peers(peers: ShownPeer[]): void
  step(step: Step): void
  /** What each peer has in this place; undefined for a peer that has nothing there. */
  row(cells: (Held | undefined)[]): void
  digests(digests: Digest[]): void
  verdict(verdict: Verdict): void
}

/** An object a line. */
export class JsonShow implements Show {
  readonly #io: Io

  constructor(io: Io) {
    this.#io = io
  }

  begin(names: string[]): void {
    this.#io.json({ event: 'begin', version, names })
  }

  peers(peers: ShownPeer[]): void {
    for (const peer of peers) this.#io.json({ event: 'peer', ...peer })
  }

  step(step: Step): void {
    this.#io.json({ event: 'step', ...step })
  }

  row(cells: (Held | undefined)[]): void {
    for (const cell of cells) if (cell !== undefined) this.#io.json({ event: 'message', ...cell })
  }

  digests(digests: Digest[]): void {
    for (const digest of digests) this.#io.json({ event: 'digest', ...digest })
  }

  verdict(verdict: Verdict): void {
    this.#io.json({ event: 'verdict', ...verdict })
  }
}

/** Below this, columns would be too narrow to read. */
const MIN_COLUMNS = 80
const MAX_CELL = 40
const GAP = 2
const INDENT = '  '
/** Digits of a digest that are shown. */
const DIGITS = 8
/** Of the peers, in order: chosen and not computed from their accounts, for those are new at every run and could look alike. */
const COLOURS = ['blue', 'magenta', 'cyan'] as const

/** Lines for people. */
export class TextShow implements Show {
  readonly #io: Io
  readonly #style: Io['style']
  #names: string[] = []
  /** Characters of a column; undefined where there are no columns. */
  #width: number | undefined

  constructor(io: Io) {
    this.#io = io
    this.#style = io.style
  }

  begin(names: string[]): void {
    const { isTTY, columns = 0 } = this.#io.stdout
    const share = Math.floor((columns - INDENT.length + GAP) / names.length) - GAP
    this.#names = names
    this.#width = isTTY === true && columns >= MIN_COLUMNS ? Math.min(share, MAX_CELL) : undefined
    this.#io.data(`p2pnode ${version}: ${names.length} peers, each a process with an encrypted store of its own,`)
    this.#io.data('joined by TCP on 127.0.0.1, through proxies that this command can shut')
  }

  peers(peers: ShownPeer[]): void {
    this.#io.data('')
    // Without columns every line begins with the name.
    const name = (peer: ShownPeer): string => (this.#width === undefined ? '' : `${this.#name(peer.name)} `)
    this.#cells(peers.map((peer) => name(peer) + this.#style.format('dim', `pid ${peer.pid}`)))
  }

  step(step: Step): void {
    const title = {
      talk: '1. They have found each other, and talk',
      cut: '2. The network is cut: no connection is left, and all write on',
      heal: '3. The network is back; + is what they had missed',
    }[step.step]
    const refused = step.step === 'heal' && step.refused > 0 ? ` (${count(step.refused, 'dial')} refused)` : ''
    this.#io.data(`\n${this.#style.format('bold', title + refused)}`)
  }

  row(cells: (Held | undefined)[]): void {
    this.#cells(cells.map((cell) => cell && this.#message(cell)))
  }

  digests(digests: Digest[]): void {
    const colour = digests.every(({ digest }) => digest === digests[0]?.digest) ? 'green' : 'yellow'
    this.#cells(digests.map((one) => this.#style.format(colour, `${one.count} held, digest ${one.digest.slice(0, DIGITS)}`)))
  }

  verdict({ ok, written, lost, twice }: Verdict): void {
    const sums = `${written} written, ${lost} lost, ${twice} twice`
    const line = ok ? `Equal: all have the same messages in the same order. ${sums}.` : `NOT EQUAL: ${sums}.`
    this.#io.data(`\n${this.#style.format(ok ? 'green' : 'red', line)}`)
  }

  #name(name: string): string {
    return this.#style.format('bold', this.#style.format(COLOURS[this.#names.indexOf(name)] ?? 'cyan', name))
  }

  #message({ message, missed }: Held): string {
    const name = cleanName(message.author.name)
    const text = oneLine(message.text, this.#width === undefined ? Infinity : Math.max(1, this.#width - name.length - 4))
    const style = { ...this.#style, author: () => this.#name(name) }
    return `${missed ? this.#style.format('green', '+') : ' '} ${formatMessage({ ...message, text, late: false }, { name, style })}`
  }

  #cells(cells: (string | undefined)[]): void {
    const width = this.#width
    if (width === undefined) {
      const longest = Math.max(...this.#names.map((name) => name.length))
      cells.forEach((cell, at) => {
        if (cell !== undefined) this.#io.data(`${INDENT}${(this.#names[at] ?? '').padEnd(longest)} | ${cell}`)
      })
      return
    }
    const padded = cells.map((cell = '') => cell + ' '.repeat(Math.max(0, width - stripVTControlCharacters(cell).length) + GAP))
    this.#io.data((INDENT + padded.join('')).trimEnd())
  }
}
