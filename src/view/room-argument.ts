/** What people type for rooms. */
import { UsageError } from './explain.ts'

/** Code points of a room's name. */
const MAX_ROOM_NAME = 64

/**
 * A room as a person names it. The peer has the last word; what can never be one is refused before anything is opened.
 *
 * Errors: `UsageError`.
 */
export function roomArgument(room: string): string {
  const name = room.normalize('NFKC').trim().replace(/^#/, '')
  const wrong =
    name === '' ? 'is empty' : [...name].length > MAX_ROOM_NAME ? `has more than ${MAX_ROOM_NAME} characters` : unprintable(name)
  if (wrong !== undefined) throw new UsageError(`the room name ${wrong}`)
  return room
}

function unprintable(name: string): string | undefined {
  if (!name.isWellFormed()) return 'is not well-formed Unicode'
  return /[\p{C}\p{Z}]/u.test(name) ? 'has spaces or control characters in it' : undefined
}
