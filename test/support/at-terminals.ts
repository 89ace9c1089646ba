/** People at terminals, each on a machine of a network of their own. */
import { execFileSync } from 'node:child_process'
import { type Face, startChat } from './face.ts'
import { type Namespace, Namespaces } from './namespaces.ts'
import { type Modes, type Size, Terminal } from './tmux.ts'

export interface Person {
  name: string
  terminal: Terminal
  space: Namespace
  /** As the terminal was before the chat. */
  before: Modes
}

export interface PersonInit {
  face: Face
  name: string
  /** The first is the current one. */
  rooms: readonly string[]
  space: Namespace
  /** @default 80x24 */
  size?: Size
  node?: string[]
  args?: string[]
  env?: Record<string, string>
}

/** Resolves when one can type. */
export async function sitDown({ face, name, rooms, space, size, node = [], args = [], env }: PersonInit): Promise<Person> {
  const terminal = await Terminal.open({ ...size, space, env })
  try {
    const before = terminal.modes()
    await startChat(terminal, { face, rooms, node, args: ['--name', name, ...args] })
    return { name, terminal, space, before }
  } catch (error) {
    terminal.kill()
    throw error
  }
}

export interface TwoInit extends Pick<PersonInit, 'face' | 'rooms' | 'size' | 'env'> {}

/** Two machines on a switch, each with a person at a terminal; they find each other over multicast. */
export async function withTwo(init: TwoInit, work: (alice: Person, bob: Person) => Promise<void>): Promise<void> {
  const lan = Namespaces.bridge(2)
  const people: Person[] = []
  try {
    const [here, there] = lan.spaces as [Namespace, Namespace]
    const alice = await sitDown({ ...init, name: 'Alice', space: here })
    people.push(alice)
    const bob = await sitDown({ ...init, name: 'Bob', space: there })
    people.push(bob)
    await alice.terminal.see(presenceOf('Bob', init.rooms[0] ?? ''))
    await bob.terminal.see(presenceOf('Alice', init.rooms[0] ?? ''))
    await work(alice, bob)
  } finally {
    for (const { terminal } of people) terminal.kill()
    lan.destroy()
  }
}

/** Somebody came, or was there when the room was entered. */
const presenceOf = (name: string, room: string): RegExp =>
  new RegExp(`^${name} (?:has joined|is here) \\(${room}\\)$|^── ${room} ─ ${name} |^— ${room}: 2 members, 2 online —$`, 'm')

/** One machine, and a person at a terminal who is alone. */
export async function withOne(init: Omit<PersonInit, 'name' | 'space'>, work: (alice: Person) => Promise<void>): Promise<void> {
  const lan = Namespaces.bridge(1)
  const [space] = lan.spaces as [Namespace]
  try {
    const alice = await sitDown({ name: 'Alice', space, ...init })
    try {
      await work(alice)
    } finally {
      alice.terminal.kill()
    }
  } finally {
    lan.destroy()
  }
}

export function say({ terminal }: Pick<Person, 'terminal'>, text: string): void {
  terminal.type(text)
  terminal.press('Enter')
}

export const link = ({ space }: Person, state: 'up' | 'down'): void => {
  execFileSync('ip', ['-n', space.name, 'link', 'set', 'lan', state])
}
