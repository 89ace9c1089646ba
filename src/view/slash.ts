/** What a typed line means. IRC's habits: `/name rest`, `//text` for a text that begins with a slash. */

export interface CommandHelp {
  readonly aliases: readonly string[]
  readonly usage: string
  readonly help: string
}

export const commandTable = {
  join: { aliases: ['j'], usage: '/join <room> [--locked]', help: 'join a room and go to it' },
  leave: { aliases: ['part'], usage: '/leave [room]', help: 'leave a room; its history stays' },
  switch: {
    aliases: ['s', 'room'],
    usage: '/switch <room>',
    help: 'go to another room, by name or number (also Alt-1 to Alt-9)',
  },
  search: { aliases: ['find'], usage: '/search <words>', help: 'look for what was said, in all rooms; from:<name> "a phrase"' },
  rooms: { aliases: ['list'], usage: '/rooms', help: 'the rooms you are in' },
  names: { aliases: ['n', 'who', 'members'], usage: '/names [room]', help: 'who is in the room' },
  held: { aliases: [], usage: '/held [room]', help: 'who has what you wrote last' },
  whois: { aliases: ['w'], usage: '/whois <who>', help: 'about a person' },
  verify: { aliases: [], usage: '/verify <who>', help: 'the safety number to compare with a person' },
  nick: { aliases: ['name'], usage: '/nick <name>', help: 'change your name' },
  away: { aliases: ['back', 'afk'], usage: '/away', help: 'show others that you are away, or that you are back' },
  notify: { aliases: ['bell'], usage: '/notify [on|off]', help: 'be told by the terminal when somebody mentions you, or not' },
  me: { aliases: ['action'], usage: '/me <does something>', help: 'say what you do' },
  block: { aliases: ['ignore'], usage: '/block <who>', help: 'see nothing more of a person' },
  unblock: { aliases: ['unignore'], usage: '/unblock <who>', help: 'the opposite' },
  connect: { aliases: ['dial'], usage: '/connect <multiaddr>', help: 'connect to a peer' },
  peers: { aliases: [], usage: '/peers', help: 'the peers you are connected to' },
  ping: { aliases: [], usage: '/ping', help: 'how long a word takes to those you are connected to' },
  doctor: { aliases: [], usage: '/doctor', help: 'why one is not connected, layer by layer, and what to do' },
  status: { aliases: [], usage: '/status', help: 'this peer' },
  clear: { aliases: [], usage: '/clear', help: 'clear the screen' },
  help: { aliases: ['h', '?'], usage: '/help [command]', help: 'the commands' },
  quit: { aliases: ['q', 'exit', 'bye'], usage: '/quit', help: 'leave the chat' },
} as const satisfies Record<string, CommandHelp>

export type CommandName = keyof typeof commandTable

/** The order in which `/help` names them. */
export const commandGroups: Readonly<Record<string, readonly CommandName[]>> = {
  rooms: ['join', 'leave', 'switch', 'rooms', 'search'],
  people: ['names', 'whois', 'verify', 'block', 'unblock'],
  you: ['nick', 'me', 'away', 'notify', 'held'],
  network: ['status', 'peers', 'ping', 'doctor', 'connect'],
  screen: ['clear', 'help', 'quit'],
}

export type Input =
  | { kind: 'nothing' }
  | { kind: 'text'; text: string }
  | { kind: 'command'; command: CommandName; rest: string }
  | { kind: 'unknown'; name: string; similar?: CommandName }

const byName: ReadonlyMap<string, CommandName> = new Map(
  (Object.entries(commandTable) as [CommandName, CommandHelp][]).flatMap(([name, { aliases }]) =>
    [name, ...aliases].map((known): [string, CommandName] => [known, name]),
  ),
)

/** Reads a line. An unknown `/x` is never a text. */
export function parseInput(line: string): Input {
  if (line.trim() === '') return { kind: 'nothing' }
  if (!line.startsWith('/')) return { kind: 'text', text: line }
  if (line.startsWith('//')) return { kind: 'text', text: line.slice(1) }
  const [, typed = '', rest = ''] = /^\/(\S*)\s*([^]*)$/.exec(line) ?? []
  const name = typed.toLowerCase()
  const command = byName.get(name)
  if (command !== undefined) return { kind: 'command', command, rest: rest.trim() }
  return { kind: 'unknown', name: typed, similar: similarCommand(name) }
}

export function findCommand(name: string): CommandName | undefined {
  return byName.get(name.replace(/^\//, '').toLowerCase())
}

function similarCommand(name: string): CommandName | undefined {
  const near = [...byName].filter(
    ([known]) => known.length > 2 && (distance(known, name) <= 1 || (name.length > 1 && known.startsWith(name))),
  )
  return near[0]?.[1]
}

/** Levenshtein's, capped: 2 means two or more. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 1) return 2
  let at = 0
  while (at < a.length && a[at] === b[at]) at += 1
  const [restA, restB] = [a.slice(at), b.slice(at)]
  if (restA === restB) return 0
  const swapped = restA.length > 1 && restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2)
  if (swapped) return 1
  return restA.slice(1) === restB.slice(1) || restA === restB.slice(1) || restA.slice(1) === restB ? 1 : 2
}

export interface Completable {
  rooms: string[]
  names: string[]
}

/** Commands that take a room, and that take a person, for completion. */
const TAKES_ROOM = new Set<CommandName>(['join', 'leave', 'switch', 'names', 'held'])
const TAKES_PERSON = new Set<CommandName>(['whois', 'verify', 'block', 'unblock'])

/** What Tab offers for the text up to the cursor: the candidates, and the part of the text they would replace. */
export function complete(line: string, { rooms, names }: Completable): [candidates: string[], replaced: string] {
  const word = /\S*$/.exec(line)?.[0] ?? ''
  if (word === line && line.startsWith('/') && !line.startsWith('//')) {
    return [
      Object.keys(commandTable)
        .map((name) => `/${name} `)
        .filter((name) => name.startsWith(line.toLowerCase())),
      line,
    ]
  }
  const input = parseInput(line)
  if (input.kind === 'command' && TAKES_ROOM.has(input.command)) return [matching(rooms, word, ' '), word]
  if (input.kind === 'command' && TAKES_PERSON.has(input.command)) return [matching(names, word, ' '), word]
  if (word === '') return [[], word]
  return [matching(names, word, word === line ? ': ' : ' '), word]
}

function matching(candidates: string[], word: string, after: string): string[] {
  const wanted = word.toLowerCase()
  return candidates.filter((candidate) => candidate.toLowerCase().startsWith(wanted)).map((candidate) => candidate + after)
}
