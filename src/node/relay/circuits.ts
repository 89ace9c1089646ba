import type { Connection, Stream } from '@libp2p/interface'
import { Flow } from './flow.ts'

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

interface Circuit {
  view: CircuitView
  streams: Stream[]
  /** There and back. */
  flows: Flow[]
}

const waitingIn = ({ flows }: Circuit): number => flows.reduce((sum, { waiting }) => sum + waiting, 0)

/**
 * The service pipes the side that asked to the other and back, and `pipe` of @libp2p/utils 7.4 reads what stands at both ends of a
 * line twice: once to hand it on, once into a queue that nobody empties, which held every byte until the circuit ended. So the second
 * listener hears nothing. Returns what lets others listen again.
 */
function readOnce(hop: Hop['stream']): () => void {
  const unwrap = hop.unwrap.bind(hop)
  let stream: Stream | undefined
  hop.unwrap = () => {
    if (stream !== undefined) return stream
    stream = unwrap()
    const listen = stream.addEventListener.bind(stream) as (type: string, ...rest: unknown[]) => void
    let isRead = false
    stream.addEventListener = (type: string, ...rest: unknown[]) => {
      if (type !== 'message' || !isRead) listen(type, ...rest)
      isRead ||= type === 'message'
    }
    return stream
  }
  return () => {
    hop.unwrap = unwrap
    if (stream !== undefined) Reflect.deleteProperty(stream, 'addEventListener')
  }
}

/** Who is connected with whom through a relay, and how much that was. */
export class Circuits {
  readonly #open = new Set<Circuit>()
  /** Since the start. */
  opened = 0
  bytes = 0

  /** Open now. */
  get size(): number {
    return this.#open.size
  }

  views(): CircuitView[] {
    return [...this.#open].map(({ view }) => view)
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
      const readAgain = readOnce(hop.stream)
      await handleConnect(hop, options).finally(readAgain)
      const target = targets.get(options as object) // one object for each request, from one to the other
      if (target !== undefined) this.#add(hop.connection, hop.stream.unwrap(), ...target)
    }
  }

  /** Bytes that one side has sent and the other has not taken. */
  get waiting(): number {
    return [...this.#open].reduce((sum, circuit) => sum + waitingIn(circuit), 0)
  }

  /** While all together keep more than `max` bytes waiting, the one that does so most is ended. */
  relieve(max: number): void {
    let excess = this.waiting - max
    const byWaiting = excess > 0 ? [...this.#open].sort((a, b) => waitingIn(b) - waitingIn(a)) : []
    for (const circuit of byWaiting) {
      if (excess <= 0) return
      excess -= waitingIn(circuit)
      for (const stream of circuit.streams) stream.abort(new Error('too much is waiting'))
    }
  }

  #add(from: Connection, near: Stream, to: Connection, far: Stream): void {
    const view = { from: from.remotePeer.toString(), to: to.remotePeer.toString(), since: new Date(), bytes: 0 }
    const carry = (bytes: number): void => {
      view.bytes += bytes
      this.bytes += bytes
    }
    const circuit = { view, streams: [near, far], flows: [new Flow(near, far, carry), new Flow(far, near, carry)] }
    this.opened++
    this.#open.add(circuit)
    for (const stream of circuit.streams) stream.addEventListener('close', () => this.#open.delete(circuit))
    if (circuit.streams.some(({ status }) => status !== 'open')) this.#open.delete(circuit)
  }
}
