/**
 * Messages of somebody whose profile has not come yet: after an absence the newest come first, and what was shown under no name could not
 * be changed any more. They are read once more before they are shown; what comes meanwhile stays behind them.
 */
import type { Client, Message } from '../client/client.ts'

/** Messages that are read for it. */
const READ = 200

export interface IntroductionsInit {
  client: Pick<Client, 'history'>
  /** There is a profile of whoever wrote it, as far as is known. */
  isKnown: (message: Message) => boolean
  show: (message: Message) => void
}

export class Introductions {
  readonly #init: IntroductionsInit
  #waiting: Message[] | undefined

  constructor(init: IntroductionsInit) {
    this.#init = init
  }

  /** Shows it, at once if nothing waits. */
  take(message: Message): void {
    if (this.#waiting !== undefined) this.#waiting.push(message)
    else if (this.#init.isKnown(message)) this.#init.show(message)
    else void this.#read([message])
  }

  /** What waits is not shown any more. */
  forget(): void {
    this.#waiting = undefined
  }

  async #read(waiting: Message[]): Promise<void> {
    this.#waiting = waiting
    const room = waiting[0]?.room ?? ''
    const { messages } = await this.#init.client.history({ room, limit: READ }).catch(() => ({ messages: [] }))
    if (this.#waiting !== waiting) return
    this.#waiting = undefined
    const now = new Map(messages.map((message) => [message.id, message]))
    for (const message of waiting) this.#init.show(now.get(message.id) ?? message)
  }
}
