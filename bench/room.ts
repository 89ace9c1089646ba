/** Rooms of one contestant's processes, in a network and a directory of their own. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Namespaces, whyNoNamespaces } from '../test/support/namespaces.ts'
import { Child, type ContestantName } from './children.ts'
import type { ParticipantInit, Usage } from './peers/participant.ts'

/** After everybody has heard everybody. Milliseconds. */
const REST = 2_000

export const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Why bytes are counted on the machine's own loopback interface, with everything else that goes over it; undefined if they are not. */
export const noNamespaces = whyNoNamespaces()

/** One for all that is measured: bytes are counted as differences, and nothing else runs in it. */
const space = noNamespaces === undefined ? new Namespaces().add('127.0.0.1') : undefined

/** Data goes beside this file: /tmp may be in memory, where waiting for the disk costs nothing. */
const DATA = import.meta.dirname

for (const name of readdirSync(DATA)) {
  const owner = /^\.data-(\d+)-/.exec(name)?.[1]
  // What a killed run has left.
  if (owner !== undefined && !existsSync(`/proc/${owner}`)) rmSync(join(DATA, name), { recursive: true, force: true })
}

/** Where a measurement runs. */
export class Arena {
  readonly dir = mkdtempSync(join(DATA, `.data-${process.pid}-`))
  readonly #children: Child[] = []
  readonly #atExit = (): void => rmSync(this.dir, { recursive: true, force: true })

  constructor() {
    process.once('exit', this.#atExit)
  }

  inside = (command: string[]): string[] => space?.inside(command) ?? command

  /** A process with number `me` and a directory that belongs to the number. */
  async start(
    name: ContestantName,
    { me, connect = [] }: Partial<ParticipantInit> & { me: number },
    around = this.inside,
  ): Promise<Child> {
    const child = await Child.start(name, { me, connect, dataDir: join(this.dir, String(me)) }, around)
    this.#children.push(child)
    return child
  }

  /** `size` peers, each of which dials all before it; resolves when all have heard all, and rested. */
  async room(name: ContestantName, size: number, around = this.inside): Promise<Child[]> {
    const room: Child[] = []
    for (let me = 0; me < size; me++) {
      const connect = room.flatMap(({ addresses }) => addresses.slice(0, 1))
      room.push(await this.start(name, { me, connect }, around))
    }
    await Promise.all(room.map((child) => child.call('warmUp', { others: size - 1 })))
    await Promise.all(room.map((child) => child.call('endWarmUp')))
    await sleep(REST)
    return room
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()))
    this.#atExit()
    process.off('exit', this.#atExit)
  }
}

/** Runs `measure` in an arena that is gone afterwards. */
export async function inArena<T>(measure: (arena: Arena) => Promise<T>): Promise<T> {
  const arena = new Arena()
  try {
    return await measure(arena)
  } finally {
    await arena.close()
  }
}

/** Summed over processes; of the bytes, which all share, those of one. */
export async function usageOf(room: readonly Child[]): Promise<Usage> {
  const all = await Promise.all(room.map((child) => child.call('usage')))
  return {
    cpu: all.reduce((sum, { cpu }) => sum + cpu, 0),
    rss: Math.max(...all.map(({ rss }) => rss)),
    wire: all[0]?.wire ?? 0,
  }
}
