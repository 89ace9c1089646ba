import type { RelayCounts } from '../src/node/relay/server.ts'
import { FIGURES_INTERVAL, REFUSALS_INTERVAL, SPARE_DESCRIPTORS } from './constants.ts'

/** As much of a logger as is needed. */
export interface JournalLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface JournalInit {
  log: JournalLog
  counts(): RelayCounts
  /** File descriptors that may be open; undefined where that cannot be known. */
  maxDescriptors: number | undefined
}

type Shortage = 'reservations' | 'connections'

const MIB = 1_048_576

/**
 * What a relay logs of its own: at `info` what happens, in figures; at `warn` what its operator has to do something about. Never
 * who anybody is.
 */
export class Journal {
  readonly #init: JournalInit
  #refused: RelayCounts['refused'] = { full: 0, network: 0 }
  /** What was warned of in this hour. */
  readonly #warned = new Set<Shortage>()
  #timers: NodeJS.Timeout[] = []

  constructor(init: JournalInit) {
    this.#init = init
  }

  /** `fields` are the relay's own: its addresses. */
  start(fields: object): void {
    const { log, counts, maxDescriptors } = this.#init
    log.info(fields, 'started')
    const needed = counts().maxConnections + SPARE_DESCRIPTORS
    if (maxDescriptors !== undefined && maxDescriptors < needed)
      log.warn(
        { maxDescriptors, needed },
        'too few file descriptors for all connections: raise the limit (LimitNOFILE, ulimit -n)',
      )
    this.#timers = [
      setInterval(() => this.minute(), REFUSALS_INTERVAL).unref(),
      setInterval(() => this.hour(), FIGURES_INTERVAL).unref(),
    ]
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }

  /** What was refused since the last time, in one line. */
  minute(): void {
    const { log, counts } = this.#init
    const { refused, connections, maxConnections, maxReservations } = counts()
    const full = refused.full - this.#refused.full
    const network = refused.network - this.#refused.network
    this.#refused = { ...refused }
    if (full + network > 0) log.info({ full, network }, 'refused reservations')
    if (full > 0) this.#warn('reservations', maxReservations)
    if (connections >= maxConnections) this.#warn('connections', maxConnections)
  }

  hour(): void {
    this.#warned.clear()
    this.#init.log.info({ ...this.#init.counts(), rssMiB: Math.round(process.memoryUsage.rss() / MIB) }, 'figures')
  }

  /** Once an hour: it lasts longer than a minute. */
  #warn(what: Shortage, max: number): void {
    if (this.#warned.has(what)) return
    this.#warned.add(what)
    this.#init.log.warn({ max }, `all ${what} are taken and newcomers are turned away: run a second relay`)
  }
}
