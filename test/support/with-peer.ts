/** A person at a terminal, and a peer that a test speaks for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { CliPeer } from './cli-peer.ts'
import { drawn, startChat } from './face.ts'
import { piecesOf } from './terminal-output.ts'
import { Terminal, type TerminalInit } from './tmux.ts'
import { waitFor } from './wait-for.ts'

const JOIN_DEADLINE = 60_000
/** Nothing but this machine is spoken to. */
const QUIET = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']

export interface WithPeerInit extends TerminalInit {
  /** The first is the current one. */
  rooms: readonly string[]
  /** What the peer does before the terminal's is there. */
  before?: (bob: CliPeer) => Promise<void>
  /** Starts the chat. @default as it is drawn, until one can type */
  start?: (alice: Terminal, args: string[]) => Promise<void>
}

/** Alice is at the terminal, Bob is the peer; both are in all rooms when `work` begins. */
export async function withPeer(init: WithPeerInit, work: (bob: CliPeer, alice: Terminal) => Promise<void>): Promise<void> {
  const { rooms, before, start = (alice, args) => startChat(alice, { face: drawn, rooms, args }), ...terminal } = init
  const dataDir = mkdtempSync(join(tmpdir(), 'p2pnode-bob-'))
  let bob: CliPeer | undefined
  let alice: Terminal | undefined
  try {
    bob = await CliPeer.start({ dataDir, args: [...rooms, '--name', 'Bob', ...QUIET] })
    await before?.(bob)
    alice = await Terminal.open(terminal)
    await start(alice, ['--name', 'Alice', '--connect', bob.ready.addresses[0] ?? '', ...QUIET])
    await waitFor(() => joinedBy(bob).size === rooms.length, 'Alice to be in all rooms', JOIN_DEADLINE)
    await work(bob, alice)
  } finally {
    alice?.kill()
    await bob?.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Rooms that somebody else was seen to join. */
const joinedBy = (bob: CliPeer | undefined): Set<string> =>
  new Set(
    (bob?.events('member') ?? []).filter(({ member, change }) => change === 'joined' && !member.self).map(({ room }) => room),
  )

/** How often it rang. */
export const bells = (terminal: Terminal): number =>
  piecesOf(terminal.raw()).filter(({ kind, body }) => kind === 'c0' && body === '\u0007').length

/** Everything that was ever written, without colours and movements. */
export const shownBy = (terminal: Terminal): string => stripVTControlCharacters(terminal.raw().toString())
