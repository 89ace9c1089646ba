import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ClosedError } from '../../src/errors.ts'
import type { Key, Operation, RangeOptions, Store } from '../../src/storage/store.ts'

export interface StoreUnderTest {
  store: Store
  /** Closes the store if it is open, and opens it again. Absent if it does not outlive its process. */
  reopen?(): Promise<Store>
  /** Every key and value as the database underneath holds them. */
  raw(): Promise<Uint8Array[]>
  dispose(): Promise<void>
}

interface Context {
  unit: StoreUnderTest
  store: Store
}

const MAX_NUMBER = 2 ** 48 - 1
const name = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const put = (key: Key, value: string | Uint8Array): Operation => ({
  type: 'put',
  key,
  value: typeof value === 'string' ? text(value) : value,
})

async function all(store: Store, prefix: Key, options?: RangeOptions): Promise<[Key, string][]> {
  const found: [Key, string][] = []
  for await (const [key, value] of store.range(prefix, options)) found.push([key, new TextDecoder().decode(value)])
  return found
}

async function rejected(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.unreachable('must reject'),
    (error: unknown) => error,
  )
}

/** What every `Store` promises; to be run. */
export function storeConformance(title: string, setup: () => Promise<StoreUnderTest>): ReturnType<typeof suite<Context>> {
  const test = suite<Context>(`store: ${title}`)

  test.before.each(async (context) => {
    context.unit = await setup()
    context.store = context.unit.store
  })
  test.after.each(async ({ unit }) => {
    await unit.dispose()
  })

  test('gives back what was put, and undefined for what was not', async ({ store }) => {
    await store.batch([put(['node', 'identity'], 'me'), put(['room', name(1)], '')])
    assert.equal(await store.get(['node', 'identity']), text('me'))
    assert.equal(await store.get(['room', name(1)]), new Uint8Array())
    assert.is(await store.get(['room', name(2)]), undefined)
    assert.is(await store.get(['node', 'other']), undefined)
  })

  test('gives back many at once, in the order in which they were asked for', async ({ store }) => {
    await store.batch([put(['run', name(1), 1], 'one'), put(['run', name(1), 2], 'two'), put(['node', 'identity'], 'me')])
    const keys: Key[] = [
      ['run', name(1), 2],
      ['room', name(2)],
      ['node', 'identity'],
      ['run', name(1), 3],
      ['run', name(1), 1],
      ['node', 'identity'],
    ]
    assert.equal(await store.getMany(keys), [text('two'), undefined, text('me'), undefined, text('one'), text('me')])
    assert.equal(await store.getMany([]), [])
  })

  test('sorts numbers by value up to 2^48 - 1', async ({ store }) => {
    const numbers = [MAX_NUMBER, 0, 256, 255, 1, 2 ** 32, 2 ** 32 - 1, 2 ** 40 + 7, 65_536]
    await store.batch(numbers.map((n) => put(['cid', name(1), n], String(n))))
    const found = await all(store, ['cid'])
    assert.equal(
      found.map(([key]) => key[2]),
      [...numbers].sort((a, b) => a - b),
    )
    assert.equal(
      found.map(([, value]) => value),
      [...numbers].sort((a, b) => a - b).map(String),
    )
  })

  test('refuses a bad key with a TypeError and writes nothing of that batch', async ({ store }) => {
    const bad: Key[] = [
      ['cid', -1],
      ['cid', 2 ** 48],
      ['cid', 1.5],
      ['cid', Number.NaN],
      ['node', ''],
      ['node', 'x'.repeat(33)],
      ['node', 'ä'],
      ['room', new Uint8Array()],
      ['room', new Uint8Array(65)],
    ]
    for (const key of bad) {
      assert.instance(await rejected(store.batch([put(['node', 'good'], 'x'), put(key, 'y')])), TypeError)
    }
    assert.is(await store.get(['node', 'good']), undefined)
  })

  test('ranges over the records below a prefix, in both directions, up to a limit', async ({ store }) => {
    const [a, b] = [name(1), name(2)]
    await store.batch([put(['run', a, b, 1, 0], 'x')])
    await store.batch([1, 2, 3].map((seq) => put(['run', a, a, seq, 0], `a${seq}`)))
    await store.batch([1, 2].map((seq) => put(['run', b, a, seq, 0], `b${seq}`)))
    await store.batch([put(['own', a, 'head'], 'h')])
    assert.equal(
      (await all(store, ['run', a, a])).map(([, value]) => value),
      ['a1', 'a2', 'a3'],
    )
    assert.equal(
      (await all(store, ['run', a, a], { reverse: true })).map(([, value]) => value),
      ['a3', 'a2', 'a1'],
    )
    assert.equal(
      (await all(store, ['run', a, a], { reverse: true, limit: 2 })).map(([, value]) => value),
      ['a3', 'a2'],
    )
    assert.equal(await all(store, ['run', a, a], { limit: 0 }), [])
    assert.is((await all(store, ['run', a])).length, 4)
    assert.is((await all(store, ['run'])).length, 6)
    assert.equal(await all(store, ['run', name(9)]), [])
    assert.equal(await all(store, ['own', a]), [[['own', a, 'head'], 'h']])
  })

  test('a prefix ends where a part ends', async ({ store }) => {
    await store.batch([put(['node', 'ab'], '1'), put(['node', 'abc'], '2'), put(['node', 'ab', 5], '3')])
    assert.equal(
      (await all(store, ['node', 'ab'])).map(([, value]) => value),
      ['1', '3'],
    )
  })

  test('applies the operations of a batch in order', async ({ store }) => {
    const key: Key = ['node', 'x']
    await store.batch([put(key, '1'), { type: 'delete', key }, put(key, '2')])
    assert.equal(await store.get(key), text('2'))
    await store.batch([put(key, '3'), { type: 'delete', key }])
    assert.is(await store.get(key), undefined)
    await store.batch([])
  })

  test('keeps the order of batches that were called together', async ({ store }) => {
    const key: Key = ['node', 'x']
    await Promise.all(Array.from({ length: 200 }, (_, i) => store.batch([put(key, String(i)), put(['cid', name(1), i], 'x')])))
    assert.equal(await store.get(key), text('199'))
    assert.is((await all(store, ['cid'])).length, 200)
  })

  test('does not see what a caller does to its buffer afterwards', async ({ store }) => {
    const value = text('before')
    const written = store.batch([put(['node', 'x'], value)])
    value.fill(0)
    await written
    assert.equal(await store.get(['node', 'x']), text('before'))
  })

  test('holds values of 256 KiB', async ({ store }) => {
    const value = new Uint8Array(256 * 1024).map((_, i) => i * 31)
    await store.batch([put(['run', name(1), name(2), 1, 0], value)])
    assert.equal(await store.get(['run', name(1), name(2), 1, 0]), value)
  })

  test('holds 10,000 records and ranges over them in order', async ({ store }) => {
    const numbers = Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 10_000)
    for (let at = 0; at < numbers.length; at += 1000) {
      await store.batch(numbers.slice(at, at + 1000).map((n) => put(['cid', name(1), n], String(n))))
    }
    const found = await all(store, ['cid', name(1)])
    assert.is(found.length, 10_000)
    assert.ok(found.every(([key, value], i) => key[2] === i && value === String(i)))
  })

  test('a range shows one moment although batches go on', async ({ store }) => {
    await store.batch(Array.from({ length: 300 }, (_, i) => put(['cid', name(1), i], 'old')))
    const seen: string[] = []
    for await (const [key, value] of store.range(['cid'])) {
      seen.push(new TextDecoder().decode(value))
      if (key[2] === 0) await store.batch([put(['cid', name(1), 299], 'new'), { type: 'delete', key: ['cid', name(1), 150] }])
    }
    assert.equal(seen, new Array(300).fill('old'))
  })

  test('a closed store throws ClosedError; closing again does nothing', async ({ store }) => {
    const last = store.batch([put(['node', 'x'], '1')])
    await Promise.all([store.close(), store.close()])
    await last
    await store.close()
    assert.instance(await rejected(store.get(['node', 'x'])), ClosedError)
    assert.instance(await rejected(store.getMany([['node', 'x']])), ClosedError)
    assert.instance(await rejected(store.batch([put(['node', 'x'], '2')])), ClosedError)
    assert.instance(await rejected(all(store, ['node'])), ClosedError)
  })

  test('a range under way ends with ClosedError when the store is closed', async ({ store }) => {
    await store.batch(Array.from({ length: 500 }, (_, i) => put(['cid', name(1), i], 'x')))
    const range = store.range(['cid'])[Symbol.asyncIterator]()
    await range.next()
    await store.close()
    assert.instance(await rejected(range.next()), ClosedError)
  })

  test('nothing of names and values is readable underneath', async ({ store, unit }) => {
    const secret = text('a secret that everybody would recognise')
    const tag = text('0123456789abcdef0123456789abcdef')
    await store.batch([put(['room', tag], secret), put(['run', tag, tag, 1, 0], secret)])
    const raw = await unit.raw()
    assert.ok(raw.length >= 8)
    const bytes = raw.map((each) => String.fromCharCode(...each)).join('\n')
    assert.not.ok(bytes.includes('secret'))
    assert.not.ok(bytes.includes('0123456789abcdef'))
  })

  test('behaves like a sorted map', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batchOf(), { maxLength: 12 }), async (batches) => {
        const unit = await setup()
        try {
          await comparedWithMap(unit, batches)
        } finally {
          await unit.dispose()
        }
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 30) },
    )
  })

  return test
}

/** Few names and numbers, so that keys meet. */
function batchOf(): fc.Arbitrary<Operation[]> {
  const names = fc.integer({ min: 1, max: 3 }).map((byte) => name(byte, 16))
  const key: fc.Arbitrary<Key> = fc.oneof(
    fc.constantFrom('identity', 'settings').map((each): Key => ['node', each]),
    names.map((tag): Key => ['room', tag]),
    fc.tuple(names, names, fc.integer({ min: 0, max: 3 })).map(([tag, author, seq]): Key => ['run', tag, author, seq, 0]),
  )
  const putOf = fc
    .tuple(key, fc.uint8Array({ maxLength: 40 }))
    .map(([each, value]): Operation => ({ type: 'put', key: each, value }))
  const deleteOf = key.map((each): Operation => ({ type: 'delete', key: each }))
  return fc.array(fc.oneof({ weight: 3, arbitrary: putOf }, deleteOf), { maxLength: 6 })
}

async function comparedWithMap(unit: StoreUnderTest, batches: Operation[][]): Promise<void> {
  let store = unit.store
  const model = new Map<string, Uint8Array>()
  const textOf = (key: Key): string => JSON.stringify(key.map((part) => (part instanceof Uint8Array ? [...part] : part)))
  for (const [i, batch] of batches.entries()) {
    await store.batch(batch)
    for (const operation of batch) {
      if (operation.type === 'put') model.set(textOf(operation.key), operation.value)
      else model.delete(textOf(operation.key))
    }
    if (i === 5 && unit.reopen !== undefined) store = await unit.reopen()
  }
  const found = new Map<string, Uint8Array>()
  for (const table of ['node', 'room', 'run', 'own', 'cid'] as const) {
    const forward: string[] = []
    for await (const [key, value] of store.range([table])) {
      forward.push(textOf(key))
      found.set(textOf(key), value)
      assert.equal(await store.get(key), value)
    }
    const backward: string[] = []
    for await (const [key] of store.range([table], { reverse: true })) backward.unshift(textOf(key))
    assert.equal(backward, forward)
  }
  const sorted = (map: Map<string, Uint8Array>): [string, Uint8Array][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  assert.equal(sorted(found), sorted(model))
}
