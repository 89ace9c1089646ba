/**
 * Messages of somebody whose profile has not come yet: what a sync brings comes newest first, and what stands in a scrollback under no name
 * cannot be changed. They wait a moment and are read once more; what comes meanwhile stays behind them.
 */
import type { Client, Message } from '../client/client.ts'
import { type After, after as later } from './timers.ts'

/** Messages that are read for what waits. */
const READ = 200
/** A profile that has not come by then is not waited for. Milliseconds. */
const PATIENCE = 1_000
/** People who are not waited for any more. */
const MAX_GIVEN_UP = 1_000

export interface IntroductionsInit {
  client: Pick<Client, 'history'>
  /** There is a profile of whoever wrote it, as far as is known. */
  isKnown: (message: Message) => boolean
  show: (message: Message) => void
  after?: After
}

type History = Awaited<ReturnType<Client['history']>>

export class Introductions {
  readonly #init: Required<IntroductionsInit>
  readonly #givenUp = new Set<string>()
  readonly #onMet = new Set<() => void>()
  #waiting: Message[] | undefined

  constructor({ after = later, ...init }: IntroductionsInit) {
    this.#init = { ...init, after }
  }

  /** Shows it, at once if nothing waits. */
  take(message: Message): void {
    if (this.#waiting !== undefined) this.#waiting.push(message)
    else if (this.#isKnown(message)) this.#init.show(message)
    else void this.#introduce([message])
  }

  /** The newest messages of a room, after a moment if there are some of nobody. Errors: those of the client. */
  async read(room: string, limit: number): Promise<History> {
    let over = false
    const cancel = this.#init.after(PATIENCE, () => {
      over = true
      this.met()
    })
    try {
      for (;;) {
        const history = await this.#init.client.history({ room, limit })
        const strangers = history.messages.filter((message) => !this.#isKnown(message))
        if (strangers.length === 0) return history
        if (over) {
          for (const { author } of strangers) this.#giveUp(author.account)
          return history
        }
        await new Promise<void>((resolve) => this.#onMet.add(resolve))
      }
    } finally {
      cancel()
    }
  }

  /** Somebody's profile has come. */
  met(): void {
    for (const resolve of this.#onMet) resolve()
    this.#onMet.clear()
  }

  /** What waits is not shown any more. */
  forget(): void {
    this.#waiting = undefined
  }

  #isKnown(message: Message): boolean {
    return this.#givenUp.has(message.author.account) || this.#init.isKnown(message)
  }

  #giveUp(account: string): void {
    if (this.#givenUp.size >= MAX_GIVEN_UP) this.#givenUp.clear()
    this.#givenUp.add(account)
  }

  async #introduce(waiting: Message[]): Promise<void> {
    this.#waiting = waiting
    const { messages } = await this.read(waiting[0]?.room ?? '', READ).catch(() => ({ messages: [] }))
    if (this.#waiting !== waiting) return
    this.#waiting = undefined
    const now = new Map(messages.map((message) => [message.id, message]))
    for (const message of waiting) this.#init.show(now.get(message.id) ?? message)
  }
}
