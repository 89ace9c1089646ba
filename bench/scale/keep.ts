/** What keeping costs: a member writes and goes, another comes when nobody else is there. The relay is started anew in between. */
import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RelayStatus } from '../../bootstrap/status.ts'
import type * as Library from '../../src/index.ts'
import type { P2PNode } from '../../src/index.ts'
import { inDirectory, MB, MeasuredRelay, until } from './relay.ts'

const { createP2PNode } = (await import(new URL('../../dist/index.js', import.meta.url).href)) as typeof Library

const ROOM = 'scale'
/** Characters of a message. */
const LENGTH = 1_000
/** Sends that wait for their answer. */
const WINDOW = 64

export async function keep(messages: number): Promise<void> {
  await inDirectory(async (directory) => {
    const kept = join(directory, 'relay')
    const first = await MeasuredRelay.start(kept, ['--keep', 'open'])
    const empty = first.usage()
    const writer = await member(join(directory, 'writer'), first)
    const start = performance.now()
    const room = await writer.join(ROOM)
    const text = 'x'.repeat(LENGTH)
    for (let sent = 0; sent < messages; sent += WINDOW)
      await Promise.all(Array.from({ length: Math.min(WINDOW, messages - sent) }, () => room.send(text)))
    await until(async () => isQuiet(await first.status(), messages * LENGTH), 'it to be kept')
    const seconds = (performance.now() - start) / 1000
    const { kept: view } = await first.status()
    const full = first.usage()
    await writer.stop()
    await first.end()
    const bytes = (view?.bytes ?? 0) / MB
    console.log(
      `${messages} messages, ${bytes.toFixed(1)} MB, written and kept in ${seconds.toFixed(1)} s; ` +
        `${((1000 * (full.cpu - empty.cpu)) / bytes).toFixed(1)} ms of CPU a MB; RSS ${(empty.rss / MB).toFixed(0)} to ${(full.rss / MB).toFixed(0)} MB; ` +
        `${((await sizeOf(kept)) / MB).toFixed(1)} MB on disk`,
    )
    const again = performance.now()
    const second = await MeasuredRelay.start(kept, ['--keep', 'open'])
    const ready = (performance.now() - again) / 1000
    const before = second.usage()
    console.log(
      `started anew: ready in ${ready.toFixed(1)} s, ${before.cpu.toFixed(1)} s of CPU, RSS ${(before.rss / MB).toFixed(0)} MB`,
    )
    const reader = await member(join(directory, 'reader'), second)
    const since = performance.now()
    const other = await reader.join(ROOM)
    await until(() => other.info().count >= messages, 'the reader to have it')
    const took = (performance.now() - since) / 1000
    const after = second.usage()
    console.log(
      `fetched by another member in ${took.toFixed(1)} s; ${((1000 * (after.cpu - before.cpu)) / bytes).toFixed(1)} ms of CPU a MB; ` +
        `RSS ${(after.rss / MB).toFixed(0)} MB`,
    )
    await reader.stop()
    await second.end()
  })
}

/** Everything is there, and nobody is bringing more. */
const isQuiet = ({ kept }: RelayStatus, bytes: number): boolean => kept !== undefined && kept.bytes >= bytes && kept.visits === 0

const member = (dataDir: string, relay: MeasuredRelay): Promise<P2PNode> =>
  createP2PNode({ dataDir, mdns: false, listen: [], relays: [relay.address] })

async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0)
}
