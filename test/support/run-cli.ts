/** The command line as a process: made from the sources as they are now, or the file that P2PNODE_COMMAND names. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { bundled } from './bundle.ts'

let made: Promise<string> | undefined

/** The file to run with node: made once a test file, as there are many processes. */
function command(): Promise<string> {
  made ??= process.env.P2PNODE_COMMAND === undefined ? bundled('src/cli/main.ts') : Promise.resolve(process.env.P2PNODE_COMMAND)
  return made
}

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
}

export interface CliOptions {
  env?: Record<string, string>
  /** Written to stdin, which then ends. @default '' */
  input?: string
}

/** What of the environment a test does not want to depend on. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(P2PNODE_|XDG_|NO_COLOR|FORCE_COLOR|NODE_OPTIONS)/.test(name)),
  )
}

export async function spawnCli(args: string[], env: Record<string, string> = {}): Promise<ChildProcessWithoutNullStreams> {
  return spawn(process.execPath, [await command(), ...args], { env: { ...cleanEnvironment(), ...env } })
}

/** Resolves when the process has ended. */
export function endOf(child: ChildProcessWithoutNullStreams): Promise<CliResult> {
  const result: CliResult = { code: null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    result.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    result.stderr += text
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ ...result, code })))
}

export async function runCli(args: string[], { env, input = '' }: CliOptions = {}): Promise<CliResult> {
  const child = await spawnCli(args, env)
  // A program that refuses its arguments need not read.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return await endOf(child)
}
