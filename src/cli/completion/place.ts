/** What stands at the cursor of a command line that is being typed: a command, an option, or a value of some kind. */

/** What completion reads of a command, from the table that its help is made of. */
export interface CompletedCommand {
  /** `send <room> [text]`: what stands in brackets is the kind of an argument. */
  readonly usage: string
  readonly description: string
  readonly options?: readonly {
    readonly name: string
    readonly kind: string
    readonly value?: string
    readonly description: string
  }[]
  readonly own?: readonly (readonly [flags: string, description: string])[]
  /** What its first argument can be, where that is a word and no value. */
  readonly begins?: readonly string[]
  /** Its rooms may be new ones, so that a room's id would be taken for a name. */
  readonly joins?: boolean
}

export interface KnownOption {
  /** With its dashes. */
  readonly name: string
  readonly description: string
  /** What its value is called; undefined if it has none. */
  readonly value?: string
  readonly repeatable?: boolean
}

export interface Place {
  /** What can stand here: kinds of values as the usage calls them (`room`, `who`, `file`), or `command` or `option`. */
  readonly kinds: readonly string[]
  /** Undefined before there is one. */
  readonly command?: CompletedCommand
  /** The options that can be given here and are not yet. */
  readonly options: readonly KnownOption[]
  /** The word at the cursor, up to it. */
  readonly current: string
  /** What of `current` is not part of the value: `--log-level=`. */
  readonly before: string
  /** The argument's place, counted from 0; undefined where none stands. */
  readonly argument?: number
  /** The value of `--data-dir` on this line. */
  readonly dataDir?: string
}

export interface CommandLine {
  readonly commands: readonly CompletedCommand[]
  /** Options of every command. */
  readonly globals: CompletedCommand['options']
}

const HELP: KnownOption = { name: '--help', description: 'print this' }
const VERSION: KnownOption = { name: '--version', description: 'print the version' }

export const nameOf = ({ usage }: CompletedCommand): string => usage.split(' ')[0] ?? ''

/** What stands in brackets: `<file|->` is a `file` or a `-`. */
const kindsOf = (brackets: string): string[] => brackets.replace(/\.{3}|[<>[\]]/g, '').split('|')

function optionsOf(options: CompletedCommand['options'], own: CompletedCommand['own'] = []): KnownOption[] {
  return [
    ...(options ?? []).map(({ name, kind, value, description }) => ({
      name: `--${name}`,
      description,
      value,
      repeatable: kind === 'list',
    })),
    ...own.map(([flags, description]) => ({
      name: /--[\w-]+/.exec(flags)?.[0] ?? '',
      description,
      value: /[<[].+/.exec(flags)?.[0],
    })),
  ]
}

/** The words of the line behind `p2pnode`, as the program would get them. The last one is being typed. */
export function placeIn(words: readonly string[], { commands, globals }: CommandLine): Place {
  const current = words.at(-1) ?? ''
  let command: CompletedCommand | undefined
  let known = [...optionsOf(globals), HELP, VERSION]
  let dataDir: string | undefined
  let waiting: KnownOption | undefined
  let onlyArguments = false
  let argument = 0
  const given = new Set<string>()
  for (const word of words.slice(0, -1)) {
    if (waiting !== undefined) {
      if (waiting.name === '--data-dir') dataDir = word
      waiting = undefined
    } else if (onlyArguments || !word.startsWith('-') || word === '-') {
      if (command !== undefined) argument += 1
      else {
        command = commands.find((each) => nameOf(each) === word)
        if (command === undefined) return { kinds: [], options: [], current, before: '' }
        known = [...optionsOf(command.options, command.own), ...optionsOf(globals), HELP]
      }
    } else if (word === '--') onlyArguments = true
    else {
      const [name = '', value] = word.split(/=(.*)/s)
      const option = known.find((each) => each.name === name)
      given.add(name)
      if (option?.value !== undefined && value === undefined) waiting = option
      if (name === '--data-dir' && value !== undefined) dataDir = value
    }
  }
  const options = known.filter(({ name, repeatable }) => repeatable === true || !given.has(name))
  const place = { command, options, current, before: '', dataDir }
  if (waiting !== undefined) return { ...place, kinds: kindsOf(waiting.value ?? '') }
  if (!onlyArguments && current.startsWith('-')) return atOption(place, known)
  if (command === undefined) return { ...place, kinds: ['command'] }
  return { ...place, ...atArgument(command, argument, onlyArguments) }
}

function atOption(place: Omit<Place, 'kinds'>, known: readonly KnownOption[]): Place {
  const [before, name] = /^(--[\w-]+)=/.exec(place.current) ?? []
  if (before === undefined) return { ...place, kinds: ['option'] }
  const value = known.find((each) => each.name === name)?.value
  return { ...place, before, kinds: value === undefined ? [] : kindsOf(value) }
}

/** Options where every argument is there. */
function atArgument({ usage }: CompletedCommand, argument: number, onlyArguments: boolean): Pick<Place, 'kinds' | 'argument'> {
  const slots = usage.split(' ').slice(1)
  const slot = slots[argument] ?? (slots.at(-1)?.includes('...') === true ? slots.at(-1) : undefined)
  if (slot !== undefined) return { kinds: kindsOf(slot), argument }
  return { kinds: onlyArguments ? [] : ['option'] }
}
