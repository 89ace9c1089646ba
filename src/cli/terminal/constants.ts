/** Every limit of the terminal, with its unit. docs/LIMITS.md gives the reasons. */

const KiB = 1024

/** UTF-8 bytes of the text being typed: what a message may have. */
export const MAX_TYPED_BYTES = 32 * KiB
/** Steps that undo goes back. */
export const MAX_UNDO = 100
/** Lines recalled, and bytes of their JSON text. */
export const MAX_RECALLED = 500
export const MAX_RECALL_BYTES = 48 * KiB
/** Candidates that Tab goes through. */
export const MAX_CANDIDATES = 1000
/** UTF-16 units of a paste: more than any text being typed may have. */
export const MAX_PASTE = 64 * KiB
/** UTF-16 units of an escape sequence that is waited for: a terminal's own answers are shorter. */
export const MAX_SEQUENCE = 1 * KiB
/** How long the rest of an escape sequence may take, in milliseconds; then what there is was a key. */
export const SEQUENCE_PATIENCE = 50
/** Columns below which nothing is laid out. A wide character takes two. */
export const MIN_COLUMNS = 4
/** Drawings of the screen in a second at most, and milliseconds between two of lines that come in. */
export const FRAMES_PER_SECOND = 60
export const PRINT_INTERVAL = 33
/** Rows that the text being typed may take, and a list to choose from. */
export const MAX_COMPOSER_ROWS = 10
export const MAX_LISTED = 8
/** How often others are told that somebody types, and how often a desktop is told of mentions, in milliseconds. */
export const TYPING_INTERVAL = 4_000
export const ALERT_INTERVAL = 2_000
/** Messages read at once for looking back, and at most; who wants more has `p2pnode history` and /search. */
export const PAGE = 200
export const MAX_PAGED = 10_000
/** Clusters whose width is remembered; UTF-16 units of one. */
export const MAX_WIDTHS = { clusters: 4096, units: 16 }
/** Whoever has pressed a key within so many milliseconds is looking, where the terminal does not tell who has the focus. */
export const LOOKS = 30_000
