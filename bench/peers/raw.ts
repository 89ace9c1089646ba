/** The reference: gossipsub as libp2p ships it, every message signed, over TCP, Noise and Yamux. No application, no store. */
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { type Start, takePart } from './participant.ts'

const TOPIC = 'bench'

const start: Start = async ({ connect }, onText) => {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  const { pubsub } = libp2p.services
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()]
  pubsub.addEventListener('message', ({ detail }) => onText(decoder.decode(detail.data)))
  pubsub.subscribe(TOPIC)
  for (const address of connect) await libp2p.dial(multiaddr(address))
  return {
    addresses: libp2p.getMultiaddrs().map(String),
    connect: (address) => libp2p.dial(multiaddr(address)),
    send: (text) => pubsub.publish(TOPIC, encoder.encode(text)),
    stop: async () => libp2p.stop(),
  }
}

await takePart(start)
