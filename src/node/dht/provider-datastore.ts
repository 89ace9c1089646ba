import { NotFoundError } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import type { ProviderStore } from './provider-store.ts'

type Datastore = KadDHTComponents['datastore']
type Key = Parameters<Datastore['put']>[0]

export interface ProviderDatastoreInit {
  records: ProviderStore
  /** This peer's id: what it provides itself has a place of its own. */
  self: string
  networkOf(peer: string): string
}

/** Under which @libp2p/kad-dht keeps who provides what: then comes the hash, then the peer id. */
const PREFIX = ['', 'dht', 'provider']

/** Of a record, when it was written: the store knows better. */
const UNUSED = new Uint8Array(1)

/**
 * What @libp2p/kad-dht 16.4 takes for a datastore, of which it needs little. Its own searches all records for every question, and
 * has no limit.
 */
export class ProviderDatastore {
  readonly #init: ProviderDatastoreInit
  readonly #own = new Set<string>()

  constructor(init: ProviderDatastoreInit) {
    this.#init = init
  }

  put(name: Key): Key {
    const { records, self, networkOf } = this.#init
    const [key, peer] = parts(name.toString())
    if (key === undefined || peer === undefined) throw new Error('only records of providers are kept')
    if (peer === self) this.#own.add(key)
    else if (!records.put(key, peer, networkOf(peer))) throw new Error('the peer has too many records')
    return name
  }

  delete(name: Key): void {
    const [key, peer] = parts(name.toString())
    if (key === undefined || peer === undefined) return
    if (peer === this.#init.self) this.#own.delete(key)
    else this.#init.records.remove(key, peer)
  }

  get(): never {
    throw new NotFoundError('only records of providers are kept')
  }

  async *query({ prefix = '' }: { prefix?: string }): AsyncGenerator<{ key: Key; value: Uint8Array }> {
    const { records, self } = this.#init
    const [key] = parts(prefix)
    if (key === undefined) return
    const providers = records.providers(key)
    if (this.#own.has(key)) providers.push(self)
    for (const peer of providers) yield { key: { toString: () => `${prefix}/${peer}` } as Key, value: UNUSED }
  }
}

function parts(name: string): string[] {
  const all = name.split('/')
  return PREFIX.every((part, at) => all[at] === part) ? all.slice(PREFIX.length) : []
}
