/** What the terminal keeps from one start to the next, sealed in this device's store: the lines that were typed, and whether to alert. */
import type { Client } from '../../client/client.ts'
import { Recall } from './recall.ts'

const LINES = 'terminal.lines'
const NOTIFY = 'terminal.notify'

/** Lines are kept when nothing more was typed for so long. Milliseconds. */
const SETTLES = 1_000

export class Preferences {
  recall = new Recall()
  notify = true
  #client: Client | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  async read(client: Client): Promise<void> {
    const [lines, notify] = await Promise.all([client.preference({ key: LINES }), client.preference({ key: NOTIFY })])
    const before = Recall.from(lines.value)
    // Somebody may have typed already.
    for (const line of this.recall.toJSON()) before.add(line)
    this.recall = before
    this.notify = notify.value !== 'off'
    this.#client = client
  }

  setNotify(on: boolean): void {
    this.notify = on
    this.#keep(NOTIFY, on ? 'on' : 'off')
  }

  /** Another line was typed. */
  changed(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.flush(), SETTLES)
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    // Lines typed before there is where to keep them wait for the next time.
    if (this.#timer === undefined || this.#client === undefined) return
    this.#timer = undefined
    await this.#keep(LINES, JSON.stringify(this.recall))
  }

  /** What cannot be kept is not worth an interruption: it is a convenience. */
  async #keep(key: string, value: string): Promise<void> {
    await this.#client?.setPreference({ key, value }).catch(() => undefined)
  }
}
