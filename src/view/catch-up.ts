/**
 * What is fetched at once after an absence is not what people want to see scroll by: while a sync goes on, its messages wait; at its end
 * the newest few are shown, and how many older ones there are.
 */
import type { ClientEvents, Message } from '../client/client.ts'
import { type After, after as later } from './timers.ts'

/** As many are shown one by one. */
const SHOWN = 30
/** A sync that says nothing more has ended. Milliseconds. */
const QUIET = 400

export interface CatchUpInit {
  show: (message: Message) => void
  /** So many older ones are not shown. */
  skipped: (older: number) => void
  after?: After
}

export class CatchUp {
  readonly #init: Required<CatchUpInit>
  /** The newest of those that wait, in the order in which people read them. */
  #waiting: Message[] = []
  #older = 0
  #cancel: (() => void) | undefined

  constructor({ show, skipped, after = later }: CatchUpInit) {
    this.#init = { show, skipped, after }
  }

  /** True if it waits; else it is to be shown now. */
  hold(message: Message): boolean {
    if (message.via !== 'sync') return false
    this.#waiting.push(message)
    if (this.#waiting.length > 2 * SHOWN) this.#drop()
    this.#awaitQuiet()
    return true
  }

  synced({ state }: ClientEvents['sync']): void {
    if (state === 'done') this.flush()
    else if (this.#waiting.length > 0) this.#awaitQuiet()
  }

  /** Shows what waits. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#drop()
    const [messages, older] = [this.#waiting, this.#older]
    this.#waiting = []
    this.#older = 0
    if (older > 0) this.#init.skipped(older)
    for (const message of messages) this.#init.show(message)
  }

  end(): void {
    this.#cancel?.()
  }

  #drop(): void {
    this.#waiting.sort((a, b) => a.sentAt.localeCompare(b.sentAt))
    const older = Math.max(0, this.#waiting.length - SHOWN)
    this.#waiting.splice(0, older)
    this.#older += older
  }

  #awaitQuiet(): void {
    this.#cancel?.()
    this.#cancel = this.#init.after(QUIET, () => this.flush())
  }
}
