import { MAX_BANS } from './constants.ts'

/** Peers that are refused for a while, both ways. In memory only: a restart forgives. */
export class Bans {
  readonly #until = new Map<string, number>()

  add(peer: string, milliseconds: number): void {
    const until = Math.max(this.#until.get(peer) ?? 0, performance.now() + milliseconds)
    this.#until.delete(peer)
    this.#until.set(peer, until)
    if (this.#until.size > MAX_BANS) {
      const [oldest] = this.#until.keys()
      if (oldest !== undefined) this.#until.delete(oldest)
    }
  }

  has(peer: string): boolean {
    const until = this.#until.get(peer)
    if (until === undefined) return false
    if (until > performance.now()) return true
    this.#until.delete(peer)
    return false
  }
}
