/**
 * What is drawn below the scrollback, as lines: the end of the talk that may still change, the room with its people, the line being typed
 * with what can be chosen, and how things are. Never as high as the screen: a higher one would wipe the scrollback.
 */
import { isolate } from '../../view/bidi.ts'
import { formatHeld } from '../../view/format.ts'
import type { Reach, RoomTab, View } from '../../view/overview.ts'
import type { Person } from '../../view/people.ts'
import { cleanName } from '../../view/sanitize.ts'
import type { Style, Tone } from '../../view/style.ts'
import type { Completion } from './completion.ts'
import { MAX_COMPOSER_ROWS, MAX_LISTED } from './constants.ts'
import { Editor } from './editor.ts'
import { fitLine, formatCount, layoutComposer, progressBar, type StatusPart } from './layout.ts'
import type { Switcher, Typed } from './model.ts'
import { cut, widthOf } from './widths.ts'

/** Columns of the bar that shows how far a sync has come. */
const BAR = 12
const RULE = '─'
const NOTHING = Editor.of()

export interface FrameInit {
  typed: Typed
  view: View
  tail: readonly string[]
  columns: number
  rows: number
  style: Style
}

export interface Frame {
  lines: string[]
  /** Where one types, counted from the first line. */
  cursor: { x: number; y: number }
}

export function frameOf({ typed, view, tail, columns, rows, style }: FrameInit): Frame {
  const third = Math.max(1, Math.floor(rows / 3))
  const { prompt, editor } = asked(typed, view)
  const composer = layoutComposer(prompt, editor, columns, Math.min(third, MAX_COMPOSER_ROWS))
  const list = listOf(typed, Math.min(third, MAX_LISTED), columns, style)
  const [first = '', ...rest] = composer.rows
  const head = first.startsWith(prompt) ? style.format('bold', prompt) + first.slice(prompt.length) : first
  const below = [head, ...rest, ...list, statusOf(typed, view, columns, style)]
  const above = [...tail, ruleOf(view, columns, style)]
  const room = Math.max(0, rows - 1 - below.length)
  const shown = above.slice(Math.max(0, above.length - room))
  return {
    lines: [...shown, ...below].slice(0, Math.max(1, rows - 1)),
    cursor: { x: composer.cursor.x, y: shown.length + composer.cursor.y },
  }
}

function asked({ question, switcher, editor }: Typed, { current }: View): { prompt: string; editor: Editor } {
  if (question !== undefined) return { prompt: question, editor: NOTHING }
  if (switcher !== undefined) return { prompt: 'go to: ', editor: switcher.query }
  const name = current === undefined ? '' : cleanName(current.name)
  return { prompt: `${name}> `, editor }
}

/** The rooms to choose from, or what Tab offers. */
function listOf({ switcher, completion }: Typed, limit: number, columns: number, style: Style): string[] {
  if (switcher !== undefined && switcher.rooms.length === 0) {
    return [style.format('dim', cut('  no room is called so: Esc, then /join <room>', columns))]
  }
  const lines =
    switcher === undefined ? candidatesOf(completion, columns) : switcher.rooms.map((room) => choiceOf(room, columns, style))
  const at = switcher?.at ?? completion?.chosen ?? -1
  const from = Math.max(0, Math.min(at - Math.floor(limit / 2), lines.length - limit))
  const shown = lines.slice(from, from + limit).map((line, offset) => `${from + offset === at ? '›' : ' '} ${line}`)
  const more = lines.length - shown.length
  return more > 0 ? [...shown.slice(0, -1), style.format('dim', `  … ${more + 1} more`)] : shown
}

const candidatesOf = (completion: Completion | undefined, columns: number): string[] =>
  (completion?.candidates ?? []).map((candidate) => cut(candidate.trim(), columns - 2))

/** A room, in whose name the letters that were found stand out. */
function choiceOf({ room, number, marks }: Switcher['rooms'][number], columns: number, style: Style): string {
  const found = new Set(marks)
  const name = [...new Intl.Segmenter().segment(cut(room.name, columns - 20))]
    .map(({ segment, index }) => (found.has(index) ? style.format('bold', segment) : segment))
    .join('')
  return `${number} ${name} ${style.format(room.mentions > 0 ? 'red' : 'yellow', newIn(room))}`.trimEnd()
}

function newIn({ unread, mentions }: RoomTab): string {
  return [unread > 0 ? `${unread}` : '', mentions > 0 ? `@${mentions}` : ''].filter((text) => text !== '').join(' ')
}

/** How a part looks once it is known how much of it is shown. */
interface Part extends StatusPart {
  readonly paint: (text: string) => string
}

const painted = (parts: readonly Part[]): string => parts.map(({ text, paint }) => paint(isolate(text))).join(' ')

const widthOfAll = (parts: readonly Part[]): number => parts.reduce((sum, { text }) => sum + widthOf(text) + 1, -1)

/** The room, and who is there. */
function ruleOf({ current, people, reach, typing }: View, columns: number, style: Style): string {
  const dim = (text: string): string => style.format('dim', text)
  if (current === undefined) return dim(RULE.repeat(columns))
  const fixed: Part[] = [
    { text: RULE.repeat(2), importance: 5, paint: dim },
    { text: cleanName(current.name), importance: 6, least: 4, paint: (text) => style.format('bold', text) },
    { text: RULE, importance: 4, paint: dim },
  ]
  const writing: Part[] = typing.length === 0 ? [] : [{ text: typingText(typing), importance: 3, least: 8, paint: dim }]
  const names = namesOf(people, reach, style)
  const parts = [...fixed, ...names, ...writing]
  const hidden = (kept: readonly Part[]): number => people.length - kept.filter(({ importance }) => importance === NAME).length
  let shown = fitLine(parts, columns)
  if (people.length > 0 && hidden(shown) > 0) {
    const more: Part = { text: `+${people.length}`, importance: 3, paint: dim }
    const kept = fitLine([...fixed, ...names, more, ...writing], columns)
    shown = kept.map((part) => (part === more ? { ...more, text: `+${hidden(kept)}` } : part))
  }
  const left = columns - widthOfAll(shown) - 1
  return left > 0 ? `${painted(shown)} ${dim(RULE.repeat(left))}` : painted(shown)
}

/** How important a name is in the rule. */
const NAME = 1

function namesOf(people: readonly Person[], reach: Reach | undefined, style: Style): Part[] {
  if (people.length === 0) {
    // Somebody is connected who has not said yet that he is here.
    const text = reach !== undefined && reach.direct + reach.relayed > 0 ? 'looking who is here…' : 'nobody else is here'
    return [{ text, importance: 2, paint: (shown) => style.format('dim', shown) }]
  }
  return people.map(({ account, name, away }, at) => ({
    text: `${name}${away ? ' (away)' : ''}${at < people.length - 1 ? ',' : ''}`,
    importance: NAME,
    paint: (text) => (away ? style.format('dim', text) : style.author(account, text)),
  }))
}

function typingText(names: readonly string[]): string {
  const [first = '', second, ...others] = names
  if (second === undefined) return `${first} is typing…`
  return others.length === 0 ? `${first} and ${second} are typing…` : `${names.length} are typing…`
}

/** How important a room is in the status, at least; the current one and what is new are more. */
const TAB = 4
const TAB_GAP = 2

/** The rooms, and the truth about the network. */
function statusOf(typed: Typed, view: View, columns: number, style: Style): string {
  const dim = (text: string): string => style.format('dim', text)
  const tabs = view.rooms.map((room, at) => tabOf(room, at + 1, style))
  const truth = typed.phase === 'starting' ? [{ text: 'starting…', importance: 9, paint: dim }] : truthOf(view, style)
  const fitting = fitLine([...tabs, ...truth], columns, TAB_GAP)
  const begin = fitting.filter(({ importance }) => importance >= TAB && importance < TAB + 4)
  const end = fitting.slice(begin.length)
  const taken = begin.reduce((sum, { text }) => sum + widthOf(text) + TAB_GAP, 0)
  const space = ' '.repeat(Math.max(0, columns - taken - widthOfAll(end)))
  return `${begin.map(({ text, paint }) => paint(isolate(text)) + ' '.repeat(TAB_GAP)).join('')}${space}${painted(end)}`
}

function tabOf(room: RoomTab, number: number, style: Style): Part {
  const tone = room.current ? 'bold' : room.mentions > 0 ? 'red' : room.unread > 0 ? 'yellow' : undefined
  return {
    text: `${number} ${room.name} ${newIn(room)}`.trimEnd(),
    importance: TAB + (room.current ? 3 : room.mentions > 0 ? 2 : room.unread > 0 ? 1 : 0),
    least: 5,
    paint: (text) => (tone === undefined ? text : style.format(tone, text)),
  }
}

function truthOf({ current, reach, sync, delivery }: View, style: Style): Part[] {
  const painting =
    (tone: Tone) =>
    (text: string): string =>
      style.format(tone, text)
  if (current === undefined) return [{ text: 'in no room: /join <room>', importance: 9, paint: painting('yellow') }]
  const parts: Part[] = []
  if (sync !== undefined) {
    const of = sync.have + sync.missing
    parts.push({ text: progressBar(sync.have, of, BAR), importance: 3, paint: painting('cyan') })
    parts.push({ text: `syncing ${formatCount(sync.have)} of ${formatCount(of)}`, importance: 8, paint: painting('cyan') })
  } else if (delivery?.held !== undefined) {
    parts.push({ text: `your last: ${formatHeld(delivery.held)}`, importance: 3, paint: painting('dim') })
  }
  if (parts.length > 0) parts.push({ text: '·', importance: 3, paint: painting('dim') })
  return [...parts, { importance: 9, ...reachOf(reach, painting) }]
}

const ALONE = {
  none: 'alone here',
  ready: 'alone here, the relay is ready',
  unreachable: 'alone here, no relay answers: /doctor',
}

function reachOf(reach: Reach | undefined, painting: (tone: Tone) => Part['paint']): Pick<Part, 'text' | 'paint'> {
  if (reach === undefined) return { text: 'looking around…', paint: painting('dim') }
  const { direct, relayed, relay } = reach
  if (direct + relayed === 0) return { text: ALONE[relay ?? 'none'], paint: painting('yellow') }
  const ways = [direct > 0 ? `${direct} direct` : '', relayed > 0 ? `${relayed} through a relay` : '']
  return { text: ways.filter((way) => way !== '').join(', '), paint: painting('green') }
}
