/** `child.ts <dataDir>`: opens the store, prints `open`, then writes numbered records and prints each number once durable. */
import '../../src/shims.ts'
import { P2PNodeError } from '../../src/errors.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { name, put } from './support.ts'

const WRITERS = 8

try {
  const { store } = await openStore({ dataDir: process.argv[2] ?? '' })
  process.stdout.write('open\n')
  let next = Number(process.argv[3] ?? 0)
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      for (;;) {
        const n = next++
        await store.batch([put(['cid', name(1), n], `value ${n}`), put(['own', name(1), 'head'], String(n))])
        process.stdout.write(`${n}\n`)
      }
    }),
  )
} catch (error) {
  if (!(error instanceof P2PNodeError)) throw error
  process.stdout.write(`${error.name}: ${error.message}\n`)
}
