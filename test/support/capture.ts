import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { waitFor } from './wait-for.ts'

/** Why traffic cannot be captured here; undefined if it can. */
export function whyNoCapture(): string | undefined {
  if (process.getuid?.() !== 0) return 'a capture needs root'
  return existsSync('/usr/bin/tcpdump') ? undefined : 'tcpdump is not installed'
}

/** Of packets that wait to be written, in KiB. */
const KERNEL_BUFFER = 65_536

/** Everything that comes from an address of the loopback interface, or goes there, in a file. */
export class Capture {
  readonly #file: string
  readonly #host: string
  readonly #child: ChildProcess
  #told = ''

  private constructor(file: string, host: string) {
    this.#file = file
    this.#host = host
    const options = ['-i', 'lo', '--immediate-mode', '-U', '-B', `${KERNEL_BUFFER}`, '-s', '0', '-w', file, 'host', host]
    this.#child = spawn('tcpdump', options, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#told += text
    })
  }

  /** Resolves when it has begun. An address of its own, in 127.0.0.0/8, keeps the traffic of others out. */
  static async start(file: string, host: string): Promise<Capture> {
    const capture = new Capture(file, host)
    await waitFor(() => capture.#told.includes('listening on'), 'the capture to begin')
    return capture
  }

  /** Resolves when everything sent before is in the file. @throws Error when the kernel dropped some of it */
  async stop(): Promise<void> {
    await this.#drained()
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGINT')
    await closed
    const dropped = /(\d+) packets? dropped by kernel/.exec(this.#told)?.[1]
    if (dropped !== '0') throw new Error(`the capture has holes: ${this.#told}`)
  }

  /** Where a test failed. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Until the capture holds a datagram sent now: packets are written in order, and a capture ended early loses its last second. */
  async #drained(): Promise<void> {
    const marker = Buffer.from('the end of the capture')
    const socket = createSocket('udp4').unref()
    await waitFor(() => {
      socket.send(marker, 9, this.#host)
      return readFileSync(this.#file).includes(marker)
    }, 'the capture to hold what was sent')
    socket.close()
  }
}
