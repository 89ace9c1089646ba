/** A talk of three, as one of them sees it in a terminal. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CliPeer } from '../test/support/cli-peer.ts'
import { drawn, startChat } from '../test/support/face.ts'
import { Terminal } from '../test/support/tmux.ts'
import type { Picture } from './svg.ts'

const ROWS = 21
const ROOMS = ['lobby', 'team']
/** Nothing but this machine is spoken to. */
const QUIET = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']

/** Resolves when it was said and drawn. */
async function say(terminal: Terminal, text: string): Promise<void> {
  terminal.paste(text)
  terminal.press('Enter')
  await terminal.see(/ ✓\d*$/m)
}

/** Real processes: Ada and Grace each at a terminal, Linus a peer without one. The picture is Ada's. */
export async function talk(columns: number): Promise<Picture> {
  const dataDir = mkdtempSync(join(tmpdir(), 'p2pnode-picture-'))
  const open: { kill(): unknown }[] = []
  try {
    const ada = await Terminal.open({ columns, rows: ROWS })
    open.push(ada)
    await startChat(ada, { face: drawn, rooms: ROOMS, args: ['--name', 'Ada', ...QUIET] })
    const address = /listening on\s+(\S+)/.exec(ada.scrollback({ joined: true }).join('\n'))?.[1] ?? ''
    const linus = await CliPeer.start({ dataDir, args: [...ROOMS, '--name', 'Linus', '--connect', address, ...QUIET] })
    open.push(linus)
    const grace = await Terminal.open({ columns, rows: ROWS })
    open.push(grace)
    await startChat(grace, { face: drawn, rooms: ROOMS, args: ['--name', 'Grace', '--connect', address, ...QUIET] })
    await ada.see('─ Grace, Linus ─')
    await linus.request('away', { away: true })
    await ada.see('Linus is away')
    await converse(ada, grace, linus)
    const lines = ada.styled()
    return {
      lines: ['$ p2pnode start lobby team', ...lines],
      columns,
      title: 'A talk in a terminal: who said what, who is there, what is new elsewhere, and who holds what was written',
      cursor: { column: ada.cursor().column, row: ada.cursor().row + 1 },
    }
  } finally {
    for (const each of open.reverse()) await each.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function converse(ada: Terminal, grace: Terminal, linus: CliPeer): Promise<void> {
  for (const terminal of [ada, grace]) {
    terminal.type('/clear')
    terminal.press('Enter')
    await terminal.lose('waiting for others')
  }
  await say(grace, 'good morning! the train lost its network twice, and I lost nothing')
  await ada.see('lost nothing')
  await say(ada, 'what you wrote in the tunnel came in order ✨')
  await linus.send('lobby', '素晴らしい — and the digests are equal here, too')
  await ada.see('digests')
  await say(ada, 'then the plan for today:\n 1. the relay in the basement\n 2. coffee')
  await grace.see('2. coffee')
  grace.paste('/me puts the kettle on')
  grace.press('Enter')
  await ada.see('kettle')
  await say(grace, 'Ada: the numbers are in team, could you look at them?')
  await ada.see('could you look')
  await linus.send('team', 'measured again, it is twice as fast')
  await linus.send('team', 'Ada: is that what you had?')
  await ada.see('2 team 2 @1')
  ada.paste('in a minute')
  ada.press('Enter')
  await ada.see('held by 2 of 2')
  ada.type('and then let us have lu')
  grace.type('thank you')
  await ada.see('Grace is typing')
}
