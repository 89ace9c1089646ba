/**
 * From what a terminal sends to what is meant. Reads the chunks of stdin themselves, wherever they are cut. Ink's `useInput` cannot be
 * used: it throws at sequences that it does not know (`ESC [ 3 1 m`, which may be pasted), gives Delete and Backspace alike, and a
 * sequence without its Esc, as if `OK` or `]` had been typed.
 */
import { stripVTControlCharacters } from 'node:util'
import { MAX_PASTE, MAX_SEQUENCE } from './constants.ts'
import { type Action, actionOf, controlKey, escapedKey, type Pressed, sequenceKey } from './key-map.ts'

const ESC = '\u001b'
const CTRL_C = '\u0003'
const PASTE_BEGINS = '[200~'
const PASTE_ENDS = `${ESC}[201~`

/** Everything up to the next control character. */
const TEXT = /^\P{Cc}+/u
/** After ESC: CSI with parameters, intermediates and an end, the Linux console's `[[A`, SS3. */
const SEQUENCE = /^(?:\[\[[ -~]|\[[0-?]*[ -/]*[@-Z\\-~]|O[0-9]?[A-Za-z])/
const SEQUENCE_BEGINS = /^(?:\[\[?|\[[0-?]*[ -/]*|O[0-9]?)$/
/** After ESC: what a terminal answers (OSC, DCS, SOS, PM, APC), up to BEL or ST. */
const ANSWER = /^[\]PX^_]\P{Cc}*/u
const BEL = '\u0007'
const ST = `${ESC}\\`
/** A sequence that something interrupted. */
const BROKEN = /^(?:\[[ -?]*|[\]PX^_]\P{Cc}+)/u

/** Reads keys. Between the marks of a bracketed paste everything is text. */
export class KeyReader {
  /** The beginning of a sequence, or of a paste's end. */
  #rest = ''
  #paste: { text: string; cut: boolean } | undefined

  /** Whether keys are waited for that belong to an Esc: call `flush` after `SEQUENCE_PATIENCE` if nothing comes. */
  get waiting(): boolean {
    return this.#paste === undefined && this.#rest !== ''
  }

  /** Whether a paste has begun and not ended. */
  get pasting(): boolean {
    return this.#paste !== undefined
  }

  /** What a chunk of decoded stdin means, with what was left of the one before it. */
  read(chunk: string): Action[] {
    const actions: Action[] = []
    // Its end may never come. As a chunk of its own somebody pressed it; inside of one it was pasted.
    if (this.#paste !== undefined && chunk === CTRL_C) {
      this.#rest = ''
      return this.#endPaste()
    }
    let input = this.#rest + chunk
    this.#rest = ''
    while (input !== '') {
      const taken = this.#paste === undefined ? this.#key(input, actions) : this.#pasted(input, actions)
      if (taken === 0) {
        this.#rest = input
        break
      }
      input = input.slice(taken)
    }
    return actions
  }

  /** Nothing more comes: what was waiting is Esc or Alt with a key. */
  flush(): Action[] {
    if (!this.waiting) return []
    const rest = this.#rest
    this.#rest = ''
    if (rest === ESC || rest === ESC + ESC) return [{ kind: 'escape' }]
    return rest.length === 2 ? toActions(escapedKey(rest.slice(1))) : []
  }

  /** How many units it took; 0: it waits for more. */
  #key(input: string, actions: Action[]): number {
    const text = TEXT.exec(input)?.[0]
    if (text !== undefined) {
      actions.push({ kind: 'insert', text })
      return text.length
    }
    if (input.startsWith(ESC)) return this.#escape(input, actions)
    // Of some terminals' pastes without marks.
    if (input.startsWith('\r\n')) {
      actions.push({ kind: 'submit' })
      return 2
    }
    actions.push(...toActions(controlKey(input.slice(0, 1))))
    return 1
  }

  #escape(input: string, actions: Action[]): number {
    const sequence = input.slice(1, 1 + MAX_SEQUENCE)
    const found = SEQUENCE.exec(sequence)?.[0]
    if (found === PASTE_BEGINS) {
      this.#paste = { text: '', cut: false }
      return 1 + found.length
    }
    if (found !== undefined) {
      actions.push(...toActions(sequenceKey(found)))
      return 1 + found.length
    }
    const answer = answerLength(sequence)
    if (answer > 0) return 1 + answer
    if (isBeginning(sequence)) return sequence.length < MAX_SEQUENCE ? 0 : 1 + sequence.length
    if (sequence.startsWith(ESC)) return this.#twice(sequence.slice(1), actions)
    const broken = BROKEN.exec(sequence)?.[0]
    if (broken !== undefined) return 1 + broken.length
    const key = String.fromCodePoint(sequence.codePointAt(0) ?? 0)
    actions.push(...toActions(escapedKey(key)))
    return 1 + key.length
  }

  /** Alt with an arrow, as rxvt and PuTTY send it; else a lone Esc before something of its own. */
  #twice(sequence: string, actions: Action[]): number {
    const found = SEQUENCE.exec(sequence)?.[0]
    if (found !== undefined && found !== PASTE_BEGINS) {
      actions.push(...toActions(sequenceKey(found, { alt: true })))
      return 2 + found.length
    }
    if (found === undefined && SEQUENCE_BEGINS.test(sequence) && sequence.length < MAX_SEQUENCE - 1) return 0
    actions.push({ kind: 'escape' })
    return 1
  }

  #pasted(input: string, actions: Action[]): number {
    const end = input.indexOf(PASTE_ENDS)
    if (end >= 0) {
      this.#collect(input.slice(0, end))
      actions.push(...this.#endPaste())
      return end + PASTE_ENDS.length
    }
    // Its end may be cut in two.
    let keep = Math.min(PASTE_ENDS.length - 1, input.length)
    while (!PASTE_ENDS.startsWith(input.slice(input.length - keep))) keep -= 1
    this.#collect(input.slice(0, input.length - keep))
    return input.length - keep
  }

  #collect(text: string): void {
    const paste = this.#paste
    if (paste === undefined) return
    const room = MAX_PASTE - paste.text.length
    this.#paste = { text: paste.text + text.slice(0, room), cut: paste.cut || text.length > room }
  }

  #endPaste(): Action[] {
    const { text = '', cut = false } = this.#paste ?? {}
    this.#paste = undefined
    const plain = stripVTControlCharacters(text).toWellFormed()
    return plain === '' ? [] : [{ kind: 'paste', text: plain, cut }]
  }
}

/** Whether what follows an Esc may become a sequence. */
function isBeginning(sequence: string): boolean {
  if (sequence === '' || sequence === ESC || SEQUENCE_BEGINS.test(sequence)) return true
  const body = ANSWER.exec(sequence)?.[0]
  return body !== undefined && (sequence === body || sequence === body + ESC)
}

/** Of a terminal's answer with its end; 0: it is none. */
function answerLength(sequence: string): number {
  const body = ANSWER.exec(sequence)?.[0]
  if (body === undefined) return 0
  const end = [BEL, ST].find((each) => sequence.startsWith(each, body.length))
  return end === undefined ? 0 : body.length + end.length
}

function toActions(pressed: Pressed | undefined): Action[] {
  const action = pressed === undefined ? undefined : actionOf(pressed)
  return action === undefined ? [] : [action]
}
