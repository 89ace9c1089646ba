/** Logs: pino, to stderr or a file, in the shape that libp2p wants. Never a secret, never a text: nobody hands it one. */
import { isIP } from 'node:net'
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
  /** Above `debug` nothing of an error's text that says who somebody is: no peer id, no IP address. */
  nameless?: boolean
}

/** Errors: the system's own when the file cannot be opened. */
export function createLog({ level, file, stream, nameless = false }: LogInit): Logger {
  const target = file === undefined ? (stream ?? destination({ dest: 2, sync: true })) : openLog(file)
  return pino(
    { name: 'p2pnode', level, base: { pid: process.pid }, serializers: { err: nameless ? describeNameless : describe } },
    target,
  )
}

function openLog(file: string): DestinationStream {
  return destination({ dest: file, sync: true, mkdir: true, mode: PRIVATE_FILE })
}

/**
 * For libp2p's components. What they call an error (a dial that failed, a stream that was reset) is everyday life of a peer:
 * it is logged as `info`, and the rest as `debug` and `trace`, so that the default level shows none of it.
 *
 * @param errors - the level of their errors, which name peers and addresses
 */
export function componentLogger(log: Logger, errors: 'info' | 'debug' = 'info'): ComponentLogger {
  return { forComponent: (name) => componentLog(log, name, errors) }
}

function componentLog(log: Logger, name: string, errors: 'info' | 'debug'): ComponentLog {
  const write =
    (level: 'info' | 'debug' | 'trace') =>
    (formatter: unknown, ...values: unknown[]): void => {
      if (log.isLevelEnabled(level)) log[level]({ component: name }, fill(formatter, values))
    }
  return Object.assign(write('debug'), {
    error: write(errors),
    trace: write('trace'),
    enabled: log.isLevelEnabled('debug'),
    newScope: (scope: string) => componentLog(log, `${name}:${scope}`, errors),
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

function describeNameless(error: unknown): string {
  return describe(error).replace(PEER_ID, '(a peer)').replace(MAYBE_ADDRESS, nameless)
}

/** As text: https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md, "String representation". */
const PEER_ID = /\b(12D3Koo|16Uiu2H|Qm|bafz)[0-9A-Za-z]{20,}/g
const MAYBE_ADDRESS = /[0-9A-Fa-f:]*[.:][0-9A-Fa-f.:]*[0-9A-Fa-f:]/g

/** An IP address, with a port or without. */
function nameless(text: string): string {
  return isIP(text) > 0 || isIP(text.replace(/:\d+$/, '')) > 0 ? '(an address)' : text
}
