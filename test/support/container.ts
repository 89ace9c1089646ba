/** A process as a container runtime starts it: a file tree of its own that cannot be written, a user without rights, process 1. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Image } from './dockerfile.ts'
import type { Namespace } from './namespaces.ts'
import { waitFor } from './wait-for.ts'

/** Of this machine, in place of the base image's. */
const BASE = ['bin', 'sbin', 'lib', 'lib64']
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const DEADLINE = 60_000

/** Why there can be none here; undefined if there can. */
export function whyNoContainers(): string | undefined {
  const missing = ['unshare', 'nsenter', 'setpriv', 'chroot', 'ps'].find(
    (name) => spawnSync(name, ['--version']).error !== undefined,
  )
  return missing === undefined ? undefined : `containers need ${missing}`
}

export interface ContainerInit {
  image: Image
  /** Whose network it has. */
  space: Namespace
  env?: Record<string, string>
  /** What follows the entrypoint. */
  args?: string[]
}

export class Container {
  stderr = ''
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess
  readonly #init: ContainerInit
  readonly #dir: string

  constructor(init: ContainerInit) {
    this.#init = init
    this.#dir = mkdtempSync(join(tmpdir(), 'p2pnode-container-'))
    chmodSync(this.#dir, 0o755)
    const script = join(this.#dir, 'start')
    writeFileSync(
      script,
      [...this.#mounts(), `exec chroot ${init.image.root} ${this.#words(init.image.entrypoint, init.args)}`].join('\n'),
    )
    const command = ['unshare', '--mount', '--pid', '--fork', '--propagation', 'private', 'sh', '-e', script]
    const [program = '', ...rest] = init.space.inside(command)
    this.#child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'pipe'] })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.ended = once(this.#child, 'exit').then(([code]) => code as number | null)
  }

  async see(text: RegExp): Promise<RegExpExecArray> {
    return await waitFor(
      () => {
        if (this.#child.exitCode !== null) throw new Error(`it ended with ${this.#child.exitCode}: ${this.stderr}`)
        return text.exec(this.stderr)
      },
      `${text} of the container`,
      DEADLINE,
    )
  }

  /** A further process in it. */
  run(words: string[]): { code: number | null; stdout: string; stderr: string } {
    const command = ['-t', String(this.pid), '-m', '-p', '-n', '-r', 'sh', '-c', `exec ${this.#words(words)}`]
    const { status, stdout, stderr } = spawnSync('nsenter', command, { encoding: 'utf8' })
    return { code: status, stdout, stderr }
  }

  /** Of its process 1, as it is seen from outside. */
  get pid(): number {
    return Number(execFileSync('ps', ['-o', 'pid=', '--ppid', String(this.#child.pid)], { encoding: 'utf8' }).trim())
  }

  async remove(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      // What has changed its user does not end with whoever started it.
      process.kill(this.pid, 'SIGKILL')
      await this.ended
    }
    rmSync(this.#dir, { recursive: true, force: true })
  }

  /** The base's programs and libraries, processes, two devices, a new volume for each; and nothing of all that can be written but these. */
  #mounts(): string[] {
    const { root, volumes } = this.#init.image
    const lines = [`mount --bind ${root} ${root}`]
    for (const name of BASE.filter((each) => existsSync(`/usr/${each}`))) {
      mkdirSync(join(root, 'usr', name), { recursive: true })
      if (!existsSync(join(root, name))) symlinkSync(`usr/${name}`, join(root, name))
      lines.push(`mount --bind /usr/${name} ${root}/usr/${name}`)
    }
    for (const name of ['proc', 'dev', 'tmp']) mkdirSync(join(root, name), { recursive: true })
    lines.push(`mount -t proc proc ${root}/proc`)
    for (const device of ['null', 'urandom']) {
      writeFileSync(join(root, 'dev', device), '')
      lines.push(`mount --bind /dev/${device} ${root}/dev/${device}`)
    }
    for (const [index, path] of volumes.entries()) {
      const volume = join(this.#dir, `volume${index}`)
      const { uid, gid, mode } = statSync(join(root, path))
      mkdirSync(volume)
      chownSync(volume, uid, gid)
      chmodSync(volume, mode & 0o777)
      lines.push(`mount --bind ${volume} ${root}${path}`)
    }
    return [...lines, `mount -o remount,bind,ro ${root}`]
  }

  #words(words: string[], more: string[] = []): string {
    const { user, env } = this.#init.image
    const [uid = '', gid = ''] = user.split(':')
    const rights = ['--reuid', uid, '--regid', gid, '--clear-groups', '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all']
    const variables = Object.entries({ PATH, ...env, ...this.#init.env }).map(([name, value]) => `${name}=${value}`)
    return ['setpriv', ...rights, 'env', '-i', ...variables, ...words, ...more]
      .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
      .join(' ')
  }
}
