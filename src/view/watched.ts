/** A value that is replaced when something in it has changed. */
export interface Watched<T> {
  /** The same value until it is replaced. */
  view: () => T
  /** `listener` is called when there is another value. Answers what ends it. */
  subscribe: (listener: () => void) => () => void
}

/** Whoever has it replaces it. */
export class Value<T> implements Watched<T> {
  readonly #listeners = new Set<() => void>()
  #value: T

  constructor(value: T) {
    this.#value = value
  }

  readonly view = (): T => this.#value

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  set(value: T): void {
    this.#value = value
    for (const listener of this.#listeners) listener()
  }

  /** How many listen. */
  get watchers(): number {
    return this.#listeners.size
  }
}
