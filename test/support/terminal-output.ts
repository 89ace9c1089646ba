/**
 * What a program wrote to a terminal, taken apart strictly (ECMA-48, and xterm's control sequences): every byte belongs to a piece,
 * and every piece is the program's own or a violation.
 */

export type PieceKind =
  /** Text that is UTF-8, without a control character. */
  | 'text'
  | 'c0'
  | 'esc'
  | 'csi'
  | 'osc'
  | 'dcs'
  | 'sos'
  | 'pm'
  | 'apc'
  /** U+0080 to U+009F as UTF-8. */
  | 'c1'
  /** No UTF-8: an 8-bit control character, too. */
  | 'invalid'
  /** A sequence that ends before its end. */
  | 'broken'

export interface Piece {
  kind: PieceKind
  /** Its place in the output. */
  at: number
  bytes: Buffer
  /** As text: of a sequence what stands between its introducer and its end; a CSI sequence keeps its final character. */
  body: string
}

const ESC = 0x1b
const BEL = 0x07
const DEL = 0x7f
/** What an escape sequence begins that goes on until ST: by the character after ESC. */
const STRINGS: Record<string, PieceKind> = { ']': 'osc', P: 'dcs', X: 'sos', '^': 'pm', _: 'apc' }
const STRING_END = Buffer.from('\u001b\\')

const isBetween = (byte: number | undefined, first: number, last: number): boolean =>
  byte !== undefined && byte >= first && byte <= last

/** The bytes of a UTF-8 character at a place; 0 where none stands (RFC 3629, section 4). */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  const length = first < 0x80 ? 1 : isBetween(first, 0xc2, 0xdf) ? 2 : isBetween(first, 0xe0, 0xef) ? 3 : 4
  if (first >= 0x80 && !isBetween(first, 0xc2, 0xf4)) return 0
  for (let more = 1; more < length; more++) if (!isBetween(bytes[at + more], 0x80, 0xbf)) return 0
  const second = bytes[at + 1] ?? 0
  const overlong = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90)
  const beyond = (first === 0xed && second > 0x9f) || (first === 0xf4 && second > 0x8f)
  return overlong || beyond ? 0 : length
}

function textEnd(bytes: Buffer, start: number): number {
  let end = start
  for (;;) {
    const first = bytes[end]
    if (first === undefined || first < 0x20 || first === DEL || isC1(bytes, end)) return end
    const length = characterLength(bytes, end)
    if (length === 0) return end
    end += length
  }
}

const isC1 = (bytes: Buffer, at: number): boolean => bytes[at] === 0xc2 && isBetween(bytes[at + 1], 0x80, 0x9f)

/** Where a control string ends, and how long its end is; undefined if it is cut short, by another control or the end. */
function stringEnd(bytes: Buffer, start: number, kind: PieceKind): { body: number; end: number; whole: boolean } {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === BEL && kind === 'osc') return { body: at, end: at + 1, whole: true }
    if (byte === ESC && bytes.subarray(at, at + 2).equals(STRING_END)) return { body: at, end: at + 2, whole: true }
    // ESC, CAN and SUB end it for a terminal; what follows is looked at for itself.
    if (byte === ESC || byte === 0x18 || byte === 0x1a) return { body: at, end: at, whole: false }
  }
  return { body: bytes.length, end: bytes.length, whole: false }
}

interface Cut {
  kind: PieceKind
  end: number
  body: [start: number, end: number]
}

/** Parameters, intermediates and the final character. */
function csi(bytes: Buffer, at: number): Cut {
  let end = at + 2
  while (isBetween(bytes[end], 0x30, 0x3f)) end += 1
  while (isBetween(bytes[end], 0x20, 0x2f)) end += 1
  if (!isBetween(bytes[end], 0x40, 0x7e)) return { kind: 'broken', end, body: [at + 1, end] }
  return { kind: 'csi', end: end + 1, body: [at + 2, end + 1] }
}

function escapeSequence(bytes: Buffer, at: number): Cut {
  const next = bytes[at + 1]
  if (next === 0x5b) return csi(bytes, at)
  const kind = next === undefined ? undefined : STRINGS[String.fromCharCode(next)]
  if (kind !== undefined) {
    const { body, end, whole } = stringEnd(bytes, at + 2, kind)
    return { kind: whole ? kind : 'broken', end, body: [at + (whole ? 2 : 1), body] }
  }
  let end = at + 1
  while (isBetween(bytes[end], 0x20, 0x2f)) end += 1
  if (!isBetween(bytes[end], 0x30, 0x7e)) return { kind: 'broken', end, body: [at + 1, end] }
  return { kind: 'esc', end: end + 1, body: [at + 1, end + 1] }
}

function cutAt(bytes: Buffer, at: number): Cut {
  const first = bytes[at] ?? 0
  if (first === ESC) return escapeSequence(bytes, at)
  if (first < 0x20 || first === DEL) return { kind: 'c0', end: at + 1, body: [at, at + 1] }
  if (isC1(bytes, at)) return { kind: 'c1', end: at + 2, body: [at, at + 2] }
  const end = textEnd(bytes, at)
  if (end > at) return { kind: 'text', end, body: [at, end] }
  return { kind: 'invalid', end: at + 1, body: [at, at + 1] }
}

/** All of it, in order, without a gap. */
export function piecesOf(bytes: Buffer): Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < bytes.length; ) {
    const { kind, end, body } = cutAt(bytes, at)
    const encoding = kind === 'invalid' ? 'latin1' : 'utf8'
    pieces.push({ kind, at, bytes: bytes.subarray(at, end), body: bytes.subarray(...body).toString(encoding) })
    at = end
  }
  return pieces
}

/** What a face may write beyond the text, colours and cursor movements that every face may. Others' texts can look like it. */
export interface OwnOutput {
  /** It rings. */
  bell?: boolean
  /** Whether this is the text of a notification (OSC 9 and 777) as it makes them. */
  notification?(text: string): boolean
}

export interface Violation {
  /** What is wrong, and where it stands in the output. */
  what: string
  at: number
  /** The piece with its surroundings, escaped. */
  context: string
}

/** Bytes shown on each side of a violation. */
const CONTEXT = 60
/** Combining marks on one character: a few more than any script has. */
const MAX_MARKS = 8

const OWN_CONTROLS = new Set(['\n', '\r'])
/** Cursor movements; erasing, but not of what has gone off the screen (3 J), which is the person's. */
const OWN_CSI = /^(?:\d*[A-GK]|\d*(?:;\d*)?H|[012]?J)$/
/** The cursor, whole frames, brackets around what is pasted, focus, the alternate screen. */
const OWN_MODES = /^\?(?:25|2026|2004|1004|1049)[hl]$/
/** SGR without blinking and concealed text. */
const OWN_LOOK =
  /^(?:(?:[0-4]|7|9|2[1-47-9]|3[0-79]|4[0-79]|9[0-7]|10[0-7]|[34]8;5;\d{1,3}|[34]8;2(?:;\d{1,3}){3})(?:;(?=\d)|(?=m)))*m$/
const NOTIFICATION = /^(?:9;(?!\d+(?:;|$))|777;notify;)([^]*)$/

/** Whether a program may write this piece. What the text says is another matter. */
export function isOwn({ kind, body }: Piece, own: OwnOutput = {}): boolean {
  if (kind === 'text') return true
  if (kind === 'c0') return OWN_CONTROLS.has(body) || (own.bell === true && body === '\u0007')
  if (kind === 'csi') return OWN_LOOK.test(body) || OWN_CSI.test(body) || OWN_MODES.test(body)
  if (kind !== 'osc') return false
  const text = NOTIFICATION.exec(body)?.[1]
  return text !== undefined && own.notification?.(text) === true && flawsOf(text, new Line()).length === 0
}

/** What stands in one line, through changes of colour. */
class Line {
  isolates = 0
  marks = 0
}

/** Cannot be seen, and changes what can: all format characters but the joiners, which are part of words and emoji. */
const FORMAT = /^(?![\u200c\u200d])\p{Cf}$/u
const MARK = /^\p{M}$/u
const ISOLATE = '\u2068'
const END_OF_ISOLATE = '\u2069'

function flawOf(character: string, line: Line): string | undefined {
  line.marks = MARK.test(character) ? line.marks + 1 : 0
  if (line.marks === MAX_MARKS + 1) return `more than ${MAX_MARKS} marks on a character`
  if (character === ISOLATE) line.isolates += 1
  else if (character === END_OF_ISOLATE) {
    if (line.isolates === 0) return 'the end of an isolate that was not begun'
    line.isolates -= 1
  } else if (FORMAT.test(character)) return 'a format character'
  else if (/^[\u2028\u2029]$/.test(character)) return 'a line separator'
  else if (/^\p{Co}$/u.test(character)) return 'private use'
  return undefined
}

function flawsOf(text: string, line: Line): { what: string; before: string }[] {
  const flaws = []
  let before = ''
  for (const character of text) {
    const what = flawOf(character, line)
    if (what !== undefined) flaws.push({ what: `${what} (U+${hex(character)})`, before })
    before += character
  }
  return flaws
}

const hex = (character: string): string => (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')

/** All that a program must not have written. */
export function violationsIn(bytes: Buffer, own: OwnOutput = {}): Violation[] {
  const violations: Violation[] = []
  const add = (what: string, at: number, length: number): void => {
    const context = bytes.subarray(Math.max(0, at - CONTEXT), at + length + CONTEXT).toString()
    violations.push({ what, at, context: JSON.stringify(context) })
  }
  let line = new Line()
  for (const piece of piecesOf(bytes)) {
    const { kind, at, body } = piece
    if (!isOwn(piece, own)) add(`${kind} ${JSON.stringify(body.slice(0, CONTEXT))}`, at, piece.bytes.length)
    else if (kind === 'text') for (const { what, before } of flawsOf(body, line)) add(what, at + Buffer.byteLength(before), 1)
    else if (!body.endsWith('m') || kind !== 'csi') {
      if (line.isolates > 0) add('an isolate that is not ended in its line', at, 1)
      line = new Line()
    }
  }
  if (line.isolates > 0) add('an isolate that is not ended', bytes.length, 0)
  return violations
}

/** Modes that tmux does not tell of, as the last sequence about each has left them. */
export interface PrivateModes {
  bracketedPaste: boolean
  focusReporting: boolean
  synchronized: boolean
}

export function privateModes(bytes: Buffer): PrivateModes {
  const on = new Set<string>()
  for (const { kind, body } of piecesOf(bytes)) {
    const [, modes, final] = (kind === 'csi' && /^\?([\d;]+)([hl])$/.exec(body)) || []
    for (const mode of modes?.split(';') ?? []) {
      if (final === 'h') on.add(mode)
      else on.delete(mode)
    }
  }
  return { bracketedPaste: on.has('2004'), focusReporting: on.has('1004'), synchronized: on.has('2026') }
}
