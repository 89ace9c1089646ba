/**
 * Defects that the simulation must find. Each is planted in a copy of the sources, so that nothing in the project itself knows of
 * them; a text that is not there any more is an error, for then the plant needs another place.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Simulate } from './simulate.ts'

/** What is replaced in src/chat, where it stands exactly once. */
type Change = [from: string, to: string]

export const PLANTS: Record<string, Change[]> = {
  'skips a range': [['next = Math.max(next, range.to + 1)', 'next = Math.max(next, range.to + 2)']],
  'accepts a duplicate': [
    ['if (known === undefined || (!known.hasBody && entry.body !== undefined)) fresh', 'fresh'],
    ['if (event.placed) return false', ''],
  ],
  'acknowledges before the disk has it': [['await this.#init.log.append(', 'void this.#init.log.append(']],
  'drops the tail of a run': [
    ['() => this.#arrive(arrivals, stored)', '() => this.#arrive(arrivals.slice(0, Math.max(1, arrivals.length - 1)), stored)'],
  ],
  'trusts an unsigned run': [['return last !== undefined && crypto.verify(', 'return last !== undefined || crypto.verify(']],
  'takes a header for the event': [['event.durable && event.hasBody', 'event.durable']],
  'orders by arrival': [['const at = this.#placeAfter(event, after)', 'const at = this.#placed.length']],
  'forgets those who wait for a parent': [
    ['if (at === undefined || dependants.length > 0) this.#sound', 'if (at === undefined) this.#sound'],
    ['if (position >= 0) this.#sound', 'if (position < -1) this.#sound'],
  ],
  'drops the other branch of a fork': [
    [
      'this.accepted(author)',
      `const other = run.ids.some((id, i) => this.author(bytesToHex(run.author))?.at(run.firstSeq + i).some((known) => known.id !== bytesToHex(id)))
      if (other) return { verdict: 'ignore', fresh: 0, durable: DONE }`,
    ],
  ],
  'takes its own proof of access back': [["Uint8Array.of(role === 'initiator' ? 0 : 1)", 'Uint8Array.of(0)']],
  'takes a proof made for another peer': [['const names = encodeCbor(peers)', 'const names = encodeCbor([])']],
  'charges for what is not news': [
    ["return { verdict: 'ignore', reason: 'nothing new'", "return { verdict: 'reject', reason: 'nothing new'"],
  ],
  'serves nothing of what it keeps': [['return await super.bytesOf(author, stored)', 'return undefined']],
  'leaves a keeper over what it cannot know': [
    ['if (unreadable !== undefined && this.#init.unreadable !== undefined)', 'if (unreadable === undefined && fresh < 0)'],
  ],
  'forgets a cid in a crash': [['also.push(...this.#cidOperations(taken, events))', '']],
  'takes the end of a log for the whole of it': [['.find(({ from }) => from === 1)', '[0]']],
  'counts what was written after the answer': [
    ['for (const each of own) this.#init', 'for (const each of this.#init.own()) this.#init'],
  ],
  'takes an end it does not know for its own': [
    ['return event?.author === log && event.seq === to ?', 'return event === undefined || event.author === log ?'],
    ['[{ from, end: event }]', '[{ from, end: event ?? (log.last as LogEvent) }]'],
  ],
  'publishes before the disk has it': [
    [
      'await this.#init.log.append(run, bytes, bodies, also)\n      this.#init.publish(bytes)',
      'this.#init.publish(bytes)\n      await this.#init.log.append(run, bytes, bodies, also)',
    ],
  ],
}

/** All that the simulation imports of the project. */
const COPIED = [
  'package.json',
  'tsconfig.json',
  'src/chat',
  'bootstrap/keeper',
  'src/storage/store.ts',
  'src/errors.ts',
  'src/room-name.ts',
  'src/native-crypto.ts',
  'test/simulation',
]

export interface Planted {
  simulate: Simulate
  dispose(): Promise<void>
}

/** A copy of the project with a defect, or with none, ready to be simulated. */
export async function plant(name: string | undefined): Promise<Planted> {
  const changes = name === undefined ? [] : PLANTS[name]
  if (changes === undefined) throw new TypeError(`no such plant; there are:\n  ${Object.keys(PLANTS).join('\n  ')}`)
  const root = join(import.meta.dirname, '../..')
  const copy = await mkdtemp(join(tmpdir(), 'p2pnode-plant-'))
  const dispose = (): Promise<void> => rm(copy, { recursive: true, force: true })
  try {
    for (const folder of ['src/storage', 'bootstrap']) await mkdir(join(copy, folder), { recursive: true })
    for (const path of COPIED) await cp(join(root, path), join(copy, path), { recursive: true })
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    for (const [from, to] of changes) await replace(join(copy, 'src/chat'), from, to)
    const { simulate } = (await import(pathToFileURL(join(copy, 'test/simulation/simulate.ts')).href)) as { simulate: Simulate }
    return { simulate, dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

async function replace(folder: string, from: string, to: string): Promise<void> {
  const found: string[] = []
  for (const file of await readdir(folder)) {
    const parts = (await readFile(join(folder, file), 'utf8')).split(from)
    found.push(...parts.slice(1).map(() => file))
    if (parts.length === 2) await writeFile(join(folder, file), parts.join(to))
  }
  if (found.length !== 1) throw new Error(`src/chat has this ${found.length} times, not once: ${from}`)
}
