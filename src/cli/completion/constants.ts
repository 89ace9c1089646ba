/** Milliseconds that a running peer has to say its rooms and people; then the answer is what is there. */
export const PATIENCE = 1_000
/** Rooms whose members are asked for. */
export const MAX_ROOMS_ASKED = 50
/** Candidates of one answer: a shell asks before it shows a hundred. */
export const MAX_CANDIDATES = 1_000
