import { bytesToHex } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeText, profilePayload, Type } from '../../src/chat/body.ts'
import { MAX_QUEUED_APPENDS } from '../../src/chat/constants.ts'
import { decodeRun, Kind, verifyRun } from '../../src/chat/event.ts'
import { createProfile, loadIdentity, verifyProfile } from '../../src/chat/identity.ts'
import { Writer, type Written } from '../../src/chat/writer.ts'
import { StorageError } from '../../src/errors.ts'
import { idsOf, type Member, member, rejection, Scribe } from './support.ts'

const test = suite('chat/writer')

interface Setup extends Member {
  writer: Writer
  published: Uint8Array[]
  send: (text: string, cid?: string) => Promise<Written>
}

async function setup(init: Partial<Member> = {}): Promise<Setup> {
  const here = await member(init)
  const { identity } = await loadIdentity(here.store, here.crypto, here.clock, 'Ann')
  const published: Uint8Array[] = []
  const writer = await Writer.open({
    ...here,
    profile: (author) => createProfile(identity, here.keys.tag, author, here.crypto),
    publish: (run) => published.push(run),
  })
  here.store.batches = 0
  const send = (text: string, cid?: string): Promise<Written> =>
    writer.append({ kind: Kind.message, type: Type.text, payload: encodeText({ text, replyTo: undefined }), cid })
  return { ...here, writer, published, send }
}

/** The same device after a restart. */
const restarted = ({ store, crypto, keys, clock }: Setup): Promise<Setup> => setup({ store, crypto, keys, clock })

test('a log begins with a profile that proves its author, in the same batch', async () => {
  const { log, send, store, published, crypto, keys } = await setup()
  const { seq } = await send('hello')
  assert.equal([seq, store.batches, published.length], [2, 1, 1])
  const [profile] = await log.read(log.all().slice(0, 1))
  assert.ok(profile)
  const author = [...log.authors()][0]?.key as Uint8Array
  assert.ok(verifyProfile(profilePayload(profile), keys.tag, author, crypto))
  assert.ok(await store.get(['own', keys.tag, 'author']))
})

test('what is published is the signed run that is on disk', async () => {
  const { send, published, log, crypto } = await setup()
  const { id } = await send('hello')
  const run = decodeRun(published[0] as Uint8Array, crypto)
  assert.ok(verifyRun(run, crypto))
  assert.equal(
    run.ids.map(bytesToHex),
    log.all().map((event) => event.id),
  )
  assert.is(log.get(id)?.durable, true)
})

test('nothing is published, and no send resolves, before it is on disk', async () => {
  const { send, published, store } = await setup()
  await send('first')
  store.hold()
  let resolved = false
  const sent = send('second').then(() => {
    resolved = true
  })
  for (let i = 0; i < 20; i++) await Promise.resolve()
  assert.equal([resolved, published.length], [false, 1])
  store.release()
  await sent
  assert.is(published.length, 2)
})

test('sends that wait together share a run, a signature and a batch', async () => {
  const { send, published, store, crypto } = await setup()
  await send('first')
  const written = await Promise.all(Array.from({ length: 100 }, (_, i) => send(`text ${i}`)))
  assert.equal(
    written.map(({ seq }) => seq),
    Array.from({ length: 100 }, (_, i) => i + 3),
  )
  assert.equal([store.batches, published.length], [2, 2])
  assert.is(decodeRun(published[1] as Uint8Array, crypto).entries.length, 100)
})

test('more than 256 sends, or more than 256 KiB, become several runs, each within the limits and in order', async () => {
  const { send, published, crypto, log } = await setup()
  const many = await Promise.all(Array.from({ length: 600 }, (_, i) => send(`${i}`)))
  assert.equal(
    published.map((bytes) => decodeRun(bytes, crypto).entries.length),
    [256, 256, 89],
  )
  const large = await Promise.all(Array.from({ length: 20 }, (_, i) => send(`${i}`.repeat(15_000))))
  for (const bytes of published.slice(3)) assert.ok(bytes.length <= 256 * 1024)
  assert.ok(published.length >= 3 + 2)
  const sent = [...many, ...large].map(({ id }) => id)
  assert.equal(
    log
      .all()
      .slice(1)
      .map((event) => event.id),
    sent,
  )
})

test('a batch that fails rejects exactly its sends, and the next send takes their place', async () => {
  const { send, published, store, log } = await setup()
  const first = await send('first')
  store.failures.push(new StorageError('no space left', { code: 'ENOSPC' }))
  const failed = await Promise.all([rejection(send('a')), rejection(send('b')), rejection(send('c'))])
  assert.equal(
    failed.map((error) => (error as StorageError).code),
    ['ENOSPC', 'ENOSPC', 'ENOSPC'],
  )
  assert.equal([log.size, published.length], [2, 1])
  const next = await send('d')
  assert.equal([first.seq, next.seq], [2, 3])
  assert.equal((await log.verify()).forks, 0)
  assert.equal(
    log
      .author([...log.authors()][0]?.name ?? '')
      ?.segments()
      .map(({ from, to }) => [from, to]),
    [[1, 3]],
  )
})

test('sends that wait behind a batch that fails are written all the same', async () => {
  const { send, store } = await setup()
  await send('first')
  store.hold()
  store.failures.push(new Error('no space left'))
  const failed = rejection(send('a'))
  for (let i = 0; i < 20; i++) await Promise.resolve()
  const queued = send('b')
  store.release()
  await failed
  assert.is((await queued).seq, 3)
})

test('a first batch that fails leaves no author behind', async () => {
  const all = await setup()
  const { send, store, writer, log, keys } = all
  store.failures.push(new Error('no space left'))
  await rejection(send('a'))
  assert.equal([writer.author, log.ownAuthor, [...log.authors()].length], [undefined, undefined, 0])
  assert.is(await store.get(['own', keys.tag, 'author']), undefined)
  assert.is((await send('b')).seq, 2)
  const again = await restarted(all)
  assert.is(again.writer.author, writer.author)
})

test('the same cid answers what the first call answered, before, during and after it is written', async () => {
  const { send, store, log } = await setup()
  store.hold()
  const [one, two] = [send('hello', 'c1'), send('hello', 'c1')]
  store.release()
  assert.equal(await one, await two)
  assert.equal(await send('hello', 'c1'), await one)
  assert.is(log.size, 2)
})

test('a cid holds over a restart', async () => {
  const first = await setup()
  const written = await first.send('hello', 'c1')
  const again = await restarted(first)
  assert.equal(await again.send('hello', 'c1'), written)
  assert.is((await rejection(again.send('other', 'c1'))).name, 'CidReusedError')
  assert.is(again.log.size, 2)
  assert.is((await again.send('other', 'c2')).seq, 3)
})

test('a cid used for another text, kind of text or answered message is refused', async () => {
  const { send, writer } = await setup()
  await send('hello', 'c1')
  assert.is((await rejection(send('goodbye', 'c1'))).name, 'CidReusedError')
  const action = writer.append({
    kind: Kind.message,
    type: Type.action,
    payload: encodeText({ text: 'hello', replyTo: undefined }),
    cid: 'c1',
  })
  assert.is((await rejection(action)).name, 'CidReusedError')
})

test('a cid whose send failed is free again', async () => {
  const { send, store } = await setup()
  store.failures.push(new Error('no space left'))
  await rejection(send('hello', 'c1'))
  assert.is((await send('another text', 'c1')).seq, 2)
})

test('a cid has 1 to 64 characters', async () => {
  const { send } = await setup()
  assert.is((await rejection(send('a', ''))).name, 'InvalidArgumentError')
  assert.is((await rejection(send('a', '😀'.repeat(65)))).name, 'InvalidArgumentError')
  const longest = '😀'.repeat(64)
  assert.equal(await send('a', longest), await send('a', longest))
})

test('a cid is kept for the last 10,000, and for 7 days at least', async () => {
  const all = await setup()
  const { send, clock, store, keys } = all
  const kept = async (): Promise<number> => {
    let count = 0
    for await (const _ of store.range(['cid', keys.tag])) count++
    return count
  }
  await Promise.all(Array.from({ length: 9_990 }, (_, i) => send('x', `old ${i}`)))
  await Promise.all(Array.from({ length: 100 }, (_, i) => send('x', `new ${i}`)))
  assert.is(await kept(), 10_090, 'within 7 days all of them')
  clock.advance(7 * 24 * 3600 * 1000 + 1)
  await send('x', 'last')
  assert.is(await kept(), 10_000)
  const { seq } = await send('x', 'old 0')
  assert.is(seq, 10_093, 'the oldest is forgotten')
  assert.is((await send('x', 'old 9989')).seq, 9991)
})

test('a restarted writer goes on with its own log', async () => {
  const first = await setup()
  await first.send('one')
  const again = await restarted(first)
  assert.is(again.writer.author, first.writer.author)
  assert.is((await again.send('two')).seq, 3)
  assert.equal(await again.log.verify(), { events: 3, authors: 1, forks: 0 })
})

test('a retired key writes no more: the next event begins a new log with a profile', async () => {
  const { send, writer, log } = await setup()
  await send('one')
  const old = writer.author
  writer.retire()
  assert.is(writer.author, undefined)
  assert.is((await send('two')).seq, 2)
  assert.is.not(writer.author, old)
  assert.equal([[...log.authors()].length, log.size], [2, 4])
})

test('an event names the heads it has seen, at most four, and follows them in the order', async () => {
  const { send, log, keys, crypto, clock } = await setup()
  await send('mine')
  for (let i = 0; i < 6; i++) await log.ingest(new Scribe(i, keys, crypto).write({ hlc: clock.now() + 10 * i }), 'gossip').durable
  const { id } = await send('answer')
  const [body] = await log.read([log.get(id) as never])
  assert.is(body?.parents.length, 4)
  assert.is(log.all().at(-1)?.id, id)
  assert.ok((body?.hlc ?? 0) > clock.now() + 50)
})

test('a queue of 10,000 is full, says so, and empties', async () => {
  const { send, store } = await setup()
  await send('first')
  store.hold()
  const waiting = [send('under way')]
  for (let i = 0; i < 20; i++) await Promise.resolve()
  for (let i = 0; i < MAX_QUEUED_APPENDS; i++) waiting.push(send('x'))
  assert.is((await rejection(send('one too many'))).name, 'BusyError')
  store.release()
  assert.is((await Promise.all(waiting)).length, MAX_QUEUED_APPENDS + 1)
  await send('and on')
})

test('a writer that was closed has written what was queued, and takes no more', async () => {
  const { send, writer, log } = await setup()
  const queued = [send('a'), send('b')]
  await writer.close()
  assert.is((await Promise.all(queued)).length, 2)
  assert.is(idsOf(log).length, 3)
  assert.is((await rejection(send('c'))).name, 'ClosedError')
})

test.run()
