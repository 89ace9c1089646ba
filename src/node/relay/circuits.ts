import type { Connection, Stream } from '@libp2p/interface'

/** A connection between two peers that leads through the relay. */
export interface CircuitView {
  from: string
  to: string
  since: Date
  /** Carried, both ways. */
  bytes: number
}

/** What `circuitRelayServer` of @libp2p/circuit-relay-v2 4.2 is besides its interface. */
interface HopService {
  handleConnect(hop: Hop, options: unknown): Promise<void>
  stopHop(stop: { connection: Connection }, options: unknown): Promise<Stream | undefined>
}

interface Hop {
  connection: Connection
  stream: { unwrap(): Stream }
}

/** Who is connected with whom through a relay, and how much that was. */
export class Circuits {
  readonly #open = new Set<CircuitView>()
  /** Since the start. */
  opened = 0
  bytes = 0

  /** Open now. */
  get size(): number {
    return this.#open.size
  }

  views(): CircuitView[] {
    return [...this.#open]
  }

  /** The same service, whose circuits are counted here. */
  counting<C, S>(create: (components: C) => S): (components: C) => S {
    return (components) => {
      const service = create(components)
      this.#count(service as HopService)
      return service
    }
  }

  #count(service: HopService): void {
    const handleConnect = service.handleConnect.bind(service)
    const stopHop = service.stopHop.bind(service)
    const targets = new WeakMap<object, [Connection, Stream]>()
    service.stopHop = async (stop, options) => {
      const stream = await stopHop(stop, options)
      if (stream !== undefined) targets.set(options as object, [stop.connection, stream])
      return stream
    }
    service.handleConnect = async (hop, options) => {
      await handleConnect(hop, options)
      const target = targets.get(options as object) // one object for each request, from one to the other
      if (target !== undefined) this.#add(hop.connection, hop.stream.unwrap(), ...target)
    }
  }

  #add(from: Connection, near: Stream, to: Connection, far: Stream): void {
    const circuit = { from: from.remotePeer.toString(), to: to.remotePeer.toString(), since: new Date(), bytes: 0 }
    this.opened++
    this.#open.add(circuit)
    for (const stream of [near, far]) {
      stream.addEventListener('message', ({ data }) => {
        circuit.bytes += data.byteLength
        this.bytes += data.byteLength
      })
      stream.addEventListener('close', () => this.#open.delete(circuit))
    }
    if (near.status !== 'open' || far.status !== 'open') this.#open.delete(circuit)
  }
}
