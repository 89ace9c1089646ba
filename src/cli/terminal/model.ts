/** What is being typed, and what the keys make of it: the terminal's state beside the talk, without a terminal. */
import { rank } from '../../view/fuzzy.ts'
import type { RoomTab } from '../../view/overview.ts'
import { type Completable, complete } from '../../view/slash.ts'
import { Value, type Watched } from '../../view/watched.ts'
import { type Completion, completeNext } from './completion.ts'
import { Editor, edit } from './editor.ts'
import type { Action } from './key-map.ts'
import type { Recall } from './recall.ts'

export interface Switcher {
  query: Editor
  rooms: readonly { room: RoomTab; number: number; marks: readonly number[] }[]
  at: number
}

/** What is drawn. */
export interface Typed {
  phase: 'starting' | 'chat'
  editor: Editor
  /** Being asked for; what is typed is not shown. */
  question?: string
  /** What Tab offers. */
  completion?: Completion
  switcher?: Switcher
}

export interface ModelInit {
  recall: () => Recall
  /** What can be completed at this moment. */
  completable: () => Completable
  rooms: () => readonly RoomTab[]
  onLine: (line: string) => void
  onSecret: (secret: string | undefined) => void
  onRoom: (id: string) => void
  onNeighbour: (places: number) => void
  onNumber: (number: number) => void
  onUnread: () => void
  onFocus: (focused: boolean) => void
  onPage: (direction: 'up' | 'down') => void
  onTyping: () => void
  onRedraw: () => void
  onRefused: () => void
  onInterrupt: () => void
  onEnd: () => void
}

export class Model implements Watched<Typed> {
  readonly #init: ModelInit
  readonly #state = new Value<Typed>({ phase: 'starting', editor: Editor.of() })
  readonly view = this.#state.view
  readonly subscribe = this.#state.subscribe
  /** What was being typed before a secret was asked for. */
  #aside: Editor | undefined

  constructor(init: ModelInit) {
    this.#init = init
  }

  get #typed(): Typed {
    return this.#state.view()
  }

  begin(): void {
    this.#set({ phase: 'chat' })
  }

  ask(question: string): void {
    this.#aside ??= this.#typed.editor
    this.#set({ question, editor: Editor.of(), completion: undefined, switcher: undefined })
  }

  /** Lets somebody choose a room by a few letters of its name. */
  choose(): void {
    this.#set({ switcher: this.#switcher(Editor.of(), 0), completion: undefined })
  }

  take(actions: readonly Action[]): void {
    for (const action of actions) {
      if (this.#always(action)) continue
      if (this.#typed.question !== undefined) this.#answer(action)
      else if (this.#typed.switcher !== undefined) this.#switch(this.#typed.switcher, action)
      else this.#type(action)
    }
  }

  /** What means the same whatever is open. */
  #always(action: Action): boolean {
    const { onFocus, onRedraw, onInterrupt } = this.#init
    if (action.kind === 'focus-in') onFocus(true)
    else if (action.kind === 'focus-out') onFocus(false)
    else if (action.kind === 'redraw') onRedraw()
    else if (action.kind === 'interrupt' && this.#typed.question === undefined) onInterrupt()
    else return false
    return true
  }

  #answer(action: Action): void {
    if (action.kind === 'submit') this.#endQuestion(this.#typed.editor.text)
    else if (action.kind === 'interrupt' || action.kind === 'escape') this.#endQuestion(undefined)
    else this.#set({ editor: edit(this.#typed.editor, action) ?? this.#typed.editor })
  }

  #endQuestion(secret: string | undefined): void {
    this.#set({ question: undefined, editor: this.#aside ?? Editor.of() })
    this.#aside = undefined
    this.#init.onSecret(secret)
  }

  #switch(switcher: Switcher, action: Action): void {
    const { query, rooms, at } = switcher
    const step = STEPS[action.kind]
    if (action.kind === 'escape' || action.kind === 'find-room') this.#set({ switcher: undefined })
    else if (action.kind === 'submit') {
      this.#set({ switcher: undefined })
      const chosen = rooms[at]
      if (chosen !== undefined) this.#init.onRoom(chosen.room.id)
    } else if (step !== undefined && rooms.length > 0) {
      this.#set({ switcher: { ...switcher, at: (at + step + rooms.length) % rooms.length } })
    } else {
      const edited = edit(query, action)
      if (edited !== undefined) this.#set({ switcher: this.#switcher(edited, 0) })
    }
  }

  #switcher(query: Editor, at: number): Switcher {
    const rooms = this.#init.rooms()
    const ranked = rank(
      query.text,
      rooms.map(({ name }) => name),
    )
    const shown = ranked.flatMap(({ name, marks }) => {
      const number = rooms.findIndex((room) => room.name === name)
      const room = rooms[number]
      return room === undefined ? [] : [{ room, number: number + 1, marks }]
    })
    return { query, rooms: shown, at }
  }

  #type(action: Action): void {
    const { onEnd, onNumber, onNeighbour, onUnread, onPage } = this.#init
    const { editor, completion } = this.#typed
    switch (action.kind) {
      case 'submit':
        return this.#submit()
      case 'complete':
      case 'complete-back':
        return this.#complete(action.kind === 'complete' ? 1 : -1)
      case 'escape':
        return this.#set(completion === undefined ? { editor: editor.clear() } : { completion: undefined })
      case 'delete-or-leave':
        return editor.isEmpty ? onEnd() : this.#edited(editor.delete())
      case 'room':
        return onNumber(action.number)
      case 'next-room':
        return onNeighbour(1)
      case 'previous-room':
        return onNeighbour(-1)
      case 'unread-room':
        return onUnread()
      case 'find-room':
        return this.choose()
      case 'page-up':
      case 'page-down':
        return onPage(action.kind === 'page-up' ? 'up' : 'down')
      default:
    }
    const edited = edit(editor, action)
    if (edited !== undefined) return this.#edited(edited)
    const recall = this.#init.recall()
    const { text, cursor } = editor
    const line = action.kind === 'up' ? recall.older(text, cursor) : action.kind === 'down' ? recall.newer(text) : undefined
    if (line !== undefined) this.#set({ editor: editor.replace(line), completion: undefined })
  }

  #edited(editor: Editor): void {
    if (editor.refused) this.#init.onRefused()
    const typing = editor.text !== this.#typed.editor.text && !editor.isEmpty && !editor.text.startsWith('/')
    this.#set({ editor, completion: undefined })
    if (typing) this.#init.onTyping()
  }

  #submit(): void {
    const { editor } = this.#typed
    const line = editor.text
    this.#set({ editor: editor.renew(), completion: undefined })
    if (line.trim() === '') return
    this.#init.recall().add(line)
    this.#init.onLine(line)
  }

  #complete(step: 1 | -1): void {
    const { editor, completion } = this.#typed
    const next = completeNext(editor, completion, step, (line) => complete(line, this.#init.completable()))
    if (next.editor === editor) this.#init.onRefused()
    this.#set(next)
  }

  #set(changes: Partial<Typed>): void {
    this.#state.set({ ...this.#typed, ...changes })
  }
}

/** Keys that go through a list. */
const STEPS: Partial<Record<Action['kind'], number>> = {
  up: -1,
  down: 1,
  'previous-room': -1,
  'next-room': 1,
  'complete-back': -1,
  complete: 1,
}
