/** `p2pnode demo`: peers of this machine that talk, are cut off from each other, write on, and end with the same history. */
import { setTimeout as delay } from 'node:timers/promises'
import { UsageError } from '../../view/explain.ts'
import type { Context } from '../context.ts'
import { type DemoPeer, ROOM } from '../demo/peer.ts'
import { JsonShow, type Show, TextShow } from '../demo/show.ts'
import { Stage } from '../demo/stage.ts'
import { demandOk, judge, type Verdict } from '../demo/verdict.ts'
import { EXIT, ExitError, interrupted } from '../exit.ts'

/** For a loaded machine: it tells what hangs from what is slow. Milliseconds. */
const PATIENCE = 60_000
const ASK_INTERVAL = 20
/** Pauses for whoever reads along, in milliseconds. */
const READ_LINE = 900
const READ_RESULT = 2_000
const READ_HISTORY = 300

const NAMES = ['alice', 'bob', 'carol']

type Line = readonly [author: string, text: string]

/** Short enough for three columns of a terminal of 80. */
const TALK: readonly Line[] = [
  ['alice', 'anybody there?'],
  ['bob', 'yes. No server'],
  ['carol', 'me too'],
]
const ALONE: readonly Line[] = [
  ['alice', 'hello? hello?'],
  ['bob', 'so quiet suddenly'],
  ['carol', 'all by myself'],
  ['alice', 'I write it down'],
  ['bob', 'for later, then'],
  ['bob', 'every word of it'],
]

export interface DemoFlags {
  peers?: string
  fast?: boolean
}

export async function demo({ io, settings, signal }: Context, { peers = '2', fast }: DemoFlags): Promise<void> {
  if (peers !== '2' && peers !== '3') throw new UsageError('--peers must be 2 or 3')
  const stage = new Stage(signal)
  const show = settings.json === true ? new JsonShow(io) : new TextShow(io)
  try {
    const play = new Play({ stage, show, names: NAMES.slice(0, Number(peers)), fast: fast === true, signal })
    demandOk(await Promise.race([play.run(), interrupted(signal)]))
  } finally {
    await stage.close()
    // At Ctrl-C the peers may have gone first: that is no failure of theirs.
    signal.throwIfAborted()
  }
}

interface PlayInit {
  stage: Stage
  show: Show
  names: string[]
  fast: boolean
  signal: AbortSignal
}

class Play {
  readonly #stage: Stage
  readonly #show: Show
  readonly #names: string[]
  readonly #fast: boolean
  readonly #signal: AbortSignal
  /** Ids of the messages whose sending was answered. */
  readonly #written: string[] = []

  constructor({ stage, show, names, fast, signal }: PlayInit) {
    this.#stage = stage
    this.#show = show
    this.#names = names
    this.#fast = fast
    this.#signal = signal
  }

  get #peers(): readonly DemoPeer[] {
    return this.#stage.peers
  }

  async run(): Promise<Verdict> {
    await this.#meet()
    await this.#part()
    return await this.#reunite()
  }

  async #meet(): Promise<void> {
    this.#show.begin(this.#names)
    for (const name of this.#names) await this.#stage.enter(name)
    await this.#must('meet', async (peer) => {
      const members = await peer.client.members({ room: ROOM })
      return members.filter(({ name, online }) => online && this.#names.includes(name)).length === this.#names.length
    })
    const ready = await Promise.all(this.#peers.map((peer) => peer.ready()))
    this.#show.peers(
      this.#peers.map(({ name, pid }, at) => ({
        name,
        pid,
        peerId: ready[at]?.peerId ?? '',
        address: ready[at]?.addresses[0] ?? '',
      })),
    )
    this.#show.step({ step: 'talk' })
    await this.#say(TALK, this.#peers)
    await this.#digests()
  }

  async #part(): Promise<void> {
    this.#stage.cut()
    await this.#must('lose each other', async (peer) => (await peer.client.peers()).length === 0)
    this.#show.step({ step: 'cut' })
    await this.#say(ALONE)
    await this.#digests()
  }

  async #reunite(): Promise<Verdict> {
    const before = this.#peers.map(({ told }) => new Set(told.map(({ id }) => id)))
    this.#stage.heal()
    this.#show.step({ step: 'heal', refused: this.#stage.refused })
    // Whether that came to pass, the verdict says.
    await this.#until(async () => {
      const found = await this.#ask()
      return found.every(({ count, digest }) => count === this.#written.length && digest === found[0]?.digest)
    })
    const histories = await Promise.all(this.#peers.map(({ client }) => client.history({ room: ROOM })))
    for (let at = 0; histories.some(({ messages }) => at < messages.length); at++) {
      await this.#pause(READ_HISTORY)
      this.#show.row(
        this.#peers.map(({ name }, peer) => {
          const message = histories[peer]?.messages[at]
          return message && { peer: name, message, missed: before[peer]?.has(message.id) !== true }
        }),
      )
    }
    const digests = await this.#digests()
    const verdict = judge(
      this.#written,
      this.#peers.map(({ name, told }, at) => ({
        name,
        ids: histories[at]?.messages.map(({ id }) => id) ?? [],
        told: told.map(({ id }) => id),
        digest: digests[at]?.digest ?? '',
      })),
    )
    this.#show.verdict(verdict)
    return verdict
  }

  /** @param readers Who must have each message before the next is written: its author, and these */
  async #say(lines: readonly Line[], readers: readonly DemoPeer[] = []): Promise<void> {
    for (const [name, text] of lines) {
      const author = this.#peers.find((peer) => peer.name === name)
      if (author === undefined) continue
      await this.#pause(READ_LINE)
      const { id } = await author.client.send({ room: ROOM, text })
      this.#written.push(id)
      const told = ({ told }: DemoPeer) => told.find((message) => message.id === id)
      await this.#must('read a message', async (peer) => (peer !== author && !readers.includes(peer)) || told(peer) !== undefined)
      this.#show.row(
        this.#peers.map((peer) => {
          const message = told(peer)
          return message && { peer: peer.name, message, missed: false }
        }),
      )
    }
  }

  async #digests(): Promise<{ count: number; digest: string }[]> {
    const found = await this.#ask()
    this.#show.digests(found.map((one, at) => ({ peer: this.#peers[at]?.name ?? '', ...one })))
    await this.#pause(READ_RESULT)
    return found
  }

  #ask(): Promise<{ count: number; digest: string }[]> {
    return Promise.all(this.#peers.map(({ client }) => client.digest({ room: ROOM })))
  }

  /** Waits for something that every peer must come to. Errors: `ExitError` naming who did not. */
  async #must(what: string, has: (peer: DemoPeer) => Promise<boolean>): Promise<void> {
    for (const peer of this.#peers) {
      if (!(await this.#until(() => has(peer))))
        throw new ExitError(EXIT.FAILURE, `${peer.name} did not ${what} in ${PATIENCE / 1000} s`)
    }
  }

  /** Asks until the answer is yes; false if it never is. */
  async #until(ask: () => Promise<boolean>): Promise<boolean> {
    const end = performance.now() + PATIENCE
    while (!(await ask())) {
      if (performance.now() > end) return false
      await delay(ASK_INTERVAL, undefined, { signal: this.#signal })
    }
    return true
  }

  async #pause(milliseconds: number): Promise<void> {
    if (!this.#fast) await delay(milliseconds, undefined, { signal: this.#signal })
  }
}
