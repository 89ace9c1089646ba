import { latin1 } from './latin1.ts'

/**
 * Local numbers for byte strings, so that keys on disk name nobody. Numbers count up from 1 and are never reused. A number is
 * staged by the batch that first uses it and known to readers once that batch is durable.
 */
export class Dictionary {
  readonly #names: (Uint8Array | undefined)[] = []
  readonly #numbers = new Map<string, number>()
  #staged = new Map<string, { number: number; name: Uint8Array }>()
  #next = 1

  readonly numberOf = (name: Uint8Array): number | undefined => this.#numbers.get(latin1(name))

  readonly nameOf = (number: number): Uint8Array | undefined => this.#names[number]

  /** Gives the name a number if it has none: for a batch that is being put together. */
  readonly stage = (name: Uint8Array): number => {
    const text = latin1(name)
    const known = this.#numbers.get(text) ?? this.#staged.get(text)?.number
    if (known !== undefined) return known
    const number = this.#next++
    this.#staged.set(text, { number, name: name.slice() })
    return number
  }

  /** Names of the batch being put together that the disk does not have yet. */
  get staged(): readonly { number: number; name: Uint8Array }[] {
    return [...this.#staged.values()]
  }

  commit(): void {
    for (const { number, name } of this.#staged.values()) this.load(number, name)
    this.#staged = new Map()
  }

  rollback(): void {
    this.#next -= this.#staged.size
    this.#staged = new Map()
  }

  /** Takes over an entry that is on disk. */
  load(number: number, name: Uint8Array): void {
    this.#names[number] = name
    this.#numbers.set(latin1(name), number)
    this.#next = Math.max(this.#next, number + 1)
  }

  /** Keeps a number from being given again although its name is lost. */
  reserve(number: number): void {
    this.#next = Math.max(this.#next, number + 1)
  }
}
