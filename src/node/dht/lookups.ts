import type { PeerId, PeerInfo } from '@libp2p/interface'
import { MAX_LOOKUPS } from './constants.ts'
import type { Kad } from './kad.ts'
import { namespaceKey } from './namespace-key.ts'
import type { Reach } from './reach.ts'
import type { RouteActions } from './route.ts'

const KEY_BYTES = 32

/** What is asked of the DHT, and what is made of the answers. */
export class Lookups implements RouteActions {
  readonly #kad: Kad
  readonly #reach: Reach
  readonly #self: PeerId

  constructor(kad: Kad, reach: Reach, self: PeerId) {
    this.#kad = kad
    this.#reach = reach
    this.#self = self
  }

  isReady(): boolean {
    return this.#kad.routingTable.size > 0
  }

  async provide(namespace: string, signal: AbortSignal): Promise<number> {
    if (this.#reach.told().length === 0) return 0 // nobody could do anything with it
    let told = 0
    for await (const event of this.#kad.provide(namespaceKey(namespace), { signal }))
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') told++
    return told
  }

  offer(namespace: string): void {
    void this.#kad.providers.addProvider(namespaceKey(namespace), this.#self)
  }

  withdraw(namespace: string): void {
    void this.#kad.cancelReprovide(namespaceKey(namespace))
  }

  async find(namespace: string, found: (peer: PeerInfo) => boolean, signal: AbortSignal): Promise<void> {
    const nowhere: PeerId[] = []
    for await (const event of this.#kad.findProviders(namespaceKey(namespace), { signal })) {
      if (event.name !== 'PROVIDER') continue
      for (const { id, multiaddrs } of event.providers) {
        if (id.equals(this.#self)) continue
        const addresses = this.#reach.keep(multiaddrs)
        if (addresses.length === 0) nowhere.push(id)
        else if (!found({ id, multiaddrs: addresses })) return
      }
    }
    for (const id of nowhere.slice(0, MAX_LOOKUPS)) {
      const addresses = await this.#locate(id, signal)
      if (addresses.length > 0 && !found({ id, multiaddrs: addresses })) return
    }
  }

  /** Servers close to this peer, or to a point chosen at random: they become contacts as they answer. */
  async refresh(target: 'self' | 'random', signal: AbortSignal): Promise<void> {
    const key = target === 'self' ? this.#self.toMultihash().bytes : crypto.getRandomValues(new Uint8Array(KEY_BYTES))
    for await (const _ of this.#kad.getClosestPeers(key, { signal }));
  }

  async #locate(id: PeerId, signal: AbortSignal): Promise<PeerInfo['multiaddrs']> {
    try {
      for await (const event of this.#kad.findPeer(id, { signal })) {
        if (event.name !== 'FINAL_PEER') continue
        const addresses = this.#reach.keep(event.peer.multiaddrs)
        if (addresses.length > 0) return addresses
      }
    } catch (error) {
      if (!(error instanceof Error && error.name === 'NotFoundError')) throw error
    }
    return []
  }
}
