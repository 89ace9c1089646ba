/** CORRUPTIONS=1000 for more rounds, CORRUPTION_SEED=n for others. */
import '../../src/shims.ts'
import { cp, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from '@noble/hashes/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DamagedStoreError } from '../../src/errors.ts'
import { EncryptedStore } from '../../src/storage/encrypted-store.ts'
import { VIEW } from '../../src/storage/level.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { type Repaired, repairStore } from '../../src/storage/repair-store.ts'
import type { Operation, Store } from '../../src/storage/store.ts'
import { type MemoryDatabase, memoryLevel } from './memory-store.ts'
import { contentOf, corrupt, filesBelow, keyText, name, put, rejection, seeded, withDirectory } from './support.ts'

const ROUNDS = Number(process.env.CORRUPTIONS ?? 20)
const SEED = Number(process.env.CORRUPTION_SEED ?? 1)
const BATCHES = 60

const test = suite('damage')

/** Batch n of a history: a new record, one that changes, one that goes. */
function batchOf(n: number): Operation[] {
  return [
    put(['run', name(1 + (n % 3)), name(9), n, 0], `event ${n} ${'x'.repeat(n * 40)}`),
    put(['own', name(1), 'head'], String(n)),
    put(['cid', name(1), n], `cid ${n}`),
    { type: 'delete', key: ['cid', name(1), n - 5] },
  ].slice(0, n >= 5 ? 4 : 3) as Operation[]
}

/** What a store holds after batch n. */
function stateAfter(n: number): Map<string, string> {
  const state = new Map<string, string>()
  for (let i = 0; i <= n; i++) {
    for (const operation of batchOf(i)) {
      if (operation.type === 'put') state.set(keyText(operation.key), new TextDecoder().decode(operation.value))
      else state.delete(keyText(operation.key))
    }
  }
  return state
}

async function write(store: Store, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) await store.batch(batchOf(n))
}

/** A store with tables, a log and every batch, stopped cleanly. */
async function cleanStore(dataDir: string): Promise<void> {
  for (const from of [0, 20, 40]) {
    const { store } = await openStore({ dataDir })
    await write(store, from, from + 20)
    await store.close()
  }
}

/** The same, as a crash leaves it: opened after batch 39, 20 batches written since. */
async function crashedStore(dataDir: string, scratch: string): Promise<void> {
  for (const from of [0, 20]) {
    const { store } = await openStore({ dataDir: scratch })
    await write(store, from, from + 20)
    await store.close()
  }
  const { store } = await openStore({ dataDir: scratch })
  await write(store, 40, BATCHES)
  await cp(scratch, dataDir, { recursive: true })
  await store.close()
}

/** Reads everything there is: its content, or the error. */
async function outcomeOf(dataDir: string): Promise<Map<string, string> | DamagedStoreError> {
  let store: Store | undefined
  try {
    store = (await openStore({ dataDir })).store
    return await contentOf(store)
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error
    assert.ok(error.message.length > 10 && !error.message.includes('\n'))
    return error
  } finally {
    await store?.close()
  }
}

/** Salvages a damaged store: all that is kept was once written, and is counted. */
async function checkRepair(dataDir: string, what: string): Promise<void> {
  let repaired: Repaired
  try {
    repaired = await repairStore({ dataDir })
  } catch (error) {
    assert.ok(error instanceof DamagedStoreError && /"keys?"/.test(error.message), `${what}: ${String(error)}`)
    return
  }
  const content = await outcomeOf(dataDir)
  if (content instanceof DamagedStoreError) throw new Error(`${what}: still damaged`, { cause: content })
  const written = new Set<string>()
  for (let n = 0; n < BATCHES; n++) {
    for (const operation of batchOf(n)) {
      if (operation.type === 'put') written.add(`${keyText(operation.key)} ${new TextDecoder().decode(operation.value)}`)
    }
  }
  for (const [key, value] of content) assert.ok(written.has(`${key} ${value}`), `${what}: ${key} was never written`)
  assert.is(
    Object.values(repaired.kept).reduce((sum, n) => sum + n),
    content.size,
  )
}

test('a cleanly stopped store that was altered is found damaged, or is whole', async () => {
  await withDirectory(async (directory) => {
    const template = join(directory, 'template')
    await cleanStore(template)
    const expected = stateAfter(BATCHES - 1)
    let found = 0
    for (let round = 0; round < ROUNDS; round++) {
      const dataDir = join(directory, `round-${round}`)
      await cp(template, dataDir, { recursive: true })
      const what = `seed ${SEED + round}: ${await corrupt(dataDir, seeded(SEED + round))}`
      const outcome = await outcomeOf(dataDir).catch((error: unknown) => {
        throw new Error(what, { cause: error })
      })
      if (outcome instanceof DamagedStoreError) {
        found++
        await checkRepair(dataDir, what)
      } else {
        assert.equal([...outcome].sort(), [...expected].sort(), what)
      }
      await rm(dataDir, { recursive: true })
    }
    assert.ok(found >= ROUNDS / 4, `only ${found} of ${ROUNDS} were found`)
  })
})

test('a crashed store that was altered is found damaged, or holds all batches up to one', async () => {
  await withDirectory(async (directory) => {
    const template = join(directory, 'template')
    await crashedStore(template, join(directory, 'scratch'))
    const states = new Set(Array.from({ length: 21 }, (_, i) => JSON.stringify([...stateAfter(39 + i)].sort())))
    for (let round = 0; round < ROUNDS; round++) {
      const dataDir = join(directory, `round-${round}`)
      await cp(template, dataDir, { recursive: true })
      const what = `seed ${SEED + round}: ${await corrupt(dataDir, seeded(SEED + round))}`
      const outcome = await outcomeOf(dataDir).catch((error: unknown) => {
        throw new Error(what, { cause: error })
      })
      if (outcome instanceof DamagedStoreError) await checkRepair(dataDir, what)
      else assert.ok(states.has(JSON.stringify([...outcome].sort())), what)
      await rm(dataDir, { recursive: true })
    }
  })
})

test('a store as a crash leaves it opens with everything', async () => {
  await withDirectory(async (directory) => {
    const dataDir = join(directory, 'crashed')
    await crashedStore(dataDir, join(directory, 'scratch'))
    assert.equal([...((await outcomeOf(dataDir)) as Map<string, string>)].sort(), [...stateAfter(BATCHES - 1)].sort())
  })
})

test('an altered table that the last clean stop did not know is found before LevelDB sees it', async () => {
  await withDirectory(async (directory) => {
    const template = join(directory, 'crashed')
    await crashedStore(template, join(directory, 'scratch'))
    const tables = (await filesBelow(template)).filter((each) => each.endsWith('.ldb'))
    assert.ok(tables.length >= 2)
    for (const table of tables) {
      for (const at of [500, 5000]) {
        const dataDir = join(directory, 'copy')
        await cp(template, dataDir, { recursive: true })
        const handle = await open(join(dataDir, table), 'r+')
        await handle.write(new Uint8Array(4096), 0, 4096, at)
        await handle.close()
        assert.instance(await rejection(openStore({ dataDir })), DamagedStoreError, `${table} at ${at}`)
        await rm(dataDir, { recursive: true })
      }
    }
  })
})

test('half a table that a crash left, and nothing refers to, is no damage', async () => {
  await withDirectory(async (directory) => {
    const dataDir = join(directory, 'crashed')
    await crashedStore(dataDir, join(directory, 'scratch'))
    await writeFile(join(dataDir, 'db', '000900.ldb'), new Uint8Array(1000).fill(7))
    assert.equal([...((await outcomeOf(dataDir)) as Map<string, string>)].sort(), [...stateAfter(BATCHES - 1)].sort())
  })
})

test('a missing file is damage, and so is one that does not belong', async () => {
  await withDirectory(async (directory) => {
    const template = join(directory, 'template')
    await cleanStore(template)
    const names = (await filesBelow(template)).filter((each) => !/LOG|LOCK/.test(each))
    assert.ok(names.length >= 6)
    for (const each of names) {
      const dataDir = join(directory, 'copy')
      await cp(template, dataDir, { recursive: true })
      await rm(join(dataDir, each))
      assert.instance(await rejection(openStore({ dataDir })), DamagedStoreError, each)
      await rm(dataDir, { recursive: true })
    }
    await writeFile(join(template, 'db', '000999.log'), 'x')
    assert.instance(await rejection(openStore({ dataDir: template })), DamagedStoreError)
  })
})

test('an older copy of the database beside the newer ledger is damage', async () => {
  await withDirectory(async (directory) => {
    const [dataDir, older] = [join(directory, 'data'), join(directory, 'older')]
    await cleanStore(dataDir)
    await cp(join(dataDir, 'db'), older, { recursive: true })
    const { store } = await openStore({ dataDir })
    await store.batch([put(['node', 'x'], 'newer')])
    await store.close()
    await rm(join(dataDir, 'db'), { recursive: true })
    await cp(older, join(dataDir, 'db'), { recursive: true })
    assert.instance(await rejection(openStore({ dataDir })), DamagedStoreError)
  })
})

test('repair keeps what is whole and counts what is lost', async () => {
  await withDirectory(async (dataDir) => {
    await cleanStore(dataDir)
    const tables = (await filesBelow(dataDir)).filter((each) => each.endsWith('.ldb'))
    const handle = await open(join(dataDir, tables[0] ?? ''), 'r+')
    // In the first block, within the first sealed value.
    await handle.write(new Uint8Array(8).fill(0xaa), 0, 8, 60)
    await handle.close()
    assert.instance(await rejection(openStore({ dataDir })), DamagedStoreError)
    const { dropped, kept, exact } = await repairStore({ dataDir })
    const expected = stateAfter(BATCHES - 1)
    assert.ok(exact)
    const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b)
    assert.is(sum(kept) + sum(dropped), expected.size)
    assert.is(sum(dropped), 1)
    const { store } = await openStore({ dataDir })
    assert.is((await contentOf(store)).size, expected.size - 1)
    await store.batch([put(['node', 'x'], 'goes on')])
    await store.close()
  })
})

test('an interrupted repair can be repeated, and leaves nothing behind', async () => {
  await withDirectory(async (directory) => {
    const template = join(directory, 'template')
    await cleanStore(template)
    const expected = [...stateAfter(BATCHES - 1)].sort()
    // The new database half written; the damaged one moved away; the new one in its place.
    for (const [database, next, old] of [
      ['db', 'db.new', ''],
      ['', 'db.new', 'db.old'],
      ['db', '', 'db.old'],
    ]) {
      const dataDir = join(directory, 'copy')
      await cp(template, dataDir, { recursive: true })
      await rename(join(dataDir, 'db'), join(directory, 'db'))
      for (const place of [database, old]) {
        if (place !== '') await cp(join(directory, 'db'), join(dataDir, place ?? ''), { recursive: true })
      }
      if (next !== '') await mkdir(join(dataDir, 'db.new'))
      await rm(join(directory, 'db'), { recursive: true })
      assert.ok((await repairStore({ dataDir })).exact)
      assert.equal([...((await outcomeOf(dataDir)) as Map<string, string>)].sort(), expected)
      assert.equal((await readdir(dataDir)).sort(), ['db', 'key', 'keys', 'ledger'])
      await rm(dataDir, { recursive: true })
    }
  })
})

/** A portable store with some records, closed; its level reopened for tampering. */
async function tampered(
  tamper: (level: MemoryDatabase, snapshot: [Uint8Array, Uint8Array][]) => Promise<void>,
): Promise<unknown> {
  const level = memoryLevel()
  const dataKey = randomBytes(32)
  const store = await EncryptedStore.open({ level, dataKey, create: true })
  await store.batch([put(['node', 'a'], 'old'), put(['room', name(1)], 'x'), put(['room', name(2)], 'y')])
  const snapshot = await level.iterator(VIEW).all()
  await store.batch([put(['node', 'a'], 'new')])
  await store.close()
  await level.open()
  await tamper(level, snapshot)
  await level.close()
  const again = await EncryptedStore.open({ level, dataKey })
  try {
    return await contentOf(again)
  } finally {
    await again.close()
  }
}

async function keysOf(level: MemoryDatabase, table: number): Promise<Uint8Array[]> {
  return (await level.keys(VIEW).all()).filter((key) => key[0] === table)
}

const [NODE, ROOM, DICTIONARY, LEDGER] = [1, 2, 0xfe, 0xff]

test('an untouched database opens', async () => {
  assert.is(((await tampered(async () => undefined)) as Map<string, string>).size, 3)
})

for (const [what, table] of [
  ['a record', ROOM],
  ['a name', DICTIONARY],
  ['the ledger', LEDGER],
] as const) {
  test(`${what} that is missing under the store is damage`, async () => {
    const error = await rejection(tampered(async (level) => level.del((await keysOf(level, table))[0] ?? new Uint8Array(), VIEW)))
    assert.instance(error, DamagedStoreError)
  })

  test(`${what} in an older version or altered is damage`, async () => {
    const error = await rejection(
      tampered(async (level) => {
        const key = (await keysOf(level, table))[0] ?? new Uint8Array()
        const value = (await level.get(key, VIEW))?.slice() ?? new Uint8Array()
        value[value.length - 1] = (value[value.length - 1] ?? 0) ^ 1
        await level.put(key, value, VIEW)
      }),
    )
    assert.instance(error, DamagedStoreError)
  })
}

test('a record that went back to an older version of its own is damage', async () => {
  const error = await rejection(
    tampered(async (level, snapshot) => {
      const old = snapshot.find(([key]) => key[0] === NODE)
      if (old !== undefined) await level.put(old[0], old[1], VIEW)
    }),
  )
  assert.instance(error, DamagedStoreError)
})

test('two values that changed places are damage', async () => {
  const error = await rejection(
    tampered(async (level) => {
      const [a, b] = await keysOf(level, ROOM)
      if (a === undefined || b === undefined) throw new Error('two rooms')
      const [first, second] = await level.getMany([a, b], VIEW)
      await level.put(a, second ?? new Uint8Array(), VIEW)
      await level.put(b, first ?? new Uint8Array(), VIEW)
    }),
  )
  assert.instance(error, DamagedStoreError)
})

test('a database that is emptied, or older than the caller knows it to be, is damage', async () => {
  assert.instance(await rejection(tampered((level) => level.clear())), DamagedStoreError)
  const level = memoryLevel()
  const dataKey = randomBytes(32)
  await (await EncryptedStore.open({ level, dataKey, create: true })).close()
  assert.instance(await rejection(EncryptedStore.open({ level, dataKey, batches: 1 })), DamagedStoreError)
})

test.run()
