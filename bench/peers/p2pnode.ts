/** What is measured: the built library with its store on disk, as a program uses it. */
import type * as Library from '../../src/index.ts'
import { type Start, takePart } from './participant.ts'

const { createP2PNode } = (await import(new URL('../../dist/index.js', import.meta.url).href)) as typeof Library

const start: Start = async ({ dataDir, connect }, onText) => {
  const node = await createP2PNode({ dataDir, mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'], connect })
  const room = await node.join('bench')
  room.addEventListener('message', ({ detail }) => {
    if (detail.via !== 'self') onText(detail.text)
  })
  return {
    addresses: node.addresses,
    connect: (address) => node.connect(address),
    send: (text) => room.send(text),
    count: () => room.info().count,
    stop: () => node.stop(),
  }
}

await takePart(start)
