import type { Logger } from '@libp2p/interface'
import { type Clock, within } from '../clock.ts'
import { FIND_TIMEOUT, FIRST_UPKEEPS, UPKEEP_INTERVAL } from './constants.ts'

export interface UpkeepInit {
  /** Whether this peer is a server, and there is somebody to ask. */
  isNeeded(): boolean
  /** Looks for those who are close to this peer, or to a point chosen at random. */
  look(target: 'self' | 'random', signal: AbortSignal): Promise<void>
  clock: Clock
  random(): number
  log: Logger
}

/**
 * Keeps a server's contacts fresh, and the server known to its neighbours, who are asked for what is kept here. Clients need none
 * of it: what they look for brings them contacts.
 */
export class Upkeep {
  readonly #init: UpkeepInit
  #stopping: AbortController | undefined
  #cancel: (() => void) | undefined
  #looks = 0

  constructor(init: UpkeepInit) {
    this.#init = init
  }

  start(): void {
    this.#stopping ??= new AbortController()
    this.wake()
  }

  stop(): void {
    this.#stopping?.abort()
    this.#stopping = undefined
    this.#cancel?.()
    this.#cancel = undefined
    this.#looks = 0
  }

  /** This peer became a server, or there is somebody to ask. */
  wake(): void {
    if (this.#stopping === undefined || this.#cancel !== undefined || !this.#init.isNeeded()) return
    const { clock, random } = this.#init
    const pause = FIRST_UPKEEPS[this.#looks] ?? UPKEEP_INTERVAL
    this.#cancel = clock.setTimeout(() => void this.#look(), pause * (0.75 + random() / 2))
  }

  async #look(): Promise<void> {
    const stopping = this.#stopping
    if (stopping === undefined) return
    const { clock, isNeeded, look, log } = this.#init
    const target = this.#looks++ % 2 === 0 ? 'self' : 'random'
    try {
      if (isNeeded()) await within(clock, FIND_TIMEOUT, (signal) => look(target, signal), stopping.signal)
    } catch (error) {
      log('the upkeep was interrupted - %e', error)
    }
    if (this.#stopping !== stopping) return
    this.#cancel = undefined
    this.wake()
  }
}
