import type { Channel } from '../../src/chat/seams.ts'

/** What a broken link, an unreachable peer or a reset stream throws: everyday life, never a bug. */
export class NetworkError extends Error {
  override name = 'NetworkError'
}

/** How the two ends of a channel reach each other. `carry` runs `arrive` at the other side in order, or never. */
export interface Wire {
  carry(arrive: () => void): void
  /** Bytes on their way or unread, at which the sender waits. */
  window: number
  /** Sees every message that is sent. */
  inspect(message: Uint8Array): void
}

/** One end of an ordered, reliable stream that lives no longer than its link. */
export class ChannelEnd implements Channel {
  readonly peer: string
  readonly #wire: Wire
  #other!: ChannelEnd
  readonly #inbox: Uint8Array[] = []
  #ended = false
  #closed = false
  #error: Error | undefined
  #wake: (() => void)[] = []
  /** Bytes sent and not yet read by the other side. */
  #outstanding = 0
  #drained: (() => void)[] = []

  private constructor(peer: string, wire: Wire) {
    this.peer = peer
    this.#wire = wire
  }

  /** The two ends; `peers` and `wires` as each end sees them. */
  static pair(peers: [string, string], wires: [Wire, Wire]): [ChannelEnd, ChannelEnd] {
    const ends: [ChannelEnd, ChannelEnd] = [new ChannelEnd(peers[0], wires[0]), new ChannelEnd(peers[1], wires[1])]
    ends[0].#other = ends[1]
    ends[1].#other = ends[0]
    return ends
  }

  async send(message: Uint8Array): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    if (this.#closed) throw new NetworkError('the stream is closed')
    this.#wire.inspect(message)
    this.#outstanding += message.length
    this.#wire.carry(() => this.#other.#take(message))
    while (this.#outstanding > this.#wire.window) {
      await new Promise<void>((resolve) => this.#drained.push(resolve))
      if (this.#error !== undefined) throw this.#error
    }
  }

  #take(message: Uint8Array): void {
    if (this.#error !== undefined) return
    this.#inbox.push(message)
    this.#stir()
  }

  #stir(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  async receive(): Promise<Uint8Array | undefined> {
    for (;;) {
      const message = this.#inbox.shift()
      if (message !== undefined) {
        this.#other.#read(message.length)
        return message
      }
      if (this.#error !== undefined) throw this.#error
      if (this.#ended) return undefined
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  #read(bytes: number): void {
    this.#outstanding -= bytes
    if (this.#outstanding <= this.#wire.window) for (const resume of this.#drained.splice(0)) resume()
  }

  async close(): Promise<void> {
    if (this.#closed || this.#error !== undefined) return
    this.#closed = true
    this.#wire.carry(() => {
      this.#other.#ended = true
      this.#other.#stir()
    })
  }

  abort(reason: Error): void {
    if (this.#error !== undefined) return
    this.break(reason)
    this.#wire.carry(() => this.#other.break(new NetworkError('the stream was reset')))
  }

  /** This end is over, whatever the other one thinks. */
  break(reason: Error): void {
    this.#error ??= reason
    this.#stir()
    for (const resume of this.#drained.splice(0)) resume()
  }
}
