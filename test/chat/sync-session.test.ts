import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { answerAccess, openAccess } from '../../src/chat/access.ts'
import type { AuthorLog, Segment } from '../../src/chat/author-log.ts'
import { MAX_FRONTIER_ENTRIES, MAX_PAGE_RANGES } from '../../src/chat/constants.ts'
import { decodeRun, encodeRun } from '../../src/chat/event.ts'
import { bucketOf, pageOf } from '../../src/chat/frontier.ts'
import type { Log } from '../../src/chat/log.ts'
import { Reservations } from '../../src/chat/reservations.ts'
import { accessChallenge, decodeMessage, encodeMessage, type SyncMessage } from '../../src/chat/sync-codec.ts'
import { type Outcome, type SessionInit, SyncSession } from '../../src/chat/sync-session.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { waitFor } from '../support/wait-for.ts'
import { channelPair, fill, idsOf, type Member, type MemoryChannel, member, rejection, roomKeys, Scribe } from './support.ts'

const test = suite('chat/sync-session')
const MANY_AUTHORS = 520

interface Side extends Member {
  channel: MemoryChannel
  rejected: string[]
  sent: SyncMessage[]
  session: Talk
}

/** A whole conversation, from the proofs on. */
interface Talk {
  initiate(): Promise<Outcome>
  respond(nonce: Uint8Array): Promise<Outcome>
}

function side(here: Member, name: string, channel: MemoryChannel, init: Partial<SessionInit> = {}): Side {
  const rejected: string[] = []
  const sent: SyncMessage[] = []
  const { tap } = channel
  channel.tap = (bytes) => {
    sent.push(decodeMessage(bytes))
    return tap(bytes)
  }
  const access = { ...here, channel, self: name }
  const rounds = new SyncSession({
    ...here,
    channel,
    reserved: new Reservations(),
    allow: () => true,
    onProgress: () => undefined,
    onReject: (reason) => rejected.push(reason),
    own: () => [],
    onHeld: () => undefined,
    onFresh: () => undefined,
    ...init,
  })
  const session: Talk = {
    initiate: () => openAccess(access).then(() => rounds.converse()),
    respond: (nonce) => answerAccess(access, nonce).then(() => rounds.converse()),
  }
  return { ...here, channel, rejected, sent, session }
}

async function pair(init: { near?: Partial<SessionInit>; far?: Partial<SessionInit> } = {}): Promise<[near: Side, far: Side]> {
  const [a, b] = channelPair('ann', 'bob')
  return [side(await member(), 'ann', a, init.near), side(await member(), 'bob', b, init.far)]
}

/** The nonce of the hello that opens every conversation, as chat.ts reads it. */
async function nonceOf(channel: MemoryChannel): Promise<Uint8Array> {
  const hello = decodeMessage((await channel.receive()) as Uint8Array)
  assert.is(hello.type, 'hello')
  return (hello as Extract<SyncMessage, { type: 'hello' }>).nonce
}

async function talk(near: Side, far: Side): Promise<[Outcome, Outcome]> {
  const initiated = near.session.initiate()
  return Promise.all([initiated, nonceOf(far.channel).then((nonce) => far.session.respond(nonce))])
}

/** A conversation over fresh channels between logs that are there already. */
async function again(near: Side, far: Side): Promise<[Side, Side, Outcome, Outcome]> {
  const [a, b] = channelPair('ann', 'bob')
  const sides: [Side, Side] = [side(near, 'ann', a), side(far, 'bob', b)]
  return [...sides, ...(await talk(...sides))]
}

async function write(log: Log, scribe: Scribe, ...lengths: number[]): Promise<void> {
  for (const length of lengths) await log.ingest(encodeRun(scribe.run(...Array.from({ length }, () => ({})))), 'sync').durable
}

/** How the conversation that `near` opens ends, `answer` being the other side's part in it. */
async function broken(near: Side, answer: Promise<unknown>): Promise<Error> {
  const over = near.session.initiate().finally(() => near.channel.abort(new Error('over')))
  const [error] = await Promise.all([rejection(over), answer.catch(() => undefined)])
  return error
}

const spoken = ({ sent }: Side, type: SyncMessage['type']): number => sent.filter((message) => message.type === type).length

test('nothing more is fetched while the gate is held, and all of it afterwards', async () => {
  const [near, far] = await pair()
  await far.log.ingest(new Scribe(1, far.keys, far.crypto).write({}, {}), 'gossip').durable
  const release = near.gate.hold()
  const done = talk(near, far)
  for (let i = 0; i < 200; i++) await Promise.resolve()
  assert.is(near.log.size, 0)
  release()
  await done
  assert.equal(idsOf(near.log), idsOf(far.log))
})

test('two logs that differ are the same afterwards, and both sides say so', async () => {
  const [near, far] = await pair()
  for (const i of [1, 2, 3]) await write(near.log, new Scribe(i, near.keys, near.crypto), 2, 3)
  for (const i of [4, 5]) await write(far.log, new Scribe(i, far.keys, far.crypto), 2, 3, 1)
  const outcomes = await talk(near, far)
  assert.equal(idsOf(near.log), idsOf(far.log))
  assert.is(idsOf(near.log).length, 3 * 5 + 2 * 6)
  assert.equal(
    outcomes.map(({ equal }) => equal),
    [true, true],
  )
  assert.equal(near.log.frontierDigest(), far.log.frontierDigest())
})

test('two equal logs exchange a summary and nothing else', async () => {
  const [near, far] = await pair()
  for (const { log, keys, crypto } of [near, far]) await write(log, new Scribe(1, keys, crypto), 2)
  const [outcome] = await talk(near, far)
  assert.equal(outcome, { received: 0, sent: 0, equal: true })
  assert.equal(
    near.sent.map(({ type }) => type),
    ['hello', 'proof', 'summary'],
  )
})

test('a fork travels: both branches are at both members', async () => {
  const [near, far] = await pair()
  const scribe = new Scribe(1, near.keys, near.crypto)
  const base = scribe.run({}, {})
  for (const { log } of [near, far]) await log.ingest(encodeRun(base), 'sync').durable
  const copy = scribe.fork()
  await write(near.log, scribe, 3, 1)
  for (let i = 0; i < 2; i++) await far.log.ingest(copy.write({ text: 'twin' }, { text: 'twin' }), 'sync').durable
  await talk(near, far)
  assert.equal(idsOf(near.log), idsOf(far.log))
  assert.is(idsOf(near.log).length, 10)
})

test('more than 64 ranges of one log are told in pages until nothing is missing', async () => {
  const [near, far] = await pair()
  const scribe = new Scribe(1, near.keys, near.crypto)
  for (let i = 0; i < 600; i++) {
    const run = encodeRun(scribe.run({}))
    // Holes that do not match: each third event is here only, there only, or nowhere.
    if (i % 3 === 0) await near.log.ingest(run, 'sync').durable
    if (i % 3 === 1) await far.log.ingest(run, 'sync').durable
  }
  const [a, b] = await talk(near, far)
  assert.equal(idsOf(near.log), idsOf(far.log))
  assert.is(idsOf(near.log).length, 400)
  assert.equal([a.equal, b.equal], [true, true])
})

test('holes on one side only are filled in one round', async () => {
  const [near, far] = await pair()
  const scribe = new Scribe(1, near.keys, near.crypto)
  for (let i = 0; i < 200; i++) {
    const run = encodeRun(scribe.run({}))
    await near.log.ingest(run, 'sync').durable
    if (i % 2 === 0) await far.log.ingest(run, 'sync').durable
  }
  await talk(near, far)
  assert.equal([idsOf(far.log).length, spoken(near, 'served')], [200, 1])
})

test('above 512 logs only those in buckets that differ are told', async () => {
  const [near, far] = await pair()
  for (let i = 0; i < MANY_AUTHORS; i++) {
    const bytes = new Scribe(i, near.keys, near.crypto).write({})
    for (const { log } of [near, far]) await log.ingest(bytes, 'sync').durable
  }
  const fresh = new Scribe(9999, near.keys, near.crypto)
  await write(near.log, fresh, 1)
  const [outcome] = await talk(near, far)
  assert.ok(outcome.equal)
  assert.equal(idsOf(near.log), idsOf(far.log))
  const told = near.sent.flatMap((message) => (message.type === 'pages' ? message.pages : []))
  assert.ok(told.length > 0 && told.length < 30, `${told.length} of ${MANY_AUTHORS} logs were told`)
})

test('above 512 logs at one side only, every log is told', async () => {
  const [near, far] = await pair()
  for (let i = 0; i < MANY_AUTHORS; i++) await near.log.ingest(new Scribe(i, near.keys, near.crypto).write({}), 'sync').durable
  await write(far.log, new Scribe(10_000, far.keys, far.crypto), 1)
  await talk(near, far)
  assert.equal(idsOf(near.log), idsOf(far.log))
  assert.is(idsOf(far.log).length, MANY_AUTHORS + 1)
})

test('many logs full of holes are told in messages that fit the stream', async () => {
  const [near, far] = await pair()
  for (let i = 0; i < 120; i++) {
    const scribe = new Scribe(i, near.keys, near.crypto)
    scribe.seq = 2 ** 40
    scribe.tip = fill(1)
    for (let j = 0; j < 64; j++) {
      const run = encodeRun(scribe.run({}))
      if (i < 2 && j % 2 === 1) await far.log.ingest(run, 'sync').durable
      scribe.run({})
      await near.log.ingest(run, 'sync').durable
    }
  }
  await talk(near, far)
  assert.equal(idsOf(near.log).length, 120 * 64)
  assert.is(idsOf(far.log).length, 120 * 64)
})

test('a hello answered by somebody without the key gets no proof of ours, and nothing is served', async () => {
  const [near, far] = await pair()
  await write(near.log, new Scribe(1, near.keys, near.crypto), 3)
  const stranger = side({ ...far, keys: { ...far.keys, accessSeed: fill(66) } }, 'bob', far.channel)
  const answer = nonceOf(far.channel).then((nonce) => stranger.session.respond(nonce))
  const error = await broken(near, answer)
  assert.is(error.message, 'no proof of access')
  assert.equal(
    near.sent.map(({ type }) => type),
    ['hello'],
  )
})

/** A session of ours that answers what `script` sends; what it sends after the welcome, and how it ends. */
async function answered(
  script: (
    channel: MemoryChannel,
    nonce: Uint8Array,
    welcome: Extract<SyncMessage, { type: 'welcome' }>,
  ) => Promise<Uint8Array | undefined>,
): Promise<[Error, SyncMessage[]]> {
  const [a, b] = channelPair('mallory', 'bob')
  const bob = side(await member(), 'bob', b)
  await write(bob.log, new Scribe(1, bob.keys, bob.crypto), 3)
  const nonce = fill(5)
  const ended = rejection(bob.session.respond(nonce).finally(() => b.abort(new Error('over'))))
  const welcome = decodeMessage((await a.receive()) as Uint8Array)
  assert.is(welcome.type, 'welcome')
  const answer = await script(a, nonce, welcome as Extract<SyncMessage, { type: 'welcome' }>)
  if (answer !== undefined) await a.send(answer)
  return [await ended, bob.sent.slice(1)]
}

test('who hands back the proof it was given is served nothing', async () => {
  const [error, sent] = await answered(async (_channel, _nonce, { proof }) => encodeMessage({ type: 'proof', proof }))
  assert.equal([error.message, sent], ['no proof of access', []])
})

test('who opens a second conversation to have its nonce signed is served nothing', async () => {
  const [error, sent] = await answered(async (_channel, _nonce, welcome) => {
    // The nonce of the first is the hello of the second; its answer is made by the responder, for another pair of nonces.
    const [c, d] = channelPair('mallory', 'bob')
    const other = side(await member(), 'bob', d)
    const over = rejection(other.session.respond(welcome.nonce))
    const second = decodeMessage((await c.receive()) as Uint8Array) as Extract<SyncMessage, { type: 'welcome' }>
    c.abort(new Error('enough'))
    await over
    return encodeMessage({ type: 'proof', proof: second.proof })
  })
  assert.equal([error.message, sent], ['no proof of access', []])
})

test('a proof that was good in another conversation is worth nothing', async () => {
  const [near, far] = await pair()
  let overheard: Uint8Array | undefined
  const { tap } = near.channel
  near.channel.tap = (bytes) => {
    if (decodeMessage(bytes).type === 'proof') overheard = bytes
    return tap(bytes)
  }
  await talk(near, far)
  assert.ok(overheard)
  const [error, sent] = await answered(async () => overheard)
  assert.equal([error.message, sent], ['no proof of access', []])
})

test('a proof made for another peer is worth nothing', async () => {
  // Ann is a member and talks to Mallory, who passes everything on to Bob.
  const [annSide, toAnn] = channelPair('ann', 'mallory')
  const [toBob, bobSide] = channelPair('mallory', 'bob')
  const [ann, bob] = [side(await member(), 'ann', annSide), side(await member(), 'bob', bobSide)]
  await write(bob.log, new Scribe(1, bob.keys, bob.crypto), 3)
  const annEnds = rejection(ann.session.initiate().finally(() => annSide.abort(new Error('over'))))
  const bobEnds = rejection(bob.session.respond(await nonceOf(toAnn)))
  await toAnn.send((await toBob.receive()) as Uint8Array)
  assert.is((await annEnds).message, 'no proof of access', 'Bob has signed for Mallory, not for Ann')
  await toBob.send(encodeMessage({ type: 'proof', proof: fill(0, 64) }))
  assert.is((await bobEnds).message, 'no proof of access')
  assert.is(bob.sent.length, 1)
})

test('who asks before it has proved anything is served nothing', async () => {
  const wants = encodeMessage({
    type: 'wants',
    wants: [{ author: 'ab'.repeat(16), end: 'cd'.repeat(16), from: 1, to: 9 }],
    last: true,
  })
  for (const early of [wants, encodeMessage({ type: 'served' }), fill(0xff, 9), new Uint8Array(0)]) {
    const [error, sent] = await answered(async () => early)
    assert.equal([error.name, sent], ['InvalidEventError', []])
  }
})

test('members of two rooms with one name and different passphrases do not meet', async () => {
  const [near, far] = await pair()
  const other = { ...roomKeys('other', far.crypto), tag: far.keys.tag }
  const wrong = side({ ...far, keys: other }, 'bob', far.channel)
  const answer = nonceOf(far.channel).then((nonce) => wrong.session.respond(nonce))
  const ended = rejection(answer)
  assert.is(
    (await rejection(near.session.initiate().finally(() => near.channel.abort(new Error('over'))))).message,
    'no proof of access',
  )
  await ended
})

/** Changes what a side says, message by message. */
function lying(liar: Side, change: (message: SyncMessage) => SyncMessage | undefined): void {
  const { tap } = liar.channel
  liar.channel.tap = (bytes) => {
    const changed = change(decodeMessage(bytes))
    return tap(changed === undefined ? bytes : encodeMessage(changed))
  }
}

test('a member that serves a run with a wrong signature is cut, reported, and nothing of it is kept', async () => {
  const [near, far] = await pair()
  await write(far.log, new Scribe(1, far.keys, far.crypto), 2)
  lying(far, (message) => {
    if (message.type !== 'runs') return undefined
    return { ...message, runs: message.runs.map((run) => encodeRun({ ...decodeRun(run, far.crypto), signature: fill(1, 64) })) }
  })
  const answer = nonceOf(far.channel).then((nonce) => far.session.respond(nonce))
  const error = await broken(near, answer)
  assert.is(error.name, 'InvalidEventError')
  assert.equal(near.rejected, ['signature does not verify'])
  assert.is(near.log.size, 0)
})

test('a member that claims what it does not have gets a few rounds, not for ever', async () => {
  const [near, far] = await pair()
  await write(near.log, new Scribe(1, near.keys, near.crypto), 2)
  const { channel, keys, crypto } = far
  const nonces: [Uint8Array, Uint8Array] = [fill(0), fill(9)]
  const access = (role: 'initiator' | 'responder'): Uint8Array =>
    crypto.sign(keys.accessSeed, accessChallenge(role, keys.tag, nonces, ['ann', 'bob']))
  const liar = async (): Promise<number> => {
    nonces[0] = await nonceOf(channel)
    await channel.send(encodeMessage({ type: 'welcome', nonce: nonces[1], proof: access('responder') }))
    for (let rounds = 0; ; ) {
      const bytes = await channel.receive()
      if (bytes === undefined) return rounds
      if (decodeMessage(bytes).type !== 'summary') continue
      rounds++
      await channel.send(encodeMessage({ type: 'summary', digest: fill(rounds, 16), buckets: [] }))
      const pages = [{ author: 'ab'.repeat(16), segments: [{ from: 1, to: 2 ** 47, end: 'cd'.repeat(16) }] }]
      await channel.send(encodeMessage({ type: 'pages', pages, last: true, more: true }))
      await channel.send(encodeMessage({ type: 'wants', wants: [], last: true }))
      await channel.send(encodeMessage({ type: 'served' }))
    }
  }
  const [outcome, rounds] = await Promise.all([near.session.initiate(), liar()])
  assert.equal([outcome, near.log.size], [{ received: 0, sent: 0, equal: false }, 2])
  assert.is(rounds, 64)
})

test('a member that names one log twice is cut', async () => {
  const [near, far] = await pair()
  await write(far.log, new Scribe(1, far.keys, far.crypto), 2)
  lying(far, (message) => (message.type === 'pages' ? { ...message, pages: [...message.pages, ...message.pages] } : undefined))
  const answer = nonceOf(far.channel).then((nonce) => far.session.respond(nonce))
  const error = await broken(near, answer)
  assert.is(error.message, 'a log named twice')
})

test('a peer that falls silent is left: after 5 s before it has proved access, after 15 s then', async () => {
  for (const silentAfter of [0, 1, 2, 3]) {
    const clock = new VirtualClock()
    const [a, b] = channelPair('ann', 'bob')
    const ann = side(await member({ clock }), 'ann', a)
    const bob = side(await member(), 'bob', b)
    await write(ann.log, new Scribe(1, ann.keys, ann.crypto), 1)
    let left = silentAfter
    const { tap } = b
    b.tap = (bytes) => (left-- > 0 ? tap(bytes) : undefined)
    const ended = rejection(ann.session.initiate())
    const other = nonceOf(b)
      .then((nonce) => bob.session.respond(nonce))
      .catch(() => undefined)
    for (let i = 0; i < 200; i++) await Promise.resolve()
    clock.advance((silentAfter === 0 ? 5_000 : 15_000) - 1)
    assert.is(a.aborted, undefined)
    clock.advance(1)
    assert.is((await ended).message, 'the peer fell silent')
    assert.is(clock.pending, 0, 'no timer is left')
    await other
  }
})

test('a conversation that broke goes on where it was', async () => {
  const [near, far] = await pair()
  for (let i = 0; i < 8; i++) {
    const scribe = new Scribe(i, far.keys, far.crypto)
    await far.log.ingest(scribe.write({ text: 'x'.repeat(30_000) }), 'sync').durable
  }
  let runs = 0
  const { tap } = far.channel
  far.channel.tap = (bytes) => {
    if (decodeMessage(bytes).type === 'runs' && ++runs === 3) {
      far.channel.abort(new Error('cut'))
      return undefined
    }
    return tap(bytes)
  }
  const answer = nonceOf(far.channel).then((nonce) => far.session.respond(nonce))
  await Promise.all([rejection(near.session.initiate()), rejection(answer)])
  const before = near.log.size
  assert.ok(before > 0 && before < 8, String(before))
  const [, second] = await again(near, far)
  assert.equal(idsOf(near.log), idsOf(far.log))
  const served = second.sent.flatMap((message) => (message.type === 'runs' ? message.runs : []))
  assert.is(served.length, 8 - before, 'nothing is served twice')
})

test('what was received and is not on disk yet holds the sender back at 256 KiB', async () => {
  const [near, far] = await pair()
  for (let i = 0; i < 100; i++)
    await far.log.ingest(new Scribe(i, far.keys, far.crypto).write({ text: 'x'.repeat(30_000) }), 'sync').durable
  near.store.hold()
  const talking = talk(near, far)
  await waitFor(() => near.log.size >= 8, '256 KiB to have been received')
  for (let i = 0; i < 1000; i++) await Promise.resolve()
  assert.ok(near.log.size < 12, `${near.log.size} runs of 30 kB wait for the disk`)
  near.store.release()
  await talking
  assert.is(near.log.size, 100)
})

test('a frontier without end ends the conversation', async () => {
  const [near, far] = await pair()
  await write(near.log, new Scribe(1, near.keys, near.crypto), 1)
  const answer = (async () => {
    const { tap } = far.channel
    far.channel.tap = (bytes) => (['pages', 'wants'].includes(decodeMessage(bytes).type) ? undefined : tap(bytes))
    const talking = far.session.respond(await nonceOf(far.channel)).catch(() => undefined)
    await waitFor(() => near.sent.some(({ type }) => type === 'pages'), 'both to tell what they hold')
    for (let first = 0; first <= MAX_FRONTIER_ENTRIES; first += 256) {
      const pages = Array.from({ length: 256 }, (_, i) => ({ author: (first + i).toString(16).padStart(32, '0'), segments: [] }))
      const message = encodeMessage({ type: 'pages', pages, last: false, more: false })
      far.channel.tap = () => message
      await far.channel.send(message)
      far.channel.tap = () => undefined
    }
    await talking
  })()
  assert.is((await broken(near, answer)).message, 'frontier too long')
})

test('no more is served than is allowed', async () => {
  const [near, far] = await pair({ far: { allow: () => false } })
  await write(far.log, new Scribe(1, far.keys, far.crypto), 2)
  const [outcome] = await talk(near, far)
  assert.equal([outcome.received, outcome.equal, near.log.size], [0, false, 0])
})

test('what the disk refuses ends the conversation with its error', async () => {
  const [near, far] = await pair()
  await write(far.log, new Scribe(1, far.keys, far.crypto), 2)
  near.store.failures.push(new Error('no space left'))
  const answer = nonceOf(far.channel).then((nonce) => far.session.respond(nonce))
  const error = await broken(near, answer)
  assert.is(error.message, 'no space left')
  assert.is(near.log.size, 0)
})

test('a range that one session has asked for is not asked of another until it is released', () => {
  const reserved = new Reservations()
  const want = { author: 'a', end: 'e', from: 1, to: 9 }
  assert.equal(reserved.take([want]), [want])
  assert.equal(reserved.take([{ ...want, from: 2 }]), [])
  assert.is(reserved.take([{ ...want, to: 10 }]).length, 1)
  assert.is(reserved.take([{ ...want, end: 'f' }]).length, 1)
  reserved.release([want])
  assert.is(reserved.take([{ ...want, from: 1, to: 1 }]).length, 0, 'the wider one is still asked for')
})

/** What is told of the other side's frontier: `first` or `more`, and its ranges. */
function listening(log: () => Log): { told: string[]; init: Pick<SessionInit, 'own' | 'onHeld'> } {
  const told: string[] = []
  return {
    told,
    init: {
      own: () => [...log().authors()].map((author) => structuredClone(pageOf(author, 0).page)),
      onHeld: ({ segments }, first) =>
        told.push(`${first ? 'first' : 'more'} ${segments.map(({ from, to }) => `${from}-${to}`).join()}`.trim()),
    },
  }
}

test('what the other side holds of our own logs is told: at first nothing, at last what we hold', async () => {
  let here: Log | undefined
  const { told, init } = listening(() => here as Log)
  const [near, far] = await pair({ near: init })
  here = near.log
  await write(near.log, new Scribe(1, near.keys, near.crypto), 3)
  await talk(near, far)
  assert.equal(told, ['first', 'first 1-3'])
})

test('what is written while the other side answers is not what it has answered', async () => {
  let here: Log | undefined
  const { told, init } = listening(() => here as Log)
  const [near, far] = await pair({ near: init })
  here = near.log
  const me = new Scribe(1, near.keys, near.crypto)
  const run = encodeRun(me.run({}, {}))
  for (const { log } of [near, far]) await log.ingest(run, 'sync').durable
  const { tap } = far.channel
  let writing: Promise<void> | undefined
  far.channel.tap = (bytes) => {
    if (decodeMessage(bytes).type === 'summary') writing ??= write(near.log, me, 1)
    return tap(bytes)
  }
  const [outcome] = await talk(near, far)
  await writing
  assert.ok(outcome.equal)
  assert.equal([told, near.log.author(me.name)?.last?.seq], [['first 1-2'], 3])
})

test('further pages are more of the same frontier', async () => {
  let here: Log | undefined
  const { told, init } = listening(() => here as Log)
  const [near, far] = await pair({ near: init, far: { allow: () => false } })
  here = near.log
  const me = new Scribe(1, near.keys, near.crypto)
  for (let i = 0; i < MAX_PAGE_RANGES + 1; i++) {
    const run = encodeRun(me.run({}))
    for (const { log } of [near, far]) await log.ingest(run, 'sync').durable
    me.run({})
  }
  await write(far.log, new Scribe(2, far.keys, far.crypto), 1)
  await talk(near, far)
  assert.equal(
    told.map((each) => each.slice(0, 12)),
    ['first 129-12', 'more 1-1'],
  )
})

test('of a log in an equal bucket the other side holds what we hold, though it is not named', async () => {
  let own: AuthorLog | undefined
  const held: (readonly Segment[])[] = []
  const [near, far] = await pair({
    near: { own: () => [pageOf(own as AuthorLog, 0).page], onHeld: ({ segments }) => held.push([...segments]) },
  })
  for (let i = 0; i < MANY_AUTHORS; i++) {
    const bytes = new Scribe(i, near.keys, near.crypto).write({})
    for (const { log } of [near, far]) await log.ingest(bytes, 'sync').durable
  }
  const fresh = new Scribe(9999, near.keys, near.crypto)
  await write(near.log, fresh, 1)
  const bucket = bucketOf(near.log.author(fresh.name) as AuthorLog, near.crypto)
  own = [...near.log.authors()].find((each) => bucketOf(each, near.crypto) !== bucket) as AuthorLog
  await talk(near, far)
  assert.equal(held, [own.segments(), own.segments()])
})

test.run()
