/** Logs: pino, to stderr or a file, in the shape that libp2p wants. Never a secret, never a text: nobody hands it one. */
import { format } from 'node:util'
import type { Logger as ComponentLog, ComponentLogger } from '@libp2p/interface'
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import type { Level } from './options.ts'

const PRIVATE_FILE = 0o600

/** Printf's letters that libp2p adds to those of `util.format`; each stands for something whose text says it all. */
const LIBP2P_LETTERS = /%[abcekmpt]/g

export interface LogInit {
  level: Level
  /** Without it: stderr. */
  file?: string
  /** Instead of stderr, where a terminal draws its own lines. */
  stream?: DestinationStream
}

/** Errors: the system's own when the file cannot be opened. */
export function createLog({ level, file, stream }: LogInit): Logger {
  const target = file === undefined ? (stream ?? destination({ dest: 2, sync: true })) : openLog(file)
  return pino({ name: 'p2pnode', level, base: { pid: process.pid }, serializers: { err: describe } }, target)
}

function openLog(file: string): DestinationStream {
  return destination({ dest: file, sync: true, mkdir: true, mode: PRIVATE_FILE })
}

/**
 * For libp2p's components. What they call an error (a dial that failed, a stream that was reset) is everyday life of a peer:
 * it is logged as `info`, and the rest as `debug` and `trace`, so that the default level shows none of it.
 */
export function componentLogger(log: Logger): ComponentLogger {
  return { forComponent: (name) => componentLog(log, name) }
}

function componentLog(log: Logger, name: string): ComponentLog {
  const write =
    (level: 'info' | 'debug' | 'trace') =>
    (formatter: unknown, ...values: unknown[]): void => {
      if (log.isLevelEnabled(level)) log[level]({ component: name }, fill(formatter, values))
    }
  return Object.assign(write('debug'), {
    error: write('info'),
    trace: write('trace'),
    enabled: log.isLevelEnabled('debug'),
    newScope: (scope: string) => componentLog(log, `${name}:${scope}`),
  })
}

function fill(formatter: unknown, values: unknown[]): string {
  const shown = values.map((value) => (value instanceof Error ? describe(value) : value))
  if (typeof formatter === 'string') return format(formatter.replace(LIBP2P_LETTERS, '%s'), ...shown)
  return format('%s', formatter instanceof Error ? describe(formatter) : formatter, ...shown)
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
