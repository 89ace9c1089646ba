/** KILLS=1000 for more rounds of kill -9. */
import '../../src/shims.ts'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { changePassphrase, openStore, storeOwner } from '../../src/storage/open-store.ts'
import { repairStore } from '../../src/storage/repair-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { bundled } from '../support/bundle.ts'
import { waitFor } from '../support/wait-for.ts'
import { contentOf, filesBelow, name, put, rejection, text, withDirectory } from './support.ts'

const KILLS = Number(process.env.KILLS ?? 4)

const test = suite('open store')

function named(error: unknown): string {
  return error instanceof Error ? error.name : String(error)
}

/** Names, modes and contents of everything below. */
async function treeHash(directory: string): Promise<string> {
  const hash = createHash('sha256')
  for (const path of await filesBelow(directory)) {
    const whole = join(directory, path)
    hash.update(`${path} ${(await stat(whole)).mode} `)
    // Always empty, and a process that closes it loses its lock on it (fcntl).
    if (!path.endsWith('LOCK')) hash.update(await readFile(whole))
  }
  return hash.digest('hex')
}

interface Child {
  process: ChildProcess
  lines: string[]
  /** Kills it, and waits for its end and its last line. */
  kill(): Promise<void>
  ended: Promise<unknown>
}

let program: Promise<string> | undefined

async function child(dataDir: string, from = 0): Promise<Child> {
  program ??= bundled('test/storage/child.ts')
  const started = spawn(process.execPath, [await program, dataDir, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  createInterface({ input: started.stdout }).on('line', (line) => lines.push(line))
  const ended = once(started, 'close')
  return {
    process: started,
    lines,
    ended,
    async kill() {
      started.kill('SIGKILL')
      await ended
    },
  }
}

async function opened<T>(dataDir: string, task: (store: Store) => Promise<T>, passphrase?: string): Promise<T> {
  const { store } = await openStore({ dataDir, passphrase, create: false })
  try {
    return await task(store)
  } finally {
    await store.close()
  }
}

test('what was stored is there at the next opening', async () => {
  await withDirectory(async (directory) => {
    const dataDir = join(directory, 'new', 'data')
    const first = await openStore({ dataDir, crypto: nativeCrypto })
    assert.ok(first.created)
    await first.store.batch([put(['room', name(1)], 'lobby'), put(['run', name(1), name(2), 1, 0], 'event')])
    const content = await contentOf(first.store)
    await first.store.close()
    await first.store.close()
    const second = await openStore({ dataDir })
    assert.not.ok(second.created)
    assert.equal(await contentOf(second.store), content)
    await second.store.close()
  })
})

test('refuses to make a store when asked not to', async () => {
  await withDirectory(async (directory) => {
    for (const dataDir of [directory, join(directory, 'none')]) {
      const error = await rejection(openStore({ dataDir, create: false }))
      assert.is(named(error), 'StorageError')
      assert.is((error as { code?: string }).code, 'ENOENT')
    }
    assert.equal(await readdir(directory), [])
  })
})

test('files are 0600 and directories 0700 under umask 0', async () => {
  await withDirectory(async (directory) => {
    const before = process.umask(0)
    try {
      const dataDir = join(directory, 'data')
      const { store } = await openStore({ dataDir, passphrase: 'secret' })
      const modes = async (): Promise<string[]> => {
        const paths = ['', 'db', ...(await filesBelow(dataDir))]
        const found = await Promise.all(
          paths.map(async (path) => {
            // A table may be gone by now.
            const status = await stat(join(dataDir, path)).catch(() => undefined)
            const wanted = status?.isDirectory() ? 0o700 : 0o600
            return status === undefined || (status.mode & 0o777) === wanted ? '' : `${path} ${(status.mode & 0o777).toString(8)}`
          }),
        )
        return found.filter((each) => each !== '')
      }
      assert.equal(await modes(), [])
      // Enough for new logs and tables.
      for (let n = 0; n < 12; n++) await store.batch([put(['cid', name(1), n], 'x'.repeat(1024 * 1024))])
      await waitFor(async () => (await modes()).length === 0, 'all files 0600')
      await store.close()
      assert.equal(await modes(), [])
      assert.ok((await filesBelow(dataDir)).some((path) => path.endsWith('.ldb')))
      await changePassphrase({ dataDir, old: 'secret' })
      assert.equal(await modes(), [])
    } finally {
      process.umask(before)
    }
  })
})

test('a foreign directory keeps its mode, and the store in it is private all the same', async () => {
  await withDirectory(async (directory) => {
    await chmod(directory, 0o755)
    await writeFile(join(directory, 'letter.txt'), 'not ours')
    const { store } = await openStore({ dataDir: directory })
    assert.is((await stat(directory)).mode & 0o777, 0o755)
    assert.is((await stat(join(directory, 'db'))).mode & 0o777, 0o700)
    assert.is((await stat(join(directory, 'key'))).mode & 0o777, 0o600)
    await store.close()
  })
})

test('a wrong passphrase changes nothing on disk', async () => {
  await withDirectory(async (directory) => {
    const dataDir = join(directory, 'data')
    const { store } = await openStore({ dataDir, passphrase: 'right' })
    await store.batch([put(['node', 'x'], 'secret')])
    await store.close()
    const before = await treeHash(dataDir)
    for (const passphrase of ['wrong', '', 'Right', 'right ', 'x'.repeat(10_240)]) {
      assert.is(named(await rejection(openStore({ dataDir, passphrase }))), 'WrongPassphraseError')
    }
    assert.is(named(await rejection(openStore({ dataDir }))), 'LockedError')
    assert.is(named(await rejection(changePassphrase({ dataDir, old: 'wrong', next: 'new' }))), 'WrongPassphraseError')
    assert.is(named(await rejection(changePassphrase({ dataDir, next: 'new' }))), 'LockedError')
    assert.is(named(await rejection(repairStore({ dataDir, passphrase: 'wrong' }))), 'WrongPassphraseError')
    assert.is(await treeHash(dataDir), before)
    assert.equal(await opened(dataDir, (each) => each.get(['node', 'x']), 'right'), text('secret'))
  })
})

test('a passphrase can be set, changed and removed', async () => {
  await withDirectory(async (directory) => {
    const dataDir = join(directory, 'data')
    const { store } = await openStore({ dataDir })
    await store.batch([put(['node', 'x'], 'kept')])
    await store.close()
    const plainKey = await readFile(join(dataDir, 'key'))
    const read = (passphrase?: string): Promise<unknown> => opened(dataDir, (each) => each.get(['node', 'x']), passphrase)

    assert.is(named(await rejection(read('given to none'))), 'WrongPassphraseError')
    await changePassphrase({ dataDir, next: 'one' })
    assert.is(named(await rejection(read())), 'LockedError')
    assert.equal(await read('one'), text('kept'))
    for (const path of await filesBelow(dataDir)) {
      assert.not.ok((await readFile(join(dataDir, path))).includes(plainKey), `${path} holds the data key`)
    }
    await changePassphrase({ dataDir, old: 'one', next: 'two' })
    assert.is(named(await rejection(read('one'))), 'WrongPassphraseError')
    assert.equal(await read('two'), text('kept'))
    await changePassphrase({ dataDir, old: 'two' })
    assert.equal(await read(), text('kept'))
    assert.is(named(await rejection(changePassphrase({ dataDir, next: '' }))), 'InvalidArgumentError')
  })
})

test('a data key left over by a crash while a passphrase was set is removed', async () => {
  await withDirectory(async (directory) => {
    const dataDir = join(directory, 'data')
    await (await openStore({ dataDir })).store.close()
    const plainKey = await readFile(join(dataDir, 'key'))
    await changePassphrase({ dataDir, next: 'one' })
    await writeFile(join(dataDir, 'key'), plainKey)
    await writeFile(join(dataDir, 'key.tmp'), plainKey)
    assert.is(named(await rejection(openStore({ dataDir }))), 'LockedError')
    await opened(dataDir, async () => undefined, 'one')
    assert.equal(
      (await readdir(dataDir)).filter((each) => each.startsWith('key')),
      ['keys'],
    )
  })
})

test('a store of a newer format is refused in words', async () => {
  await withDirectory(async (directory) => {
    const dataDir = join(directory, 'data')
    await (await openStore({ dataDir })).store.close()
    const header = { format: 2, state: 'ready', somethingNew: true }
    const sum = createHash('sha256').update(JSON.stringify(header)).digest('hex').slice(0, 32)
    await writeFile(join(dataDir, 'keys'), JSON.stringify({ ...header, sum }))
    const error = await rejection(openStore({ dataDir }))
    assert.is(named(error), 'P2PNodeError')
    assert.match(String(error), /format 2.*update p2pnode/)
  })
})

test('an interrupted creation is taken up again', async () => {
  await withDirectory(async (directory) => {
    // The database was made, the key was written, the header was not.
    await mkdir(join(directory, 'db'))
    await writeFile(join(directory, 'key'), new Uint8Array(32))
    const { store, created } = await openStore({ dataDir: directory })
    assert.ok(created)
    await store.batch([put(['node', 'x'], '1')])
    await store.close()
    assert.equal(await opened(directory, (each) => each.get(['node', 'x'])), text('1'))
  })
})

test('a second opening in this process is refused and harms nothing', async () => {
  await withDirectory(async (directory) => {
    const { store } = await openStore({ dataDir: directory })
    assert.is(named(await rejection(openStore({ dataDir: join(directory, '.') }))), 'StoreInUseError')
    assert.is(named(await rejection(changePassphrase({ dataDir: directory, next: 'x' }))), 'StoreInUseError')
    assert.is(named(await rejection(repairStore({ dataDir: directory }))), 'StoreInUseError')
    assert.is(await storeOwner(directory), process.pid)
    await store.batch([put(['node', 'x'], '1')])
    // LevelDB's own lock still holds against other processes.
    const other = await child(directory)
    await other.ended
    assert.match(other.lines.join(), /^StoreInUseError/)
    await store.close()
    assert.is(await storeOwner(directory), undefined)
    assert.equal(await opened(directory, (each) => each.get(['node', 'x'])), text('1'))
  })
})

test('a second process is refused, names the first, and changes nothing', async () => {
  await withDirectory(async (directory) => {
    const { store } = await openStore({ dataDir: directory })
    await store.batch([put(['node', 'x'], '1')])
    const before = await treeHash(directory)
    const other = await child(directory)
    await other.ended
    assert.match(other.lines.join(), new RegExp(`^StoreInUseError: .*pid ${process.pid}\\)$`))
    assert.is(await treeHash(directory), before)
    await store.batch([put(['node', 'x'], '2')])
    await store.close()
    assert.equal(await opened(directory, (each) => each.get(['node', 'x'])), text('2'))
  })
})

test('LevelDB’s lock refuses a second process when the pid file is gone', async () => {
  await withDirectory(async (directory) => {
    const { store } = await openStore({ dataDir: directory })
    await rm(join(directory, 'pid'))
    const other = await child(directory)
    await other.ended
    assert.match(other.lines.join(), /^StoreInUseError/)
    await store.batch([put(['node', 'x'], '1')])
    await store.close()
    assert.equal(await opened(directory, (each) => each.get(['node', 'x'])), text('1'))
  })
})

test('nothing acknowledged is lost by kill -9, and every opening succeeds', async () => {
  await withDirectory(async (directory) => {
    let next = 0
    const acknowledged = new Set<number>()
    for (let round = 0; round < KILLS; round++) {
      const writer = await child(directory, next)
      const enough = 2 + ((round * 37) % 150)
      await waitFor(() => writer.lines.length > enough || writer.process.exitCode !== null, 'acknowledgements')
      assert.is(await storeOwner(directory), writer.process.pid)
      await writer.kill()
      assert.is(writer.lines[0], 'open')
      for (const line of writer.lines.slice(1)) acknowledged.add(Number(line))
      next = Math.max(next, ...acknowledged) + 1000
    }
    assert.is(await storeOwner(directory), undefined)
    const content = await opened(directory, contentOf)
    for (const n of acknowledged) assert.is(content.get(`["cid",[${[...name(1)]}],${n}]`), `value ${n}`)
    assert.ok(acknowledged.size > KILLS * 2)
  })
})

test.run()
