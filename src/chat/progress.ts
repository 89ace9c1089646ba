/** What is told of a room's syncs, all sessions together: that something comes in, how much is still to come, and that it is over. */
import { PROGRESS_INTERVAL } from './constants.ts'
import { Missing } from './missing.ts'
import type { RunLog } from './run-log.ts'
import type { Clock } from './seams.ts'

export interface ProgressInit {
  log: Pick<RunLog<unknown>, 'findAuthor'>
  clock: Clock
  /**
   * `running`: told when something comes in, and again now and then; `missing` are events that were asked for and are not here. `done`:
   * all sessions are over, and one that moved something came to its end.
   */
  onState: (state: 'running' | 'done', missing: number) => void
}

export class Progress {
  readonly missing: Missing
  readonly #init: ProgressInit
  /** Sessions in which something has come in. */
  readonly #receiving = new Set<object>()
  /** A session that moved something has come to its end, and that is still to be told. */
  #moved = false
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(init: ProgressInit) {
    this.#init = init
    this.missing = new Missing((author) => init.log.findAuthor(author))
  }

  /** Something came in. */
  received(session: object): void {
    const first = this.#receiving.size === 0
    this.#receiving.add(session)
    if (first || this.#init.clock.monotonic() - this.#toldAt >= PROGRESS_INTERVAL) this.#tell()
  }

  #tell(): void {
    this.#toldAt = this.#init.clock.monotonic()
    this.#init.onState('running', this.missing.count)
  }

  /** `moved`: it came to its end, and brought something or served it. */
  ended(session: object, moved: boolean): void {
    const broke = this.#receiving.delete(session) && !moved
    this.#moved ||= moved
    if (this.#receiving.size > 0) return
    if (this.#moved && this.missing.count === 0) {
      this.#moved = false
      this.#init.onState('done', 0)
    } else if (broke) this.#tell() // what it had asked for does not come, until it is asked for anew
  }
}
