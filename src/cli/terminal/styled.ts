/** A text with colours and links, of which parts are taken that stand by themselves. */

const ESC = '\u001b'
const SEQUENCES = new RegExp(`${ESC}\\[([\\d;:]*)m|${ESC}\\]8;([^;]*;[^\u0007${ESC}]*)(?:\u0007|${ESC}\\\\)`, 'g')
const NO_LINK = `${ESC}]8;;\u0007`

/** Codes that begin something, by the code that ends it (ECMA-48, SGR). */
const ENDS: readonly [end: number, begins: RegExp][] = [
  [22, /^[12]$/],
  [23, /^3$/],
  [24, /^(?:4|21)$/],
  [27, /^7$/],
  [28, /^8$/],
  [29, /^9$/],
  [39, /^(?:3[0-8]|9[0-7])$/],
  [49, /^(?:4[0-8]|10[0-7])$/],
  [55, /^53$/],
  [59, /^58$/],
]

interface Sequence {
  /** Offset in the plain text before which it stands. */
  readonly at: number
  readonly text: string
  /** Parameters of SGR, or parameters and address of a link. */
  readonly sgr: string | undefined
  readonly link: string | undefined
}

/** Parts are taken in order, each once. */
export class Styled {
  /** The text without sequences. */
  readonly plain: string
  readonly #sequences: Sequence[] = []
  #next = 0
  /** What is on: parameters, by the code that ends them and, where two are ended by one, the code that began them. */
  readonly #on = new Map<string, { end: number; parameters: string }>()
  #link = ''

  /** Sequences other than SGR and OSC 8 are taken for text. */
  constructor(text: string) {
    let plain = ''
    let end = 0
    for (const { 0: sequence, 1: sgr, 2: link, index } of text.matchAll(SEQUENCES)) {
      plain += text.slice(end, index)
      end = index + sequence.length
      this.#sequences.push({ at: plain.length, text: sequence, sgr, link })
    }
    this.plain = plain + text.slice(end)
  }

  /** A part with what was on before it, and all of it off at its end. `from` is not before the last part's end. */
  slice(from: number, to: number): string {
    for (let each = this.#take(from - 1); each !== undefined; each = this.#take(from - 1)) this.#apply(each)
    let part = this.#begin()
    let at = from
    for (let each = this.#take(to); each !== undefined; each = this.#take(to)) {
      part += this.plain.slice(at, each.at) + each.text
      at = each.at
      this.#apply(each)
    }
    return part + this.plain.slice(at, to) + this.#end()
  }

  /** The next sequence, if it stands no further than there. */
  #take(last: number): Sequence | undefined {
    const next = this.#sequences[this.#next]
    if (next === undefined || next.at > last) return undefined
    this.#next += 1
    return next
  }

  #begin(): string {
    const sgr = [...this.#on.values()].map(({ parameters }) => `${ESC}[${parameters}m`).join('')
    return this.#link === '' ? sgr : `${sgr}${ESC}]8;${this.#link}\u0007`
  }

  #end(): string {
    const ends = new Set([...this.#on.values()].reverse().map(({ end }) => end))
    return (this.#link === '' ? '' : NO_LINK) + [...ends].map((end) => `${ESC}[${end}m`).join('')
  }

  #apply({ sgr, link }: Sequence): void {
    if (link !== undefined) this.#link = link.endsWith(';') ? '' : link
    if (sgr === undefined) return
    const parameters = sgr.split(';')
    for (let at = 0; at < parameters.length; at++) {
      const parameter = parameters[at] ?? ''
      const code = parameter.split(':')[0] ?? ''
      // 38;5;n and 38;2;r;g;b, and the same for 48 and 58.
      const more = /^[345]8$/.test(parameter) ? (parameters[at + 1] === '2' ? 4 : 2) : 0
      this.#set(code, parameters.slice(at, at + 1 + more).join(';'))
      at += more
    }
  }

  #set(code: string, parameters: string): void {
    if (Number(code) === 0) return this.#on.clear()
    const begun = ENDS.find(([, begins]) => begins.test(code))
    if (begun !== undefined) {
      const key = begun[0] === 22 ? `22 ${code}` : `${begun[0]}`
      this.#on.delete(key)
      this.#on.set(key, { end: begun[0], parameters })
      return
    }
    for (const [key, { end }] of this.#on) if (end === Number(code)) this.#on.delete(key)
  }
}
