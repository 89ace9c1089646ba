/** Which key means what, and how terminals write keys: xterm's sequences, rxvt's, modifyOtherKeys and the kitty protocol's CSI u. */

/** What a key means wherever it is pressed; what is done then is the face's affair. */
export type Action =
  | { kind: 'insert'; text: string }
  /** `cut`: there was more than a paste may have. */
  | { kind: 'paste'; text: string; cut: boolean }
  /** Alt-1 to Alt-9. */
  | { kind: 'room'; number: number }
  | { kind: KeyName }

export type KeyName =
  | 'submit'
  | 'backspace'
  | 'delete'
  /** Ctrl-D: deletes, or leaves when the text is empty. */
  | 'delete-or-leave'
  | 'left'
  | 'right'
  | 'word-left'
  | 'word-right'
  | 'up'
  | 'down'
  | 'line-start'
  | 'line-end'
  | 'kill-to-end'
  | 'kill-to-start'
  | 'kill-word-before'
  | 'kill-word-after'
  | 'yank'
  | 'undo'
  | 'redo'
  | 'complete'
  | 'complete-back'
  | 'page-up'
  | 'page-down'
  | 'next-room'
  | 'previous-room'
  /** Ctrl-O, Alt-A: the next room with something unread. */
  | 'unread-room'
  /** Ctrl-T: the room switcher. */
  | 'find-room'
  | 'redraw'
  | 'escape'
  | 'interrupt'
  /** The terminal's window got the focus, or lost it. */
  | 'focus-in'
  | 'focus-out'

/** A key with what was held down beside it: its character in lower case, or its name. */
export interface Pressed {
  readonly name: string
  readonly ctrl?: boolean
  readonly alt?: boolean
  readonly shift?: boolean
  /** What the key writes when it stands for a character. */
  readonly text?: string
}

const KEYS: Readonly<Record<KeyName, string>> = {
  submit: 'enter',
  backspace: 'backspace ctrl-h',
  delete: 'delete',
  'delete-or-leave': 'ctrl-d',
  left: 'left ctrl-b',
  right: 'right ctrl-f',
  'word-left': 'ctrl-left alt-left alt-b',
  'word-right': 'ctrl-right alt-right alt-f',
  up: 'up',
  down: 'down',
  'line-start': 'home ctrl-a',
  'line-end': 'end ctrl-e',
  'kill-to-end': 'ctrl-k',
  'kill-to-start': 'ctrl-u',
  'kill-word-before': 'ctrl-w alt-backspace ctrl-backspace',
  'kill-word-after': 'alt-d alt-delete ctrl-delete',
  yank: 'ctrl-y',
  undo: 'ctrl-z ctrl-_ ctrl-/ ctrl-shift-_',
  redo: 'alt-z alt-_ ctrl-shift-z',
  complete: 'tab',
  'complete-back': 'shift-tab',
  'page-up': 'page-up',
  'page-down': 'page-down',
  'next-room': 'ctrl-n alt-down',
  'previous-room': 'ctrl-p alt-up',
  'unread-room': 'ctrl-o alt-a',
  'find-room': 'ctrl-t',
  redraw: 'ctrl-l',
  escape: 'escape ctrl-g',
  interrupt: 'ctrl-c',
  'focus-in': 'focus-in',
  'focus-out': 'focus-out',
}

const NEW_LINE = new Set(['alt-enter', 'shift-enter', 'ctrl-enter', 'ctrl-j'])

const BOUND = new Map(
  (Object.entries(KEYS) as [KeyName, string][]).flatMap(([kind, keys]) =>
    keys.split(' ').map((key): [string, KeyName] => [key, kind]),
  ),
)

const LETTERS: Readonly<Record<string, string>> = { A: 'up', B: 'down', C: 'right', D: 'left', H: 'home', F: 'end', M: 'enter' }
const NUMBERS: Readonly<Record<number, string>> = {
  1: 'home',
  3: 'delete',
  4: 'end',
  5: 'page-up',
  6: 'page-down',
  7: 'home',
  8: 'end',
}
/** The kitty protocol's numbers of keys that stand for no character, with those of the keypad. */
const CODES: Readonly<Record<number, string>> = {
  8: 'backspace',
  9: 'tab',
  13: 'enter',
  27: 'escape',
  127: 'backspace',
  57414: 'enter',
  57417: 'left',
  57418: 'right',
  57419: 'up',
  57420: 'down',
  57421: 'page-up',
  57422: 'page-down',
  57423: 'home',
  57424: 'end',
  57426: 'delete',
}
const KEYPAD = { first: 57399, characters: '0123456789./*-+' }
const PRIVATE_USE = { first: 0xe000, last: 0xf8ff }
const LAST_CODE_POINT = 0x10ffff

const SHIFT = 1
const ALT = 2
const CTRL = 4
const SUPER_OR_HYPER = 8 | 16
const META = 32
const RELEASED = 3

/** The key of one control character. */
export function controlKey(character: string): Pressed {
  const code = character.charCodeAt(0)
  const name = CODES[code]
  // Ctrl-H is what some Backspace keys send, so that it is one either way.
  if (name !== undefined) return { name }
  return { name: String.fromCharCode(code | 0x40).toLowerCase(), ctrl: true }
}

/** The key of what follows an Esc: it was pressed with Alt. */
export function escapedKey(character: string): Pressed {
  if (/^\p{Cc}/u.test(character)) return { ...controlKey(character), alt: true }
  return { name: character.toLowerCase(), alt: true, shift: character !== character.toLowerCase() }
}

/** The key of a CSI or SS3 sequence without its Esc; undefined when it is none that is known, or was let go. */
export function sequenceKey(sequence: string, held: { alt?: boolean } = {}): Pressed | undefined {
  if (sequence === '[I') return { name: 'focus-in' }
  if (sequence === '[O') return { name: 'focus-out' }
  if (sequence === '[Z') return { name: 'tab', shift: true }
  const [, kind, body = '', last = ''] = /^([[O])([\d;:]*)([A-Za-z~^])$/.exec(sequence) ?? []
  if (kind === undefined) return undefined
  if (kind === 'O' && /[a-d]/.test(last)) return { name: LETTERS[last.toUpperCase()] ?? '', ctrl: true }
  const numbers = body.split(';').map((part) => part.split(':').map(Number))
  const [[first = 0] = [], [modifiers = 0, event] = []] = numbers
  if (event === RELEASED) return undefined
  if (last === 'u') return codeKey(numbers, modifiers)
  if (last === '~' && first === 27 && numbers.length === 3) return codeKey([numbers[2] ?? []], modifiers)
  if (last === '~' || last === '^') return withModifiers(NUMBERS[first], last === '^' ? 1 + CTRL : modifiers, held)
  if (last === 'M' && kind === '[') return undefined
  return withModifiers(LETTERS[last], numbers.length > 1 ? modifiers : first, held)
}

/** What a key means; undefined when it means nothing. */
export function actionOf({ name, ctrl = false, alt = false, shift = false, text }: Pressed): Action | undefined {
  if (text !== undefined && !ctrl && !alt) return { kind: 'insert', text }
  if (alt && !ctrl && /^[1-9]$/.test(name)) return { kind: 'room', number: Number(name) }
  const key = `${ctrl ? 'ctrl-' : ''}${alt ? 'alt-' : ''}${name}`
  const shifted = `${ctrl ? 'ctrl-' : ''}${alt ? 'alt-' : ''}shift-${name}`
  if (NEW_LINE.has(shift ? shifted : key)) return { kind: 'insert', text: '\n' }
  // With Ctrl and Shift terminals have keys of their own, as to copy: such a one must not end the program.
  const kind = shift ? (BOUND.get(shifted) ?? (ctrl ? undefined : BOUND.get(key))) : BOUND.get(key)
  return kind === undefined ? undefined : { kind }
}

function withModifiers(name: string | undefined, modifiers: number, held: { alt?: boolean } = {}): Pressed | undefined {
  const bits = Math.max(0, modifiers - 1)
  if (name === undefined || (bits & SUPER_OR_HYPER) !== 0) return undefined
  return { name, ctrl: (bits & CTRL) !== 0, alt: held.alt === true || (bits & (ALT | META)) !== 0, shift: (bits & SHIFT) !== 0 }
}

/** `numbers`: the key's code, with Shift, and on a Latin keyboard; modifiers; the code points that it writes. */
function codeKey(numbers: readonly (readonly number[])[], modifiers: number): Pressed | undefined {
  const [[code = 0, shifted, latin] = [], , written = []] = numbers
  const named = CODES[code]
  if (named !== undefined) return withModifiers(named, modifiers)
  const keypad = KEYPAD.characters[code - KEYPAD.first]
  if (keypad === undefined && (!isCharacter(code) || (code >= PRIVATE_USE.first && code <= PRIVATE_USE.last))) return undefined
  const plain = keypad ?? String.fromCodePoint(code)
  const pressed = withModifiers((isCharacter(latin) ? String.fromCodePoint(latin) : plain).toLowerCase(), modifiers)
  if (pressed === undefined) return undefined
  const upper = isCharacter(shifted) ? String.fromCodePoint(shifted) : plain.toUpperCase()
  const text = written.filter(isCharacter)
  return { ...pressed, text: text.length > 0 ? String.fromCodePoint(...text) : pressed.shift === true ? upper : plain }
}

function isCharacter(code: number | undefined): code is number {
  return code !== undefined && code >= 0x20 && code <= LAST_CODE_POINT && !(code >= 0xd800 && code <= 0xdfff)
}
