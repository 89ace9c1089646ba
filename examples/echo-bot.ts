// A bot that answers in the room "echo" until Ctrl-C.   Run: node --import tsx examples/echo-bot.ts
import { createP2PNode } from '../src/index.ts'

const node = await createP2PNode({ dataDir: process.argv[2] ?? './echo-bot', name: 'echo' })
const room = await node.join('echo')
room.addEventListener('message', ({ detail }) => {
  if (detail.author.account !== node.account && detail.via === 'gossip')
    void room.send(`you said: ${detail.text}`, { replyTo: detail.id })
})
process.once('SIGINT', () => node.stop())
console.log('echoing in the room "echo"')
