/** What happens when the disk refuses. */
import '../../src/shims.ts'
import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EncryptedStore } from '../../src/storage/encrypted-store.ts'
import { GroupQueue, MAX_GROUP_BYTES, MAX_QUEUED_BYTES } from '../../src/storage/group-queue.ts'
import { DICTIONARY_BYTE } from '../../src/storage/key-codec.ts'
import { VIEW } from '../../src/storage/level.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { Operation, Store } from '../../src/storage/store.ts'
import { codeOf, failing } from './failing-level.ts'
import { memoryStore } from './memory-store.ts'
import { contentOf, name, put, rejection, text, withDirectory } from './support.ts'

const test = suite('refusal')

for (const written of [false, true]) {
  test(`no space${written ? ', though the batch did reach the log' : ''}: nothing of it remains, and later writes work`, async () => {
    const { level, fail, reopened } = failing()
    const dataKey = randomBytes(32)
    const store = await EncryptedStore.open({ level, dataKey, create: true })
    await store.batch([put(['node', 'a'], 'old'), put(['room', name(1)], 'r')])
    fail('No space left on device', written)
    const calls = [
      store.batch([put(['node', 'a'], 'new'), put(['room', name(2)], 'n'), { type: 'delete', key: ['room', name(1)] }]),
      store.batch([put(['node', 'b'], 'new')]),
    ]
    for (const call of calls) assert.is(codeOf(await rejection(call)), 'ENOSPC')
    if (!written) assert.equal(await store.get(['node', 'a']), text('old'))
    await store.batch([put(['room', name(3)], 'later')])
    assert.is(reopened(), 1)
    assert.equal(await store.get(['node', 'a']), text('old'))
    assert.equal([...(await contentOf(store)).values()], ['old', 'r', 'later'])
    await store.close()
    const again = await EncryptedStore.open({ level, dataKey })
    assert.equal([...(await contentOf(again)).values()], ['old', 'r', 'later'])
    await again.close()
  })
}

test('while there is no room, writes are refused at once and reads go on', async () => {
  const { level, fail, reopened } = failing()
  let room = false
  const store = await EncryptedStore.open({ level, dataKey: randomBytes(32), create: true, hasRoom: async () => room })
  await store.batch([put(['node', 'a'], '1')])
  fail('No space left on device')
  for (let i = 0; i < 3; i++) assert.is(codeOf(await rejection(store.batch([put(['node', 'a'], '2')]))), 'ENOSPC')
  assert.is(reopened(), 0)
  assert.equal(await store.get(['node', 'a']), text('1'))
  room = true
  await store.batch([put(['node', 'a'], '3')])
  assert.equal(await store.get(['node', 'a']), text('3'))
  await store.close()
})

test('a range goes on although the database is reopened under it', async () => {
  const { level, fail, reopened } = failing()
  const store = await EncryptedStore.open({ level, dataKey: randomBytes(32), create: true })
  await store.batch(Array.from({ length: 300 }, (_, n) => put(['cid', name(1), n], 'x')))
  const seen: unknown[] = []
  for await (const [key] of store.range(['cid'])) {
    seen.push(key[2])
    if (seen.length !== 100) continue
    fail('No space left on device')
    await rejection(store.batch([put(['node', 'a'], '2')]))
    await store.batch([put(['node', 'a'], '3')])
  }
  assert.is(reopened(), 1)
  assert.equal(
    seen,
    Array.from({ length: 300 }, (_, n) => n),
  )
  await store.close()
})

for (const written of [false, true]) {
  test(`an unknown outcome (${written ? 'written' : 'not written'}) closes the store; the next opening tells`, async () => {
    const { level, fail } = failing()
    const dataKey = randomBytes(32)
    let clean: boolean | undefined
    const store = await EncryptedStore.open({
      level,
      dataKey,
      create: true,
      onClose: async (each) => {
        clean = each
      },
    })
    await store.batch([put(['node', 'a'], 'old')])
    fail('Input/output error', written)
    const calls = [store.batch([put(['node', 'a'], 'new')]), store.batch([put(['node', 'b'], 'new')])]
    for (const call of calls) assert.is(codeOf(await rejection(call)), 'EIO')
    assert.is(codeOf(await rejection(store.get(['node', 'a']))), 'EIO')
    assert.is(codeOf(await rejection(store.batch([put(['node', 'a'], 'x')]))), 'EIO')
    await store.close()
    assert.is(clean, false)
    const again = await EncryptedStore.open({ level, dataKey })
    assert.equal([...(await contentOf(again)).values()], written ? ['new', 'new'] : ['old'])
    await again.close()
  })
}

test('calls that come while one is being written become one batch', async () => {
  const { level, batches } = failing()
  const store = await EncryptedStore.open({ level, dataKey: randomBytes(32), create: true })
  const before = batches()
  const first = store.batch([put(['node', 'a'], '1')])
  await Promise.resolve()
  await Promise.resolve()
  await Promise.all([first, ...Array.from({ length: 500 }, (_, n) => store.batch([put(['cid', name(1), n], 'x')]))])
  assert.ok(batches() - before <= 2, `${batches() - before} batches`)
  await store.close()
})

test('a name that a refused batch used first gets its number later, and only once', async () => {
  const { level, fail } = failing()
  const dataKey = randomBytes(32)
  const store = await EncryptedStore.open({ level, dataKey, create: true })
  fail('No space left on device')
  await rejection(store.batch([put(['room', name(7)], 'x')]))
  assert.is(await store.get(['room', name(7)]), undefined)
  await store.batch([put(['room', name(8)], '8')])
  const names = async (): Promise<number> =>
    (await level.iterator({ ...VIEW, gte: Uint8Array.of(DICTIONARY_BYTE) }).nextv(9)).length - 1
  assert.is(await names(), 1)
  await store.batch([put(['room', name(7)], '7')])
  assert.is(await names(), 2)
  await store.close()
  const again = await EncryptedStore.open({ level, dataKey })
  assert.equal(await again.get(['room', name(7)]), text('7'))
  assert.equal(await again.get(['room', name(8)]), text('8'))
  await again.close()
})

test('takes over no more than the limit, in groups of limited size, in order', async () => {
  const written: number[] = []
  let largest = 0
  const queue: GroupQueue = new GroupQueue(async (operations) => {
    assert.ok(queue.queuedBytes <= MAX_QUEUED_BYTES)
    largest = Math.max(
      largest,
      operations.reduce((sum, each) => sum + (each.type === 'put' ? each.value.length : 0), 0),
    )
    for (const { key } of operations) written.push(Number(key[1]))
  })
  const value = new Uint8Array(1024 * 1024)
  const calls = Array.from({ length: 70 }, (_, n) => queue.push([{ type: 'put', key: ['cid', n], value } satisfies Operation]))
  assert.ok(queue.queuedBytes > MAX_QUEUED_BYTES / 2 && queue.queuedBytes <= MAX_QUEUED_BYTES)
  await Promise.all(calls)
  assert.equal(
    written,
    Array.from({ length: 70 }, (_, n) => n),
  )
  assert.ok(largest <= MAX_GROUP_BYTES)
  assert.is(queue.queuedBytes, 0)
})

test('a call larger than the limit goes alone', async () => {
  const store = await memoryStore()
  const value = new Uint8Array(MAX_QUEUED_BYTES + 1)
  await Promise.all([store.batch([put(['node', 'a'], '1')]), store.batch([{ type: 'put', key: ['node', 'b'], value }])])
  assert.is((await store.get(['node', 'b']))?.length, value.length)
  await store.close()
})

async function fillUntilRefused(store: Store, from: number): Promise<{ stored: number; code: string }> {
  for (let n = from; ; n++) {
    const error = await store.batch([put(['cid', name(1), n], 'x'.repeat(20_000))]).then(
      () => undefined,
      (reason: unknown) => ({ reason }),
    )
    if (error !== undefined) return { stored: n - from, code: codeOf(error.reason) }
  }
}

function mountTmpfs(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', path], { stdio: 'ignore' })
    return true
  } catch {
    process.stdout.write('(skipped: a tmpfs cannot be mounted here) ')
    return false
  }
}

test('a full disk: a clear error, readers unharmed, nothing acknowledged lost, works again with space', async () => {
  await withDirectory(async (directory) => {
    if (!mountTmpfs(directory)) return
    try {
      const ballast = join(directory, 'ballast')
      await writeFile(ballast, new Uint8Array(9_000_000))
      const dataDir = join(directory, 'data')
      let { store } = await openStore({ dataDir })
      const first = await fillUntilRefused(store, 0)
      assert.is(first.code, 'ENOSPC')
      assert.ok(first.stored > 20)
      assert.is((await contentOf(store)).size, first.stored)
      assert.is(codeOf(await rejection(store.batch([put(['node', 'x'], 'y'.repeat(20_000))]))), 'ENOSPC')
      await rm(ballast)
      await store.batch([put(['node', 'x'], 'after')])
      assert.is((await contentOf(store)).size, first.stored + 1)
      await store.close()
      store = (await openStore({ dataDir })).store
      assert.is((await contentOf(store)).size, first.stored + 1)
      // Full again, and closed while full: what was acknowledged is still there when there is room.
      const second = await fillUntilRefused(store, first.stored)
      assert.is(second.code, 'ENOSPC')
      await store.close()
      execFileSync('mount', ['-o', 'remount,size=48m', directory])
      store = (await openStore({ dataDir })).store
      assert.is((await contentOf(store)).size, first.stored + 1 + second.stored)
      await store.close()
    } finally {
      execFileSync('umount', ['-l', directory])
    }
  })
})

test.run()
