/** The command line: what there is, and which file does it. Nothing heavy is loaded until a command is known to be meant. */
import { Argument, Command, CommanderError, Option } from 'commander'
import { UsageError } from '../view/explain.ts'
import type { Context } from './context.ts'
import { absoluteDataDir, chosenDataDir, dataDirExists, readConfig } from './data-dir.ts'
import { EXIT, ExitError, interrupted } from './exit.ts'
import type { Io } from './io.ts'
import {
  allOptions,
  globalOptions,
  networkOptions,
  type OptionSpec,
  relayOptions,
  resolveOptions,
  startOptions,
} from './options.ts'
import { version } from './version.ts'

const NO_COMMAND = 'which command? p2pnode start begins a chat, p2pnode --help lists the commands'
/** What the scripts of `completion` call. In no help, and read before anything that could complain. */
const COMPLETE = '__complete'

interface CommandSpec {
  /** What stands in brackets is also the kind of value that a shell completes there: `room`, `who`, `file`, `dir`. */
  usage: string
  description: string
  /** Or several, one a line. */
  example: string
  /** What its first argument can be, where that is a word and no value. */
  begins?: readonly string[]
  /** Its rooms may be new ones. */
  joins?: boolean
  options?: readonly OptionSpec[]
  /** Options of this command alone, which neither the environment nor config.json sets: flags and description. */
  own?: readonly [flags: string, description: string][]
  /** Told to end, it does so by itself, in order. Every other command has nothing to lose. */
  endsItself?: boolean
  run(context: Context, args: (string | undefined)[], flags: Record<string, unknown>): Promise<void>
}

const roomLock = startOptions.filter(({ name }) => name === 'locked' || name === 'room-passphrase-file')

/** An argument that commander has made sure of. */
const given = (value: string | undefined): string => value ?? ''

const commands: readonly CommandSpec[] = [
  {
    usage: 'start [room...]',
    description: "run this device's peer, and chat",
    example: 'p2pnode start lobby --name Alice',
    options: [...startOptions, ...networkOptions],
    joins: true,
    endsItself: true,
    run: async (context, args) => (await import('./commands/start.ts')).start(context, args.map(given)),
  },
  {
    usage: 'relay [status]',
    description: 'run a relay for others; with status: what the one that runs here knows',
    example: 'p2pnode relay --announce /dns4/relay.example.org/tcp/4747',
    options: [
      ...networkOptions.filter(({ name }) => ['listen', 'announce', 'upnp', 'keep-token-file'].includes(name)),
      ...relayOptions,
    ],
    begins: ['status'],
    endsItself: true,
    run: async (context, [what]) => {
      if (what !== undefined && what !== 'status') throw new UsageError(`relay ${what}: there is only p2pnode relay status`)
      const commands = await import('./commands/relay.ts')
      await (what === undefined ? commands.relay(context) : commands.relayStatus(context))
    },
  },
  {
    usage: 'join <room>',
    description: 'join a room, now and at every start',
    example: 'p2pnode join dev',
    options: roomLock,
    joins: true,
    run: async (context, [room]) => (await import('./commands/rooms.ts')).join(context, given(room)),
  },
  {
    usage: 'leave <room>',
    description: 'leave a room; its history stays here',
    example: 'p2pnode leave dev',
    run: async (context, [room]) => (await import('./commands/rooms.ts')).leave(context, given(room)),
  },
  {
    usage: 'rooms',
    description: 'list the rooms you are in',
    example: 'p2pnode rooms --json',
    run: async (context) => (await import('./commands/rooms.ts')).rooms(context),
  },
  {
    usage: 'members <room>',
    description: 'list who is in a room',
    example: 'p2pnode members dev',
    run: async (context, [room]) => (await import('./commands/rooms.ts')).members(context, given(room)),
  },
  {
    usage: 'send <room> [text]',
    description: 'send one message; with - or a pipe, a message per line',
    example: "p2pnode send dev 'the build is green'",
    run: async (context, [room, text]) => (await import('./commands/messages.ts')).send(context, given(room), text),
  },
  {
    usage: 'history <room>',
    description: 'print the newest messages of a room, oldest first',
    example: 'p2pnode history dev --limit 100',
    own: [
      ['--limit <n>', 'how many (default: 50, at most 1000)'],
      ['--before <id>', 'the ones before this message'],
      ['--after <id>', 'the ones after this message'],
    ],
    run: async (context, [room], flags) => (await import('./commands/messages.ts')).history(context, given(room), flags),
  },
  {
    usage: 'search <query...>',
    description: 'print the newest messages that hold all these words, oldest first, of all rooms or one',
    example: 'p2pnode search from:bob \'"the build"\' --room dev',
    own: [
      ['--room <room>', 'in this room only'],
      ['--limit <n>', 'how many (default: 50, at most 1000)'],
    ],
    run: async (context, words, flags) => (await import('./commands/messages.ts')).search(context, words.map(given), flags),
  },
  {
    usage: 'tail <room>',
    description: 'print the messages of a room as they come',
    example: 'p2pnode tail dev --json',
    own: [['--limit <n>', 'how many of the past first (default: 10)']],
    run: async (context, [room], flags) => (await import('./commands/messages.ts')).tail(context, given(room), flags),
  },
  {
    usage: 'digest <room>',
    description: 'print a hash over all messages: equal for members who have the same',
    example: 'p2pnode digest dev',
    run: async (context, [room]) => (await import('./commands/messages.ts')).digest(context, given(room)),
  },
  {
    usage: 'demo',
    description: 'show in twenty seconds what this does: peers talk, the network breaks and heals, all have the same',
    example: 'p2pnode demo',
    own: [
      ['--peers <n>', 'how many: 2 or 3 (default: 2)'],
      ['--fast', 'without pauses for reading'],
    ],
    endsItself: true,
    run: async (context, _args, flags) => (await import('./commands/demo.ts')).demo(context, flags),
  },
  {
    usage: 'status',
    description: 'show the running peer',
    example: 'p2pnode status',
    run: async (context) => (await import('./commands/network.ts')).status(context),
  },
  {
    usage: 'peers',
    description: 'list the peers it is connected to',
    example: 'p2pnode peers',
    run: async (context) => (await import('./commands/network.ts')).peers(context),
  },
  {
    usage: 'connect <multiaddr>',
    description: 'connect to a peer',
    example: 'p2pnode connect /ip4/192.168.1.5/tcp/4747/p2p/12D3KooW…',
    run: async (context, [address]) => (await import('./commands/network.ts')).connect(context, given(address)),
  },
  {
    usage: 'doctor',
    description: 'say why this peer is not connected, layer by layer, and what to do',
    example: 'p2pnode doctor',
    run: async (context) => (await import('./commands/network.ts')).doctor(context),
  },
  {
    usage: 'id',
    description: 'show who you are',
    example: 'p2pnode id',
    own: [['--phrase', 'print the 24 words from which your account can be made again; no peer may be running']],
    run: async (context, _args, flags) => (await import('./commands/people.ts')).id(context, flags),
  },
  {
    usage: 'whois <who>',
    description: 'show a person, by name, fingerprint or account',
    example: 'p2pnode whois bob',
    run: async (context, [who]) => (await import('./commands/people.ts')).whois(context, given(who)),
  },
  {
    usage: 'verify <who|room>',
    description: "check a room's signatures, or print the safety number of a person",
    example: 'p2pnode verify bob',
    run: async (context, [who]) => (await import('./commands/people.ts')).verify(context, given(who)),
  },
  {
    usage: 'block <who>',
    description: 'see nothing more of a person',
    example: 'p2pnode block mallory',
    run: async (context, [who]) => (await import('./commands/people.ts')).block(context, given(who)),
  },
  {
    usage: 'unblock <who>',
    description: 'the opposite',
    example: 'p2pnode unblock mallory',
    run: async (context, [who]) => (await import('./commands/people.ts')).unblock(context, given(who)),
  },
  {
    usage: 'profile [words...]',
    description: 'show your profile; with set key=value…, change its name or bio',
    example: "p2pnode profile set name=Alice bio='plays the oboe'",
    begins: ['set'],
    run: async (context, args) => (await import('./commands/people.ts')).profile(context, args.map(given)),
  },
  {
    usage: 'repair',
    description: 'keep what is whole of a damaged store; others bring back the rest',
    example: 'p2pnode repair',
    run: async (context) => (await import('./commands/repair.ts')).repair(context),
  },
  {
    usage: 'passphrase',
    description: "set, change or remove the store's passphrase",
    example: 'p2pnode passphrase',
    own: [
      ['--new-passphrase-file <file>', 'its first line is the new one'],
      ['--remove', 'have none from now on'],
    ],
    run: async (context, _args, flags) => (await import('./commands/passphrase.ts')).passphrase(context, flags),
  },
  {
    usage: 'completion <shell>',
    description: 'print what makes bash, zsh or fish complete commands, rooms and people',
    example: [
      "echo 'source <(p2pnode completion bash)' >> ~/.bashrc",
      "echo 'source <(p2pnode completion zsh)' >> ~/.zshrc      # below compinit",
      'p2pnode completion fish > ~/.config/fish/completions/p2pnode.fish',
    ].join('\n'),
    run: async (context, [shell]) => (await import('./commands/completion.ts')).completion(context, given(shell)),
  },
]

const help = { usage: 'help [command]', description: 'print the help of a command' }

/** Runs what the words ask for. Errors: `UsageError`, and whatever the command throws. */
export async function runProgram(words: string[], io: Io, interruption: AbortController): Promise<void> {
  if (words[0] === COMPLETE) {
    const line = { commands: [...commands, help], globals: globalOptions }
    return await (await import('./commands/completion.ts')).complete(words.slice(1), line, io)
  }
  const program = new Command('p2pnode')
    .description('Decentralized, end-to-end-encrypted chat: no account, no server. Begin with: p2pnode start')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand(help.usage, help.description)
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showSuggestionAfterError(true)
    .addHelpText('after', '\nExample:\n  $ npx p2pnode start\n')
  for (const spec of globalOptions) program.addOption(optionOf(spec))
  for (const spec of commands) addCommand(program, spec, io, interruption)
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ outputError: () => undefined, writeErr: () => undefined })
  }
  if (words.length === 0) throw new UsageError(NO_COMMAND)
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    throw error instanceof CommanderError ? translated(error) : error
  }
}

/** Commander's complaints are of one line here, and help or version are no complaint. */
function translated(error: CommanderError): Error {
  if (error.exitCode === 0) return new ExitError(EXIT.OK)
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim()
  return new UsageError(error.code === 'commander.help' ? NO_COMMAND : message)
}

function optionOf({ name, kind, value, description }: OptionSpec): Option {
  const option = new Option(`--${name}${value === undefined ? '' : ` ${value}`}`, description)
  return kind === 'list' ? option.argParser((one: string, before?: string[]) => [...(before ?? []), one]) : option
}

function addCommand(program: Command, spec: CommandSpec, io: Io, interruption: AbortController): void {
  const [name = '', ...args] = spec.usage.split(' ')
  const command = program.command(name).description(spec.description).helpOption('-h, --help', 'print this')
  for (const arg of args) command.addArgument(new Argument(arg))
  for (const option of spec.options ?? []) command.addOption(optionOf(option))
  for (const [flags, description] of spec.own ?? []) command.option(flags, description)
  command.addHelpText('after', `\n${examples(spec.example)}\n`)
  command.action(async (...parts: unknown[]) => {
    const values = parts.slice(0, args.length).flat() as (string | undefined)[]
    const context = makeContext(command, io, interruption)
    const work = spec.run(context, values, command.opts())
    await (spec.endsItself === true ? work : Promise.race([work, interrupted(interruption.signal)]))
  })
}

const examples = (lines: string): string =>
  `${lines.includes('\n') ? 'Examples' : 'Example'}:\n${lines.replaceAll(/^/gm, '  $ ')}`

function makeContext(command: Command, io: Io, interruption: AbortController): Context {
  const flags = flagsOf(command)
  const { env } = process
  // config.json lies in the data directory, so that one option is settled before the others.
  const flag = flags['data-dir'] as string | undefined
  if (flag === '') throw new UsageError('--data-dir must not be empty')
  const dataDir = absoluteDataDir(chosenDataDir(flag, env), env)
  if (dataDir.includes('\0')) throw new UsageError('--data-dir must not hold a zero byte')
  const config = dataDirExists(dataDir) ? readConfig(dataDir) : undefined
  const settings = resolveOptions({ flags, env, config })
  io.quiet = settings.quiet === true
  return { io, settings, dataDir, signal: interruption.signal, exit: (reason) => interruption.abort(reason) }
}

/** What was given on the command line, by long name. */
function flagsOf(command: Command): Record<string, unknown> {
  const flags: Record<string, unknown> = {}
  for (const source of [command, ...(command.parent === null ? [] : [command.parent])]) {
    for (const { name } of allOptions) {
      const negated = name.startsWith('no-')
      const key = (negated ? name.slice(3) : name).replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase())
      if (source.getOptionValueSource(key) !== 'cli') continue
      // --dht and --no-dht, as --upnp and --no-upnp, are one option of commander's, whose value tells which was given.
      const value: unknown = source.getOptionValue(key)
      if (negated !== (value === false)) continue
      flags[name] = negated ? true : value
    }
  }
  return flags
}
