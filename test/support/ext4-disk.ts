import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const IMAGE_SIZE = '128M'
/** Copies tried until the disk stood still during one. */
const TRIES = 50

const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8' }).trim()

/** Why a disk of one's own cannot be had here; undefined if it can. */
export function whyNoDisk(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting a disk needs root'
  for (const program of ['losetup', 'mkfs.ext4']) {
    const { error } = spawnSync(program, ['--version'])
    if (error !== undefined) return `${program} is not installed`
  }
  const { status, stderr } = spawnSync('losetup', ['--find'], { encoding: 'utf8' })
  return status === 0 ? undefined : `no loop device: ${stderr.trim()}`
}

/** An ext4 file system on a loop device, whose power can be cut: what the kernel had not written by then is gone. */
export class Ext4Disk {
  /** Where it is mounted. */
  readonly path: string
  readonly #dir = mkdtempSync(join(tmpdir(), 'p2pnode-disk-'))
  readonly #image = join(this.#dir, 'image')
  #device = ''

  constructor() {
    this.path = join(this.#dir, 'mounted')
    mkdirSync(this.path)
    run('truncate', '-s', IMAGE_SIZE, this.#image)
    run('mkfs.ext4', '-q', '-F', this.#image)
    this.#mount()
  }

  /**
   * Keeps what is on the device now, as after a power cut. Whoever writes must have been stopped: a copy is taken again if
   * the device was written meanwhile, for then it is a state that the device never had.
   */
  cut(): void {
    for (let turn = 0; turn < TRIES; turn++) {
      const before = this.#written()
      run('cp', '--sparse=always', this.#image, `${this.#image}.cut`)
      if (this.#written() === before) return
    }
    throw new Error('the disk did not stand still')
  }

  /** Mounts what the last cut kept; the journal is replayed. Nothing may use the disk. */
  restore(): void {
    this.#unmount()
    run('mv', `${this.#image}.cut`, this.#image)
    this.#mount()
  }

  /** Idempotent. */
  destroy(): void {
    this.#unmount()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #mount(): void {
    this.#device = run('losetup', '--find', '--show', this.#image)
    run('mount', this.#device, this.path)
  }

  #unmount(): void {
    if (this.#device === '') return
    spawnSync('umount', [this.path])
    run('losetup', '--detach', this.#device)
    this.#device = ''
  }

  /** Sectors written and requests in flight since the device was set up. */
  #written(): string {
    const fields = readFileSync(`/sys/block/${this.#device.slice('/dev/'.length)}/stat`, 'utf8')
      .trim()
      .split(/\s+/)
    return `${fields[6]} ${fields[8]}`
  }
}
