import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = 'p2pt'
const NETNS = '/run/netns'

/** A network namespace: a machine of its own as far as addresses, ports and multicast go. */
export interface Namespace {
  readonly name: string
  /** Its IPv4 address on the shared link. */
  readonly address: string
  /** A directory of its own, removed with it: HOME of what runs inside. */
  readonly home: string
  /** The command line that runs `command` inside. */
  inside(command: readonly string[]): string[]
}

/** Why namespaces cannot be had here; undefined if they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux'
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const probe = `${PREFIX}probe${process.pid}`
  const { status, error, stderr } = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' })
  if (error !== undefined) return 'network namespaces need ip (package iproute2)'
  if (status !== 0) return `ip netns add: ${stderr.trim()}`
  execFileSync('ip', ['netns', 'del', probe])
  return undefined
}

const ip = (...words: string[]): string => execFileSync('ip', words, { encoding: 'utf8' })
const words = (line: string): string[] => line.split(' ')

/**
 * Namespaces of one test file. Everything is gone after `destroy`, at the process's exit at the latest; what a killed process
 * left behind is removed by the next.
 */
export class Namespaces {
  static #count = 0
  readonly spaces: Namespace[] = []
  readonly #hidden: string[] = []
  readonly #id = `${PREFIX}${process.pid}-${Namespaces.#count++}`
  readonly #atExit = (): void => this.destroy()

  constructor() {
    removeLeftovers()
    process.once('exit', this.#atExit)
    if (Namespaces.#count === 1) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  }

  /** A namespace without any device but loopback. */
  add(address: string): Namespace {
    const name = `${this.#id}-${this.spaces.length}`
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
    const home = mkdtempSync(join(tmpdir(), 'p2pnode-ns-'))
    const space: Namespace = { name, address, home, inside: (command) => ['ip', 'netns', 'exec', name, ...command] }
    this.spaces.push(space)
    return space
  }

  /** A namespace that is part of the network, not a machine on it. Answers its name. */
  hide(what: string): string {
    const name = `${this.#id}-${what}`
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
    this.#hidden.push(name)
    return name
  }

  /** `count` machines on one switch: 10.77.0.1/24 and up, no router, no route but the link's own. */
  static bridge(count: number): Namespaces {
    const made = new Namespaces()
    const hub = made.hide('hub')
    ip(...words(`-n ${hub} link add hub type bridge mcast_snooping 0`))
    ip(...words(`-n ${hub} link set hub up`))
    for (let index = 0; index < count; index++) {
      const { name, address } = made.add(`10.77.0.${index + 1}`)
      ip(...words(`link add lan netns ${name} type veth peer name port${index} netns ${hub}`))
      ip(...words(`-n ${hub} link set port${index} master hub up`))
      configureLink(name, address)
    }
    return made
  }

  /** Kills what still runs inside and removes all. Idempotent. */
  destroy(): void {
    process.off('exit', this.#atExit)
    for (const name of [...this.spaces.map((space) => space.name), ...this.#hidden]) removeNamespace(name)
    for (const { home } of this.spaces) rmSync(home, { recursive: true, force: true })
    this.spaces.length = 0
    this.#hidden.length = 0
  }
}

/** Gives the device `lan` its address and brings it up. */
export function configureLink(name: string, address: string): void {
  ip(...words(`-n ${name} addr add ${address}/24 brd + dev lan`))
  ip(...words(`-n ${name} link set lan up`))
}

/** The machine gets another address of its network, and another router: what it had open is dead. */
export function move({ name }: Namespace, address: string): void {
  const before = ip('-n', name, 'route', 'show', 'default')
  ip(...words(`-n ${name} addr flush dev lan`))
  configureLink(name, address)
  if (before !== '') ip(...words(`-n ${name} route replace default via ${address.replace(/\d+$/, '1')}`))
}

function removeNamespace(name: string): void {
  const { stdout } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' })
  for (const pid of (stdout ?? '').split('\n').filter(Boolean)) spawnSync('kill', ['-9', pid])
  spawnSync('ip', ['netns', 'del', name])
}

/** What test processes that are no more have left. */
function removeLeftovers(): void {
  for (const name of existsSync(NETNS) ? readdirSync(NETNS) : []) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) removeNamespace(name)
  }
}
