/**
 * `library-child.js <dataDir> <outstanding>`: opens a room through the built library and prints one line of JSON with what it holds;
 * then sends with that many outstanding until it is killed, and prints each id once it is acknowledged. With 0 it stops cleanly.
 *
 * JavaScript against dist: started a thousand times, it must not be transpiled first.
 */
import { createP2PNode } from '../../dist/index.js'

const [dataDir, outstanding] = [process.argv[2], Number(process.argv[3])]

const [start, used] = [performance.now(), process.cpuUsage()]
const node = await createP2PNode({ dataDir, mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'] })
const room = node.rooms[0] ?? (await node.join('harbour'))
const milliseconds = performance.now() - start
const { user, system } = process.cpuUsage(used)

const ids = []
for await (const { id } of room.history()) ids.push(id)
const { ok, forks } = await room.verify()
process.stdout.write(`${JSON.stringify({ milliseconds, worked: (user + system) / 1000, ids, ok, forks })}\n`)

async function sender(index) {
  for (let turn = 0; ; turn++) {
    const { id } = await room.send(`sender ${index}, message ${turn}, ${'x'.repeat((turn * 37) % 400)}`)
    process.stdout.write(`${id}\n`)
  }
}

if (outstanding === 0) await node.stop()
else await Promise.all(Array.from({ length: outstanding }, (_, index) => sender(index)))
