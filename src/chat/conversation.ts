/** Messages over a channel, each step of which has a deadline: a peer that neither sends nor takes anything for a while is left. */
import { ClosedError, InvalidEventError } from '../errors.ts'
import type { Channel, Clock } from './seams.ts'

/** `decode` throws InvalidEventError. */
export interface Codec<M> {
  encode(message: M): Uint8Array
  decode(bytes: Uint8Array): M
}

export class Conversation<M extends { type: string }> {
  readonly #channel: Channel
  readonly #clock: Clock
  readonly #codec: Codec<M>
  /** Milliseconds. */
  readonly #patience: number

  constructor(channel: Channel, clock: Clock, codec: Codec<M>, patience: number) {
    this.#channel = channel
    this.#clock = clock
    this.#codec = codec
    this.#patience = patience
  }

  send(message: M): Promise<void> {
    return this.#within(() => this.#channel.send(this.#codec.encode(message)))
  }

  /** @throws InvalidEventError, ClosedError */
  async next(): Promise<M> {
    const bytes = await this.#within(() => this.#channel.receive())
    if (bytes === undefined) throw new ClosedError('the peer ended the conversation')
    return this.#codec.decode(bytes)
  }

  /** @throws InvalidEventError when something else comes, ClosedError */
  async expect<T extends M['type']>(type: T): Promise<Extract<M, { type: T }>> {
    const message = await this.next()
    if (message.type !== type) throw new InvalidEventError(`expected ${type}, not ${message.type}`)
    return message as Extract<M, { type: T }>
  }

  async #within<T>(action: () => Promise<T>): Promise<T> {
    const cancel = this.#clock.setTimeout(() => this.#channel.abort(new ClosedError('the peer fell silent')), this.#patience)
    try {
      return await action()
    } finally {
      cancel()
    }
  }
}
