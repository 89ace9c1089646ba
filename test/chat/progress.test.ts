import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { AuthorLog, LogEvent } from '../../src/chat/author-log.ts'
import { PROGRESS_INTERVAL } from '../../src/chat/constants.ts'
import type { Want } from '../../src/chat/frontier.ts'
import { Missing } from '../../src/chat/missing.ts'
import { Reservations } from '../../src/chat/reservations.ts'
import type { Network } from '../../src/chat/seams.ts'
import { Sessions } from '../../src/chat/sessions.ts'
import { decodeMessage } from '../../src/chat/sync-codec.ts'
import { SyncSession } from '../../src/chat/sync-session.ts'
import { waitFor } from '../support/wait-for.ts'
import { channelPair, type Member, type MemoryChannel, member, rejection, Scribe } from './support.ts'

const test = suite('chat/progress')

interface Told {
  state: 'running' | 'done'
  missing: number
  /** Events that had come. */
  here: number
  at: number
}

interface Setup extends Member {
  sessions: Sessions
  told: Told[]
}

async function setup(): Promise<Setup> {
  const here = await member()
  const { clock } = here
  const told: Told[] = []
  let arrived = 0
  const sessions = new Sessions({
    ...here,
    network: { mates: () => [], publish: () => undefined } as unknown as Network,
    onState: (state, missing) => told.push({ state, missing, here: arrived, at: clock.monotonic() }),
    onSynced: () => undefined,
    onReject: () => undefined,
    own: () => [],
  })
  here.log.listen({
    onArrivals: (arrivals) => {
      arrived += arrivals.length
      sessions.arrived(arrivals)
    },
  })
  return { ...here, sessions, told }
}

/** Somebody who holds `count` events of one author; a message on the stream has about forty of them. */
async function holder(count: number, scribe: Scribe, other?: Member): Promise<Member> {
  const there = other ?? (await member())
  for (let i = 0; i < count; i += 10) {
    const bytes = scribe.write(...Array.from({ length: Math.min(10, count - i) }, () => ({ text: 'x'.repeat(6000) })))
    await there.log.ingest(bytes, 'sync').durable
  }
  return there
}

/** A conversation with `other`; `onRuns` sees each message with runs before it goes, and may end the stream. */
function converse({ sessions }: Setup, other: Member, onRuns: (channel: MemoryChannel) => void | Promise<void>) {
  const [near, far] = channelPair('m', 'other')
  const send = far.send.bind(far)
  far.send = async (message) => {
    if (decodeMessage(message).type === 'runs') await onRuns(far)
    await send(message)
  }
  const theirs = new SyncSession({
    ...other,
    channel: far,
    reserved: new Reservations(),
    allow: () => true,
    onProgress: () => undefined,
    onReject: () => undefined,
    onFresh: () => undefined,
    own: () => [],
    onHeld: () => undefined,
  })
  const answered = theirs.converse().catch((error: Error) => far.abort(error))
  const ours = sessions.converse(near, { prove: async () => undefined, allow: () => true, onHeld: () => undefined })
  return ours.finally(() => answered)
}

const author = (there: Member, seed: number): Scribe => new Scribe(seed, there.keys, there.crypto)

test('while a history comes in it is told how much is missing, down to none', async () => {
  const here = await setup()
  const there = await holder(1000, author(here, 1))
  await converse(here, there, () => here.clock.advance(PROGRESS_INTERVAL))
  const running = here.told.filter(({ state }) => state === 'running')
  assert.ok(running.length >= 8, String(running.length))
  assert.is(running[0]?.missing, 1000, 'at first all of it')
  for (const { missing, here: arrived } of running) assert.is(missing + arrived, 1000)
  for (const [i, { missing }] of running.slice(1).entries()) assert.ok(missing < (running[i]?.missing ?? 0))
  assert.equal(
    here.told.slice(running.length).map(({ state, missing }) => [state, missing]),
    [['done', 0]],
  )
})

test('it is told five times a second at most, however fast it comes', async () => {
  const here = await setup()
  const there = await holder(2000, author(here, 1))
  await converse(here, there, () => here.clock.advance(PROGRESS_INTERVAL / 8))
  const times = here.told.filter(({ state }) => state === 'running').map(({ at }) => at)
  assert.ok(times.length >= 2, String(times.length))
  for (const [i, at] of times.slice(1).entries()) assert.ok(at - (times[i] ?? 0) >= PROGRESS_INTERVAL)
})

test('what is here already is not missing', async () => {
  const here = await setup()
  const scribe = author(here, 1)
  const there = await member()
  for (let i = 0; i < 20; i++) {
    const run = scribe.write(...Array.from({ length: 10 }, () => ({})))
    await there.log.ingest(run, 'sync').durable
    if (i % 2 === 0) await here.log.ingest(run, 'sync').durable
  }
  await converse(here, there, () => undefined)
  assert.equal(
    here.told.map(({ state, missing }) => [state, missing]),
    [
      ['running', 100],
      ['done', 0],
    ],
  )
})

test('two sessions that bring the same chain, one of them further, are counted together, and are done together', async () => {
  const here = await setup()
  const scribe = author(here, 1)
  const one = await holder(1000, scribe)
  const two = await member()
  for (const log of one.log.authors())
    for (const event of log.events())
      if (event.stored.firstSeq === event.seq)
        await two.log.ingest((await one.log.bytesOf(log, event.stored)) as Uint8Array, 'sync').durable
  await holder(100, scribe, two)
  // Both ask before either gets anything, and the first is served to its end while the other waits.
  const both = Promise.withResolvers<void>()
  const first = Promise.withResolvers<void>()
  let asked = 0
  const meet = (): Promise<void> => {
    if (++asked === 2) both.resolve()
    return both.promise
  }
  let begun = false
  const served = converse(here, one, async () => {
    if (!begun) await meet()
    begun = true
    here.clock.advance(PROGRESS_INTERVAL)
  }).then(() => {
    first.resolve()
    return here.told.length
  })
  let waited = false
  const last = converse(here, two, async () => {
    if (!waited) await meet()
    waited = true
    here.clock.advance(PROGRESS_INTERVAL)
    await first.promise
  })
  const [before] = await Promise.all([served, last])
  const states = here.told.map(({ state }) => state)
  assert.equal([states.indexOf('done'), states[before - 1]], [states.length - 1, 'running'], 'the first end is not the end')
  const running = here.told.slice(0, -1)
  assert.ok(running.length >= 8, String(running.length))
  for (const { missing, here: arrived } of running) assert.is(missing + arrived, 1100)
  assert.equal([here.told[states.length - 1]?.missing, here.told[states.length - 1]?.here], [0, 1100])
})

test('where a session breaks nothing more is missing than others still bring', async () => {
  const here = await setup()
  const there = await holder(1000, author(here, 1))
  let messages = 0
  const broken = converse(here, there, (channel) => {
    here.clock.advance(PROGRESS_INTERVAL)
    if (++messages === 4) channel.abort(new Error('cut'))
  })
  await rejection(broken)
  const last = here.told[here.told.length - 1]
  assert.equal([last?.state, last?.missing], ['running', 0])
  assert.ok(here.told.some(({ missing }) => missing > 0))
  await waitFor(() => here.log.frontierDigest() !== undefined, 'the disk')
  await converse(here, there, () => undefined)
  assert.equal(here.told[here.told.length - 1], { state: 'done', missing: 0, here: 1000, at: here.clock.monotonic() })
})

test('a conversation in which nothing moves tells nothing, one that only serves tells its end', async () => {
  const here = await setup()
  const there = await holder(100, author(here, 1))
  await converse(here, there, () => undefined)
  here.told.length = 0
  await converse(here, there, () => undefined)
  assert.equal(here.told, [])
  await converse(here, await member(), () => undefined)
  assert.equal(
    here.told.map(({ state, missing }) => [state, missing]),
    [['done', 0]],
  )
})

test('at any time as many are missing as places were asked for and are empty', () => {
  const range = fc.tuple(fc.nat(60), fc.nat(12)).map(([from, length]) => ({ from: from + 1, to: from + 1 + length }))
  const step = fc.oneof(
    fc.record({ do: fc.constant('ask' as const), wants: fc.array(fc.tuple(range, fc.constantFrom('a', 'b')), { maxLength: 4 }) }),
    fc.record({ do: fc.constant('end' as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant('come' as const), range, author: fc.constantFrom('a', 'b') }),
  )
  const key = (letter: string): string => letter.repeat(32)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const held = { a: new Set<number>(), b: new Set<number>() }
      const logs = new Map(
        (['a', 'b'] as const).map((letter) => {
          const segments = (): { from: number; to: number }[] => [...held[letter]].map((seq) => ({ from: seq, to: seq }))
          return [key(letter), { name: letter.repeat(64), segments } as unknown as AuthorLog]
        }),
      )
      const missing = new Missing((author) => logs.get(author))
      const open: Want[][] = []
      for (const each of steps) {
        if (each.do === 'ask') {
          const wants = each.wants.map(([range, letter], i) => ({ ...range, author: key(letter), end: String(i) }))
          open.push(wants)
          missing.add(wants)
        } else if (each.do === 'end') {
          const [ended = []] = open.splice(each.which % Math.max(1, open.length), 1)
          missing.remove(ended)
          missing.remove(ended)
        } else {
          const letter = each.author as 'a' | 'b'
          const fresh: number[] = []
          for (let seq = each.range.from; seq <= each.range.to; seq++) if (!held[letter].has(seq)) fresh.push(seq)
          for (const seq of fresh) held[letter].add(seq)
          missing.arrived(fresh.map((seq) => ({ event: { seq, author: logs.get(key(letter)) } as LogEvent })))
        }
        const places = new Set<string>()
        for (const { author, from, to } of open.flat())
          for (let seq = from; seq <= to; seq++)
            if (!held[author.startsWith('a') ? 'a' : 'b'].has(seq)) places.add(`${author}${seq}`)
        assert.is(missing.count, places.size)
      }
    }),
    { numRuns: 500 },
  )
})

test('what is claimed to be there may be any number', () => {
  const missing = new Missing(() => undefined)
  missing.add(Array.from({ length: 100 }, (_, i) => ({ author: `${i}`, end: 'e', from: 1, to: 2 ** 48 - 1 })))
  assert.is(missing.count, Number.MAX_SAFE_INTEGER)
  missing.add([{ author: 'x', end: 'e', from: 5, to: 5 }])
  assert.is(missing.count, Number.MAX_SAFE_INTEGER)
})

test.run()
