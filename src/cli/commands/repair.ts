/** `p2pnode repair`: makes a damaged store usable, while no peer runs. */
import { type Context, noStore } from '../context.ts'
import { dataDirExists } from '../data-dir.ts'
import { repair as repairStore } from '../runtime.ts'
import { secretFrom } from '../secret.ts'

/** What the tables are to people. */
const NAMES = {
  node: 'settings',
  room: 'rooms',
  run: 'batches of messages',
  own: 'marks',
  cid: 'send keys',
  lease: 'rooms kept for others',
  kept: 'batches of messages kept for others',
  horizon: 'horizons of rooms kept for others',
} as const

export async function repair({ io, settings, dataDir }: Context): Promise<void> {
  if (!dataDirExists(dataDir)) throw noStore(dataDir)
  const file = settings['passphrase-file']
  const passphrase = file === undefined ? undefined : await secretFrom(file, 'passphrase-file', io)
  const { kept, dropped, exact } = await repairStore({ dataDir, passphrase })
  for (const [table, name] of Object.entries(NAMES) as [keyof typeof NAMES, string][]) {
    if (kept[table] + dropped[table] > 0) io.say(`${name}: ${kept[table]} kept, ${dropped[table]} lost`)
  }
  if (!exact) io.say('the count of what should be here was lost too: more may be missing')
  io.say('what is missing of the messages comes back from other members at the next start')
}
