import { networkInterfaces } from 'node:os'
import { NETWORK_LOOK, SLEPT } from './constants.ts'

/** Tells, now and again, of the networks this machine is on; another text means other networks. */
export function networksNow(): string {
  return Object.entries(networkInterfaces())
    .flatMap(([name, entries = []]) => entries.map(({ cidr }) => `${name} ${cidr}`))
    .filter((address) => !/ fe[89ab]/i.test(address)) // link-local ones come and go by themselves
    .sort()
    .join('\n')
}

/** Notices that this machine is on another network, or was asleep: what was open before is probably dead. */
export class NetworkChange {
  readonly #read: () => string
  readonly #onChange: () => void
  #timer: ReturnType<typeof setInterval> | undefined
  #last = ''
  #lookedAt = 0

  constructor(onChange: () => void, read: () => string = networksNow) {
    this.#onChange = onChange
    this.#read = read
  }

  start(): void {
    if (this.#timer !== undefined) return
    this.#last = this.#read()
    this.#lookedAt = Date.now()
    this.#timer = setInterval(() => this.look(), NETWORK_LOOK)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  look(): void {
    const [now, at] = [this.#read(), Date.now()]
    // The monotonic clock sleeps too.
    const changed = now !== this.#last || at - this.#lookedAt > SLEPT
    this.#last = now
    this.#lookedAt = at
    if (changed) this.#onChange()
  }
}
