/** The measured message: 200 ASCII characters, the same for every contestant. Who sent which one when, and random text. */
import { createHash } from 'node:crypto'

export const MESSAGE_LENGTH = 200

/** Warm-up; measured; a question and its answer. */
export type Kind = 'warm' | 'load' | 'ping' | 'pong'

export interface Parsed {
  kind: Kind
  sender: number
  seq: number
  /** When it was handed to `send`. */
  sent: number
}

const LETTERS: Readonly<Record<Kind, string>> = { warm: 'w', load: 'l', ping: 'p', pong: 'o' }
const KINDS = new Map(Object.entries(LETTERS).map(([kind, letter]) => [letter, kind as Kind]))
const [SENDER, SEQ, SENT, RANDOM] = [1, 3, 11, 28]
/** Equal in all processes, so that a receiver can tell whether a message is whole. */
const NOISE = createHash('shake256', { outputLength: 3072 }).update('p2pnode bench').digest('base64')

/** CLOCK_MONOTONIC in milliseconds: one clock for all processes of a machine. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

const digits = (value: number, width: number): string => String(value).padStart(width, '0')

function randomAt(seq: number): string {
  const length = MESSAGE_LENGTH - RANDOM
  const start = seq % (NOISE.length - length)
  return NOISE.slice(start, start + length)
}

export function compose(kind: Kind, sender: number, seq: number): string {
  const microseconds = digits(Math.round(now() * 1e3), RANDOM - SENT)
  return `${LETTERS[kind]}${digits(sender, SEQ - SENDER)}${digits(seq, SENT - SEQ)}${microseconds}${randomAt(seq)}`
}

/** Undefined unless all 200 characters are as they were sent. */
export function parse(text: string): Parsed | undefined {
  const kind = KINDS.get(text[0] ?? '')
  const seq = Number(text.slice(SEQ, SENT))
  if (kind === undefined || text.length !== MESSAGE_LENGTH || !text.endsWith(randomAt(seq))) return undefined
  return { kind, sender: Number(text.slice(SENDER, SEQ)), seq, sent: Number(text.slice(SENT, RANDOM)) / 1e3 }
}
