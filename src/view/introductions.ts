/**
 * Messages of somebody whose profile has not come yet: what a sync brings comes newest first, and what stands in a scrollback under no name
 * cannot be changed. They wait a moment and are read once more; what is fetched meanwhile stays behind them.
 */
import type { Client, Message } from '../client/client.ts'
import { type After, after as later } from './timers.ts'

/** Messages that wait, and that are read for it. */
const READ = 200
/** A profile that has not come by then is not waited for. Milliseconds. */
const PATIENCE = 5_000
/** People who are not waited for any more. */
const MAX_GIVEN_UP = 1_000

export interface IntroductionsInit {
  client: Pick<Client, 'history'>
  /** There is a profile of whoever wrote it, as far as is known. */
  isKnown: (message: Message) => boolean
  show: (message: Message) => void
  after?: After
}

interface Waiting {
  message: Message
  before: (() => void) | undefined
}

export class Introductions {
  readonly #init: Required<IntroductionsInit>
  readonly #givenUp = new Set<string>()
  readonly #onMet = new Set<() => void>()
  #waiting: Waiting[] | undefined

  constructor({ after = later, ...init }: IntroductionsInit) {
    this.#init = { ...init, after }
  }

  /** Shows it, at once if nothing waits. `before` is called just before. */
  take(message: Message, before?: () => void): void {
    if (this.#waiting !== undefined) this.#wait(this.#waiting, { message, before })
    else if (this.#isKnown(message)) this.#show(message, before)
    else void this.#introduce([{ message, before }])
  }

  /** Shows what is said now, which waits for no stranger: nobody could hold up the talk of others by having no name. */
  hear(message: Message): void {
    if (message.via !== 'sync' && this.#isKnown(message)) this.#init.show(message)
    else this.take(message)
  }

  /** Somebody's profile has come. */
  met(): void {
    for (const resolve of this.#onMet) resolve()
    this.#onMet.clear()
  }

  /** What waits is not shown any more. */
  forget(): void {
    this.#waiting = undefined
    this.met()
  }

  /** The newest messages of a room, once there are none of strangers among those that wait, or it took too long. */
  async #read(room: string, waiting: readonly Waiting[]): Promise<Map<string, Message>> {
    let over = false
    const cancel = this.#init.after(PATIENCE, () => {
      over = true
      this.met()
    })
    try {
      for (;;) {
        const { messages } = await this.#init.client.history({ room, limit: READ })
        const now = new Map(messages.map((message) => [message.id, message]))
        const strangers = waiting.map(({ message }) => now.get(message.id) ?? message).filter((each) => !this.#isKnown(each))
        if (over) for (const { author } of strangers) this.#giveUp(author.account)
        if (over || strangers.length === 0 || this.#waiting !== waiting) return now
        await new Promise<void>((resolve) => this.#onMet.add(resolve))
      }
    } finally {
      cancel()
    }
  }

  /** What is too much is shown as it is. */
  #wait(waiting: Waiting[], next: Waiting): void {
    waiting.push(next)
    const first = waiting.length > READ ? waiting.shift() : undefined
    if (first !== undefined) this.#show(first.message, first.before)
  }

  #isKnown(message: Message): boolean {
    return this.#givenUp.has(message.author.account) || this.#init.isKnown(message)
  }

  #giveUp(account: string): void {
    if (this.#givenUp.size >= MAX_GIVEN_UP) this.#givenUp.clear()
    this.#givenUp.add(account)
  }

  async #introduce(waiting: Waiting[]): Promise<void> {
    this.#waiting = waiting
    const now = await this.#read(waiting[0]?.message.room ?? '', waiting).catch(() => new Map<string, Message>())
    if (this.#waiting !== waiting) return
    this.#waiting = undefined
    for (const { message, before } of waiting) this.#show(now.get(message.id) ?? message, before)
  }

  #show(message: Message, before: (() => void) | undefined): void {
    before?.()
    this.#init.show(message)
  }
}
