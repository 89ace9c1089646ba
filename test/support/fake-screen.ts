/** A place where a conversation is shown, which keeps what it was shown. */

import { type Entry, formatEntry, type MessageEntry } from '../../src/view/entry.ts'
import type { Screen } from '../../src/view/screen.ts'
import { plainStyle } from '../../src/view/style.ts'

export class FakeScreen implements Screen {
  readonly full: boolean
  readonly mixed: boolean
  readonly older = 'PgUp'
  keys: readonly string[] = []
  entries: Entry[] = []
  readonly alerts: MessageEntry[] = []
  /** What was asked, and what is answered. */
  readonly questions: string[] = []
  secret = 'secret'
  notifies = true
  /** How often each was asked for. */
  cleared = 0
  chosen = 0
  quits = 0

  constructor({ full = true, mixed = false }: { full?: boolean; mixed?: boolean } = {}) {
    this.full = full
    this.mixed = mixed
  }

  /** What was shown, as plain text without times; and nothing of it is left. */
  take(): string[] {
    return this.entries.splice(0).map((entry) => formatEntry(entry, { style: plainStyle, timed: false }))
  }

  show(entry: Entry): void {
    this.entries.push(entry)
  }

  clear(): void {
    this.cleared++
  }

  alert(entry: MessageEntry): void {
    this.alerts.push(entry)
  }

  notify(on: boolean = this.notifies): boolean {
    this.notifies = on
    return on
  }

  async askSecret(question: string): Promise<string> {
    this.questions.push(question)
    return this.secret
  }

  chooseRoom(): void {
    this.chosen++
  }

  quit(): void {
    this.quits++
  }
}
