import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KEEP_INTERVAL, KEEP_INTERVAL_ALONE, KEEP_LATEST, KEEP_SETTLE, SYNC_PAUSE } from '../../src/chat/constants.ts'
import { type Page, pageOf } from '../../src/chat/frontier.ts'
import { Gate } from '../../src/chat/gate.ts'
import { KeepDesk, type KeepRequest } from '../../src/chat/keep-access.ts'
import { KEEP_PROTOCOL, Refusal } from '../../src/chat/keep-codec.ts'
import { KeeperTurns } from '../../src/chat/keeper-turns.ts'
import { Keeping } from '../../src/chat/keeping.ts'
import { KeptLog } from '../../src/chat/kept-log.ts'
import { Reservations } from '../../src/chat/reservations.ts'
import type { Channel, Network } from '../../src/chat/seams.ts'
import { Sessions } from '../../src/chat/sessions.ts'
import { SyncSession } from '../../src/chat/sync-session.ts'
import { refused } from '../../src/chat/warnings.ts'
import { channelPair, MapStore, type Member, member, Scribe } from './support.ts'

const test = suite('chat/keeping')

interface Setup extends Member {
  keeping: Keeping
  scribe: Scribe
  /** When the keeper was visited, in milliseconds since the start. */
  visits: number[]
  requests: KeepRequest[]
  kept: KeptLog
  refusals: string[]
  failures: unknown[]
  held: [Page, boolean, string][]
  gone: string[]
  mates: string[]
  /** What the faces are told of syncing. */
  states: string[]
  turns: KeeperTurns
  /** What the keeper does: the reason for which it refuses, or how it breaks. */
  mood: { refuse?: number; seconds?: number; broken?: boolean; bytes?: number; silent?: boolean }
}

async function setup(): Promise<Setup> {
  const here = await member()
  const { clock, crypto, keys, log } = here
  const scribe = new Scribe(1, keys, crypto)
  log.ownAuthor = scribe.name
  const everything = () => ({ bytes: 1e9, events: 1e9, authors: 1e9 })
  const kept = await KeptLog.open({
    store: new MapStore(),
    clock,
    crypto,
    tag: keys.tag,
    room: 1,
    limits: everything,
    onCharge: () => [],
  })
  const setting = {
    visits: [],
    requests: [],
    refusals: [],
    failures: [],
    held: [],
    gone: [],
    states: [],
    mates: [],
    mood: {},
  } as unknown as Setup
  const begun = clock.monotonic()
  const talk = { clock, crypto, gate: new Gate(), reserved: new Reservations(), allow: () => true, own: () => [] }
  const ignored = { onProgress: () => undefined, onReject: () => undefined, onFresh: () => undefined, onHeld: () => undefined }
  const network = {
    self: 'm',
    mates: () => setting.mates,
    keepers: () => [],
    publish: () => undefined,
    open: async (peer: string, protocol: string): Promise<Channel> => {
      assert.equal([peer, protocol], ['keeper', KEEP_PROTOCOL])
      setting.visits.push(clock.monotonic() - begun)
      const { broken, refuse, seconds = 10, bytes = 1e9, silent } = setting.mood
      if (broken === true) throw new Error('out of reach')
      const [near, far] = channelPair('m', 'keeper')
      if (silent === true) return near
      const desk = new KeepDesk({ channel: far, crypto, clock, self: 'keeper' })
      void (async () => {
        setting.requests.push(await desk.hear())
        if (refuse !== undefined) return desk.refuse(refuse, seconds)
        await desk.grant({ seconds: 100, bytes })
        await new SyncSession({ ...talk, ...ignored, log: kept, channel: far }).converse()
      })().catch((error) => far.abort(error))
      return near
    },
  } as unknown as Network
  const own = (): Page[] => [...log.authors()].map((author) => pageOf(author, 0).page)
  const init = {
    network,
    log,
    keys,
    crypto,
    clock,
    gate: here.gate,
    onState: (state: string) => setting.states.push(state),
    onSynced: () => undefined,
    onReject: () => undefined,
    own,
  }
  const turns = new KeeperTurns(4)
  const keeping = new Keeping({
    ...init,
    sessions: new Sessions(init),
    turns,
    allow: () => true,
    onHeld: (page, first, peer) => setting.held.push([page, first, peer]),
    onGone: (peer) => setting.gone.push(peer),
    onRefused: (why, peer) => setting.refusals.push(refused(why, peer).message),
    onFailure: (error) => setting.failures.push(error),
  })
  keeping.start()
  return Object.assign(setting, { ...here, keeping, scribe, kept, turns })
}

async function turns(): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve()
}

/** Time passes in small steps, as it does. */
async function pass({ clock }: Setup, milliseconds: number): Promise<void> {
  const step = Math.min(1000, milliseconds)
  for (let left = milliseconds; left > 0; left -= step) {
    clock.advance(Math.min(step, left))
    await turns()
  }
}

async function write(here: Setup, count = 1): Promise<void> {
  for (let i = 0; i < count; i++) await here.log.ingest(here.scribe.write(), 'self').durable
  here.keeping.wrote()
}

const joined = async (here: Setup): Promise<void> => {
  here.keeping.joined({ peer: 'keeper' })
  await turns()
}

test('a keeper is visited at once when it is there, and then has all: nothing that people need to be told of', async () => {
  const here = await setup()
  await write(here, 3)
  await joined(here)
  assert.equal([here.visits, here.kept.size, here.states], [[0], 3, []])
  here.keeping.stop()
})

test('what is fetched from a keeper is told of', async () => {
  const here = await setup()
  await here.kept.ingest(new Scribe(2, here.keys, here.crypto).write()).durable
  await joined(here)
  assert.equal([here.log.size, here.states], [1, ['running', 'done']])
  here.keeping.stop()
})

test('what is written is brought a second after the last of it, and not for each message', async () => {
  const here = await setup()
  await joined(here)
  await pass(here, 30_000)
  const before = here.visits.length
  for (let i = 0; i < 3; i++) {
    await write(here)
    await pass(here, KEEP_SETTLE - 100)
  }
  assert.is(here.visits.length, before)
  await pass(here, 200)
  assert.equal([here.visits.length, here.kept.size], [before + 1, 3])
  here.keeping.stop()
})

test('who writes without pause is brought every five seconds all the same', async () => {
  const here = await setup()
  here.mates.push('somebody')
  await joined(here)
  await pass(here, 10_000)
  const before = here.visits.length
  for (let i = 0; i < 60; i++) {
    await write(here)
    await pass(here, 500)
  }
  const visits = here.visits.length - before
  assert.ok(visits >= 5 && visits <= 30_000 / KEEP_LATEST + 1, `${visits}`)
  here.keeping.stop()
})

for (const [what, mates, interval] of [
  ['while no mate is there it is visited every minute', [], KEEP_INTERVAL_ALONE],
  ['with a mate there it is visited every ten minutes', ['bob'], KEEP_INTERVAL],
] as const) {
  test(what, async () => {
    const here = await setup()
    here.mates.push(...mates)
    await joined(here)
    await pass(here, 12 * interval)
    const pauses = here.visits.slice(1).map((at, i) => at - (here.visits[i] ?? 0))
    assert.ok(pauses.length >= 8, `${pauses}`)
    for (const pause of pauses) assert.ok(pause >= 0.75 * interval && pause <= 1.25 * interval + 1000, `${pause}`)
    here.keeping.stop()
  })
}

test('when the last mate is gone it is visited within the minute or so', async () => {
  const here = await setup()
  here.mates.push('bob')
  await joined(here)
  here.mates.pop()
  here.keeping.alone()
  await pass(here, 1.25 * KEEP_INTERVAL_ALONE + 1000)
  assert.is(here.visits.length, 2)
  here.keeping.stop()
})

test('what the keeper holds of our own log is told, with its name', async () => {
  const here = await setup()
  await write(here, 4)
  await joined(here)
  const [page, first, peer] = here.held.at(-1) ?? []
  assert.equal([page?.author, page?.segments[0]?.to, first, peer], [here.scribe.name.slice(0, 32), 4, true, 'keeper'])
  assert.equal(here.gone, [])
  here.keeping.left('keeper')
  here.keeping.left('keeper')
  assert.equal(here.gone, ['keeper'], 'what it holds now, nobody knows')
  here.keeping.stop()
})

test('no more is served than the keeper has place for', async () => {
  const here = await setup()
  here.mood.bytes = 1000
  for (let i = 0; i < 20; i++)
    await here.log.ingest(new Scribe(100 + i, here.keys, here.crypto).write({ text: 'x'.repeat(300) }), 'sync').durable
  await joined(here)
  assert.ok(here.kept.size >= 1 && here.kept.bytes <= 1000, `${here.kept.bytes}`)
  here.keeping.stop()
})

test('what a keeper cannot know not to open is passed over, once, and the rest is fetched', async () => {
  const here = await setup()
  const { keys, crypto, kept } = here
  const wrong = { ...keys, messageKey: new Uint8Array(32) }
  const mallory = new Scribe(66, wrong, crypto)
  await kept.ingest(mallory.write({ text: 'junk' })).durable
  const ann = new Scribe(2, keys, crypto)
  for (let i = 0; i < 3; i++) await kept.ingest(ann.write()).durable
  await joined(here)
  assert.equal([here.log.size, here.log.author(ann.name)?.size, here.failures], [3, 3, []])
  await kept.ingest(mallory.write({ text: 'more junk' })).durable
  await write(here)
  await pass(here, 5_000)
  assert.equal([here.visits.length, kept.size, here.failures, here.log.author(mallory.name)], [2, 6, [], undefined])
  const served = kept.author(mallory.name)
  assert.is(served?.size, 2)
  here.keeping.stop()
})

test('a keeper that serves what it could have refused is left', async () => {
  const here = await setup()
  const { keys, crypto, kept } = here
  await kept.ingest(new Scribe(2, keys, crypto).write()).durable
  const { bytesOf } = kept
  kept.bytesOf = async (author, stored) => {
    const bytes = await bytesOf.call(kept, author, stored)
    return bytes?.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))
  }
  await joined(here)
  assert.equal([here.failures.length, here.log.size], [1, 0])
  here.keeping.stop()
})

test('a refusal is told once, and asked about again after pauses that grow', async () => {
  const here = await setup()
  here.mood = { refuse: Refusal.peerQuota, seconds: 1 }
  await joined(here)
  await pass(here, 3_600_000)
  assert.is(here.refusals.length, 1)
  assert.match(here.refusals[0] ?? '', /^The keeper keeper does not keep this room: it keeps as much as it may for this device\./)
  assert.equal(here.failures, [])
  const pauses = here.visits.slice(1).map((at, i) => at - (here.visits[i] ?? 0))
  for (const [i, pause] of pauses.entries()) {
    const asked = Math.min(60_000 * 2 ** i, 3_600_000)
    assert.ok(pause >= asked && pause <= 1.25 * asked + 1000, `${pauses}`)
  }
  assert.ok(pauses.length >= 4)
  here.mood = { refuse: Refusal.notAllowed, seconds: 1 }
  await pass(here, 3 * 3_600_000)
  assert.is(here.refusals.length, 2, 'another reason is told')
  here.mood = {}
  await pass(here, 3 * 3_600_000)
  here.mood = { refuse: Refusal.notAllowed, seconds: 1 }
  here.gone = []
  await pass(here, 3_600_000)
  assert.is(here.refusals.length, 3, 'it had agreed meanwhile')
  assert.ok(here.gone.includes('keeper'), 'what it held then does not count')
  here.keeping.stop()
})

test('a keeper is not asked again before it said, up to an hour', async () => {
  for (const [seconds, least] of [
    [600, 600_000],
    [1_000_000, 3_600_000],
  ] as const) {
    const here = await setup()
    here.mood = { refuse: Refusal.totalQuota, seconds }
    await joined(here)
    await write(here)
    await pass(here, 2 * 3_600_000)
    assert.ok((here.visits[1] ?? 0) >= least && (here.visits[1] ?? 0) <= 1.25 * least + 1000, `${here.visits}`)
    here.keeping.stop()
  }
})

test('a busy keeper is nothing to tell of', async () => {
  const here = await setup()
  here.mood = { refuse: Refusal.busy, seconds: 15 }
  await joined(here)
  await pass(here, 60_000)
  assert.equal([here.refusals, here.failures, here.gone], [[], [], []])
  assert.ok(here.visits.length >= 3)
  here.keeping.stop()
})

test('a keeper that cannot be reached is tried again at twice the pause each time, up to ten minutes', async () => {
  const here = await setup()
  here.mood = { broken: true }
  await joined(here)
  await pass(here, 3_600_000)
  const pauses = here.visits.slice(1).map((at, i) => at - (here.visits[i] ?? 0))
  for (const [i, pause] of pauses.entries()) {
    const least = Math.min(SYNC_PAUSE * 2 ** i, 600_000)
    assert.ok(pause >= 0.75 * least && pause <= 1.25 * least + 1000, `${pauses}`)
  }
  assert.ok(pauses.length >= 6)
  assert.is(here.failures.length, here.visits.length)
  here.mood = {}
  await pass(here, 800_000)
  await write(here)
  await pass(here, 2_000)
  assert.is(here.kept.size, 1)
  here.keeping.stop()
})

test('before a room is closed the keepers have what was just written', async () => {
  const here = await setup()
  await joined(here)
  await write(here, 5)
  const flushing = here.keeping.flush()
  await turns()
  await flushing
  assert.is(here.kept.size, 5)
  here.keeping.stop()
  assert.is(here.clock.pending, 0)
})

test('closing a room waits for no keeper that is silent, gone or refusing', async () => {
  for (const mood of [{ silent: true }, { broken: true }, { refuse: Refusal.notAllowed }] as Setup['mood'][]) {
    const here = await setup()
    here.mood = mood
    await joined(here)
    await write(here)
    let flushed = false
    void here.keeping.flush().then(() => {
      flushed = true
    })
    await turns()
    assert.is(flushed, mood.silent !== true, 'whoever has refused is not asked once more')
    here.clock.advance(2_000)
    await turns()
    assert.ok(flushed)
    assert.is(here.visits.length, 1)
    here.keeping.stop()
    here.clock.advance(20_000)
    await turns()
    assert.is(here.clock.pending, 0)
  }
})

test('nothing was written: closing a room visits nobody', async () => {
  const here = await setup()
  await joined(here)
  await here.keeping.flush()
  assert.is(here.visits.length, 1)
  here.keeping.left('keeper')
  await write(here)
  await here.keeping.flush()
  assert.is(here.visits.length, 1)
  here.keeping.stop()
})

test('visits of a keeper wait for those of other rooms', async () => {
  const here = await setup()
  const places = await Promise.all([1, 2, 3, 4].map(() => here.turns.take('keeper')))
  await joined(here)
  assert.is(here.visits.length, 0)
  places[0]?.()
  await turns()
  assert.is(here.visits.length, 1)
  here.keeping.stop()
})

test('after a stop nobody is visited, and no timer is left', async () => {
  const here = await setup()
  await joined(here)
  here.keeping.stop()
  here.keeping.joined({ peer: 'keeper' })
  here.keeping.wrote()
  here.clock.advance(3_600_000)
  await turns()
  assert.equal([here.visits.length, here.clock.pending], [1, 0])
})

test.run()
