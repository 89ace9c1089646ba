/**
 * Direct connections between two peers behind NATs, by simultaneous open over TCP (DCUtR:
 * https://github.com/libp2p/specs/blob/master/relay/DCUtR.md). As shipped it cannot succeed over TCP; what this file changes holds
 * for libp2p 3.3.11, @libp2p/tcp 11.0.28, @libp2p/dcutr 3.0.28 and @libp2p/identify 4.1.14, which are pinned:
 *
 * 1. identify drops the TCP addresses that others observe (js-libp2p#2620), so that there is none to be told: they are taken from
 *    the event it dispatches, and told in DCUtR's messages only. Announced, they would be dialled by strangers in vain.
 * 2. Every dial leaves from a port of its own, so that the port a relay observes is of no use: dials to public addresses leave from
 *    one port, which nobody listens on.
 * 3. The queue of dials loses `initiator: false`, and both sides begin the Noise handshake: DCUtR dials without it.
 * 4. yamux takes who is client from the direction of the socket, which is outbound on both sides: it is turned round on one.
 * 5. A dial's time limit destroys the socket also when it is long connected: it is let go then.
 * 6. One relayed connection is upgraded several times at once, once for each event of its topology: once is enough.
 * 7. The relayed connection is closed at once, and breaks what is under way on it: it is left to `settle`, which waits.
 */
import { dcutr } from '@libp2p/dcutr'
import type { Connection, IdentifyResult, MultiaddrConnection, Transport } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { isPrivate } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { TransportFactory } from '../presets.ts'

type DialOptions = Parameters<Transport['dial']>[1] & { initiator?: boolean }
type Upgrade = Parameters<Transport['dial']>[1]['upgrader']['upgradeOutbound']
type DcutrComponents = Parameters<ReturnType<typeof dcutr>>[0]

/** How this peer looks from outside: the addresses that relays saw its connections come from. */
export class Mapping {
  /** The port that dials leave from. */
  readonly port: number
  /** By relay. */
  readonly #observed = new Map<string, Multiaddr>()
  /** Addresses whose last dial left from `port`. */
  readonly #fromPort = new Set<string>()

  constructor(port: number) {
    this.port = port
  }

  /** A dial to `address` succeeded, from the port or, where that could not be had, from another. */
  dialled(address: Multiaddr, fromPort: boolean): void {
    if (fromPort) this.#fromPort.add(address.toString())
    else this.#fromPort.delete(address.toString())
  }

  /** What a relay said it saw. */
  note({ peerId, observedAddr, connection }: IdentifyResult): void {
    if (observedAddr === undefined || isPrivate(observedAddr) || connection.direction !== 'outbound') return
    const [host, port, self, ...rest] = observedAddr.getComponents()
    if (host === undefined || port?.name !== 'tcp' || self?.name !== 'p2p' || rest.length > 0) return
    // From another port: a NAT that keeps ports would have shown ours.
    const seen = this.#fromPort.has(connection.remoteAddr.toString()) ? port.value : this.port
    this.#observed.set(peerId.toString(), multiaddr(`/${host.name}/${host.value}/tcp/${seen}/p2p/${self.value}`))
  }

  addresses(): Multiaddr[] {
    return [...new Map([...this.#observed.values()].map((address) => [address.toString(), address])).values()]
  }
}

/** TCP whose dials to public addresses leave from the port of the mapping, or from any where that cannot be had. */
export function punchingTcp(mapping: Mapping): TransportFactory {
  return (components) => {
    const transport = tcp()(components)
    const fromPort = tcp({ dialOpts: { localPort: mapping.port } as object })(components) // handed to net.connect()
    const dial = transport.dial.bind(transport)
    transport.dial = async (address, given) => {
      if (isPrivate(address)) return await dial(address, given)
      const options = answering(given)
      try {
        const connection = await fromPort.dial(address, options)
        mapping.dialled(address, true)
        return connection
      } catch (error) {
        if (!/EADDRINUSE|EADDRNOTAVAIL/.test(String(error))) throw error
        const connection = await dial(address, options)
        mapping.dialled(address, false)
        return connection
      }
    }
    return transport
  }
}

/** 4. Of two that open at the same time, the one that answers the handshake is the server of the muxer too. */
function answering(options: DialOptions): DialOptions {
  if (options.initiator !== false) return options
  const { upgrader } = options
  const upgradeOutbound: Upgrade = (connection, init) => {
    Object.assign(connection satisfies MultiaddrConnection, { direction: 'inbound' })
    return upgrader.upgradeOutbound(connection, init)
  }
  return { ...options, upgrader: replacing(upgrader, { upgradeOutbound }) }
}

/** DCUtR between peers that have a mapping. What it comes to is added to `punched`. */
export function punchingDcutr(mapping: Mapping, punched: WeakSet<Connection>): (components: DcutrComponents) => unknown {
  return (components) => {
    const { addressManager, registrar, connectionManager, transportManager } = components
    const upgraded = new WeakSet<Connection>()
    const parts: DcutrComponents = {
      ...pick(components),
      addressManager: replacing(addressManager, {
        getAddresses: () => [...mapping.addresses(), ...addressManager.getAddresses()],
      }),
      registrar: replacing(registrar, {
        register: (protocol, topology) =>
          registrar.register(protocol, {
            ...topology,
            onConnect(peer, connection) {
              if (upgraded.has(connection)) return
              upgraded.add(connection)
              topology.onConnect?.(peer, keptOpen(connection))
            },
          }),
        handle: (protocol, handler, options) =>
          registrar.handle(protocol, (stream, connection) => handler(stream, keptOpen(connection)), options),
      }),
      connectionManager: replacing(connectionManager, {
        async openConnection(addresses, options = {}) {
          const dial = (address: Multiaddr): Promise<Connection> =>
            letGo(options.signal, (signal) => transportManager.dial(address, { ...options, signal }))
          const connection = await Promise.any([addresses].flat().map((address) => dial(address as Multiaddr)))
          punched.add(connection)
          return connection
        },
      }),
    }
    return dcutr()(parts)
  }
}

/** libp2p's components are a proxy, which cannot be spread. */
function pick({
  peerStore,
  transportManager,
  logger,
  addressManager,
  registrar,
  connectionManager,
}: DcutrComponents): DcutrComponents {
  return { peerStore, transportManager, logger, addressManager, registrar, connectionManager }
}

function keptOpen(connection: Connection): Connection {
  return replacing(connection, { close: () => Promise.resolve() })
}

/** `target` with other methods. */
function replacing<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(key in methods ? methods : object, key)
      return typeof value === 'function' ? value.bind(object) : value
    },
  })
}

/** 5. What `signal` ends is the dial, not the connection that it came to. */
async function letGo<T>(signal: AbortSignal | undefined, dial: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const abort = (): void => controller.abort(signal?.reason)
  if (signal?.aborted === true) abort()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await dial(controller.signal)
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}
