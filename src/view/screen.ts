import type { Entry, MessageEntry } from './entry.ts'

/** Where a conversation is shown. */
export interface Screen {
  /** With times, days, one's own messages and what was said before; else messages of others are all there is. */
  readonly full: boolean
  /** What is said in other rooms is shown too, and says where. Else it is counted. */
  readonly mixed: boolean
  /** Where there is more of what was said. */
  readonly older: string
  /** What its keys do, for `/help`. */
  readonly keys: readonly string[]
  show(entry: Entry): void
  clear(): void
  /** Somebody has written: whoever looks elsewhere may want to be told. */
  alert?(entry: MessageEntry): void
  /** Whether `alert` tells; with a value: from now on. Errors: `UsageError` where it never does. */
  notify(on?: boolean): boolean
  /** Asks for a locked room's passphrase without echo. Errors: `UsageError` where nobody can be asked. */
  askSecret(question: string): Promise<string>
  /** Lets somebody choose a room. Missing: it has to be named. */
  chooseRoom?(): void
  quit(): void
}
