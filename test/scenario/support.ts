/** Real nodes on loopback, each with a directory of its own. */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Room } from '../../src/chat/room.ts'
import { type Clock, type CreateP2PNodeInit, createP2PNode, type Message, type P2PNode, repairP2PNode } from '../../src/index.ts'
import { waitFor } from '../support/wait-for.ts'

export class Nodes {
  #root: string | undefined
  #nodes = new Set<P2PNode>()

  async #directory(name: string): Promise<string> {
    this.#root ??= await mkdtemp(join(tmpdir(), 'p2pnode-scenario-'))
    return join(this.#root, name)
  }

  /** A node called `name`, with the data it had when it last ran, that dials `peers`. */
  async start(name: string, peers: P2PNode[] = [], init: CreateP2PNodeInit = {}): Promise<P2PNode> {
    const dataDir = await this.#directory(name)
    const node = await createP2PNode({
      dataDir,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      mdns: false,
      connect: peers.map((peer) => peer.addresses[0] as string),
      ...init,
    })
    this.#nodes.add(node)
    return node
  }

  async stop(node: P2PNode): Promise<void> {
    this.#nodes.delete(node)
    await node.stop()
  }

  /** Copies the data of a stopped node. */
  async copy(from: string, to: string): Promise<void> {
    await cp(await this.#directory(from), await this.#directory(to), { recursive: true })
  }

  /** Puts other contents into a directory that stays the same one. */
  async putBack(from: string, to: string): Promise<void> {
    const directory = await this.#directory(to)
    for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true })
    await cp(await this.#directory(from), directory, { recursive: true })
  }

  /** Repairs the data of a stopped node, damaged or not. */
  async repair(name: string): Promise<void> {
    await repairP2PNode({ dataDir: await this.#directory(name) })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes].map((node) => node.stop()))
    if (this.#root !== undefined) await rm(this.#root, { recursive: true, force: true })
  }
}

/** Runs `task` with nodes that are gone afterwards. */
export async function withNodes(task: (nodes: Nodes) => Promise<void>): Promise<void> {
  const nodes = new Nodes()
  try {
    await task(nodes)
  } finally {
    await nodes.close()
  }
}

/** Resolves once all rooms show the same `count` messages in the same order. */
export async function converged(rooms: Room[], count: number, deadline = 45_000): Promise<void> {
  await waitFor(
    () => rooms.every((room) => room.digest().count === count && room.digest().digest === rooms[0]?.digest().digest),
    `${count} messages everywhere`,
    deadline,
  ).catch((error: Error) => {
    throw new Error(
      `${error.message}; have ${rooms.map((room) => `${room.digest().count}:${room.digest().digest.slice(0, 8)}`).join(' ')}`,
    )
  })
}

export async function textsIn(room: Room): Promise<string[]> {
  const texts: string[] = []
  for await (const { text } of room.history()) texts.push(text)
  return texts
}

/** What a node warns of, from now on. */
export function warningsOf(node: P2PNode): string[] {
  const codes: string[] = []
  node.addEventListener('warning', ({ detail }) => codes.push(detail.detail.code))
  return codes
}

/** Messages that a room tells of, from now on. */
export function toldBy(room: Room): Message[] {
  const told: Message[] = []
  room.addEventListener('message', ({ detail }) => told.push(detail))
  return told
}

export async function mates(room: Room, count: number): Promise<void> {
  await waitFor(() => room.mates().length >= count, `${count} mates`, 30_000)
}

/** Tells the time as it is, and waits `haste` times less than it is asked to. */
export const paced = (haste: number): Clock => ({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds / haste)
    return () => clearTimeout(timer)
  },
})

/** Pauses and deadlines of the protocol pass ten times sooner. */
export const hasty = paced(10)
