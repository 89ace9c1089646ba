/**
 * Names are claims, never identity. Of people whose names are equal or look alike, each is shown with the beginning of the
 * fingerprint of their key: `bob·3f2a`.
 */
import type { Author } from '../client/client.ts'
import { cleanName } from './sanitize.ts'

/** Hex digits of a fingerprint behind a name. */
const SUFFIX = 4

/** Letters that are drawn like Latin ones, from Greek, Cyrillic and the digits (a part of Unicode's confusables.txt). */
const LOOK_ALIKES = new Map(
  Object.entries({
    a: 'аα',
    b: 'ьвβ',
    c: 'сϲ',
    d: 'ԁ',
    e: 'еєε',
    g: 'ɡ',
    h: 'һн',
    i: '1l|!іїιı',
    j: 'јϳ',
    k: 'кκ',
    m: 'м',
    n: 'пηո',
    o: '0оοσօ',
    p: 'рρ',
    q: 'ԛ',
    r: 'г',
    s: '5ѕ',
    t: 'тτ',
    u: 'υцս',
    v: 'ѵν',
    w: 'ԝωш',
    x: 'хχ',
    y: 'уγү',
    z: '2',
  }).flatMap(([letter, twins]) => [...twins].map((twin): [string, string] => [twin, letter])),
)

/** What a name looks like: names with one skeleton can be taken for each other. */
export function skeleton(name: string): string {
  const shown = cleanName(name)
  const letters = shown
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[\p{M}\s]/gu, '')
  if (letters === '') return shown // an accent alone: ´
  const drawn = [...letters].map((letter) => LOOK_ALIKES.get(letter) ?? letter).join('')
  return drawn.replaceAll('rn', 'm').replaceAll('vv', 'w')
}

/** The people of a room by the names they are shown under. */
export class NameBook {
  readonly #people = new Map<string, Author>()
  readonly #alike = new Map<string, Set<string>>()

  /** Learns a name, or that somebody took another. */
  add({ account, name, fingerprint }: Author): void {
    const known = this.#people.get(account)
    if (known?.name === name) return
    if (known !== undefined) this.#alike.get(skeleton(known.name))?.delete(account)
    this.#people.set(account, { account, name, fingerprint })
    const key = skeleton(name)
    this.#alike.set(key, (this.#alike.get(key) ?? new Set()).add(account))
  }

  /** The name to print, safe for a terminal. */
  show(who: Author): string {
    this.add(who)
    const name = cleanName(who.name)
    const alike = this.#alike.get(skeleton(who.name)) ?? new Set()
    if (alike.size < 2) return name
    const others = [...alike]
      .filter((account) => account !== who.account)
      .map((account) => this.#people.get(account)?.fingerprint ?? '')
    let length = SUFFIX
    while (length < who.fingerprint.length && others.some((other) => other.startsWith(who.fingerprint.slice(0, length))))
      length += 1
    return `${name}·${who.fingerprint.slice(0, length)}`
  }

  /** The name an account had last, safe for a terminal. */
  nameOf(account: string): string | undefined {
    const known = this.#people.get(account)
    return known === undefined ? undefined : cleanName(known.name)
  }

  /** Names as shown, for completion. */
  all(): string[] {
    return [...this.#people.values()].map((who) => this.show(who)).sort()
  }

  /** Whoever is meant by a name as it is shown, a fingerprint or an account; the input itself when nobody is. */
  account(who: string): string {
    for (const person of this.#people.values()) {
      if (this.show(person) === who || person.fingerprint === who) return person.account
    }
    return who
  }
}
