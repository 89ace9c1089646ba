import { once } from 'node:events'
import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'

/** A way to a TCP port that stops after so many bytes from there, until it is told to go on. It begins on the same address. */
export class SlowWay {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #stopped = new Set<Socket>()
  #left: number

  private constructor(host: string, port: number, bytes: number) {
    this.#left = bytes
    this.#server = createServer((near) => this.#join(near, tcpConnect(port, host)))
  }

  static async to(host: string, port: number, bytes: number): Promise<SlowWay> {
    const way = new SlowWay(host, port, bytes)
    way.#server.listen(0, host)
    await once(way.#server, 'listening')
    return way
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  get isStopped(): boolean {
    return this.#stopped.size > 0
  }

  /** For good. */
  goOn(): void {
    this.#left = Infinity
    for (const socket of this.#stopped) socket.resume()
    this.#stopped.clear()
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #join(near: Socket, far: Socket): void {
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined) // and closed, then
      socket.on('close', () => other.destroy())
      socket.on('end', () => other.end())
    }
    near.on('data', (bytes) => void far.write(bytes))
    far.on('data', (bytes) => {
      near.write(bytes)
      this.#left -= bytes.length
      if (this.#left > 0) return
      far.pause()
      this.#stopped.add(far)
    })
  }
}
