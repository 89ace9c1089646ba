import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Type } from '../../src/chat/body.ts'
import { encodeRun } from '../../src/chat/event.ts'
import type { Arrival } from '../../src/chat/log.ts'
import { Members } from '../../src/chat/members.ts'
import { Timeline } from '../../src/chat/timeline.ts'
import type { Message } from '../../src/chat/types.ts'
import { type Member, member, rejection, type Said, Scribe } from './support.ts'

const test = suite('chat/timeline')

interface Setup extends Member {
  timeline: Timeline
  blocked: Set<string>
  self: Set<string>
  told: Message[]
  ann: Scribe
  bob: Scribe
  hear: (scribe: Scribe, said?: Said, via?: 'self' | 'gossip' | 'sync') => Promise<string>
}

async function setup(init: Partial<Member> = {}): Promise<Setup> {
  const here = await member(init)
  const { log, keys, crypto } = here
  const blocked = new Set<string>()
  const self = new Set<string>()
  const told: Message[] = []
  const members = new Members(keys.tag, crypto)
  const timeline = new Timeline({
    ...here,
    members,
    isBlocked: (account) => blocked.has(account),
    isSelf: (account) => self.has(account),
    heldOf: ({ seq }) => (seq === 1 ? undefined : { held: seq, members: 9, keepers: 0 }),
  })
  await timeline.open()
  const onArrivals = (arrivals: readonly Arrival[]): void => {
    for (const { event, body } of arrivals) {
      const message = body && timeline.arrived(event, body)
      if (message !== undefined) told.push(message)
    }
  }
  log.listen({ onArrivals })
  const hear: Setup['hear'] = async (scribe, said = {}, via = 'gossip') => {
    const run = scribe.run({ hlc: here.clock.now(), ...said })
    await log.ingest(encodeRun(run), via).durable
    here.clock.advance(10)
    return bytesToHex(run.ids[run.ids.length - 1] as Uint8Array)
  }
  return { ...here, timeline, blocked, self, told, ann: new Scribe(1, keys, crypto), bob: new Scribe(2, keys, crypto), hear }
}

const texts = (page: { messages: Message[] }): string[] => page.messages.map(({ text }) => text)

/** Ten messages, 0 to 9, and their ids. */
async function ten(): Promise<Setup & { ids: string[] }> {
  const all = await setup()
  const ids: string[] = []
  for (let i = 0; i < 10; i++) ids.push(await all.hear(i % 2 === 0 ? all.ann : all.bob, { text: `${i}` }))
  return { ...all, ids }
}

test('history is the newest messages, oldest first', async () => {
  const { timeline } = await ten()
  assert.equal(texts(await timeline.page({})), [...'0123456789'])
  const page = await timeline.page({ limit: 3 })
  assert.equal([texts(page), page.more], [[...'789'], true])
})

test('before and after are exclusive, and more says whether there are others that way', async () => {
  const { timeline, ids } = await ten()
  const cases: [Parameters<typeof timeline.page>[0], string, boolean][] = [
    [{ limit: 3, before: ids[5] }, '234', true],
    [{ limit: 5, before: ids[5] }, '01234', false],
    [{ limit: 3, before: ids[0] }, '', false],
    [{ limit: 3, after: ids[5] }, '678', true],
    [{ limit: 4, after: ids[5] }, '6789', false],
    [{ limit: 3, after: ids[9] }, '', false],
    [{ limit: 2, after: ids[2], before: ids[8] }, '67', true],
    [{ limit: 9, after: ids[2], before: ids[8] }, '34567', false],
    [{ limit: 2, after: ids[2], before: ids[8], forwards: true }, '34', true],
    [{ limit: 2, forwards: true }, '01', true],
  ]
  for (const [query, expected, more] of cases) {
    const page = await timeline.page(query)
    assert.equal([texts(page).join(''), page.more], [expected, more], JSON.stringify(query))
  }
})

test('paging back, or forth, gives every message once', async () => {
  const { timeline } = await ten()
  for (const forwards of [false, true]) {
    let seen: string[] = []
    let cursor: string | undefined
    for (;;) {
      const page = await timeline.page({ limit: 3, forwards, ...(forwards ? { after: cursor } : { before: cursor }) })
      seen = forwards ? [...seen, ...texts(page)] : [...texts(page), ...seen]
      cursor = page.messages[forwards ? page.messages.length - 1 : 0]?.id
      if (!page.more) break
    }
    assert.equal(seen, [...'0123456789'])
  }
})

test('a limit is 1 to 1,000, and an unknown id is an error that names its field', async () => {
  const { timeline } = await ten()
  for (const limit of [0, -1, 1.5, 1001, Number.NaN])
    assert.is((await rejection(timeline.page({ limit }))).name, 'InvalidArgumentError', String(limit))
  for (const field of ['before', 'after']) {
    const error = await rejection(timeline.page({ [field]: 'ab'.repeat(32) }))
    assert.equal([error.name, (error as Error & { field: string }).field], ['InvalidArgumentError', field])
  }
  assert.is((await rejection(timeline.read('ab'.repeat(32)))).name, 'InvalidArgumentError')
})

test('an answer stays below 1 MiB, says that there is more, and paging goes on behind the cut', async () => {
  const { timeline, hear, ann } = await setup()
  const said = Array.from({ length: 12 }, (_, i) => String.fromCharCode(97 + i))
  for (const letter of said) await hear(ann, { text: letter + '\u0001'.repeat(32_000) }) // each six bytes in JSON
  const pages: string[] = []
  let before: string | undefined
  for (let i = 0; i < 20; i++) {
    const page = await timeline.page({ limit: 1000, before })
    assert.ok(JSON.stringify(page).length < 1024 * 1024)
    assert.ok(page.messages.length > 0)
    pages.unshift(...texts(page).map((text) => text[0] ?? ''))
    before = page.messages[0]?.id
    if (!page.more) break
  }
  assert.equal(pages, said)
})

test('the digest is SHA-256 over the ids of texts and actions in order, joined by newlines', async () => {
  const { timeline, hear, ann, crypto, ids } = await ten()
  const expected = (of: string[]): string => bytesToHex(crypto.sha256(utf8ToBytes(of.join('\n'))))
  assert.equal(timeline.digest(), { count: 10, digest: expected(ids) })
  ids.push(await hear(ann, { body: { type: Type.action } }))
  await hear(ann, { body: { type: 4000 } })
  assert.equal(timeline.digest(), { count: 11, digest: expected(ids) })
  assert.is((await setup()).timeline.digest().digest, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test('what only a newer version can read is shown as unknown and not counted', async () => {
  const { timeline, hear, ann, told } = await setup()
  await hear(ann, { body: { type: 4000, payload: { later: true } } })
  assert.equal(
    (await timeline.page({})).messages.map(({ kind, text }) => [kind, text]),
    [['unknown', '']],
  )
  assert.equal([timeline.count, told.length], [0, 1])
})

test('a message says who, when and how it came', async () => {
  const { timeline, hear, ann, clock, keys } = await setup()
  const hlc = clock.now() - 5
  const first = await hear(ann, { text: 'hi', hlc }, 'sync')
  const payload = ['yes', utf8ToBytes('x'.repeat(32))]
  await hear(ann, { body: { payload, type: Type.action } })
  const [one, two] = (await timeline.page({})).messages
  assert.equal(one, {
    id: first,
    room: bytesToHex(keys.tag),
    seq: 1,
    kind: 'text',
    author: { account: ann.name, name: 'unknown', fingerprint: one?.author.fingerprint as string },
    text: 'hi',
    sentAt: new Date(hlc).toISOString(),
    receivedAt: new Date(hlc + 5).toISOString(),
    via: 'sync',
  })
  assert.equal([two?.kind, two?.replyTo], ['action', '78'.repeat(32)])
})

test('a clock more than five minutes ahead is marked, and the mark stays', async () => {
  const { timeline, hear, ann, bob, clock } = await setup()
  const now = clock.now()
  await hear(ann, { hlc: now + 300_000, text: 'near' })
  await hear(bob, { hlc: clock.now() + 300_001, text: 'far' })
  clock.advance(3600_000)
  assert.equal(
    (await timeline.page({})).messages.map(({ text, clockAhead }) => [text, clockAhead]),
    [
      ['near', undefined],
      ['far', true],
    ],
  )
})

test('a message that stands before one shown live earlier is late; own and first ones are not', async () => {
  const { timeline, hear, ann, bob, told, clock } = await setup()
  const now = clock.now()
  await hear(ann, { hlc: now + 100, text: 'b' })
  await hear(bob, { hlc: now + 50, text: 'a' })
  assert.equal(
    told.map(({ text, late }) => [text, late]),
    [
      ['b', undefined],
      ['a', true],
    ],
  )
  assert.equal(
    (await timeline.page({})).messages.map(({ text, late }) => [text, late]),
    [
      ['a', true],
      ['b', undefined],
    ],
  )
})

test('what sync brings in any order is not late against what sync brought', async () => {
  const { hear, ann, bob, told, clock } = await setup()
  const now = clock.now()
  await hear(ann, { hlc: now + 100 }, 'sync')
  await hear(bob, { hlc: now + 50 }, 'sync')
  assert.equal(
    told.map(({ late }) => late),
    [undefined, undefined],
  )
})

test('a blocked account is neither told of, listed nor unread, and still in the digest', async () => {
  const { timeline, hear, ann, bob, told, blocked } = await setup()
  await hear(ann, { text: 'seen' })
  blocked.add(bob.name)
  const before = timeline.digest().count
  await hear(bob, { text: 'hidden' })
  assert.equal([told.length, texts(await timeline.page({})), timeline.unread], [1, ['seen'], 1])
  assert.is(timeline.digest().count, before + 1)
  blocked.clear()
  assert.equal(texts(await timeline.page({})).sort(), ['hidden', 'seen'])
})

test('what others wrote is unread until it is read, also after a restart', async () => {
  const all = await setup()
  const { timeline, hear, ann, bob, self } = all
  self.add(bob.name)
  const ids = [await hear(ann), await hear(bob), await hear(ann), await hear(ann)]
  assert.is(timeline.unread, 3)
  await timeline.read(ids[2] as string)
  assert.is(timeline.unread, 1)
  const again = await setup({ store: all.store, crypto: all.crypto, keys: all.keys })
  assert.equal([again.timeline.count, again.timeline.unread], [4, 1])
})

test('who holds a message stands beside one’s own, where it is known', async () => {
  const { timeline, self, told, ann, bob, hear } = await setup()
  self.add(bob.name)
  for (const scribe of [ann, bob, ann, bob]) await hear(scribe)
  await hear(bob, { body: { type: 99 } })
  const held = [undefined, undefined, undefined, { held: 2, members: 9, keepers: 0 }, undefined]
  assert.equal(
    told.map((message) => message.held),
    held,
  )
  assert.equal(
    (await timeline.page({})).messages.map((message) => message.held),
    held,
  )
})

test('the order of arrivals changes neither digest nor history', async () => {
  const { keys, crypto } = await member()
  const [ann, bob] = [new Scribe(1, keys, crypto), new Scribe(2, keys, crypto)]
  const runs = [
    ann.run({ text: 'a', hlc: 10 }),
    bob.run({ text: 'b', hlc: 10 }),
    ann.run({ text: 'c', hlc: 5 }),
    bob.run({ text: 'd', hlc: 7 }),
  ]
  const answers = new Set<string>()
  for (const order of [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [1, 3, 0, 2],
  ]) {
    const { log, timeline } = await setup()
    for (const i of order) await log.ingest(encodeRun(runs[i] as never), 'gossip').durable
    answers.add(JSON.stringify([timeline.digest(), texts(await timeline.page({}))]))
  }
  assert.is(answers.size, 1)
})

test.run()
