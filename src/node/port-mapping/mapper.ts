import { isPrivate } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { within } from '../clock.ts'
import { reason } from '../reason.ts'
import { ATTEMPT_TIMEOUT, FIRST_PAUSE, LAST_PAUSE, MIN_RENEW_INTERVAL, RELEASE_TIMEOUT, RENEW_INTERVAL } from './constants.ts'
import type { Grant, PortMapperInit, PortMappingView } from './index.ts'

/** Gets a mapping, keeps it, and gives it back. See `portMapper`. */
export class PortMapper {
  readonly #init: Required<PortMapperInit>
  #started = false
  #grant: Grant | undefined
  #problem: string | undefined
  #failures = 0
  #cancel: () => void = () => undefined
  #attempt: AbortController | undefined
  /** Attempts happen one after the other. */
  #turn: Promise<void> = Promise.resolve()

  constructor(init: Required<PortMapperInit>) {
    this.#init = init
  }

  /** Resolves when the routers were asked once, whatever they said. */
  async start(): Promise<void> {
    this.#started = true
    await this.#ask(false)
  }

  /** Gives back what was given. Idempotent. */
  async stop(): Promise<void> {
    this.#started = false
    this.#cancel()
    this.#attempt?.abort(new Error('stopped'))
    await this.#turn
    const grant = this.#grant
    this.#set(undefined)
    if (grant === undefined) return
    try {
      await within(this.#init.clock, RELEASE_TIMEOUT, (signal) => grant.release(signal))
    } catch (error) {
      this.#init.log('the port mapping ends by itself: the router did not take it back - %s', reason(error))
    }
  }

  /** This machine is elsewhere: what was given may lead nowhere. */
  moved(): void {
    if (!this.#started) return
    this.#failures = 0
    this.#attempt?.abort(new Error('another network'))
    void this.#ask(false)
  }

  view(): PortMappingView {
    if (this.#grant === undefined) return this.#problem === undefined ? {} : { problem: this.#problem }
    const { external, by } = this.#grant
    return { external: `${external.address}:${external.port}`, by }
  }

  #ask(renew: boolean): Promise<void> {
    this.#cancel()
    this.#turn = this.#turn.then(() => this.#once(renew))
    return this.#turn
  }

  async #once(renew: boolean): Promise<void> {
    if (!this.#started) return
    const { clock, log } = this.#init
    const attempt = new AbortController()
    this.#attempt = attempt
    try {
      const grant = await within(clock, ATTEMPT_TIMEOUT, (signal) => this.#obtain(renew, signal), attempt.signal)
      this.#failures = 0
      this.#set(grant)
    } catch (error) {
      if (attempt.signal.aborted) return
      this.#failures++
      this.#problem = reason(error)
      log('no port mapping - %s', this.#problem)
      this.#set(undefined)
    }
    if (this.#started) this.#cancel = clock.setTimeout(() => void this.#ask(true), this.#pause())
  }

  /** Until the router is asked again, in milliseconds. */
  #pause(): number {
    if (this.#grant === undefined) return Math.min(FIRST_PAUSE * 2 ** Math.min(this.#failures - 1, 16), LAST_PAUSE)
    const { lifetime } = this.#grant
    const half = lifetime === 0 ? Number.POSITIVE_INFINITY : (lifetime * 1_000) / 2
    return Math.max(MIN_RENEW_INTERVAL, Math.min(RENEW_INTERVAL, half))
  }

  async #obtain(renew: boolean, signal: AbortSignal): Promise<Grant> {
    const before = this.#grant
    if (renew && before !== undefined) {
      try {
        return await before.renew(signal)
      } catch (error) {
        this.#init.log('the port mapping was not renewed - %s', reason(error))
      }
    }
    return await this.#find(before?.external.port, signal)
  }

  async #find(wanted: number | undefined, signal: AbortSignal): Promise<Grant> {
    const { routes, ways, portAt } = this.#init
    const problems: unknown[] = []
    for (const { gateway, local } of await routes()) {
      if (!isPrivate(multiaddr(`/ip4/${local}`))) throw new Error('this machine has a public address itself')
      const port = portAt(local)
      if (port === undefined) continue
      for (const way of ways) {
        signal.throwIfAborted()
        try {
          return await way({ gateway, internal: { address: local, port }, wanted: wanted ?? port }, signal)
        } catch (error) {
          problems.push(error)
        }
      }
    }
    throw problems.length > 0 ? new AggregateError(problems) : new Error('no router is known on this network')
  }

  #set(grant: Grant | undefined): void {
    const { announce, withdraw, log } = this.#init
    const before = this.#grant
    this.#grant = grant
    if (grant !== undefined) this.#problem = undefined
    if (before !== undefined && grant !== undefined && isSame(before, grant)) return
    if (before !== undefined) this.#tell(withdraw, before)
    if (grant === undefined) return
    log('mapped by %s: %s:%d', grant.by, grant.external.address, grant.external.port)
    this.#tell(announce, grant)
  }

  /** The next attempt comes, and what was given is given back, whatever becomes of this. */
  #tell(listener: (grant: Grant) => void, grant: Grant): void {
    try {
      listener(grant)
    } catch (error) {
      this.#init.log.error('a defect of who is told of a port mapping - %e', error)
    }
  }
}

function isSame(a: Grant, b: Grant): boolean {
  const text = ({ internal, external }: Grant): string => JSON.stringify([internal, external])
  return text(a) === text(b)
}
