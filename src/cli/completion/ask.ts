/** Asks the peer that runs here what completion needs of it. */
import type { Client, Member } from '../../client/client.ts'
import { MAX_ROOMS_ASKED } from './constants.ts'

export interface Asked {
  rooms: Awaited<ReturnType<Client['rooms']>>
  members: Member[]
}

/** Fills `asked` as answers come, so that whoever waits no longer has what came until then. Errors: those of the client. */
export async function ask(client: Pick<Client, 'rooms' | 'members'>, people: boolean, asked: Asked): Promise<void> {
  asked.rooms = await client.rooms()
  if (!people) return
  const members = async (room: string): Promise<void> => {
    asked.members.push(...(await client.members({ room })))
  }
  await Promise.all(asked.rooms.slice(0, MAX_ROOMS_ASKED).map(({ id }) => members(id)))
}
