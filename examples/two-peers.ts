// Two peers in one process that talk over loopback.   Run: node --import tsx examples/two-peers.ts
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createP2PNode } from '../src/index.ts'

const dir = await mkdtemp(join(tmpdir(), 'p2pnode-'))
const local = { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false }

const alice = await createP2PNode({ ...local, dataDir: join(dir, 'alice'), name: 'Alice' })
const bob = await createP2PNode({ ...local, dataDir: join(dir, 'bob'), name: 'Bob', connect: alice.addresses })

const hers = await alice.join('example')
await hers.send('written before anybody was there')

const his = await bob.join('example')
await new Promise<void>((resolve) => {
  his.addEventListener('message', ({ detail }) => {
    console.log(`${detail.author.name}: ${detail.text}`)
    resolve()
  })
})
console.log('same history:', hers.digest().digest === his.digest().digest)

await Promise.all([alice.stop(), bob.stop()])
await rm(dir, { recursive: true })
