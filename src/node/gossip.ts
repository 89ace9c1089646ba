import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub'
import { gossipsub, TopicValidatorResult } from '@libp2p/gossipsub'
import {
  createTopicScoreParams,
  type PeerScore,
  type PeerScoreParams,
  type PeerScoreThresholds,
  type TopicScoreParams,
} from '@libp2p/gossipsub/score'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { FORWARD_DELAY, MAX_GOSSIP_BACKLOG, MAX_GOSSIP_FRAME, MAX_UNFORWARDED, second, TOLERATED_REJECTS } from './constants.ts'

/** The parts of gossipsub 17 that its interface hides; the version is pinned. */
export interface ScoredGossipSub extends GossipSub {
  readonly score: PeerScore
  readonly opts: { scoreParams: PeerScoreParams; scoreThresholds: PeerScoreThresholds }
  readonly streamsInbound: ReadonlyMap<string, { readonly rawStream: Stream }>
  readonly streamsOutbound: ReadonlyMap<string, unknown>
  getScore(peer: string): number
  getMeshPeers(topic: string): string[]
  start(): Promise<void>
  stop(): Promise<void>
  outboundInflightQueue: { push(entry: OutboundEntry): unknown; end(): unknown }
  createOutboundStream(peer: PeerId, connection: Connection): Promise<void>
  handlePeerReadStreamError(error: Error, peer: PeerId): void
  isStarted(): boolean
  reportMessageValidationResult(msgId: string, propagationSource: string, acceptance: TopicValidatorResult): void
}

interface OutboundEntry {
  peerId: PeerId
  connection: Connection
}

export interface GossipInit {
  sha256(bytes: Uint8Array): Uint8Array
  /** Peers that are connected for another purpose, and are told nothing. */
  isErrand(peer: string): boolean
}

/** Below the first no gossip is exchanged, below the second nothing is published to the peer, below the third it is cut. */
const THRESHOLDS = { gossipThreshold: -10, publishThreshold: -50, graylistThreshold: -80 }

/**
 * Only rejected messages count (P4). Time in the mesh and deliveries (P1 to P3) do not: in a room of few people nobody may fall
 * behind for having nothing to say, or for being slow.
 */
const NEUTRAL = {
  topicWeight: 1,
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
}
const JOINED: TopicScoreParams = createTopicScoreParams({
  ...NEUTRAL,
  invalidMessageDeliveriesWeight: THRESHOLDS.graylistThreshold / TOLERATED_REJECTS ** 2,
  invalidMessageDeliveriesDecay: 0.9,
})
const LEFT: TopicScoreParams = createTopicScoreParams({
  ...NEUTRAL,
  invalidMessageDeliveriesWeight: 0,
  invalidMessageDeliveriesDecay: 0.01,
})

/** One for all: under a flood of messages nobody asked for, stack traces would be the larger part of the cost. */
const NOT_JOINED = new Error('a message on a topic that is not joined here')

const ID_LENGTH = 20

/** Who is in a room with us, as far as topics say. */
export function matesOf(pubsub: GossipSub): Set<string> {
  return new Set(pubsub.getTopics().flatMap((topic) => pubsub.getSubscribers(topic).map(String)))
}

/**
 * gossipsub as the chat needs it. Messages are unsigned here (events carry their own signature), and named by a hash of all their
 * bytes: gossipsub marks a name as seen before the validator runs, so whoever can make another message of the same name can
 * suppress the first.
 */
export function gossip(init: GossipInit): (components: GossipSubComponents) => GossipSub {
  return (components) => {
    const joined = new Set<string>()
    const create = gossipsub({
      globalSignaturePolicy: 'StrictNoSign',
      // The topic too: what was refused in one room must not stand for the same bytes in another.
      msgIdFn: ({ topic, data }) => init.sha256(concatBytes(utf8ToBytes(topic), data)).subarray(0, ID_LENGTH),
      fallbackToFloodsub: false,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      runOnLimitedConnection: true,
      emitSelf: false,
      doPX: false,
      // Forwarded later, by `forwardInTime`.
      asyncValidation: true,
      // Everybody in reach hears a message from its author; the mesh is for those who are not, and needs few links.
      floodPublish: true,
      batchPublish: true,
      D: 4,
      Dlo: 3,
      // Whoever is the only link of many others keeps them all: a pruned leaf would hear by rumour alone.
      Dhi: 64,
      Dscore: 3,
      Dout: 1,
      // A restarted or re-joining mate must be grafted at once: the usual minute protects larger meshes than ours.
      pruneBackoff: 5 * second,
      unsubcribeBackoff: 1 * second,
      graftFloodThreshold: 1 * second,
      maxInboundDataLength: MAX_GOSSIP_FRAME,
      maxOutboundBufferSize: MAX_GOSSIP_BACKLOG,
      decodeRpcLimits: {
        maxSubscriptions: 1_024,
        maxMessages: 5_000,
        maxIhaveMessageIDs: 5_000,
        maxIwantMessageIDs: 5_000,
        maxIdontwantMessageIDs: 512,
        maxControlMessages: 1_024,
        maxPeerInfos: 0,
      },
      scoreThresholds: THRESHOLDS,
      scoreParams: {
        // An office, and a test, has everybody on one address.
        IPColocationFactorWeight: 0,
        // A peer that was stopped or cut off breaks promises without meaning harm: some are free, and soon forgotten.
        behaviourPenaltyThreshold: 6,
        behaviourPenaltyWeight: -5,
      },
      dataTransform: {
        inboundTransform(topic, data) {
          if (!joined.has(topic)) throw NOT_JOINED
          return data
        },
        outboundTransform: (_topic, data) => data,
      },
    })
    const pubsub = create(components) as ScoredGossipSub
    scoreJoinedTopics(pubsub, joined)
    forgetOnlyTheDisconnected(pubsub, components)
    stopWhenStarted(pubsub)
    forwardInTime(pubsub)
    leaveErrandsAlone(pubsub, init)
    return pubsub
  }
}

/**
 * When a stream from a peer breaks, gossipsub forgets the peer and all it is subscribed to, even if a newer stream has replaced
 * that one: the peer, which knows of nothing, never says it again. A lost peer is told to gossipsub by libp2p in any case.
 */
function forgetOnlyTheDisconnected(pubsub: ScoredGossipSub, { connectionManager }: GossipSubComponents): void {
  const forget = pubsub.handlePeerReadStreamError.bind(pubsub)
  pubsub.handlePeerReadStreamError = (error, peer) => {
    if (connectionManager.getConnections(peer).every(({ status }) => status !== 'open')) forget(error, peer)
  }
}

/**
 * What was taken is shown first and forwarded a moment later, each peer choosing its own: whoever brings it meanwhile does not get
 * it back. Where all are in reach of the author nobody needs what is forwarded, and all of them would forward at the same time.
 */
function forwardInTime(pubsub: ScoredGossipSub): void {
  let waiting: [id: string, from: string][] = []
  const forward = (): void => {
    const all = waiting
    waiting = []
    if (!pubsub.isStarted()) return
    for (const [id, from] of all) pubsub.reportMessageValidationResult(id, from, TopicValidatorResult.Accept)
  }
  pubsub.addEventListener('gossipsub:message', ({ detail: { msgId, propagationSource } }) => {
    waiting.push([msgId, propagationSource.toString()])
    if (waiting.length === 1) setTimeout(forward, Math.random() * FORWARD_DELAY)
    else if (waiting.length === MAX_UNFORWARDED) forward()
  })
}

/** The first thing said on a gossip stream is which topics one is subscribed to: strangers who are asked something need not know. */
function leaveErrandsAlone(pubsub: ScoredGossipSub, { isErrand }: GossipInit): void {
  const createOutboundStream = pubsub.createOutboundStream.bind(pubsub)
  pubsub.createOutboundStream = async (peer, connection) => {
    if (!isErrand(peer.toString())) await createOutboundStream(peer, connection)
  }
}

/** When another part of libp2p fails to start, all are stopped while this one is still starting; it would run on for good. */
function stopWhenStarted(pubsub: ScoredGossipSub): void {
  const start = pubsub.start.bind(pubsub)
  const stop = pubsub.stop.bind(pubsub)
  let starting: Promise<void> = Promise.resolve()
  pubsub.start = () => {
    starting = start().then(() => openStreamsSideBySide(pubsub))
    return starting
  }
  pubsub.stop = async () => {
    await Promise.allSettled([starting])
    await stop()
  }
}

/** Scores follow what is joined: gossipsub reads them from this record at every step, and knows no call to change it. */
function scoreJoinedTopics(pubsub: ScoredGossipSub, joined: Set<string>): void {
  const { topics } = pubsub.opts.scoreParams
  const subscribe = pubsub.subscribe.bind(pubsub)
  const unsubscribe = pubsub.unsubscribe.bind(pubsub)
  pubsub.subscribe = (topic) => {
    // What mates sent while we had left was no offence.
    for (const { topics } of pubsub.score.peerStats.values()) {
      const stats = topics[topic]
      if (stats !== undefined) stats.invalidMessageDeliveries = 0
    }
    topics[topic] = JOINED
    joined.add(topic)
    subscribe(topic)
  }
  pubsub.unsubscribe = (topic) => {
    unsubscribe(topic)
    joined.delete(topic)
    // Never removed: gossipsub trips over statistics of a topic that has no parameters.
    if (topics[topic] !== undefined) topics[topic] = LEFT
  }
}

/** gossipsub opens streams one after the other over all peers: a peer that does not answer keeps the others waiting. */
function openStreamsSideBySide(pubsub: ScoredGossipSub): void {
  const inTurn = pubsub.outboundInflightQueue
  const last = new Map<string, Promise<void>>()
  pubsub.outboundInflightQueue = {
    push: ({ peerId, connection }) => {
      const id = peerId.toString()
      // It never rejects: gossipsub logs what goes wrong.
      const turn = (last.get(id) ?? Promise.resolve()).then(() => pubsub.createOutboundStream(peerId, connection))
      last.set(id, turn)
      void turn.finally(() => {
        if (last.get(id) === turn) last.delete(id)
      })
    },
    end: () => inTurn.end(),
  }
}
