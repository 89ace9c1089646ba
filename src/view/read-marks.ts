import type { Client, Message } from '../client/client.ts'

/** Tells the peer what was shown. Of many messages in a row only the last one of a room is told. */
export class ReadMarks {
  readonly #client: Client
  readonly #fail: (error: unknown) => void
  readonly #last = new Map<string, string>()
  #telling = false
  #ended = false

  constructor(client: Client, fail: (error: unknown) => void) {
    this.#client = client
    this.#fail = fail
  }

  add({ room, id }: Message): void {
    this.#last.set(room, id)
    if (!this.#telling) void this.#tell()
  }

  /** Tells nothing more. */
  end(): void {
    this.#ended = true
  }

  async #tell(): Promise<void> {
    this.#telling = true
    try {
      // What is shown in the same turn is one mark.
      await Promise.resolve()
      for (let [next] = this.#last; next !== undefined && !this.#ended; [next] = this.#last) {
        const [room, id] = next
        this.#last.delete(room)
        await this.#client.read({ room, id })
      }
    } catch (error) {
      if (!this.#ended) this.#fail(error)
    } finally {
      this.#telling = false
    }
  }
}
