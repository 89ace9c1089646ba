import '../../src/shims.node.ts'
import type { TopicValidatorFn, TopicValidatorResult } from '@libp2p/gossipsub'
import type { ScoredGossipSub } from '../../src/node/gossip.ts'
import { createPeer, type Peer, type PeerInit } from '../../src/node/index.ts'
import { waitFor } from './wait-for.ts'

/** Peers of a test; `close` stops them all. */
export class Peers {
  readonly #all: Peer[] = []

  /** Started, on loopback, unseen by the LAN. */
  async start(init: Partial<PeerInit> = {}): Promise<Peer> {
    const peer = await this.create(init)
    await peer.start()
    return peer
  }

  async create(init: Partial<PeerInit> = {}): Promise<Peer> {
    const peer = await createPeer({ seed: randomSeed(), listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, ...init })
    this.#all.push(peer)
    return peer
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.splice(0).map((peer) => peer.stop()))
  }
}

export function randomSeed(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(32))
}

/** Two seeds, the first of which makes the peer with the smaller id. */
export async function orderedSeeds(): Promise<[smaller: Uint8Array, larger: Uint8Array]> {
  const seeds = [randomSeed(), randomSeed()] as const
  const [a, b] = await Promise.all(seeds.map(async (seed) => (await createPeer({ seed, mdns: false })).peerId))
  return (a ?? '') < (b ?? '') ? [seeds[0], seeds[1]] : [seeds[1], seeds[0]]
}

export function pubsubOf(peer: Peer): ScoredGossipSub {
  return peer.libp2p.services.pubsub as ScoredGossipSub
}

export function addressOf(peer: Peer): string {
  const [address] = peer.addresses()
  if (address === undefined) throw new Error('the peer has no address')
  return address
}

export function connectionsBetween(a: Peer, b: Peer): number {
  return a.libp2p.getConnections(b.libp2p.peerId).length
}

export async function connected(a: Peer, b: Peer, deadline?: number): Promise<void> {
  await waitFor(() => connectionsBetween(a, b) > 0 && connectionsBetween(b, a) > 0, 'a connection', deadline)
}

/** Joins `topic`, judges by the first word of a text, and keeps what arrives. */
export function listenIn(peer: Peer, topic: string): string[] {
  const heard: string[] = []
  const pubsub = pubsubOf(peer)
  const verdict: TopicValidatorFn = (_from, { data }) => {
    const word = text(data).split(' ')[0]
    return (word === 'junk' ? 'reject' : word === 'early' ? 'ignore' : 'accept') as TopicValidatorResult
  }
  pubsub.topicValidators.set(topic, verdict)
  pubsub.addEventListener('message', ({ detail }) => {
    if (detail.topic === topic) heard.push(text(detail.data))
  })
  pubsub.subscribe(topic)
  return heard
}

export async function mates(a: Peer, b: Peer, topic: string): Promise<void> {
  const knows = (one: Peer, other: Peer) =>
    pubsubOf(one)
      .getSubscribers(topic)
      .some((id) => id.equals(other.libp2p.peerId))
  await waitFor(() => knows(a, b) && knows(b, a), 'both to know that the other is subscribed')
}

export async function say(peer: Peer, topic: string, words: string): Promise<void> {
  await pubsubOf(peer).publish(topic, new TextEncoder().encode(words))
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
