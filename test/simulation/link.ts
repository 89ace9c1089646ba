import { ChannelEnd, NetworkError } from './channel.ts'
import { QUIET, type VirtualTime } from './clock.ts'
import type { Endpoint } from './endpoint.ts'
import type { Random } from './random.ts'

/** What all links of a run share. */
export interface Conditions {
  time: VirtualTime
  random: Random
  /** Shares of gossip lost and doubled. */
  loss: number
  duplication: number
  /** One way, in milliseconds: most, and the few that take much longer. */
  delay: [low: number, high: number]
  slow: number
  isBlocked: (from: Endpoint, to: Endpoint) => boolean
  inspect: (from: Endpoint, bytes: Uint8Array) => void
}

/** A connection of two endpoints, as long as both believe in it. */
export class Link {
  readonly ends: readonly [Endpoint, Endpoint]
  readonly #conditions: Conditions
  /** Topics each end was told that the other is subscribed to. */
  readonly topics: readonly [Set<string>, Set<string>] = [new Set(), new Set()]
  /** Ends that still believe in it. */
  readonly #up = [true, true]
  readonly #lastArrival = [0, 0]
  /** What waits for a direction to open again. */
  readonly #held: [(() => void)[], (() => void)[]] = [[], []]
  readonly #channels = new Set<readonly [ChannelEnd, ChannelEnd]>()

  constructor(a: Endpoint, b: Endpoint, conditions: Conditions) {
    this.ends = [a, b]
    this.#conditions = conditions
  }

  side(endpoint: Endpoint): 0 | 1 {
    return this.ends[0] === endpoint ? 0 : 1
  }

  other(endpoint: Endpoint): Endpoint {
    return this.ends[1 - this.side(endpoint)] as Endpoint
  }

  isUp(endpoint: Endpoint): boolean {
    return this.#up[this.side(endpoint)] === true
  }

  get whole(): boolean {
    return this.#up[0] === true && this.#up[1] === true
  }

  /** What `endpoint` was told that the other side is subscribed to. */
  topicsOf(endpoint: Endpoint): Set<string> {
    return this.topics[this.side(endpoint)]
  }

  get blocked(): boolean {
    const [a, b] = this.ends
    return this.#conditions.isBlocked(a, b) || this.#conditions.isBlocked(b, a)
  }

  #delay(): number {
    const { random, delay, slow } = this.#conditions
    const [low, high] = delay
    return random.chance(slow) ? random.between(high, 20 * high) : random.between(low, high)
  }

  /** In order and without loss, while the link lives. */
  carry(from: Endpoint, arrive: () => void): void {
    const side = this.side(from)
    if (!this.#up[side]) return
    if (this.#conditions.isBlocked(from, this.other(from))) {
      this.#held[side]?.push(arrive)
      return
    }
    const { time } = this.#conditions
    const at = Math.max(time.now + this.#delay(), (this.#lastArrival[side] ?? 0) + 0.001)
    this.#lastArrival[side] = at
    time.after(at - time.now, () => (this.#up[1 - side] ? arrive() : QUIET))
  }

  /** Perhaps, perhaps twice, in any order. `rush`: before everybody else. */
  toss(from: Endpoint, arrive: () => unknown, rush = false): void {
    const { time, random, loss, duplication, isBlocked } = this.#conditions
    const to = this.other(from)
    if (!this.isUp(from) || isBlocked(from, to) || (!rush && random.chance(loss))) return
    if (rush) return void time.after(0, arrive)
    const land = (): unknown => (this.isUp(to) ? arrive() : QUIET)
    time.after(this.#delay(), land)
    if (random.chance(duplication)) time.after(this.#delay(), land)
  }

  /** A direction that was blocked lets through what waited. */
  release(): void {
    for (const side of [0, 1] as const) {
      const from = this.ends[side]
      if (this.#conditions.isBlocked(from, this.other(from))) continue
      for (const arrive of (this.#held[side] ?? []).splice(0)) this.carry(from, arrive)
    }
  }

  /** A stream from `from`: its own end, and the one that the other side is to be handed. */
  channel(from: Endpoint): [ChannelEnd, ChannelEnd] {
    const to = this.other(from)
    const { random, inspect } = this.#conditions
    const window = random.pick([2_000, 20_000, 200_000])
    const wire = (sender: Endpoint) => ({
      window,
      carry: (arrive: () => void) => this.carry(sender, arrive),
      inspect: (bytes: Uint8Array) => inspect(sender, bytes),
    })
    const ends = ChannelEnd.pair([to.self, from.self], [wire(from), wire(to)])
    const ordered: [ChannelEnd, ChannelEnd] = this.side(from) === 0 ? ends : [ends[1], ends[0]]
    this.#channels.add(ordered)
    return ends
  }

  /** `endpoint` sees the link end. */
  drop(endpoint: Endpoint): void {
    const side = this.side(endpoint)
    if (!this.#up[side]) return
    this.#up[side] = false
    for (const ends of this.#channels) ends[side].break(new NetworkError('the connection was lost'))
    endpoint.unlinked(this)
  }
}
