import { bytesToHex } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Type } from '../../src/chat/body.ts'
import { MAX_SCAN_EVENTS, SEARCH_SLICE } from '../../src/chat/constants.ts'
import { encodeRun } from '../../src/chat/event.ts'
import { Members } from '../../src/chat/members.ts'
import { fold } from '../../src/chat/query.ts'
import type { Clock } from '../../src/chat/seams.ts'
import { Searches } from '../../src/chat/search.ts'
import { Timeline } from '../../src/chat/timeline.ts'
import type { Message } from '../../src/chat/types.ts'
import type { Key } from '../../src/storage/store.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { cheapCrypto, MapStore, type Member, member, rejection, roomKeys, type Said, Scribe } from './support.ts'

const test = suite('chat/search')

/** Counts the runs that are read. */
class CountingStore extends MapStore {
  reads = 0

  override get(key: Key): Promise<Uint8Array | undefined> {
    if (key[0] === 'run') this.reads++
    return super.get(key)
  }
}

interface RoomOf extends Member {
  timeline: Timeline
  blocked: Set<string>
  store: CountingStore
  ann: Scribe
  bob: Scribe
  /** As one run. */
  hear: (scribe: Scribe, ...said: Said[]) => Promise<string[]>
}

async function room(name: string): Promise<RoomOf> {
  const crypto = cheapCrypto()
  const store = new CountingStore()
  const here = await member({ store, crypto, keys: roomKeys(name, crypto) })
  const { log, keys } = here
  const blocked = new Set<string>()
  const timeline = new Timeline({
    ...here,
    members: new Members(keys.tag, crypto),
    isBlocked: (account) => blocked.has(account),
    isSelf: () => false,
    heldOf: () => undefined,
  })
  await timeline.open()
  const onArrivals: Parameters<typeof log.listen>[0]['onArrivals'] = (arrivals) => {
    for (const { event, body } of arrivals) if (body !== undefined) timeline.arrived(event, body)
  }
  log.listen({ onArrivals })
  const hear: RoomOf['hear'] = async (scribe, ...said) => {
    const run = scribe.run(...said)
    await log.ingest(encodeRun(run), 'sync').durable
    return run.ids.map(bytesToHex)
  }
  return { ...here, store, timeline, blocked, ann: new Scribe(1, keys, crypto), bob: new Scribe(2, keys, crypto), hear }
}

const searches = (clock: Clock = new VirtualClock()): Searches => new Searches(clock)
const timelines = (rooms: RoomOf[]): Timeline[] => rooms.map(({ timeline }) => timeline)
const texts = ({ messages }: { messages: Message[] }): string[] => messages.map(({ text }) => text)

test('the newest that match come, oldest first, and whether there is older history that was not looked at', async () => {
  const here = await room('a')
  for (let i = 0; i < 10; i++)
    await here.hear(i % 2 === 0 ? here.ann : here.bob, { text: i % 3 === 0 ? `Fish ${i}` : `${i}`, hlc: i })
  const found = async (query: string, limit?: number): Promise<[string, boolean]> => {
    const result = await searches().search([here.timeline], query, { limit })
    return [texts(result).join(), result.more]
  }
  assert.equal(await found('fish'), ['Fish 0,Fish 3,Fish 6,Fish 9', false])
  assert.equal(await found('fish', 2), ['Fish 6,Fish 9', true])
  assert.equal(await found('fish', 4), ['Fish 0,Fish 3,Fish 6,Fish 9', false], 'the first is the oldest of all')
  assert.equal(await found('fowl'), ['', false])
  assert.equal(await found('from:unkn fish', 1), ['Fish 9', true])
})

test('a limit is 1 to 1,000', async () => {
  const { timeline } = await room('a')
  for (const limit of [0, -1, 1.5, 1001, Number.NaN]) {
    const error = await rejection(searches().search([timeline], 'x', { limit }))
    assert.equal([error.name, (error as Error & { field: string }).field], ['InvalidArgumentError', 'limit'], String(limit))
  }
})

test('blocked people and what only a newer version can read are not found, actions are', async () => {
  const here = await room('a')
  await here.hear(here.ann, { text: 'fish one' }, { body: { type: 4000, payload: ['fish two'] } })
  await here.hear(here.bob, { text: 'fish three', body: { type: Type.action } })
  const all = (): Promise<string[]> => searches().search([here.timeline], 'fish', {}).then(texts)
  assert.equal((await all()).sort(), ['fish one', 'fish three'])
  here.blocked.add(here.bob.name)
  assert.equal(await all(), ['fish one'])
  here.blocked.clear()
  assert.is((await all()).length, 2)
})

/** What a search must answer: all is looked through, room by room. */
async function expected(rooms: RoomOf[], word: string, limit: number): Promise<string[]> {
  const all: { text: string; at: number }[] = []
  for (const { timeline } of rooms) {
    let at = Number.POSITIVE_INFINITY
    for await (const { text, sentAt } of timeline.history({ reverse: true })) {
      at = Math.min(at, Date.parse(sentAt))
      if (fold(text).includes(fold(word))) all.push({ text, at })
    }
  }
  return all
    .sort((a, b) => b.at - a.at)
    .slice(0, limit)
    .map(({ text }) => text)
    .reverse()
}

test('several rooms are one history by time, each in its own order, over many pages', async () => {
  const rooms = await Promise.all(['a', 'b', 'c'].map(room))
  let drawn = 12345
  const random = (below: number): number => {
    drawn = (Math.imul(drawn, 1_103_515_245) + 12_345) >>> 1
    return drawn % below
  }
  // Clocks go back and forth within a log, so that order and time differ.
  for (const [r, each] of rooms.entries())
    for (let n = 0; n < (r + 1) * 3; n++) {
      const said = Array.from({ length: 150 }, (_, i) => ({
        text: `${['fish', 'fowl', 'figs'][random(3)]} ${r}/${n}/${i}`,
        hlc: 999_999 + n * 999 + i * 6 + random(400) * 3 + r, // no two rooms have one time
      }))
      await each.hear(random(2) === 0 ? each.ann : each.bob, ...said)
    }
  for (const [word, limit] of [
    ['fish', 1000],
    ['fowl', 1],
    ['figs', 37],
    ['f', 1000],
    ['/1/7', 300],
  ] as const)
    assert.equal(texts(await searches().search(timelines(rooms), word, { limit })), await expected(rooms, word, limit), word)
})

test('no room is read further back than the answer takes', async () => {
  const [busy, quiet] = await Promise.all([room('busy'), room('quiet')])
  for (let n = 0; n < 10; n++) {
    await quiet.hear(quiet.ann, ...Array.from({ length: MAX_SCAN_EVENTS }, (_, i) => ({ text: 'fish', hlc: 1000 * n + i })))
    await busy.hear(busy.ann, ...Array.from({ length: MAX_SCAN_EVENTS }, (_, i) => ({ text: 'fish', hlc: 1e6 + 1000 * n + i })))
  }
  busy.store.reads = 0
  const { messages, more } = await searches().search(timelines([quiet, busy]), 'fish', { limit: 100 })
  assert.equal([messages.length, more, quiet.store.reads, busy.store.reads], [100, true, 0, 1])
  await searches().search(timelines([quiet, busy]), 'fowl', { limit: 100 })
  assert.equal([quiet.store.reads, busy.store.reads], [10, 11], 'for a word that is nowhere each run is read once')
})

test('nothing is read of those whom nobody asked for', async () => {
  const here = await room('a')
  for (let i = 0; i < 20; i++) await here.hear(i === 3 ? here.bob : here.ann, { text: 'fish' })
  here.store.reads = 0
  const print = (await here.timeline.page({})).messages.find(({ author }) => author.account === here.bob.name)?.author.fingerprint
  here.store.reads = 0
  const { messages } = await searches().search([here.timeline], `fish from:${print}`, {})
  assert.equal([messages.length, messages[0]?.author.account, here.store.reads], [1, here.bob.name, 1])
})

test('a search that is aborted ends with the reason and reads no further, and the next one goes on', async () => {
  const here = await room('a')
  for (let i = 0; i < 10; i++) await here.hear(here.ann, ...Array.from({ length: MAX_SCAN_EVENTS }, () => ({ text: 'fish' })))
  here.store.reads = 0
  const controller = new AbortController()
  const all = searches()
  const watched = {
    scan: (query: Parameters<Timeline['scan']>[0]) => {
      const scan = here.timeline.scan(query)
      const next = scan.next.bind(scan)
      scan.next = () => {
        if (here.store.reads === 3) controller.abort(new Error('typed on'))
        return next()
      }
      return scan
    },
  }
  const ended = rejection(all.search([watched], 'fowl', { signal: controller.signal }))
  const second = all.search([here.timeline], 'fish', { limit: 1 })
  assert.is((await ended).message, 'typed on')
  assert.is((await second).messages.length, 1)
  assert.is(here.store.reads, 4 + 1, 'the page at which it was told, and what the next one read')
  const reads = here.store.reads
  const late = await rejection(all.search([here.timeline], 'fowl', { signal: AbortSignal.abort(new Error('too late')) }))
  assert.equal([late.message, here.store.reads], ['too late', reads])
})

test('searches take turns, and let others have theirs while they last', async () => {
  const here = await room('a')
  for (let i = 0; i < 10; i++) await here.hear(here.ann, ...Array.from({ length: MAX_SCAN_EVENTS }, () => ({ text: 'fish' })))
  let [time, pauses] = [0, 0]
  const clock: Clock = {
    now: () => time,
    monotonic: () => time,
    setTimeout(callback) {
      pauses++
      const timer = setTimeout(callback, 0)
      return () => clearTimeout(timer)
    },
  }
  let open = 0
  const slow = {
    scan: (query: Parameters<Timeline['scan']>[0]) => {
      const scan = here.timeline.scan(query)
      const next = scan.next.bind(scan)
      scan.next = async () => {
        assert.is(++open, 1)
        time += SEARCH_SLICE / 2
        const found = await next()
        open--
        return found
      }
      return scan
    },
  }
  const all = searches(clock)
  await Promise.all([all.search([slow], 'fowl', {}), all.search([slow], 'figs', {})])
  assert.is(pauses, 10, 'after every second of ten pages, twice')
})

test('what comes in behind the place is not found, what comes in before it is, and nothing twice', async () => {
  const here = await room('a')
  for (let i = 0; i < 3; i++)
    await here.hear(
      here.ann,
      ...Array.from({ length: MAX_SCAN_EVENTS }, (_, k) => ({ text: `fish ${i}/${k}`, hlc: 10_000 * i + k })),
    )
  let page = 0
  const growing = {
    scan: (query: Parameters<Timeline['scan']>[0]) => {
      const scan = here.timeline.scan(query)
      const next = scan.next.bind(scan)
      scan.next = async () => {
        if (++page === 2) await here.hear(here.bob, { text: 'fish old', hlc: 5 }, { text: 'fish new', hlc: 50_000 })
        return next()
      }
      return scan
    },
  }
  const result = texts(await searches().search([growing], 'fish', { limit: 1000 }))
  assert.equal([result.length, new Set(result).size], [3 * MAX_SCAN_EVENTS + 1, result.length])
  assert.equal([result.includes('fish old'), result.includes('fish new')], [true, false])
})

test('an answer stays below 1 MiB, and says that there is more', async () => {
  const here = await room('a')
  for (let i = 0; i < 12; i++) await here.hear(here.ann, { text: `fish ${i} ${'\u0001'.repeat(32_000)}`, hlc: i }) // each six bytes in JSON
  const result = await searches().search([here.timeline], 'fish', {})
  assert.ok(JSON.stringify(result).length < 1024 * 1024)
  assert.ok(result.messages.length >= 3 && result.more)
  assert.match(texts(result).at(-1) ?? '', 'fish 11')
})

test.run()
