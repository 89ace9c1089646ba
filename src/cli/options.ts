/** The options, once for the command line, the environment and config.json: flag > P2PNODE_* > config.json > default. */
import { UsageError } from '../view/explain.ts'
import { oneLine } from '../view/sanitize.ts'

export type OptionKind = 'text' | 'flag' | 'list' | 'port' | 'level'

export interface OptionSpec {
  /** The long flag's name, also the key in config.json. */
  readonly name: string
  readonly kind: OptionKind
  /** What stands for the value in the help. */
  readonly value?: string
  readonly description: string
  /** Further names in the environment, weaker than the one made of `name`. */
  readonly env?: readonly string[]
  /** It cannot stand in config.json. */
  readonly outside?: boolean
}

export const LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const

export type Level = (typeof LEVELS)[number]

const MAX_PORT = 65_535

export const globalOptions = [
  {
    name: 'data-dir',
    kind: 'text',
    value: '<dir>',
    description: 'where this person lives (P2PNODE_HOME; default: the XDG data directory)',
    env: ['P2PNODE_HOME'],
    outside: true,
  },
  { name: 'json', kind: 'flag', description: 'JSON on stdout' },
  { name: 'quiet', kind: 'flag', description: 'say only what went wrong' },
  { name: 'log-level', kind: 'level', value: '<level>', description: `${LEVELS.join(', ')} (default: warn)` },
  { name: 'log-file', kind: 'text', value: '<file>', description: 'log there and not to stderr' },
  { name: 'passphrase-file', kind: 'text', value: '<file>', description: "its first line is the store's passphrase" },
] as const satisfies OptionSpec[]

export const networkOptions = [
  { name: 'listen', kind: 'list', value: '<multiaddr>', description: 'listen there (repeatable; port 0: any free port)' },
  { name: 'port', kind: 'port', value: '<n>', description: 'listen on this TCP port of all interfaces' },
  { name: 'announce', kind: 'list', value: '<multiaddr>', description: 'tell peers this address (repeatable)' },
  { name: 'connect', kind: 'list', value: '<multiaddr>', description: 'dial this peer and keep dialling (repeatable)' },
  {
    name: 'relay',
    kind: 'list',
    value: '<multiaddr>',
    description: 'reach others through this relay, and be reached (repeatable)',
  },
  {
    name: 'keep-token-file',
    kind: 'text',
    value: '<file>',
    description: 'its first line is the token of a relay that keeps for those who have it',
  },
  { name: 'no-mdns', kind: 'flag', description: 'do not look for peers on this network' },
  {
    name: 'dht',
    kind: 'flag',
    description: 'find others through the DHT of those given with --connect (with --relay it is done anyhow)',
  },
  { name: 'no-dht', kind: 'flag', description: 'find nobody through the DHT, and serve nobody there' },
  {
    name: 'upnp',
    kind: 'flag',
    description: 'ask the router for a port that leads here (with --relay or --connect beyond this network it is done anyhow)',
  },
  { name: 'no-upnp', kind: 'flag', description: 'ask the router for nothing (UPnP, NAT-PMP)' },
  { name: 'offline', kind: 'flag', description: 'stay on this network: dial private addresses only' },
] as const satisfies OptionSpec[]

export const startOptions = [
  { name: 'name', kind: 'text', value: '<name>', description: 'what others see (kept)' },
  { name: 'plain', kind: 'flag', description: 'a terminal of lines, for screen readers: nothing is drawn anew' },
  { name: 'no-keep', kind: 'flag', description: 'ask no relay to keep sealed messages for who is away' },
  { name: 'headless', kind: 'flag', description: 'only run the peer: no chat, stdin is not read' },
  { name: 'locked', kind: 'flag', description: 'the named room is locked by a passphrase' },
  {
    name: 'room-passphrase-file',
    kind: 'text',
    value: '<file|->',
    description: "its first line is the locked room's passphrase",
  },
] as const satisfies OptionSpec[]

export const relayOptions = [
  {
    name: 'keep',
    kind: 'list',
    value: '<whose>',
    description: 'keep sealed messages for who is away: of a peer or a room by its id, or of anybody (open); repeatable',
  },
  { name: 'metrics', kind: 'port', value: '<port>', description: 'serve /metrics and /healthz on this port of 127.0.0.1' },
] as const satisfies OptionSpec[]

interface KindTypes {
  text: string
  flag: boolean
  list: string[]
  port: number
  level: Level
}

type Named<S extends OptionSpec> = { [N in S as N['name']]?: KindTypes[N['kind']] }

/** Every option there is, by its long name. */
export type Settings = Named<
  (typeof globalOptions)[number] | (typeof networkOptions)[number] | (typeof startOptions)[number] | (typeof relayOptions)[number]
>

export const allOptions: readonly OptionSpec[] = [...globalOptions, ...networkOptions, ...startOptions, ...relayOptions]

export interface OptionSources {
  /** As commander read them, by long name. */
  flags: Readonly<Record<string, unknown>>
  env: Readonly<Record<string, string | undefined>>
  /** The parsed config.json. */
  config?: unknown
}

/** The name of an option in the environment. */
export function envName(name: string): string {
  return `P2PNODE_${name.toUpperCase().replaceAll('-', '_')}`
}

/**
 * Each option from the strongest source that has it. Every source is checked, also where a stronger one wins.
 *
 * Errors: `UsageError`, whose message names the source.
 */
export function resolveOptions({ flags, env, config }: OptionSources): Settings {
  const settings: Record<string, unknown> = {}
  const stored = configEntries(config)
  for (const spec of allOptions) {
    const sources = [fromFlag(spec, flags), ...fromEnv(spec, env), fromConfig(spec, stored)]
    const value = sources.find((candidate) => candidate !== undefined)
    if (value !== undefined) settings[spec.name] = value
  }
  return settings
}

function fromFlag(spec: OptionSpec, flags: OptionSources['flags']): unknown {
  const value = flags[spec.name]
  return value === undefined ? undefined : parse(spec, value, `--${spec.name}`)
}

function fromEnv(spec: OptionSpec, env: OptionSources['env']): unknown[] {
  return [envName(spec.name), ...(spec.env ?? [])].map((name) => {
    const value = env[name]
    if (value === undefined || value === '') return undefined
    if (spec.kind === 'flag') return parseFlag(value, name)
    return parse(spec, spec.kind === 'list' ? value.split(/[\s,]+/).filter((part) => part !== '') : value, name)
  })
}

function fromConfig(spec: OptionSpec, config: Map<string, unknown>): unknown {
  const value = config.get(spec.name)
  if (value === undefined) return undefined
  const source = `config.json: ${spec.name}`
  if (spec.kind === 'port' && typeof value === 'number') return parse(spec, String(value), source)
  return parse(spec, spec.kind === 'list' && typeof value === 'string' ? [value] : value, source)
}

function configEntries(config: unknown): Map<string, unknown> {
  if (config === undefined) return new Map()
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new UsageError('config.json must hold one JSON object')
  }
  const known = new Set(allOptions.filter(({ outside }) => outside !== true).map(({ name }) => name))
  for (const key of Object.keys(config)) {
    if (!known.has(key)) throw new UsageError(`config.json: there is no option ${oneLine(key, 40)}`)
  }
  return new Map(Object.entries(config))
}

function parse(spec: OptionSpec, value: unknown, source: string): unknown {
  switch (spec.kind) {
    case 'flag':
      if (typeof value !== 'boolean') throw new UsageError(`${source} must be true or false`)
      return value
    case 'list':
      if (!Array.isArray(value) || !value.every(isFilled)) throw new UsageError(`${source} must be a list of texts`)
      return value
    case 'port':
      return parsePort(value, source)
    case 'level':
      return parseLevel(value, source)
    case 'text':
      if (!isFilled(value)) throw new UsageError(`${source} must not be empty`)
      return value
  }
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && !value.includes('\0')
}

function parseFlag(value: string, source: string): boolean {
  if (/^(1|true|yes|on)$/i.test(value)) return true
  if (/^(0|false|no|off)$/i.test(value)) return false
  throw new UsageError(`${source} must be 1 or 0`)
}

function parsePort(value: unknown, source: string): number {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port <= MAX_PORT)) throw new UsageError(`${source} must be a port from 0 to ${MAX_PORT}`)
  return port
}

function parseLevel(value: unknown, source: string): Level {
  const level = LEVELS.find((known) => known === value)
  if (level === undefined) throw new UsageError(`${source} must be one of ${LEVELS.join(', ')}`)
  return level
}

/** A whole number that a command takes, such as `--limit`. Errors: `UsageError`. */
export function parseCount(value: string, source: string, max: number): number {
  const count = /^\d{1,9}$/.test(value) ? Number(value) : 0
  if (count < 1 || count > max) throw new UsageError(`${source} must be a whole number from 1 to ${max}`)
  return count
}
