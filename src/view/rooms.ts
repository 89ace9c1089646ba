/** Rooms as people name them: by name, by their place in the list, as the next one. */
import type { Room } from '../client/client.ts'

/** By name, id or number from 1. */
export function findRoom(rooms: readonly Room[], room: string): Room | undefined {
  const wanted = room.replace(/^#/, '').normalize('NFKC').toLowerCase()
  const place = /^\d{1,2}$/.test(room) ? Number(room) - 1 : -1
  return rooms.find(({ name, id }) => name === wanted || id === wanted) ?? rooms[place]
}

/** The one so many places further than `current` in the list, which is round; without a current one the first. */
export function neighbourOf(rooms: readonly Room[], current: string | undefined, places: number): Room | undefined {
  const at = rooms.findIndex(({ id }) => id === current)
  return at < 0 ? rooms[0] : rooms[(at + places + rooms.length) % rooms.length]
}
