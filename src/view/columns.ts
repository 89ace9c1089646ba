import { eastAsianWidth } from 'get-east-asian-width'

const WITHOUT_WIDTH = /[\p{M}\p{Cf}]/u

/**
 * About how many columns a text takes, for tables: wide characters take two, marks none; of emoji that are made of several each counts.
 * What must be exact counts by string-width, which takes longer to load than a small command to run.
 */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) columns += WITHOUT_WIDTH.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0)
  return columns
}
