import '../../src/shims.node.ts'
import { createHash } from 'node:crypto'
import type { GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

/** The part of gossipsub 17 that its interface hides. */
interface Sender {
  sendRpc(peer: string, rpc: { subscriptions: []; messages: { topic: string; data: Uint8Array }[] }): boolean
}

/** Somebody with a gossipsub of their own, who says what they like. */
export async function rawPeer(): Promise<Libp2p<{ pubsub: GossipSub }>> {
  return await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      pubsub: gossipsub({
        globalSignaturePolicy: 'StrictNoSign',
        allowPublishToZeroTopicPeers: true,
        msgIdFn: ({ topic, data }) => createHash('sha256').update(topic).update(data).digest(),
      }),
    },
  })
}

/** Subscribes to `topic`; what is heard there is kept, and passed on to nobody. */
export function overhear({ services: { pubsub } }: Libp2p<{ pubsub: GossipSub }>, topic: string): Uint8Array[] {
  const heard: Uint8Array[] = []
  pubsub.topicValidators.set(topic, (_from, { data }) => {
    heard.push(Uint8Array.from(data))
    return 'ignore' as TopicValidatorResult
  })
  pubsub.subscribe(topic)
  return heard
}

/** Says something on `topic` to one peer and to no other. */
export function whisper(
  { services: { pubsub } }: Libp2p<{ pubsub: GossipSub }>,
  peer: string,
  topic: string,
  data: Uint8Array,
): void {
  const { sendRpc } = pubsub as unknown as Sender
  if (!sendRpc.call(pubsub, peer, { subscriptions: [], messages: [{ topic, data }] })) throw new Error('no stream to the peer')
}

/** 1,000 messages a second, in bursts, until `end`. */
export async function flood(pubsub: GossipSub, topic: string, end: () => boolean): Promise<void> {
  for (let n = 0; !end(); ) {
    for (let burst = 0; burst < 50; burst++)
      await pubsub.publish(topic, new TextEncoder().encode(`junk ${n++} ${'x'.repeat(200)}`))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
