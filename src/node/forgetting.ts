import type { Libp2p, PeerId } from '@libp2p/interface'

/**
 * libp2p remembers everybody who ever connected, for a day and in memory. Here those whom nobody needs are forgotten when their last
 * connection closes, and the others when they are not needed any more: it is looked then when the next one leaves.
 */
export class Forgetting {
  readonly #libp2p: Pick<Libp2p, 'getConnections' | 'peerStore'>
  readonly #needed: () => { has(peer: string): boolean }
  /** Who is not connected any more and is not forgotten yet. */
  readonly #gone = new Map<string, PeerId>()

  /** `needed`: by peer id; not more than may be remembered. */
  constructor(libp2p: Pick<Libp2p, 'getConnections' | 'peerStore'>, needed: () => { has(peer: string): boolean }) {
    this.#libp2p = libp2p
    this.#needed = needed
  }

  left(peer: PeerId): void {
    this.#gone.set(peer.toString(), peer)
    const needed = this.#needed()
    for (const [id, gone] of this.#gone) {
      if (needed.has(id)) continue
      // Once more at the next: what was under way with it may be noted after this.
      if (gone !== peer) this.#gone.delete(id)
      if (this.#libp2p.getConnections(gone).length > 0) continue
      this.#libp2p.peerStore.delete(gone).catch(() => undefined) // it is in memory, and gone with the process
    }
  }
}
