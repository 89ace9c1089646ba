import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { prefixOf } from '../../src/chat/author-log.ts'
import type { Page } from '../../src/chat/frontier.ts'
import { Held } from '../../src/chat/held.ts'
import { type Member, member, rejection, Scribe } from './support.ts'

const test = suite('chat/held')

/** A member that wrote `count` events, and what another may say of them. */
async function setup(count: number): Promise<Member & { held: Held; me: Scribe; page: (to: number, end?: string) => Page }> {
  const here = await member()
  const { log, keys, crypto } = here
  const me = new Scribe(1, keys, crypto)
  for (let i = 0; i < count; i++) await log.ingest(me.write(), 'sync').durable
  log.ownAuthor = me.name
  const id = (seq: number): string => log.author(me.name)?.at(seq)[0]?.id ?? ''
  const page = (to: number, end = id(to)): Page => ({
    author: prefixOf(me.name),
    segments: [{ from: 1, to, end: prefixOf(end) }],
  })
  return { ...here, held: new Held(log), me, page }
}

/** Whether `held` has resolved by now. */
async function isHeld(held: Held): Promise<boolean> {
  const over = new AbortController()
  const asked = held
    .all(() => undefined, over.signal)
    .then(
      () => true,
      () => false,
    )
  for (let i = 0; i < 10; i++) await Promise.resolve()
  over.abort()
  return asked
}

test('what was written is held when another says that it holds all of it', async () => {
  const { held, page } = await setup(3)
  let asked = 0
  const all = held.all(() => asked++)
  assert.is(asked, 1)
  held.note(page(2))
  assert.not.ok(await isHeld(held), 'the last one is not')
  held.note(page(3))
  await all
  assert.ok(await isHeld(held))
})

test('what another holds of other logs, or of another branch of ours, counts for nothing', async () => {
  const { held, page, log, keys, crypto } = await setup(2)
  const other = new Scribe(2, keys, crypto)
  await log.ingest(other.write({}, {}), 'sync').durable
  held.note({ ...page(2), author: prefixOf(other.name) })
  held.note(page(2, log.author(other.name)?.at(2)[0]?.id))
  assert.not.ok(await isHeld(held))
  held.note(page(2))
  assert.ok(await isHeld(held))
})

test('what was held under a key that was given up counts for nothing under the next', async () => {
  const { held, page, log, keys, crypto } = await setup(2)
  held.note(page(2))
  assert.ok(await isHeld(held))
  const next = new Scribe(3, keys, crypto)
  await log.ingest(next.write(), 'sync').durable
  log.ownAuthor = next.name
  assert.not.ok(await isHeld(held))
})

test('waiting ends with the reason of whoever ends it', async () => {
  const { held } = await setup(1)
  const over = new AbortController()
  const waiting = rejection(held.all(() => undefined, over.signal))
  over.abort(new Error('enough'))
  assert.is((await waiting).message, 'enough')
})

test.run()
