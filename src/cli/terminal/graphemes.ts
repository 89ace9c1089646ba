/** Where what people take for one character begins and ends. All offsets are UTF-16 units. */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const words = new Intl.Segmenter(undefined, { granularity: 'word' })

/** The boundary at or before an offset. */
export function snapBack(text: string, offset: number): number {
  return graphemes.segment(text).containing(offset)?.index ?? text.length
}

/** The boundary at or after an offset. */
export function snap(text: string, offset: number): number {
  const found = graphemes.segment(text).containing(offset)
  if (found === undefined) return text.length
  return found.index === offset ? offset : found.index + found.segment.length
}

/** The boundary before an offset; 0 at the beginning. */
export function before(text: string, offset: number): number {
  return offset <= 0 ? 0 : snapBack(text, offset - 1)
}

/** The boundary after an offset; the length at the end. */
export function after(text: string, offset: number): number {
  return snap(text, offset + 1)
}

/** Where the word begins in which an offset is, or the one before it. */
export function wordBefore(text: string, offset: number): number {
  const all = words.segment(text)
  let found = all.containing(offset - 1)
  while (found !== undefined && found.index > 0 && found.isWordLike !== true) found = all.containing(found.index - 1)
  return found === undefined ? 0 : snapBack(text, found.index)
}

/** Where the word ends in which an offset is, or the one after it. */
export function wordAfter(text: string, offset: number): number {
  const all = words.segment(text)
  let found = all.containing(offset)
  while (found !== undefined && found.isWordLike !== true) found = all.containing(found.index + found.segment.length)
  return found === undefined ? text.length : snap(text, found.index + found.segment.length)
}
