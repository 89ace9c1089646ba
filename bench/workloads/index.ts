import type { Workload } from '../workload.ts'
import { eightAll, eightOne, starved, two, twoOneByOne } from './flood.ts'
import { installed } from './install.ts'
import { late10k, late10kOneByOne, late100k } from './late.ts'
import { latencyEight, latencyTwo } from './latency.ts'
import { memoryOfTwo } from './memory.ts'
import { cold, startup } from './start.ts'
import { terminal } from './terminal.ts'

/** In the order of the table. */
export const workloads: readonly Workload[] = [
  two,
  twoOneByOne,
  eightOne,
  eightAll,
  latencyTwo,
  latencyEight,
  late10k,
  late10kOneByOne,
  late100k,
  memoryOfTwo,
  cold,
  startup,
  installed,
  terminal,
  starved,
]
