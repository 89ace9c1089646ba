/** Names that were noted last. */
export class Recent {
  readonly #most: number
  readonly #names = new Set<string>()

  /** At most so many are remembered; the oldest go first. */
  constructor(most: number) {
    this.#most = most
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  add(name: string): void {
    this.#names.delete(name)
    this.#names.add(name)
    if (this.#names.size > this.#most) this.#names.delete(this.#names.values().next().value as string)
  }
}
