/** One run: members, network, disks and adversaries of a scenario, from the first event to the last check. */
import { bytesToHex } from '../../src/chat/hex.ts'
import type { Room } from '../../src/chat/room.ts'
import { deriveRoomKeys, lockedRoomSecret, openRoomSecret, type RoomKeys } from '../../src/chat/room-keys.ts'
import type { KeeperPeer } from '../../src/chat/seams.ts'
import type { Held } from '../../src/chat/types.ts'
import { startAdversary } from './adversaries.ts'
import { checkConverged, checkHistories, isConverged } from './check.ts'
import { VirtualTime } from './clock.ts'
import { cheapCrypto, type SimulatedCrypto, seededCrypto } from './crypto.ts'
import type { Endpoint, Message } from './endpoint.ts'
import { checkAllHolders, checkDelivery, uncounted } from './holders.ts'
import { Hostile } from './hostile.ts'
import { KeeperProcess, planDeparture, squat } from './keeper.ts'
import { Ledger } from './ledger.ts'
import { describe, Member } from './member.ts'
import { SimNetwork } from './network.ts'
import { Random } from './random.ts'
import { CANARY, type KeeperPlan, MAIN_ROOM, type Scenario, SIDE_ROOM } from './scenario.ts'
import { performStep } from './steps.ts'
import { checkThoroughly } from './thorough.ts'

const second = 1000

const PATIENCE = 15 * 60 * second
/** So often one looks whether those are right who say who holds what. */
const LOOK = 5 * second
/**
 * Time for some beacons of each, of which the network may lose all but one; or for some syncs, where a clock was set back (beacons count
 * for less then) and copies of a device answer for each other.
 */
const COUNT_PATIENCE = 15 * 60 * second
/** Then they must go on agreeing. */
const QUIET_TIME = 5 * second

export interface WorldOptions {
  real?: boolean
  /** How long after the heal everybody must agree, in milliseconds. @default the longest pause between two syncs, and the syncs */
  patience?: number
  /** Gets every line of the trace. */
  onTrace?: (line: string) => void
}

export interface Outcome {
  seed: number
  violations: string[]
  /** The same for the same seed, always. */
  hash: string
  /** Events that ran. */
  steps: number
  acknowledged: number
  /** Milliseconds from the heal until all agreed. */
  converged: number
  /** Members that left all they wrote to a keeper, and went for good. */
  departed: number
}

/** A violation is found often, once is enough to know. */
const MAX_VIOLATIONS = 20

export class World {
  readonly scenario: Scenario
  readonly time = new VirtualTime()
  readonly random: Random
  readonly crypto: SimulatedCrypto
  readonly network: SimNetwork
  readonly members: Member[]
  readonly keeper: KeeperProcess | undefined
  readonly hostiles: Hostile[] = []
  readonly ledger = new Ledger(this)
  readonly violations: string[] = []
  /** Endpoints that are no member's. */
  readonly strangers = new Set<Endpoint>()
  healed = false
  #hash = 0x811c9dc5
  readonly #patience: number
  readonly #onTrace: ((line: string) => void) | undefined

  private constructor(scenario: Scenario, { real = false, patience = PATIENCE, onTrace }: WorldOptions) {
    this.scenario = scenario
    this.#onTrace = onTrace
    this.#patience = patience
    this.random = new Random(scenario.seed, 2)
    const randomness = new Random(scenario.seed, 3)
    this.crypto = real ? seededCrypto(randomness) : cheapCrypto(randomness)
    const { loss, duplication, delay, slow } = scenario
    this.network = new SimNetwork({ loss, duplication, delay, slow, time: this.time, random: this.random, listener: this })
    this.keeper = scenario.keeper && new KeeperProcess(this)
    this.members = scenario.members.map(
      ({ name, skew, side }, i) => new Member(this, i, { name, skew, rooms: side ? [MAIN_ROOM, SIDE_ROOM] : [MAIN_ROOM] }),
    )
  }

  static async run(scenario: Scenario, options: WorldOptions = {}): Promise<Outcome> {
    const world = new World(scenario, options)
    const onRejection = (error: unknown): void => world.violated(`unhandled rejection: ${describe(error)}`, error)
    process.on('unhandledRejection', onRejection)
    try {
      return await world.#run()
    } catch (error) {
      world.violated(`the run broke: ${describe(error)}`, error)
      return world.#outcome(0)
    } finally {
      process.off('unhandledRejection', onRejection)
    }
  }

  async #run(): Promise<Outcome> {
    const { scenario, time } = this
    this.members.forEach((member, i) => {
      time.after(scenario.members[i]?.joinsAt ?? 0, () => member.start())
    })
    for (const [i, name] of scenario.adversaries.entries()) this.hostiles.push(await startAdversary(this, name, 1000 + i))
    if (scenario.keeper !== undefined) await this.#planKeeper(scenario.keeper)
    for (const step of scenario.steps) time.after(step.at, () => performStep(this, step))
    for (let at = 0; at < scenario.healAt; at += LOOK) time.after(at, () => checkAllHolders(this))
    await time.run(scenario.healAt)
    this.#heal()
    const converged = await this.#converge(time.now)
    checkConverged(this)
    checkAllHolders(this)
    if (this.violations.length === 0) await this.#count()
    for (const violation of await this.#checkHistories()) this.violated(violation)
    if (scenario.thorough && this.violations.length === 0) await this.#settle(checkThoroughly(this))
    return this.#outcome(converged)
  }

  async #planKeeper({ crashes, full, departure, squatter }: KeeperPlan): Promise<void> {
    const { time, keeper } = this
    if (keeper === undefined) return
    keeper.start()
    for (const { at, down } of crashes) {
      time.after(at, () => keeper.kill())
      time.after(at + down, () => keeper.start())
    }
    if (full !== undefined)
      for (const [at, is] of [
        [full.at, true],
        [full.at + full.lasts, false],
      ] as const)
        time.after(at, () => {
          keeper.disk.full = is && !this.healed
        })
    if (departure !== undefined) planDeparture(this, departure)
    if (!squatter) return
    const hostile = await Hostile.enter(this, 1100)
    this.hostiles.push(hostile)
    await squat(hostile)
  }

  /** As a member has them configured. */
  keepersOf({ index, name }: Member): KeeperPeer[] {
    const plan = this.scenario.keeper
    // A copy of a device has its configuration.
    const original = this.members.find((member) => member.name === name)?.index ?? index
    if (this.keeper === undefined || plan?.members.includes(original) !== true) return []
    const liars = this.hostiles.filter(({ keeps }) => keeps).map(({ endpoint }) => endpoint.self)
    return [this.keeper.peer, ...liars].map((peer) => ({ peer }))
  }

  /** Until all agree and go on agreeing: what only an adversary has may come late. Answers when they did, in milliseconds since the heal. */
  async #converge(healedAt: number): Promise<number> {
    const { time } = this
    const end = healedAt + this.#patience
    let next = 0
    const done = (): boolean => {
      if (time.now < next) return false
      next = time.now + second / 2
      return isConverged(this)
    }
    for (;;) {
      await time.run(end, done)
      const converged = time.now
      this.trace('converged', Math.round(converged - healedAt))
      if (converged >= end) return converged - healedAt
      await time.run(converged + QUIET_TIME)
      if (isConverged(this)) return converged - healedAt
    }
  }

  /** Whoever says nothing else says in a beacon what it holds. */
  async #count(): Promise<void> {
    const end = this.time.now + COUNT_PATIENCE
    for (;;) {
      const missing = uncounted(this)
      if (missing === undefined) return
      if (this.time.now >= end) return this.violated(missing)
      await this.time.run(this.time.now + LOOK)
    }
  }

  /** Names may come a little later than messages. */
  async #checkHistories(): Promise<string[]> {
    for (let tries = 5; ; tries--) {
      const found = await this.#settle(checkHistories(this))
      if (found.length === 0 || tries === 0 || this.violations.length > 0) return found
      await this.time.run(this.time.now + 30 * second)
    }
  }

  /** Waits for what itself waits for virtual events. */
  async #settle<T>(work: Promise<T>): Promise<T> {
    let over = false
    const watched = work.finally(() => {
      over = true
    })
    await this.time.run(this.time.now + PATIENCE, () => over)
    if (!over) throw new Error('the checks do not come to an end')
    return watched
  }

  #outcome(converged: number): Outcome {
    return {
      seed: this.scenario.seed,
      violations: this.violations,
      hash: (this.#hash >>> 0).toString(16).padStart(8, '0'),
      steps: this.time.steps,
      acknowledged: this.ledger.acknowledged,
      converged,
      departed: this.members.filter(({ gone }) => gone).length,
    }
  }

  #heal(): void {
    this.trace('heal')
    this.healed = true
    this.network.heal()
    this.network.conditions.loss = Math.min(this.network.conditions.loss, 0.05)
    if (this.keeper !== undefined) {
      this.keeper.disk.full = false
      this.keeper.start()
    }
    for (const hostile of this.hostiles) if (!this.scenario.persistent) hostile.stop()
    for (const member of this.members) {
      member.disk.full = false
      member.slowness = 1
      member.start()
      for (const room of member.rooms) if (member.room(room) === undefined) void member.join(room)
    }
  }

  /** The keys of a room, for those who know its secret. */
  async keysOf(room: string): Promise<RoomKeys> {
    const { crypto, scenario } = this
    if (!scenario.locked) return deriveRoomKeys('open', openRoomSecret(room, crypto), crypto)
    return deriveRoomKeys('locked', await lockedRoomSecret(room, 'open sesame', crypto), crypto)
  }

  trace(what: string, ...details: (string | number)[]): void {
    const line = `${what} ${details.join(' ')}`
    let hash = this.#hash ^ Math.round(this.time.now * 1000)
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193)
    this.#hash = hash
    this.#onTrace?.(`${(this.time.now / second).toFixed(3).padStart(9)}  ${line}`)
  }

  violated(what: string, error?: unknown): void {
    this.trace('VIOLATION', what)
    if (this.violations.length >= MAX_VIOLATIONS) return
    const stack = error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : ''
    this.violations.push(`${what}${stack}`)
  }

  /** A sync that broke at a member. What networks, disks and adversaries do is no news; anything else is a defect. */
  failed(member: Member, error: unknown, peer: string): void {
    this.trace('failure', member.index, peer, describe(error))
    const name = error instanceof Error ? error.name : ''
    if (['NetworkError', 'ClosedError', 'StorageError', 'Error'].includes(name)) return
    if (name === 'InvalidEventError' && this.isStranger(peer)) return
    this.violated(`${member.name} fails with ${peer}: ${describe(error)}`, error)
  }

  delivered(member: Member, room: Room, detail: { id: string } & Held): void {
    this.trace('delivery', member.index, detail.id, detail.held, detail.members, detail.keepers)
    checkDelivery(this, member, room, detail)
  }

  isStranger(peer: string): boolean {
    return [...this.strangers].some((endpoint) => endpoint.self === peer)
  }

  onPublish(from: Endpoint, message: Message): void {
    this.trace('publish', from.address, message.bytes.length)
  }

  onReject(by: Endpoint, from: Endpoint): void {
    this.trace('reject', by.address, from.address)
    if (!this.strangers.has(from) && !this.strangers.has(by))
      this.violated(`${by.self} charges the honest ${from.self} for what it forwarded`)
  }

  onFailure(at: Endpoint, error: unknown, peer: string): void {
    const member = this.members.find((each) => each.now?.endpoint === at)
    if (member !== undefined) this.failed(member, error, peer)
  }

  onCrash(at: Endpoint, error: unknown): void {
    this.violated(`a validator of ${at.self} throws: ${describe(error)}`, error)
  }

  onBytes(from: Endpoint, bytes: Uint8Array): void {
    if (this.strangers.has(from)) return
    if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(CANARY))
      this.violated(`${from.self} sends text that is not sealed: ${bytesToHex(bytes.subarray(0, 40))}`)
  }
}
