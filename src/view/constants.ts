/** Every limit of the view models, with its unit. docs/LIMITS.md gives the reasons. */

/** UTF-16 units of a text in which names are looked for: more takes long, and any member can send more. */
export const MAX_MENTION_TEXT = 4096
/** UTF-16 units of what is typed to find a name: no name is longer. */
export const MAX_QUERY = 128
