/** How many visits there may be at once and in a while, and how much they may bring: of one peer, from one network, and in all. */
import { Budget } from '../../src/chat/budget.ts'
import type { Channel, Clock } from '../../src/chat/seams.ts'
import {
  MAX_NETWORK_VISITS,
  MAX_PEER_VISITS,
  MAX_VISITS,
  NETWORK_BYTES,
  NETWORK_VISITS,
  PEER_BYTES,
  PEER_VISITS,
  THROTTLE_PART,
  THROTTLE_STEP,
} from './constants.ts'

/** One visit: it is over when `end` is called. */
export interface Visit {
  /** The stream, what comes in over which is counted. */
  channel: Channel
  /** Resolves when what it has cost so far is paid for. */
  paid(): Promise<void>
  /** It has cost so many bytes more than came in. */
  cost(bytes: number): void
  end(): void
}

export class Visits {
  readonly #clock: Clock
  readonly #begun: { peers: Budget; networks: Budget }
  readonly #bytes: { peers: Budget; networks: Budget }
  readonly #channels = new Set<Channel>()
  /** Under way, by peer and by network. */
  readonly #counts = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#begun = { peers: new Budget(PEER_VISITS, clock), networks: new Budget(NETWORK_VISITS, clock) }
    this.#bytes = { peers: new Budget(PEER_BYTES, clock), networks: new Budget(NETWORK_BYTES, clock) }
  }

  get count(): number {
    return this.#channels.size
  }

  /** undefined where there are too many. */
  begin(channel: Channel, network: string): Visit | undefined {
    const peer = `peer ${channel.peer}`
    const full =
      this.#channels.size >= MAX_VISITS ||
      this.#countOf(peer) >= MAX_PEER_VISITS ||
      this.#countOf(network) >= MAX_NETWORK_VISITS ||
      !this.#begun.networks.spend(network) ||
      !this.#begun.peers.spend(peer)
    if (full) return undefined
    this.#channels.add(channel)
    this.#add(peer, 1)
    this.#add(network, 1)
    let owed = 0
    return {
      channel: metered(channel, (bytes) => {
        owed += bytes
      }),
      cost: (bytes) => {
        owed += bytes
      },
      paid: async () => {
        const due = owed
        owed = 0
        await this.#pay(this.#bytes.peers, peer, due)
        await this.#pay(this.#bytes.networks, network, due)
      },
      end: () => {
        if (!this.#channels.delete(channel)) return
        this.#add(peer, -1)
        this.#add(network, -1)
      },
    }
  }

  #countOf(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  #add(name: string, change: 1 | -1): void {
    const count = this.#countOf(name) + change
    if (count === 0) this.#counts.delete(name)
    else this.#counts.set(name, count)
  }

  async #pay(budget: Budget, name: string, bytes: number): Promise<void> {
    for (let left = bytes; left > 0; left -= THROTTLE_PART)
      while (!budget.spend(name, Math.min(left, THROTTLE_PART)))
        await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, THROTTLE_STEP))
  }

  abortAll(reason: Error): void {
    for (const channel of this.#channels) channel.abort(reason)
  }
}

function metered(channel: Channel, onReceived: (bytes: number) => void): Channel {
  return {
    peer: channel.peer,
    send: (message) => channel.send(message),
    async receive() {
      const message = await channel.receive()
      if (message !== undefined) onReceived(message.length)
      return message
    },
    close: () => channel.close(),
    abort: (reason) => channel.abort(reason),
  }
}
