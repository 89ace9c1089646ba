import type { Stream } from '@libp2p/interface'
import { CARRIED_AT_ONCE } from '../constants.ts'

/** What the streams of @libp2p/utils 7.4 are besides their interface. */
interface MessageStream extends Stream {
  onRemoteCloseWrite(): void
}

/**
 * One direction of a circuit. `circuitRelayServer` of @libp2p/circuit-relay-v2 4.2 reads as fast as one side sends, whether or not the
 * other takes it, and keeps what waits: so the side that sends is not read while it is much.
 */
export class Flow {
  readonly #from: MessageStream
  readonly #to: Stream
  readonly #onRead: (bytes: number) => void
  #read = 0
  #handedOn = 0
  /** Of a side that has said all it has to say, which is not to be heard before all of it was read. */
  #end: (() => void) | undefined

  /** From now on; `onRead` hears how many bytes came. */
  constructor(from: Stream, to: Stream, onRead: (bytes: number) => void) {
    this.#from = from as MessageStream
    this.#to = to
    this.#onRead = onRead
    this.#watchTarget()
    this.#watchSource()
  }

  /** Bytes that came and have not left, and those that may come although nobody reads. */
  get waiting(): number {
    const { readBufferLength, status } = this.#from
    return status === 'open' || this.#to.status === 'open' ? this.#unsent + readBufferLength : 0
  }

  get #unsent(): number {
    return Math.max(0, this.#read - this.#handedOn) + this.#to.writeBufferLength
  }

  #watchTarget(): void {
    const send = this.#to.send.bind(this.#to)
    this.#to.send = (data) => {
      const hasRoom = send(data)
      this.#handedOn += data.byteLength
      this.#balance()
      return hasRoom
    }
    this.#to.addEventListener('idle', () => this.#balance())
  }

  #watchSource(): void {
    const source = this.#from
    source.addEventListener('message', ({ data }) => {
      this.#read += data.byteLength
      this.#onRead(data.byteLength)
      this.#balance()
    })
    const end = source.onRemoteCloseWrite.bind(source)
    source.onRemoteCloseWrite = () => {
      if (source.readStatus === 'paused') this.#end = end
      else end()
    }
  }

  #balance(): void {
    const { readStatus } = this.#from
    if (readStatus === 'readable' && this.#unsent > CARRIED_AT_ONCE) this.#from.pause()
    else if (readStatus === 'paused' && this.#unsent <= CARRIED_AT_ONCE / 2) this.#resume()
  }

  #resume(): void {
    this.#from.resume()
    if (this.#end === undefined || this.#from.readBufferLength > 0) return
    this.#end()
    this.#end = undefined
  }
}
