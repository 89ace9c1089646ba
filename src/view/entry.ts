/** What a conversation puts before people, one thing after the other. Each face draws it in its way. */
import type { Message } from '../client/client.ts'
import { clockTime, formatMessage } from './format.ts'
import type { Style } from './style.ts'

export type Entry =
  | MessageEntry
  /** What a command answers. */
  | { kind: 'line'; text: string }
  /** What is not part of the talk: who came, what goes on. */
  | { kind: 'note'; text: string }
  /** What went wrong, or could not be done. */
  | { kind: 'failure'; text: string }
  /** A new day begins. */
  | { kind: 'day'; day: string }
  /** A room was entered: what stands below was said there. */
  | { kind: 'entered'; title: string }
  /** What stands below is new. */
  | { kind: 'new'; count: number }

export interface MessageEntry {
  kind: 'message'
  message: Message
  /** The author's name as it is to be shown. */
  name: string
  /** Written by whoever reads it. */
  own: boolean
  /** It names whoever reads it. */
  mention: boolean
  /** The name of its room, where that is not the one that is shown. */
  room?: string
}

export interface EntryLook {
  style: Style
  /** With the time in front of messages. */
  timed: boolean
  /** Columns in front of the lines after the first. @default under the name */
  indent?: number
}

/** Lines of text for a terminal. */
export function formatEntry(entry: Entry, { style, timed, indent }: EntryLook): string {
  switch (entry.kind) {
    case 'message':
      return formatMessage(entry.message, {
        name: entry.name,
        room: entry.room,
        mention: entry.mention,
        style,
        indent,
        ...(timed ? { time: clockTime(entry.message.sentAt) } : {}),
      })
    case 'line':
      return entry.text
    case 'note':
      return style.format('dim', entry.text)
    case 'failure':
      return style.format('red', `! ${entry.text}`)
    case 'day':
      return style.format('dim', `— ${entry.day} —`)
    case 'entered':
      return style.format('dim', `— ${entry.title} —`)
    case 'new':
      return style.format('yellow', `— ${entry.count} new —`)
  }
}
