/** How a member asks a keeper to keep a room, and what the keeper makes sure of. The keeper proves nothing: it does not know the room. */
import { InvalidEventError } from '../errors.ts'
import { SYNC_HANDSHAKE } from './constants.ts'
import { Conversation } from './conversation.ts'
import { KEEP_CODEC, type KeepMessage, keepChallenge, Refusal } from './keep-codec.ts'
import { type RoomKeys, tagOf } from './room-keys.ts'
import type { Channel, Clock, Crypto } from './seams.ts'

/** What a keeper has agreed to. */
export interface Grant {
  /** How long it keeps the room unless it is asked again. */
  seconds: number
  /** How much of the room it keeps, newest events first, in bytes. */
  bytes: number
}

const REASONS: Record<number, string> = {
  [Refusal.notAllowed]: 'it keeps only what its operator allows',
  [Refusal.peerQuota]: 'it keeps as much as it may for this device',
  [Refusal.networkQuota]: 'it keeps as much as it may for this network',
  [Refusal.totalQuota]: 'it has no space left',
  [Refusal.busy]: 'it is busy',
}

/** A keeper does not keep the room; the message says why. */
export class KeeperRefusal extends Error {
  override name = 'KeeperRefusal'
  readonly reason: number
  /** It is not to be asked again before so much time. */
  readonly seconds: number

  constructor(reason: number, seconds: number) {
    super(REASONS[reason] ?? 'for a reason that this version does not know')
    this.reason = reason
    this.seconds = seconds
  }
}

interface KeepInit {
  channel: Channel
  crypto: Crypto
  clock: Clock
  /** Our own peer id. */
  self: string
}

export interface AskInit extends KeepInit {
  keys: RoomKeys
  /** How long the room is to be kept. */
  seconds: number
  token?: Uint8Array | undefined
}

/** Asks, and proves that we know the room's secret. @throws KeeperRefusal, InvalidEventError, ClosedError */
export async function askToKeep({ channel, crypto, clock, self, keys, seconds, token }: AskInit): Promise<Grant> {
  const conversation = new Conversation(channel, clock, KEEP_CODEC, SYNC_HANDSHAKE)
  const nonce = crypto.randomBytes(32)
  await conversation.send({ type: 'ask', accessKey: keys.accessKey, nonce })
  const { nonce: theirs } = await answer(conversation, 'challenge')
  const proof = crypto.sign(keys.accessSeed, keepChallenge(keys.tag, [nonce, theirs], [self, channel.peer]))
  await conversation.send({ type: 'request', proof, seconds, token: token ?? new Uint8Array(0) })
  const granted = await answer(conversation, 'granted')
  return { seconds: granted.seconds, bytes: granted.bytes }
}

async function answer<T extends 'challenge' | 'granted'>(
  conversation: Conversation<KeepMessage>,
  type: T,
): Promise<Extract<KeepMessage, { type: T }>> {
  const message = await conversation.next()
  if (message.type === 'refused') throw new KeeperRefusal(message.reason, message.seconds)
  if (message.type !== type) throw new InvalidEventError(`expected ${type}, not ${message.type}`)
  return message as Extract<KeepMessage, { type: T }>
}

/** What a peer has asked for that has proved its access to the room. */
export interface KeepRequest {
  tag: Uint8Array
  seconds: number
  /** Empty for none. */
  token: Uint8Array
}

/** A keeper's side of `askToKeep`. */
export class KeepDesk {
  readonly #init: KeepInit
  readonly #conversation: Conversation<KeepMessage>

  constructor(init: KeepInit) {
    this.#init = init
    this.#conversation = new Conversation(init.channel, init.clock, KEEP_CODEC, SYNC_HANDSHAKE)
  }

  /** Hears a request to its end. @throws InvalidEventError when the peer does not prove its access to the room, ClosedError */
  async hear(): Promise<KeepRequest> {
    const { crypto, channel, self } = this.#init
    const { accessKey, nonce } = await this.#conversation.expect('ask')
    const tag = tagOf(accessKey, crypto)
    const ours = crypto.randomBytes(32)
    await this.#conversation.send({ type: 'challenge', nonce: ours })
    const { proof, seconds, token } = await this.#conversation.expect('request')
    // A key of small order would verify anything.
    if (!crypto.isValidKey(accessKey)) throw new InvalidEventError('inadmissible access key')
    if (!crypto.verify(accessKey, keepChallenge(tag, [nonce, ours], [channel.peer, self]), proof))
      throw new InvalidEventError('no proof of access')
    return { tag, seconds, token }
  }

  grant({ seconds, bytes }: Grant): Promise<void> {
    return this.#conversation.send({ type: 'granted', seconds, bytes })
  }

  /** Says why not, and ends the conversation. */
  async refuse(reason: number, seconds: number): Promise<void> {
    await this.#conversation.send({ type: 'refused', reason, seconds })
    await this.#init.channel.close()
  }
}
