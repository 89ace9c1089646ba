import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Door, freePort } from './door.ts'
import { DemoPeer } from './peer.ts'

/** The peers, the doors between them and the directory they live in. `close` leaves none of them behind. */
export class Stage {
  readonly peers: DemoPeer[] = []
  readonly #doors: Door[] = []
  readonly #addresses: string[] = []
  readonly #dir = mkdtempSync(join(tmpdir(), 'p2pnode-demo-'))
  readonly #signal: AbortSignal

  /** @param signal Aborted when nothing more is to be begun */
  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Starts a peer that dials those who are there. Resolves when it is on the network. */
  async enter(name: string): Promise<void> {
    const port = await freePort()
    const door = new Door(port)
    this.#doors.push(door)
    const announce = await door.listen()
    this.#signal.throwIfAborted()
    const peer = new DemoPeer({ name, dir: this.#dir, port, announce, connect: [...this.#addresses] })
    this.peers.push(peer)
    this.#addresses.push(announce)
    await peer.ready()
  }

  /** Dials that were turned away at the doors. */
  get refused(): number {
    return this.#doors.reduce((sum, { refused }) => sum + refused, 0)
  }

  cut(): void {
    for (const door of this.#doors) door.shut()
  }

  heal(): void {
    for (const door of this.#doors) door.open()
  }

  async close(): Promise<void> {
    for (const door of this.#doors) door.close()
    await Promise.all(this.peers.map((peer) => peer.kill()))
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
