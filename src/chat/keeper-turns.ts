/** Lets a few at a time have to do with somebody; the others wait, in the order in which they came. */
export class KeeperTurns {
  readonly #width: number
  readonly #lines = new Map<string, { taken: number; waiting: (() => void)[] }>()

  constructor(width: number) {
    this.#width = width
  }

  /** Resolves when there is a place with `name`; the answer gives it back. */
  async take(name: string): Promise<() => void> {
    const line = this.#lines.get(name) ?? { taken: 0, waiting: [] }
    this.#lines.set(name, line)
    if (line.taken >= this.#width) await new Promise<void>((resolve) => line.waiting.push(resolve))
    else line.taken++
    let given = false
    return () => {
      if (given) return
      given = true
      const next = line.waiting.shift()
      if (next !== undefined) next()
      else if (--line.taken === 0) this.#lines.delete(name)
    }
  }
}
