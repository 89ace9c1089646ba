import type { Multiaddr } from '@multiformats/multiaddr'
import { MAX_HINTS } from './constants.ts'

/** Somebody to dial. Times are milliseconds since 1970, 0 for never. */
export interface Target {
  /** The peer id, or the address while that is not known. */
  key: string
  peer: string | undefined
  /** Addresses to try first, the best first. */
  hints: string[]
  configured: boolean
  /** It is a relay of ours. */
  relay: boolean
  kept: boolean
  heardAt: number
  dialledAt: number
  /** In a row. */
  failures: number
  /** Why the last dial failed. */
  problem: string | undefined
  dialling: boolean
  timer: ReturnType<typeof setTimeout> | undefined
  due: number
}

/** The peers and addresses that are remembered; when it is too many, the one heard of longest ago is forgotten. */
export class TargetList {
  readonly #limit: number
  readonly #inUse: (target: Target) => boolean
  readonly #byKey = new Map<string, Target>()

  constructor(limit: number, inUse: (target: Target) => boolean) {
    this.#limit = limit
    this.#inUse = inUse
  }

  [Symbol.iterator](): IterableIterator<Target> {
    return this.#byKey.values()
  }

  get configured(): number {
    return [...this].filter(({ configured }) => configured).length
  }

  get(peer: string): Target | undefined {
    return this.#byKey.get(peer)
  }

  of(peer: string): Target {
    return this.#byKey.get(peer) ?? this.#add(peer, peer)
  }

  /** The target of an address, which may name its peer. */
  at(address: string, peer: string | undefined): Target {
    if (peer !== undefined) return this.of(peer)
    const known = [...this].find(({ configured, hints }) => configured && hints.includes(address))
    return known ?? this.#add(address, undefined)
  }

  /** It was found out which peer `target` is: what is known of that peer under its own name joins it. */
  bind(target: Target): void {
    if (target.peer === undefined || target.key === target.peer) return
    const other = this.#byKey.get(target.peer)
    this.#byKey.delete(target.key)
    if (other !== undefined) {
      clearTimeout(other.timer)
      other.timer = undefined
      target.kept ||= other.kept
      target.configured ||= other.configured
      target.relay ||= other.relay
      target.heardAt = Math.max(target.heardAt, other.heardAt)
    }
    target.key = target.peer
    this.#byKey.set(target.key, target)
  }

  #add(key: string, peer: string | undefined): Target {
    if (this.#byKey.size >= this.#limit) this.#forgetOne()
    const target: Target = {
      key,
      peer,
      hints: [],
      configured: false,
      relay: false,
      kept: false,
      heardAt: Number.NEGATIVE_INFINITY,
      dialledAt: Number.NEGATIVE_INFINITY,
      failures: 0,
      problem: undefined,
      dialling: false,
      timer: undefined,
      due: 0,
    }
    this.#byKey.set(key, target)
    return target
  }

  #forgetOne(): void {
    const idle = [...this].filter((target) => !target.configured && !target.dialling && !this.#inUse(target))
    const [first] = idle.sort((a, b) => Number(a.kept) - Number(b.kept) || a.heardAt - b.heardAt)
    if (first === undefined) return
    clearTimeout(first.timer)
    this.#byKey.delete(first.key)
  }
}

/** Notes an address that leads to it: the newest first. */
export function hint(target: Target, address: Multiaddr): void {
  const text = address.toString()
  target.hints = [text, ...target.hints.filter((other) => other !== text)].slice(0, MAX_HINTS)
}
