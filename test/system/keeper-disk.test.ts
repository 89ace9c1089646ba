import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { DAY, guest, setting, stored, visit, write } from '../bootstrap/keeper/support.ts'
import { filesBelow, withDirectory } from '../storage/support.ts'

const test = suite('system/keeper-disk')
const MiB = 2 ** 20

async function sizeOf(dataDir: string): Promise<number> {
  let bytes = 0
  for (const file of await filesBelow(dataDir)) bytes += (await stat(join(dataDir, file)).catch(() => ({ size: 0 }))).size
  return bytes
}

test('the disk of a keeper stays bounded whatever is stored, others are served, and all of it survives a restart', () =>
  withDirectory(async (dataDir) => {
    const quotas = { roomBytes: 2 * MiB, peerBytes: 4 * MiB, totalBytes: 6 * MiB }
    const first = await openStore({ dataDir, crypto: nativeCrypto })
    const here = await setting({ store: first.store, quotas })
    const ann = await guest(here, 'ann', { room: 'quiet' })
    await write(ann, 40)
    await visit(here, ann)
    let largest = 0
    for (let round = 0; round < 60; round++) {
      const mallory = await guest(here, 'mallory', { room: `junk ${round % 2}` })
      await write(mallory, 60, { text: 'x'.repeat(30_000), author: round })
      await visit(here, mallory)
      here.clock.advance(1000)
      // What was given up last may still be on its way out.
      assert.ok((await stored(here.store)) <= 4.5 * MiB)
      largest = Math.max(largest, await sizeOf(dataDir))
    }
    // 108 MiB came in. LevelDB writes logs of 4 MiB, and removes what is deleted when it compacts: 35 MiB and a third of what is kept.
    assert.ok(largest < 48 * MiB, `${largest}`)
    await here.keeper.close()
    await here.store.close()

    const second = await openStore({ dataDir, crypto: nativeCrypto })
    const after = await setting({ store: second.store, quotas, clock: here.clock, crypto: here.crypto })
    assert.equal(after.keeper.status().rooms, here.keeper.status().rooms)
    const bob = await guest(after, 'bob', { room: 'quiet' })
    assert.is((await visit(after, bob)).outcome.received, 40)
    after.clock.advance(8 * DAY)
    await after.keeper.sweep()
    assert.equal([after.keeper.status().rooms, await stored(after.store)], [[], 0])
    await after.keeper.close()
    await after.store.close()
  }))

test.run()
