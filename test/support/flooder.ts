import '../../src/shims.node.ts'
import type { GossipSub } from '@libp2p/gossipsub'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

/** Somebody with a gossipsub of their own, who says what they like. */
export async function createFlooder() {
  return await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      pubsub: gossipsub({
        globalSignaturePolicy: 'StrictNoSign',
        allowPublishToZeroTopicPeers: true,
        msgIdFn: ({ data }) => data.slice(0, 20),
      }),
    },
  })
}

/** 1,000 messages a second, in bursts, until `end`. */
export async function flood(pubsub: GossipSub, topic: string, end: () => boolean): Promise<void> {
  for (let n = 0; !end(); ) {
    for (let burst = 0; burst < 50; burst++)
      await pubsub.publish(topic, new TextEncoder().encode(`junk ${n++} ${'x'.repeat(200)}`))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
