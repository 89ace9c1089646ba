import { randomBytes } from 'node:crypto'
import type { RemoteInfo } from 'node:dgram'
import { createSocket, type Socket } from 'node:dgram'
import type {
  ComponentLogger,
  Libp2pEvents,
  Logger,
  PeerDiscovery,
  PeerDiscoveryEvents,
  PeerId,
  TypedEventTarget,
} from '@libp2p/interface'
import { peerDiscoverySymbol, serviceCapabilities, TypedEventEmitter } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import multicastDNS from 'multicast-dns'
import { LAN_INTERVAL, LAN_MIN_GAP, MAX_TARGETS, second } from './constants.ts'
import { type LanInterface, lanInterfaces } from './lan-interfaces.ts'
import { announcement, type LanRecord, peerIn, reachableOn, SERVICE_TAG } from './lan-records.ts'

export interface LanInit {
  /** The DNS-SD service that peers ask for. @default `_p2pnode._udp.local` */
  serviceTag?: string
  /** UDP port; other than 5353 only for tests. @default 5353 */
  port?: number
  /** Milliseconds between questions. @default 5,000 */
  interval?: number
  /** Told once for each cause why the LAN cannot be asked: no interface, no permission, a firewall. */
  onWarning?(message: string): void
}

export interface LanComponents {
  peerId: PeerId
  transportManager: TransportManager
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
}

/** How finding peers on the LAN goes. */
export interface LanView {
  /** Interfaces that are asked on, loopback not counted. */
  interfaces: string[]
  /** What this peer sends comes back to it: packets leave, and are let in again. */
  hearsItself: boolean
  /** Why it cannot ask, as far as it knows. */
  problems: string[]
}

const GROUP = '224.0.0.251'

/** A newcomer asks again soon: packets get lost, and others answer at most once a second. */
const FIRST_QUESTIONS = [0, 1 * second, 3 * second]

/**
 * Finds peers on the same link by multicast DNS, with the records of https://github.com/libp2p/specs/blob/master/discovery/mdns.md.
 *
 * Unlike @libp2p/mdns it sends on every interface (that one leaves the choice to the routing table and, on a host without a
 * default or multicast route, silently finds nobody), names on each interface only the addresses of that interface, and tells
 * of a peer each time it is heard of rather than once. A question carries the asker's own records, so one packet makes it known.
 */
export class Lan extends TypedEventEmitter<PeerDiscoveryEvents> implements PeerDiscovery {
  readonly [peerDiscoverySymbol] = this
  readonly [Symbol.toStringTag] = 'p2pnode/lan'
  readonly [serviceCapabilities] = ['@libp2p/peer-discovery']
  readonly #components: LanComponents
  readonly #init: LanInit
  readonly #tag: string
  readonly #log: Logger
  readonly #name = randomBytes(16).toString('hex')
  readonly #warned = new Set<string>()
  /** When an interface was last asked on, or answered on. */
  readonly #asked = new Map<string, number>()
  readonly #answered = new Map<string, number>()
  readonly #pending = new Map<string, ReturnType<typeof setTimeout>>()
  readonly #heard = new Map<string, number>()
  /** What is wrong now, by interface. */
  readonly #problems = new Map<string, string>()
  #echoAt = Number.NEGATIVE_INFINITY
  #timers: ReturnType<typeof setTimeout>[] = []
  #socket: Socket | undefined
  #mdns: multicastDNS.MulticastDNS | undefined
  #sending: Promise<void> = Promise.resolve()

  constructor(components: LanComponents, init: LanInit = {}) {
    super()
    this.#components = components
    this.#init = init
    this.#tag = init.serviceTag ?? SERVICE_TAG
    this.#log = components.logger.forComponent('p2pnode:lan')
  }

  start(): void {
    if (this.#mdns !== undefined) return
    // On Linux, SO_REUSEADDR lets several programs share the port, each of them hearing every packet.
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    const mdns = multicastDNS({ socket, port: this.#init.port ?? 5353, ip: GROUP })
    mdns.on('query', (packet, from) => this.#onPacket(packet, from))
    mdns.on('response', (packet, from) => this.#onPacket(packet, from))
    mdns.on('warning', (error) => this.#onWarning(error))
    mdns.on('error', (error) => this.#problems.set('', this.#warn('the multicast DNS port cannot be opened', error)))
    this.#socket = socket
    this.#mdns = mdns
    this.#components.events.addEventListener('transport:listening', this.#onListening)
    for (const delay of FIRST_QUESTIONS) this.#timers.push(setTimeout(() => this.#ask(true), delay))
    this.#timers.push(setInterval(() => this.#ask(false), this.#init.interval ?? LAN_INTERVAL))
  }

  async stop(): Promise<void> {
    const mdns = this.#mdns
    if (mdns === undefined) return
    this.#mdns = undefined
    this.#components.events.removeEventListener('transport:listening', this.#onListening)
    for (const timer of [...this.#timers, ...this.#pending.values()]) clearTimeout(timer)
    this.#timers = []
    this.#pending.clear()
    await this.#sending
    this.#socket = undefined
    await new Promise<void>((resolve) => mdns.destroy(resolve))
  }

  /** Several listeners open at once: one packet tells of all. */
  readonly #onListening = (): void => {
    for (const link of lanInterfaces()) this.#answerSoon(link, LAN_MIN_GAP / 10)
  }

  /** Where somebody else asked lately, all have answered, and heard all answers. */
  #ask(always: boolean): void {
    const links = lanInterfaces()
    if (links.length === 0) this.#warn('no network interface to find peers on')
    const quiet = performance.now() - (this.#init.interval ?? LAN_INTERVAL) / 2
    for (const link of links) {
      if (!always && (this.#asked.get(link.name) ?? Number.NEGATIVE_INFINITY) > quiet) continue
      this.#asked.set(link.name, performance.now())
      this.#send(link, (mdns, sent) => {
        const questions = [{ name: this.#tag, type: 'PTR' as const }]
        mdns.query({ type: 'query', questions, answers: this.#records(link) }, undefined, sent)
      })
    }
  }

  #onPacket(packet: multicastDNS.QueryPacket | multicastDNS.ResponsePacket, { address }: RemoteInfo): void {
    const link = lanInterfaces().find((candidate) => candidate.contains(address))
    // Only neighbours: the socket also hears whatever is sent to this machine from afar.
    if (link === undefined) return
    const records = [...packet.answers, ...packet.additionals]
    const heard = peerIn(records, this.#tag)
    if (heard?.name === this.#name) this.#echoAt = performance.now()
    if (heard?.name === this.#name) return
    if (packet.type === 'query' && packet.questions.some(({ name }) => name.toLowerCase() === this.#tag)) {
      this.#asked.set(link.name, performance.now())
      this.#answerSoon(link)
    }
    if (heard === undefined || heard.id.equals(this.#components.peerId) || !this.#isNews(heard.id.toString())) return
    const multiaddrs = reachableOn(link, address, heard.multiaddrs)
    if (multiaddrs.length > 0) this.safeDispatchEvent('peer', { detail: { id: heard.id, multiaddrs } })
  }

  #isNews(peer: string): boolean {
    const now = performance.now()
    if (now - (this.#heard.get(peer) ?? Number.NEGATIVE_INFINITY) < LAN_MIN_GAP) return false
    if (this.#heard.size >= MAX_TARGETS) this.#heard.clear()
    this.#heard.set(peer, now)
    return true
  }

  /** At once, or as soon as the last answer on this link is old enough. */
  #answerSoon(link: LanInterface, least = 0): void {
    if (this.#pending.has(link.name)) return
    const due = (this.#answered.get(link.name) ?? Number.NEGATIVE_INFINITY) + LAN_MIN_GAP - performance.now()
    const timer = setTimeout(
      () => {
        this.#pending.delete(link.name)
        this.#answered.set(link.name, performance.now())
        const records = this.#records(link)
        if (records.length > 0)
          this.#send(link, (mdns, sent) => mdns.respond({ type: 'response', answers: records }, undefined, sent))
      },
      Math.max(least, due),
    )
    this.#pending.set(link.name, timer)
  }

  #records(link: LanInterface): LanRecord[] {
    const { peerId, transportManager } = this.#components
    return announcement(link, this.#tag, this.#name, peerId, transportManager.getAddrs())
  }

  /** One after the other: the interface is a setting of the socket, and a packet leaves a moment after it is sent. */
  #send(link: LanInterface, packet: (mdns: multicastDNS.MulticastDNS, sent: (error?: Error | null) => void) => void): void {
    this.#sending = this.#sending.then(
      () =>
        new Promise<void>((resolve) => {
          if (this.#mdns === undefined || this.#socket === undefined) return resolve()
          try {
            this.#join(this.#socket, link)
            this.#socket.setMulticastInterface(link.address)
            packet(this.#mdns, (error) => {
              this.#sent(link, error)
              resolve()
            })
          } catch (error) {
            this.#sent(link, error)
            resolve()
          }
        }),
    )
  }

  #sent(link: LanInterface, error: unknown): void {
    if (error) this.#problems.set(link.name, this.#warn(`nothing can be sent on ${link.name}`, error))
    else this.#problems.delete(link.name)
  }

  view(): LanView {
    const links = lanInterfaces().filter(({ address }) => !address.startsWith('127.'))
    const names = links.map(({ name }) => name)
    return {
      interfaces: names,
      hearsItself: performance.now() - this.#echoAt < 3 * (this.#init.interval ?? LAN_INTERVAL),
      problems: [...this.#problems].flatMap(([name, problem]) => (names.includes(name) || name === '' ? [problem] : [])),
    }
  }

  /** Again each time: an interface that went and came back has forgotten, and the system minds no second time. */
  #join(socket: Socket, link: LanInterface): void {
    try {
      socket.addMembership(GROUP, link.address)
    } catch (error) {
      if (!isAlreadyMember(error)) throw error
    }
  }

  #onWarning(error: Error): void {
    // What others send malformed is theirs; that we joined before is known.
    if (isAlreadyMember(error) || !('syscall' in error)) this.#log.trace('%e', error)
    else this.#warn('trouble with multicast', error)
  }

  #warn(what: string, error?: unknown): string {
    const message = error instanceof Error ? `${what}: ${error.message}` : what
    if (this.#warned.has(message)) return message
    this.#warned.add(message)
    this.#log(message)
    this.#init.onWarning?.(message)
    return message
  }
}

function isAlreadyMember(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'EADDRINUSE' &&
    'syscall' in error &&
    error.syscall === 'addMembership'
  )
}

export function lan(init: LanInit = {}): (components: LanComponents) => Lan {
  return (components) => new Lan(components, init)
}
