/** The network of the demonstration: every peer stands behind a door, and the others reach it through that door only. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { pipeline } from 'node:stream'

const HOST = '127.0.0.1'

const done = (): void => undefined

async function listen(server: Server): Promise<number> {
  server.listen(0, HOST)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A port that nobody listens on, in so far as one can know that of the next moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  server.close()
  await once(server, 'close')
  return port
}

export class Door {
  /** Dials that were turned away. */
  refused = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #shut = false

  /** @param port Of the peer behind the door */
  constructor(port: number) {
    this.#server = createServer((outside) => {
      if (this.#shut) {
        this.refused += 1
        return void outside.destroy()
      }
      const inside = connect(port, HOST)
      for (const socket of [outside, inside]) {
        this.#sockets.add(socket.setNoDelay())
        socket.once('close', () => this.#sockets.delete(socket))
      }
      pipeline(outside, inside, outside, done)
    })
  }

  /** Resolves with the multiaddr to dial. */
  async listen(): Promise<string> {
    return `/ip4/${HOST}/tcp/${await listen(this.#server)}`
  }

  /** Ends every connection and lets nobody in. The port stays taken, so that no stranger has it when the door opens again. */
  shut(): void {
    this.#shut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  open(): void {
    this.#shut = false
  }

  close(): void {
    this.shut()
    this.#server.close(done)
  }
}
