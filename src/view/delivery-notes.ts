/** Says when what was written in a room is nowhere but here, once, and again when somebody has it. Else it is silent. */
import type { ClientEvents, Message } from '../client/client.ts'
import { formatHeld, isOnlyHere } from './format.ts'
import { type After, after as later } from './timers.ts'

/** Longer than a peer that is there takes to be asked. Milliseconds. */
const PATIENCE = 15_000

export interface DeliveryNotesInit {
  note: (room: string, text: string) => void
  /** How long somebody may take to say that he holds a message. Milliseconds. @default 15 s */
  patience?: number | undefined
  after?: After
}

interface Waiting {
  /** The newest message that nobody is known to hold; whoever has it has, as a rule, those before it. */
  newest: string
  cancel: (() => void) | undefined
  /** It was said already that nobody has it. */
  told?: boolean
}

export class DeliveryNotes {
  readonly #note: DeliveryNotesInit['note']
  readonly #patience: number
  readonly #after: After
  readonly #rooms = new Map<string, Waiting>()

  constructor({ note, patience = PATIENCE, after = later }: DeliveryNotesInit) {
    this.#note = note
    this.#patience = patience
    this.#after = after
  }

  /** A message of one's own is on the disk. */
  wrote({ room, id }: Message): void {
    const waiting = this.#rooms.get(room)
    if (waiting === undefined) this.#await(room, id)
    else waiting.newest = id
  }

  /** The face has said of a message of one's own that nobody else has it. */
  told(room: string): void {
    const waiting = this.#rooms.get(room)
    if (waiting !== undefined) waiting.told = true
  }

  #await(room: string, newest: string): void {
    const { cancel: last, told } = this.#rooms.get(room) ?? {}
    last?.()
    const cancel = this.#after(this.#patience, () => {
      const waiting = this.#rooms.get(room)
      if (waiting !== undefined) waiting.cancel = undefined
      this.#note(room, 'stored here, nobody else has it yet: it is sent when somebody comes')
    })
    this.#rooms.set(room, { newest, cancel, told })
  }

  delivered({ room, id, ...held }: ClientEvents['delivery']): void {
    const waiting = this.#rooms.get(room)
    if (waiting === undefined || isOnlyHere(held)) return
    if (id === waiting.newest) {
      if (waiting.cancel === undefined || waiting.told === true) this.#note(room, `what you wrote is ${formatHeld(held)} now`)
      this.forget(room)
    } else if (waiting.cancel !== undefined) this.#await(room, waiting.newest) // somebody gets what is written: time for the newest
  }

  /** The room was left. */
  forget(room: string): void {
    this.#rooms.get(room)?.cancel?.()
    this.#rooms.delete(room)
  }

  end(): void {
    for (const room of [...this.#rooms.keys()]) this.forget(room)
  }
}
