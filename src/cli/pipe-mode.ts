/** The chat without a terminal: each line of stdin is sent or is a command, each message of others is a line on stdout. */
import type { LocalClient } from '../client/local.ts'
import { Conversation } from '../view/conversation.ts'
import { type Entry, formatEntry } from '../view/entry.ts'
import { UsageError } from '../view/explain.ts'
import type { Screen } from '../view/screen.ts'
import { parseInput } from '../view/slash.ts'
import { plainStyle } from '../view/style.ts'
import { EXIT, ExitError } from './exit.ts'
import type { Io } from './io.ts'

/** Sends under way at once. */
const MAX_OPEN = 64
/** How long what was sent may wait for another member to hold it, in milliseconds. */
const HOLD_PATIENCE = 10_000

export interface PipeModeInit {
  io: Io
  client: LocalClient
  room?: string
  /** The lines to take; stdin's unless given. */
  lines?: AsyncIterable<{ text: string } | { problem: string }>
  signal: AbortSignal
  /** Milliseconds. @default 10 s */
  patience?: number
}

/**
 * Runs the chat until the input ends or says /quit, and then until another member holds what was sent, or it has waited long
 * enough. Errors: `ExitError` 1 if a text could not be sent.
 */
export async function pipeMode({ io, client, room, lines, signal, patience = HOLD_PATIENCE }: PipeModeInit): Promise<void> {
  let quit = false
  const screen: Screen = {
    full: false,
    mixed: true,
    older: 'p2pnode history',
    keys: [],
    show: (entry) => print(io, entry),
    clear: () => undefined,
    notify: () => {
      throw new UsageError('there is no terminal here that could tell you')
    },
    askSecret: () =>
      Promise.reject(new UsageError('a passphrase cannot be typed here: start <room> --room-passphrase-file <file>')),
    quit: () => {
      quit = true
    },
  }
  const chat = new Conversation({ client, screen })
  await chat.start(room)
  const sent = { good: 0, bad: 0 }
  const open = new Set<Promise<void>>()
  const send = async (text: string): Promise<void> => {
    const good = await chat.take(text)
    sent[good ? 'good' : 'bad'] += 1
  }
  for await (const line of lines ?? io.lines()) {
    if ('problem' in line) {
      io.complain(`not sent: a line that is ${line.problem === 'TOO_LARGE' ? 'too long' : 'not UTF-8'}`)
      sent.bad += 1
      continue
    }
    const text = line.text.replace(/\r$/, '')
    if (parseInput(text).kind === 'text') {
      const work = send(text)
      open.add(work)
      void work.then(() => open.delete(work))
      if (open.size >= MAX_OPEN) await Promise.race(open)
    } else {
      await Promise.all(open)
      await chat.take(text)
    }
    if (quit || signal.aborted) break
  }
  await Promise.all(open)
  await leave(io, client, sent.good, signal, patience)
  chat.end()
  if (sent.bad > 0) throw new ExitError(EXIT.FAILURE, `${sent.bad} of ${sent.bad + sent.good} lines were not sent`)
}

const LOOK = { style: plainStyle, timed: false }

function print(io: Io, entry: Entry): void {
  if (entry.kind === 'message' || entry.kind === 'line') io.data(formatEntry(entry, LOOK))
  else if (entry.kind === 'failure') io.complain(entry.text)
  else io.say(formatEntry(entry, LOOK))
}

async function leave(io: Io, client: LocalClient, sent: number, signal: AbortSignal, patience: number): Promise<void> {
  if (sent === 0) return io.say('the input has ended, nothing was sent: leaving (--headless keeps a peer running)')
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), patience)
  const held = await client.waitUntilHeld(AbortSignal.any([signal, late.signal]))
  clearTimeout(timer)
  io.say(
    held
      ? 'another member or a keeper holds everything that was sent: leaving'
      : 'nobody else is known to hold what was sent: it goes out at the next start; leaving',
  )
}
