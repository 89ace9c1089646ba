/** The reference for histories: hypercore's log and its replication over a TCP connection, without a network of its own. */
import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Start, takePart } from './participant.ts'

/** What is used of a package that has no types. */
interface Hypercore {
  ready(): Promise<void>
  readonly key: Buffer
  readonly length: number
  readonly contiguousLength: number
  on(event: 'download', listener: () => void): unknown
  append(block: Buffer): Promise<unknown>
  download(range: { start: number; end: number }): unknown
  replicate(isInitiator: boolean): Duplex
  close(): Promise<void>
}
type HypercoreClass = new (dir: string, key?: Buffer) => Hypercore

// Its name is no literal, for it is installed when the measurements run and not where the types are checked.
const name: string = 'hypercore'
const { default: Core } = (await import(name)) as { default: HypercoreClass }

const start: Start = async ({ dataDir, me }) => {
  let core: Hypercore | undefined
  let downloaded = 0
  // Whoever only fetches learns from the address whose log it is.
  if (me === 0) core = new Core(dataDir)
  await core?.ready()
  const join = (socket: Socket, isInitiator: boolean): void => {
    const stream = core?.replicate(isInitiator)
    // The end of the other process is the end of the measurement.
    for (const end of [socket, stream]) end?.on('error', () => undefined)
    if (stream !== undefined) socket.pipe(stream).pipe(socket)
  }
  const server = createServer((socket) => join(socket.setNoDelay(), false))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    addresses: [`${port}/${core?.key.toString('hex')}`],
    async connect(address) {
      const [theirPort, key = ''] = address.split('/')
      core = new Core(dataDir, Buffer.from(key, 'hex'))
      await core.ready()
      core.on('download', () => downloaded++)
      core.download({ start: 0, end: -1 })
      const socket = connectTcp(Number(theirPort), '127.0.0.1')
      await once(socket, 'connect')
      join(socket.setNoDelay(), true)
    },
    send: async (text) => core?.append(Buffer.from(text)),
    count() {
      const { length = 0, contiguousLength = 0 } = core ?? {}
      // Blocks come in any order: until there are no gaps what has come shows that it goes on, and is not the whole.
      return contiguousLength === length ? length : Math.min(downloaded, length - 1)
    },
    async stop() {
      server.close()
      await core?.close()
    },
  }
}

await takePart(start)
