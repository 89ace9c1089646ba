/** completion, and what its scripts call at every Tab. */
import { homedir } from 'node:os'
import { UsageError } from '../../view/explain.ts'
import { type Asked, ask } from '../completion/ask.ts'
import { quoteForBash, readBashLine } from '../completion/bash-line.ts'
import { type Answer, asksForPeople, asksForRooms, candidatesAt, SHELLS, type Shell } from '../completion/candidates.ts'
import { PATIENCE } from '../completion/constants.ts'
import { type CommandLine, type Place, placeIn } from '../completion/place.ts'
import { scripts } from '../completion/scripts.ts'
import type { Context } from '../context.ts'
import { absoluteDataDir, chosenDataDir } from '../data-dir.ts'
import type { Io } from '../io.ts'
import { connectSocket } from '../socket.ts'

const isShell = (text: string | undefined): text is Shell => SHELLS.some((shell) => shell === text)

export async function completion({ io }: Context, shell: string): Promise<void> {
  if (!isShell(shell)) throw new UsageError(`completion is there for ${SHELLS.join(', ')}`)
  io.stdout.write(scripts[shell])
}

/**
 * `__complete [shell] -- <words…>`: prints what can stand in the place of the last word, a candidate a line with a TAB and a
 * description; a line that begins with a TAB says which paths the shell completes besides. For bash the words are the line up to the
 * cursor and `$COMP_WORDBREAKS`, and what it prints is quoted. Throws nothing and complains of nothing.
 */
export async function complete(given: string[], line: CommandLine, io: Io): Promise<void> {
  try {
    const words = given.slice(given.indexOf('--') + 1)
    const lines = await (given[0] === 'bash' ? forBash(words, line) : forOthers(words, line))
    for (const each of lines) io.data(each)
  } catch {
    // Whoever presses Tab asked for no complaint.
  }
}

async function forBash([typed = '', breaks = '']: string[], line: CommandLine): Promise<string[]> {
  const { words, kept, quote } = readBashLine(typed, breaks)
  const current = words.at(-1) ?? ''
  const { candidates, paths } = await answer(words.slice(1), line)
  const values = candidates.map(({ value }) => value).filter((value) => value.startsWith(current))
  return [...pathLine(paths), ...values.map((value) => quoteForBash(value.slice(kept), quote))]
}

async function forOthers(words: string[], line: CommandLine): Promise<string[]> {
  const { candidates, paths } = await answer(words, line)
  return [...pathLine(paths), ...candidates.map(({ value, description }) => `${value}\t${description}`)]
}

const pathLine = (paths: Answer['paths']): string[] => (paths === undefined ? [] : [`\t${paths}`])

async function answer(words: readonly string[], line: CommandLine): Promise<Answer> {
  const place = placeIn(words, line)
  return candidatesAt(place, line, asksForRooms(place) ? await known(place) : { rooms: [], members: [] })
}

/**
 * What the running peer says within `PATIENCE`. The store itself is not opened: that writes to it, keeps a peer from starting
 * meanwhile, and takes longer than a Tab may.
 */
async function known(place: Place): Promise<Asked> {
  const asked: Asked = { rooms: [], members: [] }
  const late = new Promise<void>((resolve) => {
    setTimeout(resolve, PATIENCE).unref()
  })
  const typed = place.dataDir?.replace(/^~(?=\/|$)/, () => homedir())
  const asking = async (): Promise<void> => {
    const client = await connectSocket(absoluteDataDir(chosenDataDir(typed, process.env), process.env))
    if (client === undefined) return
    await ask(client, asksForPeople(place), asked)
    await client.close()
  }
  await Promise.race([asking().catch(() => undefined), late])
  return asked
}
