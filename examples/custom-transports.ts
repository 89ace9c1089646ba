// Transports and discovery are parameters: here WebSockets only, and nobody is looked for.   Run: node --import tsx examples/custom-transports.ts
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { webSockets } from '@libp2p/websockets'
import { createP2PNode } from '../src/index.ts'

const dir = await mkdtemp(join(tmpdir(), 'p2pnode-'))
const web = { listen: ['/ip4/127.0.0.1/tcp/0/ws'], transports: [webSockets()], discovery: [] }

const alice = await createP2PNode({ ...web, dataDir: join(dir, 'alice'), name: 'Alice' })
const bob = await createP2PNode({ ...web, dataDir: join(dir, 'bob'), name: 'Bob' })
const room = await alice.join('example')
const heard = new Promise<string>((resolve) => room.addEventListener('message', ({ detail }) => resolve(detail.text)))

await bob.join('example')
const peer = await bob.connect(alice.addresses[0] ?? '')
console.log('connected by', peer.addresses[0])
await bob.room('example').send('over WebSockets')
console.log('heard:', await heard)

await Promise.all([alice.stop(), bob.stop()])
await rm(dir, { recursive: true })
