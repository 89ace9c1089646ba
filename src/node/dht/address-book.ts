import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { MAX_LEARNED } from './constants.ts'

/** Where others say that peers are: to be tried, and told to nobody. The ones learned longest ago go first. */
export class AddressBook {
  readonly #addresses = new Map<string, Multiaddr[]>()

  learn(peer: PeerId, addresses: Multiaddr[]): void {
    if (addresses.length === 0) return
    const id = peer.toString()
    this.#addresses.delete(id)
    this.#addresses.set(id, addresses)
    if (this.#addresses.size <= MAX_LEARNED) return
    const [oldest] = this.#addresses.keys()
    if (oldest !== undefined) this.#addresses.delete(oldest)
  }

  peers(): string[] {
    return [...this.#addresses.keys()]
  }

  of(peer: PeerId): Multiaddr[] {
    return this.#addresses.get(peer.toString()) ?? []
  }

  forget(peer: PeerId): void {
    this.#addresses.delete(peer.toString())
  }

  clear(): void {
    this.#addresses.clear()
  }
}
