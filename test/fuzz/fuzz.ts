/**
 * Feeds every decoder with altered inputs: `node --import tsx test/fuzz/fuzz.ts --inputs 100000 --seed 7` gives each that many. The same
 * seed gives the same inputs. Exit code 1 if anything but InvalidEventError came out, or an input took longer than 50 ms.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bytesToHex } from '@noble/hashes/utils.js'
import { seeded } from '../storage/support.ts'
import { invent, mutate } from './mutate.ts'
import { type Target, targets } from './targets.ts'

/** Milliseconds that one input may take. */
const MAX_TIME = 50
/** A time over this many ms is taken again up to five times: what is slow stays slow, a busy machine does not. */
const SUSPECT_TIME = 2
const RETRIES = 5

export interface Fuzzed {
  name: string
  inputs: number
  /** Inputs that were read without an error. */
  accepted: number
  /** Milliseconds of the slowest input. */
  slowest: number
  /** What went wrong, with the input in hex. */
  failures: string[]
}

const shown = (bytes: Uint8Array): string =>
  `${bytesToHex(bytes.subarray(0, 200))}${bytes.length > 200 ? `… (${bytes.length} bytes)` : ''}`

async function attempt(target: Target, bytes: Uint8Array): Promise<{ time: number; error: unknown }> {
  const start = performance.now()
  let error: unknown
  try {
    const result = target.read(bytes)
    if (result instanceof Promise) await result
  } catch (cause) {
    error = cause ?? new Error('threw nothing')
  }
  return { time: performance.now() - start, error }
}

async function fuzzTarget(target: Target, inputs: number, seed: number): Promise<Fuzzed> {
  const random = seeded(seed)
  const outcome: Fuzzed = { name: target.name, inputs, accepted: 0, slowest: 0, failures: [] }
  for (let i = 0; i < inputs; i++) {
    const bytes =
      i < target.samples.length
        ? (target.samples[i] as Uint8Array)
        : random(10) === 0
          ? invent(random)
          : mutate(target.samples, random)
    const first = await attempt(target, bytes)
    const { error } = first
    let { time } = first
    for (let again = 0; time > SUSPECT_TIME && again < RETRIES; again++)
      time = Math.min(time, (await attempt(target, bytes)).time)
    if (error === undefined) outcome.accepted++
    else if (!(error instanceof Error && error.name === 'InvalidEventError'))
      outcome.failures.push(`${String(error)} for ${shown(bytes)}`)
    if (i < target.samples.length && error !== undefined) outcome.failures.push(`a valid input is refused: ${String(error)}`)
    if (time > MAX_TIME) outcome.failures.push(`${time.toFixed(1)} ms for ${shown(bytes)}`)
    outcome.slowest = Math.max(outcome.slowest, time)
  }
  return outcome
}

/** Every decoder, one after the other. */
export async function* fuzz(inputs: number, seed: number): AsyncGenerator<Fuzzed> {
  for (const target of await targets()) yield await fuzzTarget(target, inputs, seed)
}

export const line = ({ name, inputs, accepted, slowest }: Fuzzed): string =>
  `${name.padEnd(22)} ${inputs} inputs, ${accepted} accepted, slowest ${slowest.toFixed(2)} ms`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { inputs: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
  })
  for await (const outcome of fuzz(Number(values.inputs), Number(values.seed))) {
    console.log(line(outcome))
    for (const failure of outcome.failures.slice(0, 10)) console.log(`  ${failure}`)
    if (outcome.failures.length > 0) process.exitCode = 1
  }
}
