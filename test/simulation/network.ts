/** Who can reach whom. Links come up by themselves wherever two endpoints can reach each other both ways, and break when they cannot. */
import { bytesToHex } from '../../src/chat/hex.ts'
import { QUIET, type VirtualTime } from './clock.ts'
import { Endpoint, type Message } from './endpoint.ts'
import { type Conditions, Link } from './link.ts'
import type { Random } from './random.ts'

/** Milliseconds until a peer that is there again is dialled, and until a dead link is noticed. */
const DIAL: [number, number] = [100, 4_000]
const NOTICE: [number, number] = [1_000, 20_000]
/** Of the links of a killed process most are reset at once. */
const RESET_SHARE = 0.7
const RESET: [number, number] = [5, 60]

export interface NetworkListener {
  onPublish(from: Endpoint, message: Message): void
  onReject(by: Endpoint, from: Endpoint, message: Message): void
  /** A handler threw: it ends its channel. */
  onFailure(at: Endpoint, error: unknown, peer: string): void
  /** A validator threw: it must not. */
  onCrash(at: Endpoint, error: unknown): void
  onBytes(from: Endpoint, bytes: Uint8Array): void
}

export type NetworkInit = Pick<Conditions, 'loss' | 'duplication' | 'delay' | 'slow'> & {
  time: VirtualTime
  random: Random
  listener: NetworkListener
}

export class SimNetwork {
  readonly time: VirtualTime
  readonly random: Random
  readonly conditions: Conditions
  readonly #listener: NetworkListener
  readonly #endpoints = new Set<Endpoint>()
  readonly #links = new Set<Link>()
  /** Directions in which nothing passes, "from>to" by address; how often each was blocked. */
  readonly #blocked = new Map<string, number>()

  constructor({ listener, ...init }: NetworkInit) {
    this.time = init.time
    this.random = init.random
    this.#listener = listener
    this.conditions = {
      ...init,
      isBlocked: (from, to) => this.#blocked.has(`${from.address}>${to.address}`),
      inspect: (from, bytes) => listener.onBytes(from, bytes),
    }
  }

  peerOf(device: Uint8Array): string {
    return `peer-${bytesToHex(device.subarray(0, 6))}`
  }

  message(topic: string, bytes: Uint8Array): Message {
    return { id: fingerprint(topic, bytes), topic, bytes }
  }

  published(from: Endpoint, message: Message): void {
    this.#listener.onPublish(from, message)
    this.#listener.onBytes(from, message.bytes)
  }

  rejected(by: Endpoint, from: Endpoint, message: Message): void {
    this.#listener.onReject(by, from, message)
  }

  failed(at: Endpoint, error: unknown, peer: string): void {
    if (at.alive) this.#listener.onFailure(at, error, peer)
  }

  crashed(at: Endpoint, error: unknown): void {
    this.#listener.onCrash(at, error)
  }

  attach(peer: string, address: number): Endpoint {
    const endpoint = new Endpoint(this, peer, address)
    for (const other of this.#endpoints) this.#dial(endpoint, other)
    this.#endpoints.add(endpoint)
    return endpoint
  }

  /** The process is gone. Its peers learn of it sooner or later. */
  detach(endpoint: Endpoint): void {
    endpoint.alive = false
    this.#endpoints.delete(endpoint)
    for (const link of [...endpoint.links]) {
      this.#links.delete(link)
      link.drop(endpoint)
      const other = link.other(endpoint)
      const [low, high] = this.random.chance(RESET_SHARE) ? RESET : NOTICE
      this.time.after(this.random.between(low, high), () => link.drop(other))
    }
  }

  #dial(a: Endpoint, b: Endpoint): void {
    if (a.self === b.self) return // a peer does not dial itself, nor a copy of itself
    this.time.after(this.random.between(...DIAL), () => {
      if (!this.#canMeet(a, b)) return QUIET
      const link = new Link(a, b, this.conditions)
      this.#links.add(link)
      a.linked(link)
      b.linked(link)
      return undefined
    })
  }

  #canMeet(a: Endpoint, b: Endpoint): boolean {
    if (!a.alive || !b.alive || this.conditions.isBlocked(a, b) || this.conditions.isBlocked(b, a)) return false
    for (const link of a.links) if (link.other(a) === b && link.whole) return false
    return true
  }

  /** Nothing passes from one address to another, until `open`. */
  block(from: number, to: number): void {
    const name = `${from}>${to}`
    this.#blocked.set(name, (this.#blocked.get(name) ?? 0) + 1)
    for (const link of this.#links) if (link.blocked) this.#doubt(link)
  }

  #doubt(link: Link): void {
    for (const end of link.ends) {
      this.time.after(this.random.between(...NOTICE), () => (link.blocked ? this.#sever(link, end) : QUIET))
    }
  }

  #sever(link: Link, end: Endpoint): void {
    link.drop(end)
    this.#links.delete(link)
    const other = link.other(end)
    if (link.isUp(other)) this.time.after(this.random.between(...NOTICE), () => link.drop(other))
    this.time.after(this.random.between(...NOTICE), () => this.#dial(...link.ends))
  }

  open(from: number, to: number): void {
    const name = `${from}>${to}`
    const left = (this.#blocked.get(name) ?? 1) - 1
    if (left > 0) this.#blocked.set(name, left)
    else this.#blocked.delete(name)
    for (const link of this.#links) link.release()
    this.#redial()
  }

  /** Everybody can reach everybody again. */
  heal(): void {
    this.#blocked.clear()
    for (const link of this.#links) link.release()
    this.#redial()
  }

  #redial(): void {
    const all = [...this.#endpoints]
    all.forEach((a, i) => {
      for (const b of all.slice(i + 1)) if (this.#canMeet(a, b)) this.#dial(a, b)
    })
  }

  /** The connections between two addresses are reset. */
  reset(a: number, b: number): void {
    for (const link of [...this.#links]) {
      const [x, y] = link.ends
      if (!(x.address === a && y.address === b) && !(x.address === b && y.address === a)) continue
      this.#links.delete(link)
      link.drop(x)
      link.drop(y)
      this.#dial(x, y)
    }
  }
}

/** 52 bits of topic and bytes, for the seen-cache. */
function fingerprint(topic: string, bytes: Uint8Array): number {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let i = 0; i < topic.length; i++) a = Math.imul(a ^ topic.charCodeAt(i), 0x01000193)
  for (let i = 0; i < bytes.length; i++) {
    a = Math.imul(a ^ (bytes[i] as number), 0x01000193)
    b = Math.imul(b + (bytes[i] as number), 0x85ebca6b) ^ (a >>> 13)
  }
  return (a >>> 0) * 2 ** 20 + ((b >>> 0) & 0xfffff)
}
