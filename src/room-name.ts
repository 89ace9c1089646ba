/** What rooms are called. docs/PROTOCOL.md, "Rooms". */
import { InvalidArgumentError } from './errors.ts'

/** Joined by whoever never was in a room and names none. */
export const FIRST_ROOM = 'lobby'

/** Code points. */
const MAX_ROOM_NAME = 64
/** Control and format characters, lone surrogates, and every kind of space. */
const REFUSED = /[\p{Cc}\p{Cf}\p{Cs}\p{Z}]/u

/**
 * NFKC, trimmed, one leading # removed, lower case; 1-64 code points, no control, format or space characters, no leading @, no
 * second #: a canonical name is its own canonical name. Faces call it too, to refuse before they open or ask anything.
 * @throws InvalidArgumentError field `room`
 */
export function canonicalRoomName(name: string): string {
  const canonical = name.normalize('NFKC').trim().replace(/^#/, '').toLowerCase().normalize('NFKC')
  const length = [...canonical].length
  if (length < 1 || length > MAX_ROOM_NAME) throw new InvalidArgumentError('room', 'a room name has 1 to 64 characters')
  if (REFUSED.test(canonical)) throw new InvalidArgumentError('room', 'a room name has no spaces and no invisible characters')
  if (/^[@#]/.test(canonical)) throw new InvalidArgumentError('room', 'a room name does not begin with @ or ##')
  return canonical
}
