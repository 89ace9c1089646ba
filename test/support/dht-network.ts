import '../../src/shims.node.ts'
import type { MultiaddrConnection, Transport } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import type { DhtFigures } from '../../src/node/dht/index.ts'
import type { Peer } from '../../src/node/index.ts'
import type { TransportFactory } from '../../src/node/presets.ts'
import { addressOf, Peers } from './peers.ts'
import { waitFor } from './wait-for.ts'

type Upgrader = Parameters<Transport['dial']>[1]['upgrader']

/** How many are below one. */
const DEGREE = 3

/** What went over the wire of many peers: each byte once, where it was received. */
export class Meter {
  bytes = 0
  dials = 0

  /** TCP that is counted. */
  transport(): TransportFactory {
    return (components) => {
      const transport = tcp()(components)
      const dial = transport.dial.bind(transport)
      const createListener = transport.createListener.bind(transport)
      transport.dial = async (address, options) => {
        this.dials++
        return await dial(address, { ...options, upgrader: this.#counting(options.upgrader) })
      }
      transport.createListener = (options) => createListener({ ...options, upgrader: this.#counting(options.upgrader) })
      return transport
    }
  }

  #counting(upgrader: Upgrader): Upgrader {
    const count = (connection: MultiaddrConnection): void =>
      connection.addEventListener('message', ({ data }) => {
        this.bytes += data.byteLength
      })
    return new Proxy(upgrader, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (name === 'upgradeInbound' || name === 'upgradeOutbound') count(args[0] as MultiaddrConnection)
          return Reflect.apply(value, target, args) as unknown
        }
      },
    })
  }
}

/** Peers in one process, on loopback: a tree, in which each knows the one above it. */
export class DhtNetwork {
  readonly meter = new Meter()
  readonly peers: Peer[] = []
  readonly #all = new Peers()

  async grow(size: number): Promise<void> {
    while (this.peers.length < size) {
      const above = this.peers[Math.floor((this.peers.length - 1) / DEGREE)]
      const connect = above === undefined ? [] : [addressOf(above)]
      this.peers.push(await this.#all.start({ dht: true, connect, transports: [this.meter.transport()] }))
    }
    await waitFor(
      () => this.figures().length === size && this.figures().every(({ contacts }) => contacts > 0),
      'everybody to know a server',
      60_000,
    )
  }

  figures(): DhtFigures[] {
    return this.peers.flatMap((peer) => peer.diagnose().dht ?? [])
  }

  get connections(): number {
    return this.peers.reduce((sum, { libp2p }) => sum + libp2p.getConnections().length, 0) / 2
  }

  async close(): Promise<void> {
    await this.#all.close()
  }
}
