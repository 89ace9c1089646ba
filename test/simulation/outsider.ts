/** Knows the topic, the room tag and the public access key, as every connected peer and keeper may; not the room's secret. */
import { concatBytes } from '@noble/hashes/utils.js'
import { createRun, decodeRun, encodeRun, Kind, withBody } from '../../src/chat/event.ts'
import type { Channel } from '../../src/chat/seams.ts'
import { accessChallenge, decodeMessage, encodeMessage, SYNC_PROTOCOL } from '../../src/chat/sync-codec.ts'
import type { Hostile } from './hostile.ts'
import { describe } from './member.ts'

const second = 1000
type Nonces = [Uint8Array, Uint8Array]

export function startOutsider(hostile: Hostile): void {
  const heard: Uint8Array[] = []
  hostile.onGossip = (bytes) => {
    if (heard.length < 100) heard.push(bytes)
    return 'accept'
  }
  hostile.every(second, 8 * second, () => inject(hostile, heard))
  hostile.every(3 * second, 12 * second, () => {
    void hostile.call((channel) => knock(hostile, channel))
  })
  hostile.onChannel = (channel) => answer(hostile, channel)
}

/** Correctly signed runs of what does not open: noise, or a body lifted from somebody else's event. */
function inject(hostile: Hostile, heard: Uint8Array[]): void {
  const { world, keys } = hostile
  const { random, crypto } = world
  const author = hostile.author()
  const bodies = [crypto.randomBytes(200)]
  if (heard.length > 0 && random.chance(0.7)) {
    try {
      const run = decodeRun(random.pick(heard), crypto)
      bodies.push(...run.entries.flatMap((entry) => (entry.body === undefined ? [] : [entry.body])))
    } catch {
      bodies.push(random.pick(heard)) // a beacon
    }
  }
  const entries = [withBody(random.pick([Kind.message, Kind.control]), random.pick(bodies))]
  const run = createRun({ roomTag: keys.tag, author: author.key, seq: 1 }, undefined, entries, author.seed, crypto)
  hostile.whisper(hostile.peers, encodeRun(run))
}

/** Opens a session with a proof that is none. */
async function knock(hostile: Hostile, channel: Channel): Promise<void> {
  const { world, keys, endpoint } = hostile
  const { crypto, random } = world
  const nonce = crypto.randomBytes(32)
  await channel.send(encodeMessage({ type: 'hello', roomTag: keys.tag, nonce }))
  const bytes = await channel.receive()
  if (bytes === undefined) return
  const welcome = decodeMessage(bytes)
  if (welcome.type !== 'welcome') return served(hostile, channel, welcome.type)
  const peers: [string, string] = [endpoint.self, channel.peer]
  const challenge = accessChallenge('initiator', keys.tag, [nonce, welcome.nonce], peers)
  const proof = random.pick([
    welcome.proof, // what the other side proved with, handed back
    crypto.randomBytes(64),
    new Uint8Array(64),
    crypto.sign(hostile.author().seed, challenge),
  ])
  await channel.send(encodeMessage({ type: 'proof', proof }))
  const more = await channel.receive()
  if (more !== undefined) served(hostile, channel, decodeMessage(more).type)
}

function served(hostile: Hostile, channel: Channel, what: string): void {
  if (!hostile.world.isStranger(channel.peer)) hostile.world.violated(`${channel.peer} gives ${what} to an outsider`)
}

/** Is asked for a session, and has no proof of its own: invents one, or fetches one elsewhere. */
async function answer(hostile: Hostile, channel: Channel): Promise<void> {
  const { world, keys } = hostile
  const { crypto, random } = world
  const bytes = await channel.receive()
  const hello = bytes && decodeMessage(bytes)
  if (hello?.type !== 'hello') return
  const welcome = random.chance(0.5) ? await fetched(hostile, channel.peer, hello.nonce) : undefined
  const nonce = welcome?.nonce ?? random.pick([hello.nonce, crypto.randomBytes(32)])
  const nonces: Nonces = [hello.nonce, nonce]
  const challenge = accessChallenge('responder', keys.tag, nonces, [channel.peer, hostile.endpoint.self])
  const proof =
    welcome?.proof ?? random.pick([crypto.randomBytes(64), crypto.sign(hostile.author().seed, concatBytes(challenge))])
  await channel.send(encodeMessage({ type: 'welcome', nonce, proof }))
  const more = await channel.receive()
  if (more !== undefined) served(hostile, channel, decodeMessage(more).type)
}

/** The welcome of another member, or of the same one, to the same nonce. */
async function fetched(
  hostile: Hostile,
  asker: string,
  nonce: Uint8Array,
): Promise<{ nonce: Uint8Array; proof: Uint8Array } | undefined> {
  const { world, endpoint, keys, peers } = hostile
  try {
    const elsewhere = await endpoint.open(world.random.pick([asker, ...peers]), SYNC_PROTOCOL)
    await elsewhere.send(encodeMessage({ type: 'hello', roomTag: keys.tag, nonce }))
    const bytes = await elsewhere.receive()
    elsewhere.abort(new Error('thank you'))
    const message = bytes && decodeMessage(bytes)
    return message?.type === 'welcome' ? message : undefined
  } catch (error) {
    world.trace('outsider gets no welcome', describe(error))
    return undefined
  }
}
