/** Lets everybody through while nobody holds it. */
export class Gate {
  #holders = 0
  #waiting: (() => void)[] = []

  /** Holds it until the answer is called. */
  hold(): () => void {
    let held = true
    this.#holders++
    return () => {
      if (!held) return
      held = false
      if (--this.#holders === 0) for (const pass of this.#waiting.splice(0)) pass()
    }
  }

  /** Resolves when nobody holds it. */
  async passed(): Promise<void> {
    while (this.#holders > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
