/** What the sessions of a room have asked for, so that no two of them ask for the same. */
import type { Want } from './frontier.ts'
import type { Missing } from './missing.ts'

/** Ranges that some session has asked for and not yet got. */
export class Reservations {
  readonly #byEnd = new Map<string, Set<Want>>()
  readonly #missing: Missing | undefined

  /** `missing` counts the events in them. */
  constructor(missing?: Missing) {
    this.#missing = missing
  }

  /** What of `wants` nobody has asked for; it counts as asked for until `release`. */
  take(wants: Want[]): Want[] {
    const free = wants.filter((want) => {
      for (const other of this.#byEnd.get(want.end) ?? []) if (other.from <= want.from && other.to >= want.to) return false
      return true
    })
    for (const want of free) {
      const taken = this.#byEnd.get(want.end)
      if (taken === undefined) this.#byEnd.set(want.end, new Set([want]))
      else taken.add(want)
    }
    this.#missing?.add(free)
    return free
  }

  release(wants: Want[]): void {
    for (const want of wants) {
      const taken = this.#byEnd.get(want.end)
      taken?.delete(want)
      if (taken?.size === 0) this.#byEnd.delete(want.end)
    }
    this.#missing?.remove(wants)
  }
}
