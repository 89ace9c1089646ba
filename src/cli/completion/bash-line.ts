/**
 * A line as bash reads it. bash hands a completion its words cut at `COMP_WORDBREAKS` and with their quotes, and puts what it gets
 * into the line as it is; so the line is read here, and the answer quoted.
 */

export interface BashLine {
  /** Without quotes. The last one is being typed, and may be empty. */
  readonly words: string[]
  /** How much of the last word stays in the line before what is answered, counted in what it stands for. */
  readonly kept: number
  /** The quote that is open at the end. */
  readonly quote: '' | '"' | "'"
}

/** What bash, or its history, would read as something else than itself; and every space, as a locale may have more of them. */
const READ = /[^\w@%+=:,./\u0080-\u{10ffff}-]|\p{Z}/gu
/** A backslash in double quotes takes away the meaning of these alone. */
const ESCAPED_IN_DOUBLE = /["$`\\]/

/** @param breaks What readline cuts words at: `$COMP_WORDBREAKS`. */
export function readBashLine(line: string, breaks: string): BashLine {
  const words: string[] = []
  let word: string | undefined
  let kept = 0
  let quote: BashLine['quote'] = ''
  let opened = 0
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? ''
    if (quote !== '') {
      if (character === quote) quote = ''
      else if (quote === '"' && character === '\\' && ESCAPED_IN_DOUBLE.test(line[at + 1] ?? ''))
        word = (word ?? '') + (line[++at] ?? '')
      else word = (word ?? '') + character
    } else if (/[ \t\n]/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
      kept = 0
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
      opened = word.length
    } else if (character === '\\') word = (word ?? '') + (line[++at] ?? '')
    else {
      word = (word ?? '') + character
      if (breaks.includes(character)) kept = word.length
    }
  }
  return { words: [...words, word ?? ''], kept: quote === '' ? kept : opened, quote }
}

/** A text that bash reads as itself, behind what is in the line. readline closes an open quote, unless the text ends with one. */
export function quoteForBash(text: string, quote: BashLine['quote']): string {
  if (quote === '') return text.replace(READ, '\\$&')
  // A backslash before ! stays in the text in double quotes: they are left for it.
  const inside = quote === "'" ? text.replaceAll("'", "'\\''") : text.replace(/["$`\\]/g, '\\$&').replaceAll('!', '"\\!"')
  return inside.endsWith(quote) ? inside + quote : inside
}
