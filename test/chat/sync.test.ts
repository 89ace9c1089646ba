import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { answerAccess, openAccess } from '../../src/chat/access.ts'
import { SYNC_ALLOWANCE, SYNC_PAUSE, SYNC_SETTLE } from '../../src/chat/constants.ts'
import { KeeperTurns } from '../../src/chat/keeper-turns.ts'
import { Reservations } from '../../src/chat/reservations.ts'
import type { Channel, Network } from '../../src/chat/seams.ts'
import { Sync } from '../../src/chat/sync.ts'
import { decodeMessage } from '../../src/chat/sync-codec.ts'
import { SyncSession } from '../../src/chat/sync-session.ts'
import { channelPair, fill, idsOf, type Member, type MemoryChannel, member, Scribe } from './support.ts'

const test = suite('chat/sync')

interface Setup extends Member {
  sync: Sync
  /** Peers to which a session was opened, in order. */
  opened: string[]
  failures: string[]
  published: Uint8Array[]
  /** What was told of them: with the events that were missing, and how many were here. */
  states: ['running' | 'done', missing: number, here: number][]
}

type Answer = (peer: string) => Promise<Channel>

const outOfReach: Answer = async () => {
  throw new Error('out of reach')
}

/** A member called `m`; `answer` is what comes of its attempts to open a session. */
async function setup(mates: string[] = [], answer = outOfReach): Promise<Setup> {
  const here = await member()
  const opened: string[] = []
  const failures: string[] = []
  const published: Uint8Array[] = []
  const states: Setup['states'] = []
  const network = {
    self: 'm',
    mates: () => mates,
    keepers: () => [],
    publish: (_topic: string, bytes: Uint8Array) => published.push(bytes),
    open: (peer: string): Promise<Channel> => {
      opened.push(peer)
      return answer(peer)
    },
  } as unknown as Network
  const sync = new Sync({
    ...here,
    network,
    onState: (state, missing) => states.push([state, missing, here.log.size]),
    onSynced: () => undefined,
    onReject: () => undefined,
    turns: new KeeperTurns(1),
    own: () => [],
    onHeld: () => undefined,
    onKeeperHeld: () => undefined,
    onKeeperGone: () => undefined,
    onRefused: () => undefined,
    onFailure: (_error, peer) => failures.push(peer),
  })
  sync.start()
  here.log.listen({ onArrivals: (arrivals) => sync.stored(arrivals) })
  return { ...here, sync, opened, failures, published, states }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

function sessionOf(other: Member, self: string, channel: MemoryChannel, allow: (bytes: number) => boolean = () => true) {
  const access = { ...other, self, channel }
  const rounds = new SyncSession({
    ...other,
    channel,
    reserved: new Reservations(),
    allow,
    onProgress: () => undefined,
    onReject: () => undefined,
    own: () => [],
    onHeld: () => undefined,
    onFresh: () => undefined,
  })
  return {
    initiate: () => openAccess(access).then(() => rounds.converse()),
    respond: (nonce: Uint8Array) => answerAccess(access, nonce).then(() => rounds.converse()),
  }
}

async function nonceOf(channel: MemoryChannel): Promise<Uint8Array> {
  const hello = decodeMessage((await channel.receive()) as Uint8Array)
  return hello.type === 'hello' ? hello.nonce : fill(0)
}

/** `bob` opens a session with the member under test. */
async function syncFrom(other: Member, sync: Sync): Promise<void> {
  const [near, far] = channelPair('bob', 'm')
  const outcome = sessionOf(other, 'bob', near).initiate()
  await Promise.all([sync.accept(far, await nonceOf(far)), outcome])
}

/** A mate that answers every session as `other`, and serves what `allow` lets it. */
function answering(other: Member, allow?: (bytes: number) => boolean): Answer {
  return async (peer) => {
    const [near, far] = channelPair('m', peer)
    void nonceOf(far)
      .then((nonce) => sessionOf(other, peer, far, allow).respond(nonce))
      .catch((error) => far.abort(error))
    return near
  }
}

test('silent sessions of one stranger keep no member out', async () => {
  const { sync, log, keys, crypto } = await setup()
  await log.ingest(new Scribe(1, keys, crypto).write(), 'gossip').durable
  const strangers = Array.from({ length: 20 }, () => channelPair('eve', 'm')[1])
  const silent = strangers.map((channel) => sync.accept(channel, fill(1)))
  assert.is(strangers.filter(({ aborted }) => aborted === undefined).length, 1)

  const other = await member()
  await syncFrom(other, sync)
  assert.equal(idsOf(other.log), idsOf(log))
  sync.stop()
  await Promise.all(silent)
})

test('passes on what was just written and came by sync, to others than the one it came from', async () => {
  const now = 1_000_000_000_000
  for (const [mates, age, passedOn] of [
    [['bob', 'carl'], 1000, 1],
    [['bob', 'carl'], 200_000, 0],
    [['bob'], 1000, 0],
  ] as const) {
    const { sync, published, clock } = await setup([...mates])
    clock.advance(now - clock.now())
    const other = await member()
    await other.log.ingest(new Scribe(1, other.keys, other.crypto).write({ hlc: now - age }), 'gossip').durable
    await syncFrom(other, sync)
    assert.is(published.length, passedOn)
    sync.stop()
  }
})

test('of sessions opened by others at most eight are under way', async () => {
  const { sync } = await setup()
  const channels = Array.from({ length: 10 }, (_, i) => channelPair(`peer ${i}`, 'm')[1])
  const sessions = channels.map((channel) => sync.accept(channel, fill(1)))
  assert.equal(
    channels.map(({ aborted }) => aborted === undefined),
    Array.from({ length: 10 }, (_, i) => i < 8),
  )
  sync.stop()
  await Promise.all(sessions)
})

test('a new mate permits a session at once; of two mates the one with the smaller peer id opens it first', async () => {
  const { sync, opened, clock } = await setup()
  sync.joined('z')
  await turns()
  assert.equal(opened, ['z'])
  sync.joined('a')
  await turns()
  assert.equal(opened, ['z'])
  clock.advance(1000)
  await turns()
  assert.equal(opened, ['z', 'a'])
  sync.stop()
})

/** When sessions were opened within the hour, in seconds; `each` is done every second. */
async function opensInAnHour({ sync, opened, clock }: Setup, each: () => void = () => undefined): Promise<number[]> {
  const times: number[] = []
  const start = clock.now()
  for (let second = 0; second < 3600; second++) {
    each()
    await turns()
    while (opened.length > times.length) times.push(Math.round((clock.now() - start) / 1000))
    clock.advance(1000)
  }
  sync.stop()
  return times
}

const between = (times: number[]): number[] => times.slice(1).map((time, i) => time - (times[i] ?? 0))

/** A mate that says it has what it never serves. */
async function claiming(): Promise<Answer> {
  const liar = await member()
  await liar.log.ingest(new Scribe(1, liar.keys, liar.crypto).write(), 'sync').durable
  return answering(liar, () => false)
}

for (const [what, answer] of [
  ['cannot be reached', async () => outOfReach],
  ['claims what it does not deliver', claiming],
] as const) {
  test(`a mate that ${what} is tried again at twice the pause each time, up to ten minutes`, async () => {
    const times = await opensInAnHour(await setup(['z'], await answer()))
    const pauses = between(times)
    assert.is(times[0], 0)
    for (const [i, pause] of pauses.entries()) {
      const least = Math.min(20 * 2 ** i, 600)
      assert.ok(pause >= least && pause <= least + 5, `pause ${i} is ${pause} s: ${pauses}`)
    }
    assert.ok(pauses.length >= 7 && pauses.some((pause) => pause >= 600))
  })
}

/** A mate that takes the first `sessions` and ends them as a lost connection does. */
function breaking(sessions: number, then: Answer): Answer {
  let left = sessions
  return async (peer) => {
    if (left-- <= 0) return await then(peer)
    const [near, far] = channelPair('m', peer)
    void nonceOf(far)
      .catch(() => undefined)
      .then(() => far.abort(new Error('the connection was closed')))
    return near
  }
}

test('a session that broke is tried again after a second', async () => {
  const other = await member()
  await other.log.ingest(new Scribe(1, other.keys, other.crypto).write(), 'gossip').durable
  const { sync, opened, log, clock } = await setup(['z'], breaking(1, answering(other)))
  await turns()
  assert.equal(opened, ['z'])
  clock.advance(999)
  await turns()
  assert.equal(opened, ['z'])
  clock.advance(1)
  await turns()
  assert.equal(opened, ['z', 'z'])
  assert.equal(idsOf(log), idsOf(other.log))
  sync.stop()
})

test('sessions that break each time are tried again so soon once, and then at twice the pause each time', async () => {
  const pauses = between(await opensInAnHour(await setup(['z'], breaking(1000, outOfReach))))
  assert.is(pauses[0], 1)
  for (const [i, pause] of pauses.slice(1).entries()) {
    const least = Math.min(40 * 2 ** i, 600)
    assert.ok(pause >= least && pause <= least + 5, `pause ${i} is ${pause} s: ${pauses}`)
  }
})

test('a session that was of use permits to try the next one that breaks again soon', async () => {
  const good = answering(await member())
  let sessions = 0
  const { sync, opened, clock } = await setup(['z'], (peer) => (sessions++ % 2 === 0 ? breaking(1, good) : good)(peer))
  for (const expected of [2, 4, 6]) {
    await turns()
    clock.advance(1000)
    await turns()
    assert.is(opened.length, expected)
    sync.want()
    clock.advance(SYNC_PAUSE)
  }
  sync.stop()
})

test('a difference that is claimed without end permits a sync with a mate every ten seconds, and no more', async () => {
  const here = await setup(['z'], answering(await member()))
  const pauses = between(await opensInAnHour(here, () => here.sync.want()))
  assert.ok(Math.min(...pauses) >= 10, `${pauses}`)
  assert.ok(pauses.length > 200)
})

test('a mate that has just opened a session is not asked in the same ten seconds', async () => {
  const { sync, opened, clock } = await setup()
  sync.joined('bob')
  await syncFrom(await member(), sync)
  sync.want()
  clock.advance(SYNC_PAUSE - 1)
  await turns()
  assert.equal(opened, [])
  clock.advance(1)
  await turns()
  assert.equal(opened, ['bob'])
  sync.stop()
})

test('one mate can be asked at any time, once its pause is over, and no other', async () => {
  const { sync, opened, clock } = await setup(['y', 'z'], answering(await member()))
  await turns()
  assert.equal(opened.splice(0), ['y', 'z'])
  sync.askOne()
  clock.advance(SYNC_PAUSE - 1)
  sync.arrived()
  await turns()
  assert.equal(opened, [])
  clock.advance(1)
  await turns()
  assert.is(opened.length, 1)
  clock.advance(SYNC_PAUSE)
  await turns()
  assert.is(opened.length, 1)
  sync.stop()
})

test('a difference must have lasted three seconds without arrivals', async () => {
  const { sync, opened, clock } = await setup(['z'], answering(await member()))
  await turns()
  clock.advance(SYNC_PAUSE)
  sync.want()
  for (let i = 0; i < 10; i++) {
    clock.advance(SYNC_SETTLE - 1)
    sync.arrived()
  }
  await turns()
  assert.is(opened.length, 1)
  clock.advance(SYNC_SETTLE)
  await turns()
  assert.is(opened.length, 2)
  sync.stop()
})

test('in a room that is never quiet a mate is asked every minute all the same', async () => {
  const here = await setup(['z'], answering(await member()))
  const pauses = between(
    await opensInAnHour(here, () => {
      here.sync.arrived()
      here.sync.want()
    }),
  )
  assert.ok(Math.min(...pauses) >= 45 && Math.max(...pauses) <= 76, `${pauses}`)
  assert.ok(pauses.length >= 45)
})

test('of sessions opened by us two are under way at most', async () => {
  const never: Answer = () => new Promise(() => undefined)
  const { sync, opened } = await setup(['n', 'o', 'p', 'q', 'r'], never)
  await turns()
  assert.equal(opened, ['n', 'o'])
  sync.stop()
})

test('a stranger that leaves and comes back keeps the pause it has earned, a member does not', async () => {
  for (const [answer, kept] of [
    [outOfReach, true],
    [await claiming(), false],
  ] as const) {
    const { sync, opened, clock } = await setup(['z'], answer)
    await turns()
    sync.left('z')
    sync.joined('z')
    clock.advance(SYNC_PAUSE)
    await turns()
    assert.is(opened.length, kept ? 1 : 2)
    clock.advance(SYNC_PAUSE)
    await turns()
    assert.is(opened.length, 2)
    sync.stop()
  }
})

test('what one peer is sent in an hour is the size of the room and 64 MiB', async () => {
  const { sync, log, keys, crypto, clock } = await setup()
  for (let i = 0; i < 5; i++) await log.ingest(new Scribe(i, keys, crypto).write({ text: 'x'.repeat(20_000) }), 'sync').durable
  // As if all but the last 50 kB of it were spent.
  Object.defineProperty(log, 'bytes', { value: 50_000 - SYNC_ALLOWANCE })
  for (const had of [2, 0, 0]) {
    const bob = await member()
    await syncFrom(bob, sync)
    assert.is(bob.log.size, had)
  }
  clock.advance(3_600_001)
  const bob = await member()
  await syncFrom(bob, sync)
  assert.is(bob.log.size, 2)
  sync.stop()
})

test('a clock that is set back or forwards neither delays nor hastens the next try', async () => {
  for (const by of [-3_600_000, 3_600_000]) {
    const { sync, clock, opened } = await setup(['zoe'])
    await turns()
    clock.set(by)
    clock.advance(SYNC_PAUSE)
    await turns()
    assert.is(opened.length, 1, 'the pause is not over')
    clock.advance(SYNC_PAUSE + SYNC_SETTLE)
    await turns()
    assert.is(opened.length, 2)
    sync.stop()
  }
})

test('after a stop nothing is opened, nobody is answered, and no timer is left', async () => {
  const { sync, opened, clock } = await setup(['z'])
  await turns()
  sync.stop()
  const before = opened.length
  clock.advance(3_600_000)
  await turns()
  assert.equal([opened.length, clock.pending], [before, 0])
  const [, channel] = channelPair('bob', 'm')
  await sync.accept(channel, fill(1))
  assert.ok(channel.aborted)
})

test.run()
