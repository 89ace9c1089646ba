/** What stands at the places 1, 2, 3 … of a log, which may be filled in any order and have holes. */
const PAGE = 16

/** A map from places, in pages: a third of what a Map takes where most places of a page are filled. */
export class Places<T> {
  readonly #pages = new Map<number, (T | undefined)[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(place: number): T | undefined {
    return this.#pages.get(Math.floor(place / PAGE))?.[place % PAGE]
  }

  /** Fills a place that is empty. */
  add(place: number, value: T): void {
    const number = Math.floor(place / PAGE)
    let page = this.#pages.get(number)
    if (page === undefined) {
      page = new Array<T | undefined>(PAGE).fill(undefined)
      this.#pages.set(number, page)
    }
    page[place % PAGE] = value
    this.#size++
  }

  /** Puts another value where there is one, or empties the place. */
  replace(place: number, value: T | undefined): void {
    const number = Math.floor(place / PAGE)
    const page = this.#pages.get(number)
    if (page?.[place % PAGE] === undefined) return
    page[place % PAGE] = value
    if (value !== undefined) return
    this.#size--
    if (page.every((each) => each === undefined)) this.#pages.delete(number)
  }

  *values(): Iterable<T> {
    for (const page of this.#pages.values()) for (const value of page) if (value !== undefined) yield value
  }
}
