import type { Order } from './rpc-methods.ts'

/** How long a `stop` waits for what was asked before it and is slow, such as a dial, in milliseconds. */
const STOP_PATIENCE = 3_000

/** When each request of one connection starts: see `Order`. */
export class Turns {
  #changes: Promise<unknown> = Promise.resolve()
  #writes: Promise<unknown> = Promise.resolve()
  #open = new Set<Promise<unknown>>()

  /** Requests that have not come to an end. */
  get open(): number {
    return this.#open.size
  }

  run<T>(order: Order, call: () => Promise<T>): Promise<T> {
    const result = this.#start(order, call)
    const settled = result.then(nothing, nothing)
    this.#open.add(settled)
    void settled.then(() => this.#open.delete(settled))
    if (order === 'change') this.#changes = settled
    if (order === 'write') this.#writes = Promise.all([this.#writes, settled]).then(nothing)
    return result
  }

  /** Resolves when one of the open requests has come to an end. */
  async next(): Promise<void> {
    await Promise.race(this.#open)
  }

  /** Resolves when all open requests have come to an end. */
  async all(): Promise<void> {
    await Promise.all(this.#open)
  }

  async #start<T>(order: Order, call: () => Promise<T>): Promise<T> {
    if (order === 'write') await this.#changes
    if (order === 'change' || order === 'read') await Promise.all([this.#changes, this.#writes])
    if (order === 'last') await within(STOP_PATIENCE, this.all())
    return await call()
  }
}

const nothing = (): void => undefined

/** Resolves when `work` does, or after `milliseconds`. `work` must not reject. */
export async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([work, timeout])
  clearTimeout(timer)
}
