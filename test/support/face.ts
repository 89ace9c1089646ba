/** The faces of `p2pnode start` in a terminal, as a test drives and reads them. */
import { BUILT } from './cli-peer.ts'
import type { OwnOutput } from './terminal-output.ts'
import type { Terminal } from './tmux.ts'

export interface Face {
  readonly name: string
  /** What chooses it. */
  readonly flags: readonly string[]
  /** What it may write beyond what every face may. */
  readonly own: OwnOutput
  /** What is said in other rooms is shown as well. */
  readonly mixed: boolean
  /** The screen while a room is the current one and `typed` stands where one types. */
  input(room: string, typed?: string): RegExp
  /** The screen while a message stands among those of the current room. */
  message(author: string, text: string): RegExp
  /** The screen while another room than the current one has so many messages that were not read. */
  unread(current: string, room: string, count: number): RegExp
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

const lines: Face = {
  name: 'lines',
  flags: ['--plain'],
  own: { bell: true },
  mixed: true,
  input: (room, typed = '') => new RegExp(`^${escaped(room)}(?: \\S+:\\d+)*>${typed === '' ? '' : ` ${escaped(typed)}`}$`, 'm'),
  message: (author, text) => new RegExp(`^\\d\\d:\\d\\d ${escaped(author)}: ${escaped(text)}(?: \\(late\\))?$`, 'm'),
  unread: (current, room, count) =>
    new RegExp(`^${escaped(current)}(?: \\S+:\\d+)* ${escaped(room)}:${count}(?: \\S+:\\d+)*>`, 'm'),
}

/** Marks of a message of one's own; where it is wrapped they may be on another line. */
const MARKS = '(?: \\(late\\))?(?: …| ✓\\d*| \\(only here\\))?'

/** The one that Ink draws. */
export const drawn: Face = {
  name: 'drawn',
  flags: [],
  own: { bell: true },
  mixed: false,
  input: (room, typed = '') => new RegExp(`^${escaped(room)}>${typed === '' ? '' : ` ${escaped(typed)}`}$`, 'm'),
  message: (author, text) => new RegExp(`^\\d\\d:\\d\\d ${escaped(author)}: ${escaped(text)}${MARKS}$`, 'm'),
  unread: (_current, room, count) => new RegExp(`\\d ${escaped(room)} ${count}\\b`),
}

/** All there are. */
export const FACES: readonly Face[] = [lines, drawn]

export interface ChatInit {
  face: Face
  /** The first is the current one. */
  rooms: readonly string[]
  args?: readonly string[]
  /** Options of node. */
  node?: readonly string[]
}

/** Where a terminal's chat keeps what it has. */
export const dataDirOf = (terminal: Terminal): string => `${terminal.home}/data`

/** Starts the chat in a terminal. Resolves when one can type. */
export async function startChat(terminal: Terminal, { face, rooms, args = [], node = [] }: ChatInit): Promise<void> {
  const flags = [...face.flags, '--data-dir', dataDirOf(terminal), ...args]
  await terminal.run([process.execPath, ...node, BUILT, 'start', ...rooms, ...flags])
  await terminal.see(face.input(rooms[0] ?? ''))
}
