/** What a room warns of, for people to read. */

export interface Warning {
  code: string
  message: string
}

/** Somebody called `name` has two events at one place of the log of `author` (a key in hex). */
export const forked = (name: string, author: string): Warning => ({
  code: 'FORK',
  message: `${name} has written two histories under one key (author ${author.slice(0, 16)}): both are kept. A store put back to an earlier state does this, or dishonesty.`,
})

/** An event came in under our own key that we did not write, or lost. */
export const OWN_FORK: Warning = {
  code: 'OWN_FORK',
  message:
    'Another copy of this device writes in this room, or events written here were lost: going on under a new key. Nothing is lost.',
}

/** The keeper `peer` does not keep the room; `why` in words. */
export const refused = (why: string, peer: string): Warning => ({
  code: 'KEEPER_REFUSED',
  message: `The keeper ${peer} does not keep this room: ${why}. What is written here waits with its members. The keeper is asked again later.`,
})
