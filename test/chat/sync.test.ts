import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SYNC_PAUSE, SYNC_SETTLE } from '../../src/chat/constants.ts'
import type { Channel, Network } from '../../src/chat/seams.ts'
import { Sync } from '../../src/chat/sync.ts'
import { decodeMessage } from '../../src/chat/sync-codec.ts'
import { Reservations, SyncSession } from '../../src/chat/sync-session.ts'
import { channelPair, fill, idsOf, type Member, member, Scribe } from './support.ts'

const test = suite('chat/sync')

interface Setup extends Member {
  sync: Sync
  /** Peers to which a session was opened, in order. */
  opened: string[]
  failures: string[]
  published: Uint8Array[]
}

/** A member called `m`, whose attempts to open a session fail. */
async function setup(mates: string[] = []): Promise<Setup> {
  const here = await member()
  const opened: string[] = []
  const failures: string[] = []
  const published: Uint8Array[] = []
  const network = {
    self: 'm',
    mates: () => mates,
    publish: (_topic: string, bytes: Uint8Array) => published.push(bytes),
    open: async (peer: string): Promise<Channel> => {
      opened.push(peer)
      throw new Error('out of reach')
    },
  } as unknown as Network
  const sync = new Sync({
    ...here,
    network,
    onState: () => undefined,
    onReject: () => undefined,
    onHeld: () => undefined,
    onFailure: (_error, peer) => failures.push(peer),
  })
  sync.start()
  return { ...here, sync, opened, failures, published }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

/** `bob` opens a session with the member under test. */
async function syncFrom(other: Member, sync: Sync): Promise<void> {
  const [near, far] = channelPair('bob', 'm')
  const session = new SyncSession({
    ...other,
    self: 'bob',
    channel: near,
    reserved: new Reservations(),
    allow: () => true,
    onProgress: () => undefined,
    onReject: () => undefined,
    onHeld: () => undefined,
    onFresh: () => undefined,
  })
  const outcome = session.initiate()
  const hello = decodeMessage((await far.receive()) as Uint8Array)
  await Promise.all([sync.accept(far, hello.type === 'hello' ? hello.nonce : fill(0)), outcome])
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

test('a mate that cannot be reached is tried again at twice the pause each time, up to ten minutes', async () => {
  const { sync, opened, clock } = await setup(['z'])
  const times: number[] = []
  let seen = 0
  const start = clock.now()
  for (let second = 0; second < 3600; second++) {
    await turns()
    if (opened.length > seen) times.push(Math.round((clock.now() - start) / 1000))
    seen = opened.length
    clock.advance(1000)
  }
  const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0))
  assert.is(times[0], 0)
  for (const [i, pause] of pauses.entries()) {
    const least = Math.min(20 * 2 ** i, 600)
    assert.ok(pause >= least && pause <= least + 5, `pause ${i} is ${pause} s: ${pauses}`)
  }
  assert.ok(pauses.length >= 7 && pauses.some((pause) => pause >= 600))
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
