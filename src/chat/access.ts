/** How two members prove to each other that they know a room's secret, before anything of it is served or taken. */
import { InvalidEventError } from '../errors.ts'
import { SYNC_HANDSHAKE } from './constants.ts'
import { Conversation } from './conversation.ts'
import type { RoomKeys } from './room-keys.ts'
import type { Channel, Clock, Crypto } from './seams.ts'
import { accessChallenge, SYNC_CODEC } from './sync-codec.ts'

export interface AccessInit {
  channel: Channel
  keys: RoomKeys
  crypto: Crypto
  clock: Clock
  /** Our own peer id. */
  self: string
}

/** Opens the conversation. @throws InvalidEventError when the other side cannot prove that it belongs to the room, ClosedError */
export async function openAccess({ channel, keys, crypto, clock, self }: AccessInit): Promise<void> {
  const conversation = new Conversation(channel, clock, SYNC_CODEC, SYNC_HANDSHAKE)
  const nonce = crypto.randomBytes(32)
  await conversation.send({ type: 'hello', roomTag: keys.tag, nonce })
  const welcome = await conversation.expect('welcome')
  const challenge = (role: 'initiator' | 'responder'): Uint8Array =>
    accessChallenge(role, keys.tag, [nonce, welcome.nonce], [self, channel.peer])
  if (!crypto.verify(keys.accessKey, challenge('responder'), welcome.proof)) throw new InvalidEventError('no proof of access')
  await conversation.send({ type: 'proof', proof: crypto.sign(keys.accessSeed, challenge('initiator')) })
}

/** Answers a conversation whose hello has named this room and brought `nonce`. @throws as `openAccess` does */
export async function answerAccess({ channel, keys, crypto, clock, self }: AccessInit, nonce: Uint8Array): Promise<void> {
  const conversation = new Conversation(channel, clock, SYNC_CODEC, SYNC_HANDSHAKE)
  const ours = crypto.randomBytes(32)
  const challenge = (role: 'initiator' | 'responder'): Uint8Array =>
    accessChallenge(role, keys.tag, [nonce, ours], [channel.peer, self])
  await conversation.send({ type: 'welcome', nonce: ours, proof: crypto.sign(keys.accessSeed, challenge('responder')) })
  const { proof } = await conversation.expect('proof')
  if (!crypto.verify(keys.accessKey, challenge('initiator'), proof)) throw new InvalidEventError('no proof of access')
}
