/** Text that runs from right to left, among text that does not. */

/** First strong isolate, and its end: UAX #9. */
const ISOLATE = '\u2068'
const END = '\u2069'

/**
 * The blocks whose characters run from right to left, assigned or not (DerivedBidiClass.txt): every such script is in one of them,
 * also those that an older engine cannot name.
 */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

/** Whether a text holds letters of Hebrew, Arabic or another script that runs from right to left. */
export function hasRightToLeft(text: string): boolean {
  return RIGHT_TO_LEFT.test(text)
}

/**
 * A text that cannot turn what stands around it: each line that runs from right to left, in part or as a whole, in an isolate of
 * its own. The text holds no isolates itself: what others wrote has been through `textLines`, which takes them out.
 */
export function isolate(text: string): string {
  if (!hasRightToLeft(text)) return text
  // A line's end ends every isolate.
  return text
    .split('\n')
    .map((line) => (hasRightToLeft(line) ? `${ISOLATE}${line}${END}` : line))
    .join('\n')
}

/** Rows of a text that was wrapped: an isolate that goes on in the next row is one in each. */
export function isolateRows(rows: readonly string[]): string[] {
  let open = false
  return rows.map((row) => {
    const begun = open ? ISOLATE + row : row
    open = begun.lastIndexOf(ISOLATE) > begun.lastIndexOf(END)
    return open ? begun + END : begun
  })
}
