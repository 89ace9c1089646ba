/** What people read, as pure functions: one value in, lines out. Everything that others chose is cleaned here. */

import type { Check, Held, Member, Message, Peer, Profile, Room, RoomCheck, SafetyNumber, Status } from '../client/client.ts'
import { isolate } from './bidi.ts'
import { columnsOf } from './columns.ts'
import { cleanName, oneLine, textLines } from './sanitize.ts'
import { plainStyle, type Style } from './style.ts'

export interface MessageLook {
  /** The author's name as it is to be shown. */
  name: string
  /** The room's name, where lines of several rooms are mixed. */
  room?: string
  style?: Style
  /** In front of the line. */
  time?: string
  /** Mark what nobody else is known to hold. */
  delivery?: boolean
  /** It names whoever reads it. */
  mention?: boolean
  /** Columns in front of the lines after the first. @default under the name */
  indent?: number
}

const UNKNOWN_KIND = '(something that needs a newer version)'

/** A message; the lines of its text after the first stand below the first. */
export function formatMessage(
  message: Message,
  { name, room, style = plainStyle, time, delivery, mention, indent }: MessageLook,
): string {
  const shown = style.author(message.author.account, isolate(name))
  const who = message.kind === 'action' ? `* ${shown}` : `${shown}:`
  const [first = '', ...others] = message.kind === 'unknown' ? [UNKNOWN_KIND] : textLines(message.text).map(isolate)
  const before = [time, room === undefined ? undefined : `[${nameText(room)}]`].filter((part) => part !== undefined).join(' ')
  const marks = [
    message.late === true ? '(late)' : '',
    message.clockAhead === true ? '(clock ahead)' : '',
    delivery === true && message.held !== undefined && isOnlyHere(message.held) ? '(only here)' : '',
  ].filter((mark) => mark)
  const said = mention === true ? style.format('bold', first) : first
  const head = [before === '' ? '' : style.format('dim', before), who, said].filter((part) => part !== '').join(' ')
  const tail = marks.map((mark) => ` ${style.format('dim', mark)}`).join('')
  const margin = ' '.repeat(indent ?? (before === '' ? 2 : columnsOf(before) + 1))
  return [head + tail, ...others.map((line) => margin + line)].join('\n')
}

/** A name among other text. */
const nameText = (name: string): string => isolate(cleanName(name))

/** Nobody else is known to hold it, no keeper either. */
export const isOnlyHere = ({ held, keepers }: Held): boolean => held + keepers === 0

/** Who has a message of one's own: `held by 3 of 5`. */
export function formatHeld(held: Held | undefined): string {
  if (held === undefined) return 'not known yet'
  if (isOnlyHere(held)) return 'nobody else has it yet'
  const by = `held by ${held.atLeast === true ? 'at least ' : ''}${held.held} of ${held.members}`
  return held.keepers === 0 ? by : `${by} and ${count(held.keepers, 'keeper')}`
}

/** Hours and minutes here, `12:07`; `--:--` for what is no time. */
export function clockTime(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return '--:--'
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':')
}

/** The day here, `Sat 21 Nov 2026`. */
export function dayOf(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return 'some day'
  const weekday = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][date.getDay()]
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][date.getMonth()]
  return `${weekday} ${date.getDate()} ${month} ${date.getFullYear()}`
}

/** `1 message`, `2 messages`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** Columns of text, each as wide as its widest cell. */
export function table(rows: string[][]): string[] {
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, at) => Math.max(widest[at] ?? 0, columnsOf(cell))), [])
  return rows.map((row) =>
    row
      .map((cell, at) => cell + ' '.repeat(Math.max(0, (widths[at] ?? 0) - columnsOf(cell))))
      .join('  ')
      .trimEnd(),
  )
}

export function formatRooms(rooms: Room[]): string[] {
  return table(
    rows(rooms, (room) => [
      nameText(room.name),
      room.kind,
      `${count(room.members, 'member')}, ${room.online} online`,
      count(room.count, 'message') + (room.unread > 0 ? `, ${room.unread} new` : ''),
      `check: ${room.check}`,
    ]),
  )
}

export function formatMembers(members: Member[], show: (member: Member) => string): string[] {
  return table(
    rows(members, (member) => [
      isolate(show(member)),
      member.self ? 'you' : member.away === true ? 'away' : member.online ? 'online' : 'offline',
      member.fingerprint,
      member.online || member.lastSeen === undefined ? '' : `last seen ${dayOf(member.lastSeen)} ${clockTime(member.lastSeen)}`,
    ]),
  )
}

export function formatPeers(peers: Peer[]): string[] {
  return table(
    rows(peers, ({ peerId, via, direction, latencyMs, rooms, addresses }) => [
      peerId,
      via,
      direction,
      latencyMs === undefined ? '' : `${Math.round(latencyMs)} ms`,
      count(rooms.length, 'shared room'),
      oneLine(addresses[0] ?? '', 200),
    ]),
  )
}

/** The nearest first. */
export function formatLatency(peers: Peer[]): string[] {
  const near = [...peers].sort((a, b) => (a.latencyMs ?? Infinity) - (b.latencyMs ?? Infinity))
  return table(
    rows(near, ({ peerId, via, latencyMs }) => [
      peerId,
      via === 'relay' ? 'through a relay' : 'direct',
      latencyMs === undefined ? 'not measured yet' : `${Math.round(latencyMs)} ms`,
    ]),
  )
}

function rows<T>(values: T[], cells: (value: T) => string[]): string[][] {
  return values.map(cells)
}

export function formatStatus({ version, peerId, account, name, addresses, connections, relays, rooms }: Status): string[] {
  return [
    ...table([
      ['version', version],
      ['name', nameText(name)],
      ['account', account],
      ['peer id', peerId],
      ['connections', String(connections)],
      ...addresses.map((address, at) => [at === 0 ? 'listening' : '', address]),
      ...relays.map(({ address, connected, reserved, problem }) => [
        'relay',
        `${address} ${reserved ? 'reserved' : connected ? `connected, not reserved${problem === undefined ? '' : `: ${problem}`}` : 'not connected'}`,
      ]),
      ...(rooms.length === 0 ? [['rooms', 'none']] : []),
    ]),
    ...formatRooms(rooms).map((line, at) => `${at === 0 ? 'rooms        ' : '             '}${line}`),
  ]
}

export function formatChecks(checks: Check[]): string[] {
  return checks.flatMap(({ name, ok, detail, fix }) => [
    `${ok ? 'ok   ' : 'WRONG'}  ${name.padEnd(12)}  ${oneLine(detail, 400)}`,
    ...(fix === undefined ? [] : [`${' '.repeat(21)}-> ${fix}`]),
  ])
}

export function formatProfile({ name, account, fingerprint, bio }: Profile): string[] {
  const about = bio === undefined || bio === '' ? [] : [['about', oneLine(bio, 500)]]
  return table([['name', nameText(name)], ['fingerprint', fingerprint], ['account', account], ...about])
}

export function formatVerified(result: RoomCheck | SafetyNumber): string[] {
  if ('safetyNumber' in result) {
    const groups = result.safetyNumber.match(/.{1,5}/g) ?? []
    return [
      `Safety number with ${nameText(result.name)} (${result.fingerprint}). Compare it aloud; both of you see the same:`,
      groups.slice(0, 6).join(' '),
      groups.slice(6).join(' '),
    ].filter((line) => line !== '')
  }
  const { room, ok, events, authors, forks } = result
  const state = ok ? 'is whole' : 'IS DAMAGED'
  return [`${nameText(room)} ${state}: ${count(events, 'event')} of ${count(authors, 'author')}, ${count(forks, 'fork')}`]
}

/** Somebody came, went or changed; undefined for what is not worth a line. */
export function formatMemberChange(change: string, name: string, room: string): string | undefined {
  const words: Record<string, string> = {
    joined: 'has joined',
    left: 'has left',
    online: 'is here',
    offline: 'is gone',
    away: 'is away',
    back: 'is back',
  }
  const what = words[change]
  return what === undefined ? undefined : `${isolate(name)} ${what} (${nameText(room)})`
}
