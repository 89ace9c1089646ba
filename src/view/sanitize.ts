/**
 * What others wrote, made fit for a terminal: no escape sequence, no control character, nothing that turns the direction of
 * what follows. Everything a peer chose (texts, names, room names) passes through here before it is printed.
 */
import stripAnsi from 'strip-ansi'

/** Code points of a name that are shown. */
const MAX_NAME = 64
/** Combining marks on one character: enough for every script, too few to cover other lines. */
const MAX_MARKS = 8

const ENDS_OF_LINE = /\r\n?|[\n\v\f\u0085\u2028\u2029]/g
const CONTROLS = /[\p{Cc}\p{Co}]/gu
/** Format characters turn direction (U+202A-202E, U+2066-2069) or cannot be seen; joiners are part of words and emoji. */
const FORMATS = /(?![\u200c\u200d])\p{Cf}/gu
const STACKED_MARKS = new RegExp(`(\\p{M}{${MAX_MARKS}})\\p{M}+`, 'gu')

function strip(line: string): string {
  return stripAnsi(line).replaceAll('\t', '    ').replace(CONTROLS, '').replace(FORMATS, '').replace(STACKED_MARKS, '$1')
}

/** A text as one or more lines without their ends. */
export function textLines(text: string): string[] {
  return text.toWellFormed().split(ENDS_OF_LINE).map(strip)
}

/** A text on one line of at most `limit` code points. */
export function oneLine(text: string, limit: number = Infinity): string {
  const line = textLines(text).join(' ').trim()
  const points = line.length <= limit ? undefined : [...line]
  return points === undefined || points.length <= limit ? line : `${points.slice(0, limit - 1).join('')}…`
}

/** Nothing that cannot be seen tells two names apart, or makes one of nothing (Hangul fillers); but how an emoji is drawn (U+FE0E, FE0F). */
const INVISIBLE = /(?![\ufe0e\ufe0f])\p{Default_Ignorable_Code_Point}/gu

/** A name of a person or room; never empty. */
export function cleanName(name: string): string {
  const shown = oneLine(name.replace(INVISIBLE, ''), MAX_NAME)
  return /[^\p{M}\p{Z}]/u.test(shown) ? shown : 'unknown'
}
