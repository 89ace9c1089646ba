/** The data directory: where it is, and what config.json in it says. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { UsageError } from '../view/explain.ts'

const PRIVATE_DIRECTORY = 0o700

/** The default: XDG's place for data, or the platform's own. */
export function defaultDataDir(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const { XDG_DATA_HOME: xdg, LOCALAPPDATA: local } = env
  // The specification says: a path that is not absolute is to be ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'p2pnode')
  if (platform === 'win32') return join(local ?? join(home, 'AppData', 'Local'), 'p2pnode')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'p2pnode')
  return join(home, '.local', 'share', 'p2pnode')
}

/** Whether the directory is there. Errors: `UsageError` if the path is something else. */
export function dataDirExists(dataDir: string): boolean {
  try {
    if (statSync(dataDir).isDirectory()) return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return false
    if (code !== 'ENOTDIR' && code !== 'ENAMETOOLONG' && code !== 'ELOOP') throw error
  }
  throw new UsageError(`--data-dir ${dataDir} is not a directory`)
}

/** Makes the directory if it is not there, for its owner alone. Errors: the system's own. */
export function makeDataDir(dataDir: string): void {
  if (dataDirExists(dataDir)) return
  // Not with `recursive` from the start: where a directory says that what is made in it is not there, Node tries for ever.
  if (!existsSync(dirname(dataDir))) mkdirSync(dirname(dataDir), { recursive: true, mode: PRIVATE_DIRECTORY })
  mkdirSync(dataDir, { mode: PRIVATE_DIRECTORY })
  if (process.platform !== 'win32') chmodSync(dataDir, PRIVATE_DIRECTORY)
}

/** What `<data dir>/config.json` holds; undefined without one. Errors: `UsageError` if it is no JSON. */
export function readConfig(dataDir: string): unknown {
  let text: string
  try {
    text = readFileSync(join(dataDir, 'config.json'), 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new UsageError(`config.json cannot be read (${String(code)})`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError('config.json is not valid JSON')
    throw error
  }
}

/** The first that says something: the flag, `P2PNODE_DATA_DIR`, `P2PNODE_HOME`. */
export function chosenDataDir(flag: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  return [flag, env.P2PNODE_DATA_DIR, env.P2PNODE_HOME].find((dir) => dir !== undefined && dir !== '')
}

export function absoluteDataDir(given: string | undefined, env: NodeJS.ProcessEnv): string {
  return resolve(given ?? defaultDataDir(env))
}
