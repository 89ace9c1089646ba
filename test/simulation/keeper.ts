/** A keeper of the simulated rooms: a process with a disk, which is a member of nothing; and those who leave for good once it has all. */
import { Keeper } from '../../bootstrap/keeper/keeper.ts'
import { createRun, encodeRun, Kind, withBody } from '../../src/chat/event.ts'
import { Gate } from '../../src/chat/gate.ts'
import { askToKeep } from '../../src/chat/keep-access.ts'
import { KEEP_PROTOCOL } from '../../src/chat/keep-codec.ts'
import { KeptLog } from '../../src/chat/kept-log.ts'
import { Reservations } from '../../src/chat/reservations.ts'
import { SyncSession } from '../../src/chat/sync-session.ts'
import { DeviceClock } from './clock.ts'
import { Disk, DiskStore } from './disk.ts'
import type { Endpoint } from './endpoint.ts'
import type { Hostile } from './hostile.ts'
import { describe, type Member } from './member.ts'
import { type DeparturePlan, MAIN_ROOM } from './scenario.ts'
import { idsOn } from './steps.ts'
import type { World } from './world.ts'

const second = 1000
/** Its place on the network, beyond those of members. */
const ADDRESS = 900
const PEER = 'peer-keeper'

interface Process {
  alive: boolean
  store: DiskStore
  keeper?: Keeper
  endpoint?: Endpoint
}

export class KeeperProcess {
  readonly peer = PEER
  readonly disk = new Disk()
  readonly #world: World
  /** Events that are known to have been on its disk. */
  readonly #had = new Set<string>()
  #now: Process | undefined

  constructor(world: World) {
    this.#world = world
  }

  start(): void {
    if (this.#now !== undefined) return
    const { time, random, scenario } = this.#world
    const store = new DiskStore({ disk: this.disk, time, random, latency: () => random.between(...scenario.disk) })
    const process: Process = { alive: true, store }
    this.#now = process
    this.#world.trace('keeper starts')
    this.#boot(process).catch((error) => this.#world.violated(`the keeper does not start: ${describe(error)}`, error))
  }

  async #boot(process: Process): Promise<void> {
    const { time, crypto, network } = this.#world
    const clock = new DeviceClock(
      time,
      () => 0,
      () => process.alive,
    )
    const keeper = await Keeper.open({ store: process.store, crypto, clock, open: true }, PEER)
    if (!process.alive) return
    process.keeper = keeper
    const endpoint = network.attach(PEER, ADDRESS)
    process.endpoint = endpoint
    await endpoint.handle(KEEP_PROTOCOL, async (channel) => {
      try {
        await keeper.accept(channel, `network of ${channel.peer}`)
      } catch (error) {
        this.#failed(error, channel.peer)
        throw error
      }
    })
  }

  /** Streams break and members vanish. Nobody who is honest breaks the rules. */
  #failed(error: unknown, peer: string): void {
    this.#world.trace('keeper fails', peer, describe(error))
    const name = error instanceof Error ? error.name : ''
    if (['NetworkError', 'ClosedError', 'StorageError', 'Error'].includes(name)) return
    if (name === 'InvalidEventError' && this.#world.isStranger(peer)) return
    this.#world.violated(`the keeper fails with ${peer}: ${describe(error)}`, error)
  }

  kill(): void {
    const process = this.#now
    if (process === undefined) return
    this.#world.trace('keeper dies')
    this.#now = undefined
    process.alive = false
    if (process.endpoint !== undefined) this.#world.network.detach(process.endpoint)
    process.store.kill()
  }

  /** It is on the disk, or was when that was looked at: whoever was told so cannot know what was given up since. */
  hasHeld(id: string): boolean {
    if (!this.#had.has(id)) for (const each of idsOn(this.disk, this.#world, 'kept')) this.#had.add(each)
    return this.#had.has(id)
  }

  /** Everything that a member has on its disk is on this one. */
  hasAllOf(member: Member): boolean {
    const kept = new Set(idsOn(this.disk, this.#world, 'kept'))
    return idsOn(member.disk, this.#world).every((id) => kept.has(id))
  }
}

/**
 * Somebody whom nobody but the keeper can reach writes, and goes for good as soon as the keeper has all of it: whoever is to have it has it
 * from there.
 */
export function planDeparture(world: World, { member: index, from, sends }: DeparturePlan): void {
  const { time, members, network, keeper, ledger } = world
  const member = members[index]
  if (member === undefined || keeper === undefined) return
  const others = Array.from({ length: 10 }, (_, other) => other).filter((other) => other !== index)
  time.after(from, () => {
    world.trace('cut off', index)
    for (const other of others) {
      network.block(index, other)
      network.block(other, index)
    }
  })
  for (const at of sends) time.after(at, () => ledger.send(member, MAIN_ROOM))
  const tryToGo = (): void => {
    if (world.healed) return
    const sent = ledger.all.filter((each) => each.member === member)
    const settled = sent.every(({ pending }) => ![...pending].some(({ alive }) => alive))
    if (member.ready && settled && keeper.hasAllOf(member)) member.depart()
    else time.after(second, tryToGo)
  }
  time.after(Math.max(from, ...sends) + second, tryToGo)
}

/** Brings the keeper what members cannot open, well signed: it cannot know. */
export async function squat(hostile: Hostile): Promise<void> {
  const { world, keys, clock, endpoint } = hostile
  const { crypto, random, time } = world
  const store = new DiskStore({ disk: new Disk(), time, random, latency: () => 0 })
  const limits = () => ({ bytes: 1e9, events: 1e9, authors: 1e9 })
  const log = await KeptLog.open({ store, crypto, clock, tag: keys.tag, room: 1, limits, onCharge: () => [] })
  hostile.everyWriting(5 * second, 20 * second, () => {
    const author = hostile.author()
    const entries = [withBody(random.pick([Kind.message, Kind.control, 77]), crypto.randomBytes(100))]
    const run = createRun({ roomTag: keys.tag, author: author.key, seq: 1 }, undefined, entries, author.seed, crypto)
    log.ingest(encodeRun(run))
  })
  hostile.every(5 * second, 30 * second, () => {
    void visit().catch((error) => world.trace('squatter ends', describe(error)))
  })
  async function visit(): Promise<void> {
    const channel = await endpoint.open(PEER, KEEP_PROTOCOL)
    try {
      await askToKeep({ channel, crypto, clock, self: endpoint.self, keys, seconds: 3600 })
      const ignored = { onProgress: nothing, onReject: nothing, onFresh: nothing, onHeld: nothing }
      const session = {
        log,
        crypto,
        clock,
        channel,
        gate: new Gate(),
        reserved: new Reservations(),
        allow: () => true,
        own: () => [],
      }
      await new SyncSession({ ...session, ...ignored }).converse()
    } catch (error) {
      channel.abort(new Error('enough'))
      throw error
    }
  }
}

const nothing = (): undefined => undefined
